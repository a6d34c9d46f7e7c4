"""The turnover of a backup: how much it found changed, added and gone against the snapshot before, and how much of it looks ruined.

It stands in the root, so that whoever lists the repository can tell an ordinary night from the one on which everything was encrypted.
What is usual is not decided here.
"""

from __future__ import annotations

import msgspec


class Turnover(msgspec.Struct, array_like=True, frozen=True):
    """As stored. Regular files are counted; fields are only ever added at the end."""

    compared_files: int
    """Of the snapshot that it was compared with."""
    changed: int = 0
    """Of the same path and other content."""
    added: int = 0
    gone: int = 0
    """Without the objects of git that were packed."""
    moved: int = 0
    """Of the added ones: their content was in the repository already."""
    renamed: int = 0
    """Gone ones in whose folder something with another ending came instead."""
    ruined_changed: int = 0
    """Of the changed ones: the content is not what the name promises."""
    ruined_added: int = 0
    fresh_bytes: int = 0
    noise_bytes: int = 0
    """Of the fresh ones: noise that neither name nor head explain."""
    canaries: int = 0
    """Files that must never change, and were changed or removed."""
    emptied: int = 0
    """Of the changed ones: nothing is left, or one byte over and over."""
    unnamed: int = 0
    """Of the gone ones: their content came back under a name that has nothing of the old one."""

    @property
    def counts(self) -> tuple[int, ...]:
        """All of them, in order."""
        counts: tuple[int, ...] = msgspec.structs.astuple(self)
        return counts
