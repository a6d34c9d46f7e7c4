"""A restore out of a repository of restic: restic writes, and reads back what it wrote (``--verify``)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from reconciler.restic.errors import ResticUnreadable
from reconciler.restic.program import Program

SECONDS_MAX = 7 * 86400.0  # a restore may take days, and must not wait for ever for a dead place
LINE_BYTES_MAX = 2**20
Tell = Callable[[int, int, int], None]
"""(files, bytes, files in all) so far."""


class Restored(Struct, frozen=True):
    """What restic says that it wrote."""

    files: int
    """Entries, folders included: restic does not tell them apart."""
    bytes: int


def restore(
    program: Program,
    snapshot: str,
    target: str,
    *,
    include: Sequence[str] = (),
    overwrite: str = "never",
    tell: Tell | None = None,
    stop: threading.Event | None = None,
) -> Restored:
    """Into ``target``, every entry below it as its absolute path was. ``include``: patterns of restic; empty: everything.

    Raises ResticError and its like when anything could not be restored or does not read back as it was stored, and Cancelled.
    """
    words = ["restore", snapshot, "--target", target, "--verify", "--overwrite", overwrite]
    for pattern in include:
        words += ["--include", pattern]
    rest, last = b"", Restored(0, 0)
    for piece in program.run(words, SECONDS_MAX, stop or threading.Event()):
        *lines, rest = (rest + piece).split(b"\n")
        if len(rest) > LINE_BYTES_MAX:
            raise ResticUnreadable(f"restic printed a line of more than {LINE_BYTES_MAX:,} bytes while restoring from {program.shown}")
        for line in lines:
            said = _said(line)
            match said.get("message_type"):
                case "status" if tell is not None:
                    tell(_number(said, "files_restored"), _number(said, "bytes_restored"), _number(said, "total_files"))
                case "summary":
                    last = Restored(_number(said, "files_restored"), _number(said, "bytes_restored"))
                case _:
                    pass
    return last


def _said(line: bytes) -> dict[str, Any]:
    """Progress only: what cannot be read is left out, the exit code decides."""
    try:
        value = json.loads(line) if line.startswith(b"{") else {}
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _number(said: dict[str, Any], key: str) -> int:
    value = said.get(key, 0)
    return value if type(value) is int and value >= 0 else 0
