"""Extended attributes of an entry as they are read; metadata.py sets them."""

from __future__ import annotations

import contextlib
import os


def read_xattrs(target: int | str | bytes) -> dict[bytes, bytes] | None:
    """Extended attributes (ACLs are among them); None where there are none or the file system has none."""
    if not hasattr(os, "listxattr"):
        return None
    follow = isinstance(target, int)
    try:
        names = os.listxattr(target) if follow else os.listxattr(target, follow_symlinks=False)
    except OSError:
        return None
    if not names:  # nearly every file
        return None
    found: dict[bytes, bytes] = {}
    for name in names:
        with contextlib.suppress(OSError):  # removed in between, or not ours to read
            found[os.fsencode(name)] = os.getxattr(target, name, follow_symlinks=follow)
    return found or None
