"""What is on a host and in no system."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Uncovered:
    """A folder with data, files beside covered folders, or a database in use, that no source of this host reads."""

    path: str
    kind: str
    """folder, files, postgresql, mysql, sqlite."""
    files: int
    bytes: int
    counted: bool = True
    """False: there is more; counting stopped."""
    process: str = ""
    """Of a database: who has it open."""
