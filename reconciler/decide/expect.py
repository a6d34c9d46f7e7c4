"""How long a restore or a whole recovery will take, from how long others took: fixed + files × seconds per file + bytes ÷ rate, × 1.2.

A file costs as much as some content does: creating, syncing and naming it. With that weight, time is proportional to files and bytes
together, and a few measurements are enough. The fixed part is what a drill spends beside the writing: opening the repository, choosing,
and asking whether what came back is of use. Measurements of the system itself come first; without any, those of others out of the same
repository are *borrowed*.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from statistics import median

from msgspec import Struct

from reconciler.decide.scene import Scene
from reconciler.decide.words import counted
from reconciler.model.drill import DrillRecord

FILE_BYTES = 32 * 1024
"""What one file weighs beside its content. An assumption, not yet measured: restores that are of one kind correct it by themselves."""
MARGIN = 1.2
SMALLEST_SECONDS = 0.05
"""A restore that took less says nothing about speed."""
NEWEST = 5
"""So many drills count: the hardware of last year is another one."""


class Measured(Struct, frozen=True):
    """A restore that came to its end."""

    system: str
    files: int
    bytes: int
    seconds: float
    """Of the writing, and of reading back what was written."""
    fixed: float = 0.0
    """Seconds beside that, whatever the size."""


class Expectation(Struct, frozen=True):
    """``seconds`` None: nothing to go by."""

    seconds: timedelta | None
    source: str
    """Where the number comes from, for people."""
    borrowed: bool = False
    """Measured on other systems only."""


def expect(system: str, files: int, size: int, measured: Sequence[Measured], *, noun: str = "restore") -> Expectation:
    """``size``: bytes to be written. ``measured``: of this system, or borrowed from others in the same repository."""
    useful = [each for each in measured if each.seconds + each.fixed >= SMALLEST_SECONDS and (each.files or each.bytes)]
    if not useful:
        return Expectation(None, f"no {noun} was measured yet")
    fixed = median(each.fixed for each in useful)
    spent = sum(each.seconds for each in useful)
    pace = sum(_weight(each.files, each.bytes) for each in useful) / spent if spent else 0.0
    writing = _weight(files, size) / pace if pace else 0.0
    borrowed = any(each.system != system for each in useful)
    of = "other systems in the same repository" if borrowed else "this system"
    found = timedelta(seconds=round((fixed + writing) * MARGIN, 1))
    return Expectation(found, f"from {counted(len(useful), noun)} of {of}", borrowed)


def recovery_time(scene: Scene, system: str, repository: str, files: int, size: int) -> Expectation:
    """What a recovery of so many files and bytes of ``system`` out of ``repository`` takes, from the drills of both.

    Out of another repository than the one that its own drills used, those of others count first: a disk on the shelf is no bucket far away.
    An own drill that was too short to tell a speed counts as long as one that is not: too long a prediction is better than none.
    """
    own = [drill for drill in scene.drills(system) if drill.measured and drill.repository == repository]
    if own:
        return expect(system, files, size, [_measured(drill, system, SMALLEST_SECONDS) for drill in own[:NEWEST]], noun="drill")
    return expect(system, files, size, [_measured(drill, drill.system) for drill in scene.measured(repository)[:NEWEST]], noun="drill")


def _measured(drill: DrillRecord, system: str, least: float = 0.0) -> Measured:
    return Measured(system, drill.files, drill.bytes, max(drill.restore_seconds, least), drill.fixed_seconds)


def _weight(files: int, size: int) -> int:
    return size + files * FILE_BYTES
