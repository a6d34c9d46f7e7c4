"""Whose a snapshot is. Its root says so for ever; a mark ``adopted`` beside it, written later, says who took it over.

The mark stands in the repository, so no lost catalog forgets it, and every host that reads the repository sees the same owner: there is
one at a time. The newest mark decides. One that cannot be understood decides nothing: the root does.
"""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.repository.marks import MarkRecord
from reconciler.repository.root import Root

ADOPTED = "adopted"
_SIGN = ": "


def owner(root: Root, marks: Iterable[MarkRecord]) -> tuple[str, str]:
    """(realm, system)."""
    adopted = [mark for mark in marks if mark.kind == ADOPTED]
    told = _read(max(adopted, key=lambda mark: mark.at).note) if adopted else None  # hardly any is, and all are asked
    return told if told is not None else (root.realm, root.system)


def adoption_note(realm: str, system: str, reason: str) -> str:
    """What the mark says: two names that hold no space, then why."""
    return f"{realm} {system}{_SIGN}{reason}"


def _read(note: str) -> tuple[str, str] | None:
    words = note.partition(_SIGN)[0].split(" ")
    return (words[0], words[1]) if len(words) == 2 and all(words) else None
