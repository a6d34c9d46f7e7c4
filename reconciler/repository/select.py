"""Which entries of a snapshot are meant: paths with everything below them, or patterns with .gitignore semantics."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.repository.entries import Entry
from reconciler.repository.pattern import literal_of
from reconciler.tree.excludes import Excludes

_SIGNS = frozenset(b"*?[")


def _rooted(pattern: str) -> str:
    """As .gitignore reads it: counted from the root, unless it is about names alone, which is quicker asked of the name."""
    name = pattern.removeprefix("**/")
    return f"/{pattern}" if "/" in name or not name or name[0] in "#!" else name


class Selection:
    """Empty means everything. Ask in walk order: the answer for a folder is kept for what it holds."""

    def __init__(self, paths: Sequence[bytes], *, literal: bool = False) -> None:
        """``literal``: the signs of patterns mean themselves."""
        signs = frozenset[int]() if literal else _SIGNS
        cleaned = [path.strip(b"/") for path in paths]
        self._paths = tuple(path for path in cleaned if not signs & set(path))
        patterns = [path.decode("utf-8", "surrogateescape") for path in cleaned if signs & set(path)]
        self._patterns = Excludes([_rooted(pattern) for pattern in patterns])
        self.everything = not cleaned
        self._needles = _needles(cleaned, literal=literal)
        self._folder: tuple[bytes, bool] = (b"", False)

    @property
    def prefix(self) -> bytes:
        """All selected entries lie below it; b"" when that is the whole snapshot."""
        return self._paths[0] if len(self._paths) == 1 and not self._patterns else b""

    def may_be_in(self, *encoded: bytes) -> bool:
        """Whether an encoded block, or the folder and the rows of a piece, can hold anything selected.

        Names and folders stand in them as they are, so most of a snapshot is ruled out without being decoded.
        """
        return not self._needles or any(needle in part for needle in self._needles for part in encoded)

    def __contains__(self, entry: Entry) -> bool:
        if self.everything or self._has_folder(entry.folder):
            return True
        return self._has(entry.path, is_folder=entry.row[1] & 0o170000 == 0o040000)

    def _has_folder(self, folder: bytes) -> bool:
        if self._folder[0] != folder:
            parts = folder.split(b"/") if folder else []
            inside = any(self._has(b"/".join(parts[:count]), is_folder=True) for count in range(1, len(parts) + 1))
            self._folder = (folder, inside)
        return self._folder[1]

    def _has(self, path: bytes, *, is_folder: bool) -> bool:
        if any(path == wanted or path.startswith(wanted + b"/") for wanted in self._paths):
            return True
        return bool(self._patterns) and self._patterns.match(path, is_folder)


def _needles(paths: Sequence[bytes], *, literal: bool) -> tuple[bytes, ...]:
    """One for each path: bytes of the name that the selected entry has, or the folder above it. Empty where a path gives none.

    Trailing spaces are left out, because a pattern drops them.
    """
    found = [path.rpartition(b"/")[2] if literal else literal_of(path).rstrip(b" ") for path in paths]
    return tuple(found) if all(found) else ()
