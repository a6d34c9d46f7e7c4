"""What a hostile snapshot is made of: cases that a table writes down, each with what has to become of it.

Beside the hostile entries each snapshot holds the same three honest files, which must arrive whatever the others claim.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from msgspec import Struct, field

from reconciler.repository.entries import Cold
from tests.fakes.forged import FILE, FOLDER, LINK, Forger, Placed, in_order, row

GOOD = b"good"
HONEST = {b"!first": GOOD, b"home/honest": GOOD, b"~last": GOOD}
"""Names that come before, between and after nearly all others."""


class Case(Struct, frozen=True):
    """One hostile snapshot."""

    about: str
    snapshot: str
    refused: Mapping[bytes, str] = field(default_factory=dict)
    """Path and a word of the reason, which the answer must show."""
    arrives: frozenset[bytes] = frozenset()
    """What comes into the target beside the honest files."""
    may: frozenset[bytes] = frozenset()
    """What may come, depending on the user and the file system."""
    damage: bool = True
    """Whether what is refused counts as damage of the repository."""


class Maker(Struct):
    """Writes cases into one repository. ``beside``: the folder next to the target that must not change."""

    forger: Forger
    beside: Path
    good: Cold
    cases: list[Case] = field(default_factory=list)

    def honest(self) -> list[Placed]:
        made = [(path.rpartition(b"/")[0], row(path.rpartition(b"/")[2], ino=900 + place), self.good) for place, path in enumerate(HONEST)]
        return [*made, folder(b"", b"home")]

    def add(
        self,
        about: str,
        entries: Iterable[Placed],
        refused: Mapping[bytes, str] | None = None,
        *,
        arrives: Iterable[bytes] = (),
        may: Iterable[bytes] = (),
        damage: bool = True,
        order: Callable[[Iterable[Placed]], list[Placed]] = in_order,
    ) -> None:
        """A snapshot of one block: honest and hostile entries together in the order of the tree, or in another ``order``."""
        snapshot = self.forger.snapshot([self.forger.block(order([*self.honest(), *entries]), (b"", b""))])
        self.cases.append(Case(about, snapshot, refused or {}, frozenset(arrives), frozenset(may), damage))

    def file(self, path: bytes, mode: int = FILE, **more: object) -> Placed:
        """A file with the good content. The name is what follows the last slash; see :meth:`named` for names with one."""
        above, _, name = path.rpartition(b"/")
        return above, row(name, mode, **more), self.good  # type: ignore[arg-type]

    def named(self, name: bytes, above: bytes = b"", mode: int = FILE) -> Placed:
        return above, row(name, mode), self.good if mode == FILE else Cold(link=b"anywhere") if mode == LINK else Cold()


def folder(above: bytes, name: bytes, mode: int = FOLDER, **more: object) -> Placed:
    return above, row(name, mode, **more), Cold()  # type: ignore[arg-type]


def link(path: bytes, text: bytes, **more: object) -> Placed:
    above, _, name = path.rpartition(b"/")
    return above, row(name, LINK, **more), Cold(link=text)  # type: ignore[arg-type]
