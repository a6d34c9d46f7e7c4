"""Extended attributes of an entry as they are read; metadata.py sets them."""

from __future__ import annotations

import contextlib
import os


def read_xattrs(target: int | str | bytes) -> dict[bytes, bytes] | None:
    """Extended attributes (ACLs are among them); None where there are none or the file system has none."""
    if not hasattr(os, "listxattr"):
        return None
    found: dict[bytes, bytes] = {}
    with contextlib.suppress(OSError):
        for name in os.listxattr(target, **({} if isinstance(target, int) else {"follow_symlinks": False})):
            with contextlib.suppress(OSError):  # removed in between, or not ours to read
                found[os.fsencode(name)] = os.getxattr(target, name, **({} if isinstance(target, int) else {"follow_symlinks": False}))
    return found or None
