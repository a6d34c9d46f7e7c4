"""Paths as people write them, and as they stand in a snapshot."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence


def inside(paths: Sequence[str]) -> tuple[bytes, ...]:
    """As they stand in a snapshot: absolute, without the first slash; a relative one fits at any depth."""
    return tuple(os.fsencode(path).strip(b"/") if path.startswith("/") else b"**/" + os.fsencode(path).strip(b"/") for path in paths)


def as_pattern(path: str) -> str:
    """An absolute path for `--path`, where the signs of patterns mean themselves."""
    return re.sub(r"([*?[\\])", r"\\\1", path) if re.search(r"[*?[]", path) else path
