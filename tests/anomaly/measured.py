"""What a whole measurement found, kept beside the tests, and the tables that documents show of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct, field

from tests.anomaly.attacks import ATTACKS, BEYOND, EVASIVE

MEASURED = Path(__file__).parent / "measured.json"
COURSES = ("at once", "slowly")


class Share(Struct):
    """Of one ordinary life."""

    histories: int = 0
    alarms: int = 0
    """Histories with any."""
    snapshots: int = 0
    alarmed: int = 0


class Measured(Struct):
    lives: dict[str, Share] = field(default_factory=dict)
    attacks: dict[str, dict[str, tuple[int, int]]] = field(default_factory=dict)
    """By kind and course: found, of so many."""

    def note(self, attack: str, course: str, *, found: bool) -> None:
        seen, count = self.attacks.setdefault(attack, {}).get(course, (0, 0))
        self.attacks[attack][course] = (seen + found, count + 1)

    def add(self, other: Measured) -> None:
        for life, share in other.lives.items():
            ours = self.lives.setdefault(life, Share())
            ours.histories += share.histories
            ours.alarms += share.alarms
            ours.snapshots += share.snapshots
            ours.alarmed += share.alarmed
        for attack, courses in other.attacks.items():
            for course, (found, count) in courses.items():
                seen, before = self.attacks.setdefault(attack, {}).get(course, (0, 0))
                self.attacks[attack][course] = (seen + found, before + count)

    def counted(self, kinds: Iterable[str], courses: Iterable[str] = COURSES) -> tuple[int, int]:
        """Found, of so many."""
        cells = [self.attacks.get(kind, {}).get(course, (0, 0)) for kind in kinds for course in courses]
        return sum(found for found, _ in cells), sum(count for _, count in cells)

    def share_found(self, kinds: Iterable[str], courses: Iterable[str] = COURSES) -> float:
        found, count = self.counted(kinds, courses)
        return found / count

    @property
    def false_alarms(self) -> float:
        """Share of ordinary histories with any."""
        return sum(each.alarms for each in self.lives.values()) / sum(each.histories for each in self.lives.values())

    def encoded(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self, order="sorted"), indent=1) + b"\n"

    def printed(self) -> str:
        return f"{self.of_lives()}\n\n{self.of_attacks()}\n\n{self.of_hidden()}"

    def of_lives(self) -> str:
        lines = ["| ordinary life | histories | with a false alarm | snapshots | called suspect |", "|---|---|---|---|---|"]
        for life, each in sorted(self.lives.items()):
            lines.append(f"| {life} | {each.histories} | {each.alarms} | {each.snapshots:,} | {each.alarmed} |")
        histories, alarms, snapshots, alarmed = (
            sum(column) for column in zip(*map(msgspec.structs.astuple, self.lives.values()), strict=True)
        )
        return "\n".join([*lines, f"| **all** | {histories:,} | {alarms} ({alarms / histories:.1%}) | {snapshots:,} | {alarmed} |"])

    def of_attacks(self) -> str:
        lines = ["| attack on 20 to 100 % of the files | at once: found | slowly: found |", "|---|---|---|"]
        lines += [self._row(kind, kind) for kind in ATTACKS]
        lines.append(self._row("**all of these**", *ATTACKS, share=True))
        lines += [self._row(kind, kind) for kind in EVASIVE]
        lines.append(self._row("**all of these, made to pass for something else**", *EVASIVE, share=True))
        return "\n".join([*lines, self._row("**all**", *ATTACKS, *EVASIVE, share=True)])

    def of_hidden(self) -> str:
        lines = ["| beyond what is looked for | at once: found | slowly: found |", "|---|---|---|"]
        return "\n".join([*lines, *(self._row(kind, kind) for kind in BEYOND)])

    def _row(self, title: str, *kinds: str, share: bool = False) -> str:
        counts = [self.counted(kinds, [course]) for course in COURSES]
        cells = [f"{found:,} of {count:,}" + (f" ({found / count:.1%})" if share and count else "") for found, count in counts]
        return f"| {title} | {' | '.join(cells)} |"


def stored() -> Measured:
    return msgspec.json.decode(MEASURED.read_bytes(), type=Measured)
