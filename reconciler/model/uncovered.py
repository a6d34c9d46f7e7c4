"""What is on a host and in no system."""

from __future__ import annotations

from msgspec import Struct


class Uncovered(Struct, frozen=True):
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
