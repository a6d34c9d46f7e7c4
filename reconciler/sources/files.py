"""What of the sources of a system is to be scanned, and how grave are the defects that a scan met.

Reading the tree itself is the work of :mod:`reconciler.tree.scan`; whether the sources are there at all, of :mod:`reconciler.sources.look`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from reconciler.model.declared.system import Source, Tolerate
from reconciler.model.snapshot import Grade
from reconciler.tree.entry import Defect, DefectKind, path_of
from reconciler.tree.excludes import Excludes
from reconciler.tree.scan import ScanRoot


def scan_roots(sources: Sequence[Source]) -> list[ScanRoot]:
    """The roots of a scan; the paths of ``sources`` are absolute. A command has none."""
    return [
        ScanRoot(
            source.place,
            Excludes(source.exclude),
            source.one_file_system,
            source.exclude_caches,
            frozenset(os.fsencode(name) for name in source.exclude_if_present),
            source.exclude_larger_than,
        )
        for source in sources
        if source.place is not None
    ]


def judge_defects(defects: Sequence[Defect], sources: Sequence[Source]) -> tuple[Grade, tuple[Defect, ...], tuple[Defect, ...]]:
    """The grade of the snapshot, the defects that ``tolerate`` covers, and those that make it partial. Notes are in neither.

    A pattern covers what lies below a folder that it matches. What kind of thing could not be read is unknown, so one that
    ends in "/" covers a file of that name, too.
    """
    allowances = [_Allowance(source.path, source.tolerate) for source in sources if source.path is not None]
    tolerated: list[Defect] = []
    counted: list[Defect] = []
    for defect in defects:
        if not defect.kind.is_note:
            covered = any(allowance.covers(defect) for allowance in allowances)
            (tolerated if covered else counted).append(defect)
    return (Grade.PARTIAL if counted else Grade.COMPLETE), tuple(tolerated), tuple(counted)


class _Allowance:
    """What one source tolerates."""

    def __init__(self, path: str, tolerate: Tolerate | None) -> None:
        self._path = path_of(path)
        self._patterns = {
            DefectKind.CHANGED: Excludes(tolerate.changing if tolerate else ()),
            DefectKind.UNREADABLE: Excludes(tolerate.unreadable if tolerate else ()),
        }

    def covers(self, defect: Defect) -> bool:
        relative = relative_to(defect.path, self._path)
        return relative is not None and self._patterns[defect.kind].covers(relative, is_folder=True)


def relative_to(path: bytes, root: bytes) -> bytes | None:
    """``path`` counted from a source, as its patterns see it; None when it lies elsewhere. A source that is a file is known by its name."""
    if path == root:
        return root.rpartition(b"/")[2]
    if not root:
        return path
    return path[len(root) + 1 :] if path.startswith(root + b"/") else None
