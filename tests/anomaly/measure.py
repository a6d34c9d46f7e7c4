"""How many attacks are found and how often there is a false alarm: ``python -m tests.anomaly.measure FOLDER [HISTORIES [FIRST]]``.

FOLDER is what :mod:`tests.anomaly.fetch` filled. Everything else is drawn from numbered random sources, from FIRST on: equal input, equal
table. The thresholds were chosen by looking at those below 500,000; those from there on are for the table, and what is found of them is
kept in ``measured.json``, which the documents are held against.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from msgspec import Struct, field

from reconciler.decide.anomaly import LEARNING, judge
from reconciler.model.snapshot import BackupKind, Grade, Snapshot
from tests.anomaly.attacks import ATTACKS, BEYOND, EVASIVE, Attack
from tests.anomaly.benign import LIVES, OF_RANDOM_NUMBERS
from tests.anomaly.measured import MEASURED, Measured, Share
from tests.anomaly.sources import Sources, load
from tests.anomaly.trees import Tree, sizes, some, turnover

KINDS: Mapping[str, Attack] = {**ATTACKS, **EVASIVE, **BEYOND}
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


def benign(name: str, seed: int, sources: Sources) -> list[tuple[str, ...]]:
    """What was out of line in each snapshot of one ordinary life."""
    recorder, rng = Recorder(), random.Random(f"{name} {seed}")
    found = []
    for tree in LIVES[name](rng, sources):
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


def attacked(life: str, attack: Attack, course: Course, seed: int, sources: Sources) -> tuple[str, ...] | None:
    """The first signals after the attack began; empty: it was not found; None: there was a false alarm before, or nothing to attack."""
    rng = random.Random(f"{life} {course.name} {seed}")
    share = rng.uniform(0.2, 1.0) if course.steps == 1 else rng.uniform(0.2, 0.5)
    recorder, ours = Recorder(), Tree()
    for tree in islice(LIVES[life](rng, sources), _ORDINARY):
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


def measure(
    sources: Sources | None, histories: int, attacks: Iterable[str], attacked_lives: int, *, first: int = 0, workers: int = 1
) -> tuple[Measured, Counter[str]]:
    """``histories`` ordinary lives in turn, and so many that each of ``attacks`` meets; drawn from the random sources from ``first`` on.

    ``sources`` None: only lives that need none. Also: what was out of line where, and what was missed where.
    """
    lives = sorted(LIVES if sources is not None else OF_RANDOM_NUMBERS)
    drawn = sources if sources is not None else Sources()
    work = [
        (lives[number % len(lives)], number, tuple(attacks) if number - first < attacked_lives else ())
        for number in range(first, first + max(histories, attacked_lives))
    ]
    found, why = Measured(), Counter[str]()
    _DRAWN[:] = [drawn]
    if workers == 1:
        results = [_lived(each) for each in work]
    else:
        with get_context("fork").Pool(workers) as pool:
            results = pool.map(_lived, work, chunksize=4)
    for share, reasons in results:
        found.add(share)
        why += reasons
    return found, why


_DRAWN: list[Sources] = []
"""The sources of what is measured, for processes that are forked: they are too large to be sent."""


def _lived(work: tuple[str, int, tuple[str, ...]]) -> tuple[Measured, Counter[str]]:
    """One life left in peace, and the same with each attack."""
    life, number, attacks = work
    found, why = Measured(), Counter[str]()
    seen = benign(life, number, _DRAWN[0])
    found.lives[life] = Share(1, int(any(seen)), len(seen), sum(map(bool, seen)))
    why.update(f"{life}: {name}" for signals in seen for name in signals)
    for name in attacks:
        for course in (AT_ONCE, SLOW):
            signals = attacked(life, KINDS[name], course, number, _DRAWN[0])
            if signals is not None:
                found.note(name, course.name, found=bool(signals))
                if not signals:
                    why[f"missed in {life}: {name}, {course.name}"] += 1
    return found, why


def main() -> None:
    histories = int(sys.argv[2]) if len(sys.argv) > 2 else 60 * len(LIVES)
    first = int(sys.argv[3]) if len(sys.argv) > 3 else 500_000
    found, why = measure(load(Path(sys.argv[1])), histories, KINDS, histories // 20, first=first, workers=2)
    print(found.printed())
    for reason, count in why.most_common():
        print(count, reason, file=sys.stderr)
    if len(sys.argv) == 2:
        MEASURED.write_bytes(found.encoded())


if __name__ == "__main__":
    main()
