"""Exit codes: the one place that decides them (docs/command-line.md shows the same table).

A script must be able to tell "changes pending" from "wrong flag" and "held for a person" from "failed", so no two endings share a number.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from reconciler.base.errors import Fate, ReconcilerError


class ExitCode(IntEnum):
    """How a command ended."""

    DONE = 0
    FAILED = 1
    """Something failed, or could not be observed."""
    CHANGES = 2
    """Only with --detailed-exitcode: changes are pending."""
    SPEC = 3
    """The specs are invalid; what could be trusted was still done."""
    BREACHED = 4
    """status --check: an objective is breached or Unknown."""
    BUSY = 5
    """Another process holds the loop, or the claim."""
    REFUSED = 6
    """Refused or held by a guard."""
    PARTIAL = 7
    """Done in part."""
    DAMAGE = 8
    """Damage was found."""
    USAGE = 64
    INTERRUPTED = 130
    TERMINATED = 143


class EndedBySignal(Exception):
    """A command ended with an error because it was asked to stop: the error is told, and the exit code is that of the signal."""

    def __init__(self, error: ReconcilerError, code: ExitCode) -> None:
        super().__init__(str(error))
        self.error = error
        self.code = code


WORST_FIRST = (ExitCode.DAMAGE, ExitCode.FAILED, ExitCode.REFUSED, ExitCode.SPEC, ExitCode.PARTIAL)
_FATES = {
    Fate.FAILED: ExitCode.FAILED,
    Fate.SPEC: ExitCode.SPEC,
    Fate.BUSY: ExitCode.BUSY,
    Fate.REFUSED: ExitCode.REFUSED,
    Fate.DAMAGE: ExitCode.DAMAGE,
    Fate.USAGE: ExitCode.USAGE,
}


def of_fate(fate: Fate) -> ExitCode:
    """The code of a command that ended with an error of this fate."""
    return _FATES[fate]


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """The one code for several endings: of 8, 1, 6, 3, 7 the first that occurs; else the greatest."""
    found = set(codes)
    return next((code for code in WORST_FIRST if code in found), max(found, default=ExitCode.DONE))
