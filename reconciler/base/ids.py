"""Random names: 128 bits as 32 lower-case hex digits, the same alphabet on every store and file system."""

from __future__ import annotations

import os
import re

_ID = re.compile(r"[0-9a-f]{32}")


def new_id() -> str:
    """A fresh random id; unique without asking anybody."""
    return os.urandom(16).hex()


def is_id(text: str) -> bool:
    """Whether ``text`` has the shape of :func:`new_id`."""
    return _ID.fullmatch(text) is not None
