"""How long a restore will take, from how long others took.

A file costs as much as some content does: creating, syncing and naming it. With that weight, time is proportional to files and bytes
together, and a few measurements are enough. What comes out is meant for a person who has to decide, not for an objective.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from reconciler.decide.words import counted

FILE_BYTES = 32 * 1024
"""What one file weighs beside its content. An assumption, not yet measured: restores that are of one kind correct it by themselves."""
MARGIN = 1.2
SMALLEST_SECONDS = 0.05
"""A restore that took less says nothing about speed."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A restore that came to its end."""

    system: str
    files: int
    bytes: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Expectation:
    """``seconds`` None: nothing to go by."""

    seconds: timedelta | None
    source: str
    """Where the number comes from, for people."""


def expect(system: str, files: int, size: int, measured: Sequence[Measured]) -> Expectation:
    """``size``: bytes to be written. ``measured``: of this system, or borrowed from others in the same repository."""
    useful = [each for each in measured if each.seconds >= SMALLEST_SECONDS and (each.files or each.bytes)]
    if not useful:
        return Expectation(None, "no restore was measured yet")
    pace = sum(_weight(each.files, each.bytes) for each in useful) / sum(each.seconds for each in useful)
    borrowed = any(each.system != system for each in useful)
    of = "other systems in the same repository" if borrowed else "this system"
    return Expectation(timedelta(seconds=round(_weight(files, size) / pace * MARGIN, 1)), f"from {counted(len(useful), 'restore')} of {of}")


def _weight(files: int, size: int) -> int:
    return size + files * FILE_BYTES
