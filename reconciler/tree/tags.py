"""Folders that say of themselves that they need no backup: by a file of an agreed name, or as a cache (https://bford.info/cachedir/).

Such a folder stays as an entry, with its tag and nothing else, so that a restored tree still says why it is empty. A tag that cannot be
read is none: doubt keeps.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from typing import Final

CACHE_TAG: Final = b"CACHEDIR.TAG"
_SIGNATURE: Final = b"Signature: 8a477f597d28d172789f06886806bc55"
_OPEN = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


def valid_tags(present: Collection[bytes], names: Collection[bytes], folder: bytes, handle: int | None) -> frozenset[bytes]:
    """Those of ``present`` that leave their folder out: each of ``names``, and the tag of a cache when it really is one."""
    found = frozenset(present) & frozenset(names)
    if CACHE_TAG in present and CACHE_TAG not in found and _is_cache(folder, handle):
        found |= {CACHE_TAG}
    return found


def _is_cache(folder: bytes, handle: int | None) -> bool:
    try:
        tag = os.open(os.path.join(folder, CACHE_TAG), _OPEN) if handle is None else os.open(CACHE_TAG, _OPEN, dir_fd=handle)
    except OSError:
        return False
    try:
        return os.read(tag, len(_SIGNATURE)) == _SIGNATURE
    except OSError:
        return False
    finally:
        os.close(tag)
