"""What is wrong with a spec, as a value: where it stands, what it says, what would be right."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct


class Severity(StrEnum):
    """An error keeps the object at its last good version; a warning changes nothing."""

    ERROR = "error"
    WARNING = "warning"


class Place(Struct, frozen=True):
    """Where an object or a key stands: a path relative to the spec tree, line and column from 1."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    @property
    def short(self) -> str:
        """File and line; what is built in stands in no line."""
        return f"{self.file}:{self.line}" if self.line else self.file


class Problem(Struct, frozen=True):
    """One fault in the specs."""

    severity: Severity
    code: str
    place: Place
    message: str
    hint: str = ""
    kind: str = ""
    name: str = ""
    pointer: str = ""
    snippet: str = ""
