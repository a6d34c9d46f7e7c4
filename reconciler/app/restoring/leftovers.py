"""Temporary files of killed restores: removed by the names that their restore gave them, which nothing else has."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress

from reconciler.app.house import House
from reconciler.base.errors import ReconcilerError
from reconciler.catalog.records import RunOutcome
from reconciler.tree.standing import Standing

_LOOKED_AT = 200
"""The newest restores."""


def prefix_of(restore: str) -> bytes:
    """What the temporary names of the restore with this id begin with."""
    return b"." + restore[:16].encode()


def of_killed(house: House, target: str) -> tuple[bytes, ...]:
    """Of restores into this folder whose process is gone. None when the catalog cannot be read: a restore needs no catalog."""
    with suppress(ReconcilerError), house.memory.reading() as catalog:
        known = catalog.restores(_LOOKED_AT)
        return tuple(prefix_of(r.id) for r in known if r.outcome is RunOutcome.INTERRUPTED and not r.in_place and r.target == target)
    return ()


def sweep(folders: Iterable[bytes], prefixes: tuple[bytes, ...], standing: Standing) -> None:
    """Remove what lies under these names in these folders."""
    for folder in folders:
        for name in standing.listing(folder) or ():
            handle = standing.folder(folder)
            if name.startswith(prefixes) and name.endswith(b".part") and handle is not None:
                with suppress(FileNotFoundError):
                    os.unlink(name, dir_fd=handle)
