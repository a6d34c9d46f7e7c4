"""Small programs in a folder that only their owner can write, as an allow-list wants it."""

from __future__ import annotations

import itertools
from pathlib import Path

_numbers = itertools.count(1)


def program(folder: Path, text: str) -> str:
    """The path of a new shell script."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    path = folder / f"program-{next(_numbers)}"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)
