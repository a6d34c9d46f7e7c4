"""Errors as guidance: one sentence, a stable code, a hint, and what kind of ending it is.

A class per code: its docstring says what happened in general (docs/errors.md is generated from it), an instance says what happened
to which thing. Rooms derive their family from :class:`ReconcilerError`; foreign exceptions are translated where they are caught.
"""

from __future__ import annotations

from enum import Enum
from typing import ClassVar


class Fate(Enum):
    """How a command ends because of an error; cli/ maps it to the exit code."""

    FAILED = "failed"
    SPEC = "spec"
    BUSY = "busy"
    REFUSED = "refused"
    DAMAGE = "damage"
    USAGE = "usage"


class ReconcilerError(Exception):
    """Something that was asked for cannot be done."""

    code: ClassVar[str] = "internal"
    hint: str = ""
    fate: ClassVar[Fate] = Fate.FAILED
    retry: ClassVar[bool] = False  # True: the same call may succeed later without anybody changing anything

    def __init__(self, message: str, *, hint: str | None = None, **context: object) -> None:
        """``message``: lower case, no full stop, names the failing thing. ``context``: what belongs to it, for logs and JSON."""
        super().__init__(message)
        self.message = message
        self.context = context
        if hint is not None:
            self.hint = hint

    def __str__(self) -> str:
        return self.message

    def as_dict(self) -> dict[str, object]:
        """The JSON form, the same fields in every output."""
        return {
            "code": self.code,
            "message": self.message,
            "hint": self.hint,
            "context": {key: str(value) for key, value in self.context.items()},
        }


class Refused(ReconcilerError):
    """A safety rule stands against it; the hint says what a person may do."""

    code = "refused"
    fate = Fate.REFUSED


class Usage(ReconcilerError):
    """The words of the command line do not fit."""

    code = "usage"
    fate = Fate.USAGE


class StateError(ReconcilerError):
    """The state directory cannot be used."""

    code = "state-unusable"
    hint = "Which user runs this, and may it write there? --state names another directory."


class Cancelled(ReconcilerError):
    """A person or the system asked to stop; what was finished stays."""

    code = "cancelled"
    hint = "Run the same command again: it continues with what is already stored."
    retry = True
