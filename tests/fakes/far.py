"""A bucket behind a proxy that spoils answers, and what is done with a repository there."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct

from reconciler.base.secret import Secret
from reconciler.repository import (
    Repository,
    store_at,
)
from reconciler.repository.collect import CleanUp
from reconciler.repository.remote.s3 import S3Store
from tests.fakes.faulty_gateway import Gateway
from tests.fakes.s3_server import S3Server, access_to
from tests.unit.repository.conftest import KEY, Bench, described

PATIENCE = 30.0
"""Seconds. Six refusals in a row are waited for by chance up to 12.6, and all threads share the quiet time."""


class Far(Struct):
    """A bucket behind a proxy that spoils answers, with a repository of two snapshots in it."""

    gateway: Gateway
    server: S3Server
    bench: Bench
    url: str
    newest: str
    silence_seconds: float = 4.0
    """A store that says nothing for so long is asked again: longer than a busy disk may keep it, for then both questions are answered."""

    def store(self, **changes: object) -> S3Store:
        usual = {"patience_seconds": PATIENCE, "silence_seconds": self.silence_seconds}
        store = store_at(self.url, access_to(self.gateway.url, **(usual | changes)))
        assert isinstance(store, S3Store)
        return store

    @contextlib.contextmanager
    def opened(self, **changes: object) -> Iterator[Repository]:
        with Repository.open(self.url, Secret(KEY), store=self.store(**changes), owned=True) as repository:
            yield repository


def act_backup(far: Far, target: Path) -> None:
    (far.bench.source / "another").write_bytes(os.urandom(5000))
    with far.opened() as repository:
        root = far.bench.take(repository, base=far.newest).root
        assert root is not None
        assert repository.verify(root.id).intact


def act_restore(far: Far, target: Path) -> None:
    with far.opened() as repository:
        restored = far.bench.restored(repository, far.newest, target)
    assert not restored.failures
    assert described(far.bench.inside(target)) == described(far.bench.source)


def act_clean_up(far: Far, target: Path) -> None:
    """Late enough for nothing to be spared for being fresh."""
    with far.opened() as repository:
        repository.forget([root.id for root in repository.listing().roots if root.id != far.newest])
        later = datetime.now(UTC) + timedelta(days=2)
        digest = CleanUp(repository._store, repository._seals, later).plan().digest
        CleanUp(repository._store, repository._seals, later).run(digest)


ACTS = {"restore": act_restore, "backup": act_backup, "clean-up": act_clean_up}
