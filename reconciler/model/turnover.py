"""The turnover of a snapshot: how much of a system changed since the snapshot before, and how much of that looks ruined."""

from __future__ import annotations

from msgspec import Struct


class Turnover(Struct, frozen=True, gc=False):
    """Regular files are counted. The order of the fields is that of the repository format."""

    compared_files: int
    """Of the snapshot that it was compared with."""
    changed: int = 0
    added: int = 0
    gone: int = 0
    """Without the objects of git that were packed."""
    moved: int = 0
    """Of the added ones: their content was stored before."""
    renamed: int = 0
    """Gone ones in whose folder something with another ending came instead."""
    ruined_changed: int = 0
    """Of the changed ones: the content is not what the name promises: noise, or of another kind."""
    ruined_added: int = 0
    fresh_bytes: int = 0
    """Content that was not stored before."""
    noise_bytes: int = 0
    """Of the fresh ones: noise that neither name nor head explain, such as what is encrypted."""
    canaries: int = 0
    """Files that must never change, and were changed or removed."""
    emptied: int = 0
    """Of the changed ones: nothing is left, or one byte over and over."""
    unnamed: int = 0
    """Of the gone ones: their content came back under a name that has nothing of the old one."""

    @property
    def drained(self) -> int:
        """Files that went, not to come back under another name, while nothing sound came instead. A rotation drains nothing."""
        return max(0, self.gone - self.moved - max(0, self.added - self.moved - self.ruined_added))

    @property
    def replaced(self) -> int:
        """Files that went, not to come back under another name, while ruined ones came."""
        return min(max(0, self.gone - self.moved), self.ruined_added)

    @property
    def lost(self) -> int:
        """Files that went while nothing came instead."""
        return max(0, self.gone - self.added)
