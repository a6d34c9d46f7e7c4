"""How much a backup is expected to take, and whether there is room for it: a full disk stops everything else that lives on it, too.

Looking at each file of a first backup takes as long as a twentieth of the backup itself. It is done when somebody watches the progress, or
when the file systems of the sources hold more than the repository has free.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from statistics import median

from msgspec import Struct

from reconciler.act.context import Context
from reconciler.act.errors import NoRoom
from reconciler.act.facts import passed_over
from reconciler.base.units import format_size
from reconciler.model.desired import DesiredSystem
from reconciler.model.plan import Action
from reconciler.repository import Root
from reconciler.sources.files import scan_roots
from reconciler.tree.entry import MODE, SIZE
from reconciler.tree.scan import Scan

FIRST_SHARE = 0.5  # of the source's bytes: text and code take less, what takes more ends in repository-no-space with nothing lost


class Expectation(Struct, frozen=True):
    """What is known before the work."""

    bytes: float
    """To be stored, at most about."""
    files: int | None
    """In the whole source."""


def expect(system: DesiredSystem, context: Context, good: Sequence[Root], free: int | None) -> Expectation:
    """``good``: the snapshots to build on, newest first. ``free``: bytes where the repository is; None: nobody can say."""
    if good:
        return Expectation(usual_bytes(good), good[0].files)
    watched = context.progress is not None and getattr(context.progress, "wants_total", True)
    if watched or (free is not None and free < _held_by_file_systems(system) * FIRST_SHARE):
        return _size_of_source(system, context)
    return Expectation(0, None)


def enough_room(action: Action, free: int | None, expected: Expectation) -> None:
    """Refuse before the work what can be foreseen."""
    if free is not None and free < expected.bytes:
        raise NoRoom(
            f"repository {action.repository} has {format_size(free)} free, "
            f"this {action.kind} of system {action.system} needs about {format_size(expected.bytes)}"
        )


def usual_bytes(good: Sequence[Root]) -> float:
    """What a backup on top of another one usually adds: the median of the last five. One big day must not refuse all days after it."""
    added = [root.added_bytes for root in good if root.parent is not None][:5]
    return median(added) if added else 0


def _held_by_file_systems(system: DesiredSystem) -> float:
    """Bytes in use on the file systems of the sources: no source holds more, except through what is mounted inside it;
    what a command prints nobody knows before."""
    if not hasattr(os, "statvfs"):
        return float("inf")
    used = {os.stat(place).st_dev: os.statvfs(place) for source in system.sources if (place := source.place) is not None}
    return sum((info.f_blocks - info.f_bfree) * info.f_frsize for info in used.values())


def _size_of_source(system: DesiredSystem, context: Context) -> Expectation:
    files = content = 0
    for listing in Scan(scan_roots(system.sources), skip=passed_over(context, system)):
        context.beat()
        for row in listing.rows:
            if stat.S_ISREG(row[MODE]):
                files += 1
                content += row[SIZE]
    return Expectation(content * FIRST_SHARE, files)
