"""What a snapshot is a snapshot of, so that mirroring removes nothing that the backup was told not to look at.

Outside of the sources, excluded by them, on another file system where they stop at its border, below a folder that could not be read
then, a repository or our own memory, a socket: all of this is not in a snapshot, and is no reason to remove it.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Sequence

from msgspec import Struct, field
from pydantic import ValidationError

from reconciler.app.errors import MirrorUnsafe
from reconciler.model.declared.system import Source
from reconciler.model.snapshot import Grade
from reconciler.repository import Root
from reconciler.sources.files import relative_to
from reconciler.sources.reading import places
from reconciler.sources.sqlite import SIDECARS
from reconciler.tree.entry import INO, MODE, DefectKind
from reconciler.tree.excludes import Excludes
from reconciler.tree.standing import Seen, Standing

_FORMAT, _FOLDER, _SOCKET = 0o170000, stat.S_IFDIR, stat.S_IFSOCK


class _Root(Struct, frozen=True):
    path: bytes
    excludes: Excludes
    device: int | None
    """Entries on other devices are not the snapshot's; None: any device."""


class Scope(Struct):
    """Answers for one snapshot and one place. ``skip``: (st_dev, st_ino) of what no backup reads."""

    roots: tuple[_Root, ...]
    databases: frozenset[bytes]
    """Paths of frozen databases: beside them stands what SQLite would read together with them."""
    skip: frozenset[tuple[int, int]]
    unread: tuple[str, ...] = ()
    """`path: message` of what could not be read when the snapshot was taken."""
    _unread_below: dict[bytes, bool] = field(default_factory=dict)

    def is_extra(self, path: bytes, seen: Seen) -> bool:
        """Whether mirroring removes this entry, which the snapshot does not hold."""
        if self.is_log(path):
            return True
        mode = seen.row[MODE] & _FORMAT
        if mode == _SOCKET or (seen.device, seen.row[INO]) in self.skip or self._is_unread(path):
            return False
        return any(self._belongs(root, path, seen, is_folder=mode == _FOLDER) for root in self.roots)

    def is_log(self, path: bytes) -> bool:
        """Whether this is what SQLite keeps beside a database of the snapshot: with another content of it, it is poison."""
        return any(path.endswith(end) and path[: -len(end)] in self.databases for end in SIDECARS)

    @staticmethod
    def _belongs(root: _Root, path: bytes, seen: Seen, *, is_folder: bool) -> bool:
        relative = relative_to(path, root.path)
        if relative is None or path == root.path or (root.device is not None and seen.device != root.device):
            return False
        return not root.excludes.covers(relative, is_folder=is_folder)

    def _is_unread(self, path: bytes) -> bool:
        if not self.unread:
            return False
        folder = path.rpartition(b"/")[0]
        if folder not in self._unread_below:
            shown = f"{folder.decode('utf-8', 'backslashreplace')}: "  # as a root writes it
            here = any(text.startswith(shown) for text in self.unread)
            self._unread_below[folder] = here or (bool(folder) and self._is_unread(folder))
        return self._unread_below[folder]


def scope_of(root: Root, standing: Standing, skip: frozenset[tuple[int, int]], *, mirror: bool) -> Scope:
    """From what the snapshot says about itself. ``mirror``: MirrorUnsafe when it does not say enough to remove anything."""
    sources = _sources(root)
    if mirror:
        _check(root, sources)
    roots = []
    for source in sources or ():
        if source.place is not None:
            path = os.fsencode(source.place).strip(b"/")
            seen = standing.at(path) if path else None
            roots.append(_Root(path, Excludes(source.exclude), seen.device if source.one_file_system and seen is not None else None))
    databases = frozenset(os.fsencode(source.sqlite).strip(b"/") for source in sources or () if source.sqlite is not None)
    kinds = (f"{DefectKind.UNREADABLE.value} ", f"{DefectKind.CHANGED.value} ")
    unread = tuple(text.partition(" ")[2] for text in root.defects if text.startswith(kinds))
    return Scope(tuple(roots), databases, skip, unread)


def _sources(root: Root) -> tuple[Source, ...] | None:
    """The sources as they were declared; None when the snapshot does not say."""
    try:
        declared = json.loads(bytes(root.specs)).get("sources")
        sources = tuple(Source.model_validate(each) for each in declared)
    except (ValueError, TypeError, AttributeError, ValidationError):
        return None
    return sources if places(sources, root.system) == root.paths else None


def _check(root: Root, sources: Sequence[Source] | None) -> None:
    if root.grade not in {Grade.COMPLETE, Grade.SAFETY}:
        raise MirrorUnsafe(f"snapshot {root.id[:8]} is {root.grade}: what it lacks may only not have been readable then")
    if sources is None:
        raise MirrorUnsafe(f"snapshot {root.id[:8]} does not say what its sources excluded")
    if root.defect_count > len(root.defects):
        raise MirrorUnsafe(f"snapshot {root.id[:8]} has more defects than it names")
