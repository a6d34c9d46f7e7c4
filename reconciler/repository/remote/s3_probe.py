"""What a store promises is tried before a repository is made there: a name that is taken stays, a list shows what was stored and no more.

Nothing here is kept: the probes are objects below ``tmp/`` that are gone when this returns.
"""

from __future__ import annotations

import os
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.base.clock import Clock
from reconciler.repository.errors import ClockApart, NotAStore, Unsettled

if TYPE_CHECKING:
    from reconciler.repository.remote.s3 import S3Store

_ROUNDS = 5
_REMOVALS = 3
_SKEW_SECONDS = 300


def probe(store: S3Store, clock: Clock) -> None:
    """Raises NotAStore, Unsettled, ClockApart, and what asking raises."""
    name = f"tmp/{os.urandom(16).hex()}"
    content = os.urandom(64)
    store.put(name, content)
    try:
        if _is_overwritten(store, name):
            raise NotAStore(
                f"{store.url} replaces an object although it was told to create it only where none is",
                hint="A repository needs a store that honours If-None-Match. Is versioning of the bucket switched on in an old Ceph?",
                repository=store.url,
            )
        _check_ranges(store, name, content)
        found = store.find(name)
        if found is not None:
            _check_clock(store, found.stored_at, clock.now())
    finally:
        store.delete(name)
    check_listing(store)


def check_listing(store: S3Store) -> None:
    """What is stored is in the next list, what is removed is not. Raises Unsettled. Also asked before anything is removed for good."""
    for _ in range(_ROUNDS):
        name = f"tmp/{os.urandom(16).hex()}"
        store.put(name, b"probe")
        try:
            if not _is_listed(store, name):
                raise Unsettled(f"{store.url} does not list what was just stored there", repository=store.url)
        finally:
            store.delete(name)
        if not _is_removed(store, name):
            raise Unsettled(f"{store.url} still lists what was just removed there", repository=store.url)


def _is_listed(store: S3Store, name: str) -> bool:
    return any(found.name == name for found in store.list("tmp"))


def _is_removed(store: S3Store, name: str) -> bool:
    """A delete that is confirmed and forgotten is asked for again: versitygw 1.8.0 on a busy machine forgets one in some hundred. What
    stays by it is garbage, which the next clean-up removes; only a list that goes on showing what is gone could mislead one.
    """
    for _ in range(_REMOVALS):
        if not _is_listed(store, name):
            return True
        store.delete(name)
    return not _is_listed(store, name)


def _is_overwritten(store: S3Store, name: str) -> bool:
    try:
        store.put(name, b"another")
    except FileExistsError:
        return False
    return True


def _check_ranges(store: S3Store, name: str, content: bytes) -> None:
    if store.get(name, len(content)) != content or store.get_range(name, 8, 16) != content[8:24]:
        raise NotAStore(f"{store.url} gives other bytes than were stored there", repository=store.url)


def _check_clock(store: S3Store, there: datetime, here: datetime) -> None:
    apart = abs((there - here).total_seconds())
    if apart > _SKEW_SECONDS:
        raise ClockApart(f"the clock of this machine and that of {store.url} are {apart:.0f} seconds apart", repository=store.url)
