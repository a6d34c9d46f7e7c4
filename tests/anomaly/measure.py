"""How many attacks are found and how often there is a false alarm: ``python -m tests.anomaly.measure WHEELS [HISTORIES [FIRST]]``.

WHEELS is a folder with wheels of successive versions of some packages, for example by
``pip download --no-deps -d WHEELS django==5.0`` and so on. Everything else is drawn from numbered random sources, from
FIRST on: equal input, equal table. The thresholds were chosen by looking at those below 500,000; those from there on are for the table.
"""

from __future__ import annotations

import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from msgspec import Struct, field

from reconciler.decide.anomaly import LEARNING, judge
from reconciler.model.snapshot import BackupKind, Grade, Snapshot
from tests.anomaly.attacks import ATTACKS, EVASIVE, Attack
from tests.anomaly.benign import LIVES, OF_NO_PACKAGE, Releases
from tests.anomaly.trees import Tree, releases, sizes, some, turnover

_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
_ORDINARY = 20
"""Backups before an attack begins."""
_STEPS_MAX = 36
_SMALL = 20
"""Fewer files are no system to measure shares of."""


class Recorder(Struct):
    """The snapshots of one history, as a repository would list them."""

    stored: set[bytes] = field(default_factory=set)
    snapshots: list[Snapshot] = field(default_factory=list)
    """Newest first."""
    _last: Tree | None = None

    def take(self, tree: Tree) -> tuple[str, ...] | None:
        """The names of what is out of line in the snapshot of ``tree``; None: nothing changed, so there is none."""
        before, self._last = self._last, dict(tree)
        if before is None:
            self.stored |= {content.key for content in tree.values()}
            return ()
        if before.keys() == tree.keys() and all(before[path].key == tree[path].key for path in tree):
            return None
        counts = turnover(before, tree, self.stored)
        at = _BEGIN + timedelta(hours=len(self.snapshots))
        size = sizes(tree)
        taken = Snapshot(
            f"{len(self.snapshots):032x}", "main", "r", "s", "h", BackupKind.INCREMENTAL, at, at, at, Grade.COMPLETE, len(tree), size, 0,
            turnover=counts,
        )  # fmt: skip
        signals = judge(taken, self.snapshots)
        self.snapshots.insert(0, taken)
        return tuple(signal.name for signal in signals)


def benign(name: str, seed: int, packages: Releases) -> list[tuple[str, ...]]:
    """What was out of line in each snapshot of one ordinary life."""
    recorder, rng = Recorder(), random.Random(f"{name} {seed}")
    found = []
    for tree in LIVES[name](rng, packages):
        signals = recorder.take(tree)
        if signals is not None:
            found.append(signals)
        if len(found) > _STEPS_MAX:
            break
    return found


class Course(Struct, frozen=True):
    """How an attack goes on: so many snapshots, by which that share of the files is touched."""

    name: str
    steps: int


AT_ONCE, SLOW = Course("at once", 1), Course("slowly", 15)


def attacked(life: str, attack: Attack, course: Course, seed: int, packages: Releases) -> tuple[str, ...] | None:
    """The first signals after the attack began; empty: it was not found; None: there was a false alarm before, or nothing to attack."""
    rng = random.Random(f"{life} {course.name} {seed}")
    share = rng.uniform(0.2, 1.0) if course.steps == 1 else rng.uniform(0.2, 0.5)
    recorder, ours = Recorder(), Tree()
    for tree in islice(LIVES[life](rng, packages), _ORDINARY):
        ours = tree
        if recorder.take(ours):
            return None
    if len(ours) < _SMALL or len(recorder.snapshots) < LEARNING:
        return None
    targets = some(rng, ours, share)
    rng.shuffle(targets)
    size = -(-len(targets) // course.steps)
    for step in range(course.steps):
        attack(rng, ours, [path for path in targets[step * size : (step + 1) * size] if path in ours])
        signals = recorder.take(ours)
        if signals:
            return signals
    return ()


class Table(Struct):
    """Counts by kind."""

    alarms: Counter[str] = field(default_factory=Counter)
    histories: Counter[str] = field(default_factory=Counter)
    snapshots: Counter[str] = field(default_factory=Counter)
    alarmed: Counter[str] = field(default_factory=Counter)
    found: dict[tuple[str, str], list[bool]] = field(default_factory=lambda: defaultdict(list))
    why: Counter[str] = field(default_factory=Counter)

    def share_found(self, attacks: Mapping[str, Attack]) -> float:
        results = [result for (attack, _), each in self.found.items() if attack in attacks for result in each]
        return sum(results) / len(results)

    @property
    def false_alarms(self) -> float:
        """Share of ordinary histories with any."""
        return self.alarms.total() / self.histories.total()


def measure(packages: Releases, histories: int, attacks: int, *, first: int = 0, evasive: bool = True) -> Table:
    """``histories`` ordinary lives, ``attacks`` attacked ones, drawn from the random sources from ``first`` on."""
    table, lives = Table(), sorted(LIVES if packages else OF_NO_PACKAGE)
    for number in range(first, first + histories):
        life = lives[number % len(lives)]
        seen = benign(life, number, packages)
        table.histories[life] += 1
        table.snapshots[life] += len(seen)
        table.alarmed[life] += sum(bool(signals) for signals in seen)
        table.alarms[life] += any(seen)
        table.why.update(f"{life}: {name}" for signals in seen for name in signals)
    kinds = [*ATTACKS.items(), *(EVASIVE.items() if evasive else ())]
    for number, (name, attack, course) in zip(range(first, first + attacks), _endless(kinds), strict=False):
        life = lives[(number - first) // (2 * len(kinds)) % len(lives)]
        signals = attacked(life, attack, course, number, packages)
        if signals is not None:
            table.found[name, course.name].append(bool(signals))
            if not signals:
                table.why[f"missed in {life}: {name}, {course.name}"] += 1
    return table


def _endless(kinds: list[tuple[str, Attack]]) -> Iterator[tuple[str, Attack, Course]]:
    while True:
        for course in (AT_ONCE, SLOW):
            for name, attack in kinds:
                yield name, attack, course


def printed(table: Table) -> str:
    lines = ["| ordinary life | histories | with a false alarm | snapshots | called suspect |", "|---|---|---|---|---|"]
    lines += [
        f"| {life} | {count} | {table.alarms[life]} | {table.snapshots[life]:,} | {table.alarmed[life]} |"
        for life, count in sorted(table.histories.items())
    ]
    total, alarms = table.histories.total(), table.alarms.total()
    lines += [
        f"| **all** | {total} | {alarms} ({table.false_alarms:.1%}) | {table.snapshots.total():,} | {table.alarmed.total()} |",
        "",
        "| attack on 20 to 100 % of the files | at once: found | slowly: found |",
        "|---|---|---|",
    ]
    for attack in [*ATTACKS, *EVASIVE]:
        cells = [table.found.get((attack, course.name), []) for course in (AT_ONCE, SLOW)]
        lines.append(f"| {attack} | " + " | ".join(f"{sum(each)} of {len(each)}" for each in cells) + " |")
    lines.append(f"| **all but the last four** | {table.share_found(ATTACKS):.1%} | |")
    lines.append(f"| **all** | {table.share_found({**ATTACKS, **EVASIVE}):.1%} | |")
    return "\n".join(lines)


def main() -> None:
    packages = releases(Path(sys.argv[1]))
    histories = int(sys.argv[2]) if len(sys.argv) > 2 else 1100
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 500_000
    table = measure(packages, histories, 2 * histories, first=first)
    print(printed(table))
    for why, count in table.why.most_common():
        print(count, why, file=sys.stderr)


if __name__ == "__main__":
    main()
