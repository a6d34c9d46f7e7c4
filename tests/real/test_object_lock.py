"""A bucket of a real store with object lock: what snapshots need cannot be removed by anybody, and goes once nobody needs it any more."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.base.clock import SystemClock
from reconciler.base.secret import Secret
from reconciler.repository import Locked, NoObjectLock, PackFate, Repository, Root, Store, store_at
from reconciler.repository.access import Lock
from reconciler.repository.collect import CleanUp
from reconciler.repository.known import Cache
from reconciler.repository.remote.s3 import S3Store
from reconciler.repository.remote.s3_locked import LockedS3Store
from tests.fakes.houses import BASE, WholeHouse, quick_folder
from tests.fakes.place_contract import PlaceContract
from tests.fakes.s3_server import ACCESS, SECRET, S3Server, access_to
from tests.unit.repository.conftest import CREATED, KEY, Bench, described

pytestmark = pytest.mark.real

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
LONG = Lock("compliance", DAY, HOUR)
SHORT = Lock("compliance", 2 * SECOND, SECOND)
LATER = timedelta(hours=2)
"""Late enough for a clean-up not to spare what is fresh."""


class _Patient(LockedS3Store):
    """Waits for the end of a lock before it removes something: then a locked bucket is a place like any other."""

    def delete(self, name: str) -> None:
        self._wait(name)
        super().delete(name)

    def move(self, name: str, goal: str) -> None:
        self._wait(name)
        super().move(name, goal)

    def _wait(self, name: str) -> None:
        while (until := self.locked_until(name)) is not None and until > datetime.now(UTC):
            time.sleep(0.2)


class TestLockedBucket(PlaceContract):
    @pytest.fixture
    def place(self, s3: S3Server, tmp_path: Path) -> Iterator[Store]:
        store = _Patient(f"s3://{s3.locked_bucket('lock-contract')}/{tmp_path.name}", access_to(s3.endpoint), SHORT)
        yield store
        store.close()


class Vault:
    """A repository in a locked bucket."""

    def __init__(self, server: S3Server, bench: Bench, url: str, folder: Path) -> None:
        self._server, self.bench, self.url = server, bench, url
        self._cache = Cache(str(folder))
        self._cache.keeps = True

    def store(self, lock: Lock = LONG) -> LockedS3Store:
        place = store_at(self.url, access_to(self._server.endpoint, lock=lock))
        assert isinstance(place, LockedS3Store)
        return place

    def open(self, lock: Lock = LONG) -> Repository:
        return Repository.open(self.url, Secret(KEY), store=self.store(lock), owned=True, cache=self._cache)

    def init(self, lock: Lock = LONG) -> None:
        with contextlib.closing(self.store(lock)) as place:
            Repository.init(self.url, Secret(KEY), created_at=CREATED, store=place)

    def take(self, base: Root | None = None, lock: Lock = LONG) -> Root:
        with self.open(lock) as repository:
            root = self.bench.take(repository, kind="incremental" if base else "full", base=base.id if base else None).root
        assert root is not None
        return root

    def dates(self) -> dict[str, datetime | None]:
        with contextlib.closing(self.store()) as place:
            names = [found.name for folder in ("packs", "index", "snapshots", "keys", "config", "gc") for found in place.list(folder)]
            return {name: place.locked_until(name) for name in (*names, "header")}


@pytest.fixture
def vault(s3: S3Server, bench: Bench, tmp_path: Path) -> Vault:
    for number in range(6):
        (bench.source / f"file{number}").write_bytes(os.urandom(3000))
    return Vault(s3, bench, f"s3://{s3.locked_bucket('vault')}/{tmp_path.name}", tmp_path / "cache")


def test_whoever_removes_and_overwrites_everything_takes_nothing_away(vault: Vault, s3: S3Server, tmp_path: Path) -> None:
    vault.init()
    root = vault.take()
    thief = store_at(vault.url, access_to(s3.endpoint))
    assert isinstance(thief, S3Store)
    names = [found.name for folder in ("packs", "index", "snapshots", "keys", "config") for found in thief.list(folder)] + ["header"]
    rubbish = b"rubbish"
    for number, name in enumerate(names):
        if number % 2:
            thief.ask("PUT", name, body=(rubbish,), digest=hashlib.sha256(rubbish).hexdigest())
        else:
            thief.delete(name)
    thief.close()
    with vault.open() as repository:
        assert [each.id for each in repository.listing().roots] == [root.id]
        checked = repository.check(deep=True)
        assert checked.intact
        assert set(names) - {"header"} <= set(checked.hidden)
        assert not vault.bench.restored(repository, root.id, tmp_path / "back").failures
    assert described(vault.bench.inside(tmp_path / "back")) == described(vault.bench.source)


def test_a_later_snapshot_prolongs_what_it_relies_on_and_nothing_else(vault: Vault) -> None:
    vault.init()
    (vault.bench.source / "large").write_bytes(os.urandom(3 * 2**20))
    first = vault.take()
    before = vault.dates()
    longer = Lock("compliance", 2 * DAY, HOUR)
    (vault.bench.source / "file0").write_bytes(os.urandom(3000))
    second = vault.take(first, longer)
    (vault.bench.source / "large").unlink()
    for number in range(6):
        (vault.bench.source / f"file{number}").write_bytes(os.urandom(3000))
    with vault.open(longer) as repository:
        assert vault.bench.take(repository, base=second.id).root is not None
    now, dates = datetime.now(UTC), vault.dates()
    short = {name for name, until in dates.items() if until is None or until < now + 2 * DAY}
    assert short == {f"snapshots/{first.id}"}
    assert all(dates[name] > until for name, until in before.items() if until is not None and name not in short)  # type: ignore[operator]
    longest = Lock("compliance", 4 * DAY, HOUR)
    (vault.bench.source / "file1").write_bytes(os.urandom(3000))
    with vault.open(longest) as repository:
        newest = repository.listing().roots[-1].id
        last = vault.bench.take(repository, base=newest).root
        assert last is not None
    now, dates = datetime.now(UTC), vault.dates()
    left = {name for name, until in dates.items() if until is None or until < now + 4 * DAY}
    assert any(name.startswith("packs/") for name in left), "what only older snapshots need keeps its date"
    with vault.open(longest) as repository:
        place = repository._store
        assert isinstance(place, S3Store)
        asked = []
        for _ in range(2):
            begun = place.lines.asked
            assert vault.bench.take(repository, base=last.id).unchanged
            asked.append(place.lines.asked - begun)
    assert asked[1] <= asked[0]


def test_a_clean_up_waits_for_the_end_of_a_lock(vault: Vault) -> None:
    vault.init(SHORT)
    first = vault.take(lock=SHORT)
    for path in vault.bench.source.iterdir():
        path.write_bytes(os.urandom(3000))
    second = vault.take(lock=LONG)
    with vault.open() as repository:
        assert repository.forget([second.id]) == ()
        time.sleep(3.5)
        assert repository.forget([first.id]) == (first.id,)
        assert [root.id for root in repository.listing().roots] == [second.id]
        with pytest.raises(Locked):
            repository._store.delete(f"snapshots/{second.id}")
        soon = CleanUp(repository._store, repository._seals, datetime.now(UTC) + LATER)
        plan = soon.plan()
        assert plan.count(PackFate.UNUSED) >= 1
        done = CleanUp(repository._store, repository._seals, datetime.now(UTC) + LATER).run(plan.digest)
        assert done.removed_packs >= 1
        again = CleanUp(repository._store, repository._seals, datetime.now(UTC) + LATER).plan()
        assert again.empty, again
        assert repository.check(deep=True).intact


def test_what_is_locked_stays_and_is_named_with_its_date(vault: Vault) -> None:
    vault.init()
    first = vault.take(lock=LONG)
    with vault.open() as repository:
        with pytest.raises(Locked):
            repository._store.delete(f"snapshots/{first.id}")
        orphan = os.urandom(100)
        digest = hashlib.sha256(orphan).hexdigest()
        place = repository._store
        assert isinstance(place, S3Store)
        place.create(f"packs/{digest[:2]}/{digest}", (orphan,), digest)
        plan = CleanUp(place, repository._seals, datetime.now(UTC) + LATER).plan()
        assert plan.empty
        assert plan.count(PackFate.LOCKED) == 1
        assert plan.locked_until is not None
        assert plan.locked_until > datetime.now(UTC) + 23 * HOUR


def test_whoever_asks_for_a_locked_snapshot_to_go_is_told_that_it_stays(s3: S3Server, tmp_path: Path) -> None:
    for name, text in (("access", ACCESS), ("secret", SECRET)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    with quick_folder() as folder:
        house = WholeHouse(folder)
        house.clock = SystemClock()  # type: ignore[assignment] - the store has no other
        place = PLACE.format(bucket=s3.locked_bucket("house"), endpoint=s3.endpoint, folder=tmp_path)
        house.write("base.yaml", BASE.replace("url: ../repository", place))
        with house.session() as session:
            session.run_once(init=True)
            (house.source / "one.txt").write_text("newer")
            session.backup(["orders"])
            before = [each.id for each in session.snapshots("orders").snapshots]
            (result,) = session.forget([before[-1]], "no longer wanted")
            assert result.failure is not None
            assert result.failure.code == "repository-locked"
            assert result.message == "repository main keeps 1 snapshot of system orders locked"
            assert [each.id for each in session.snapshots("orders").snapshots] == before
            assert len(before) == 2


PLACE = (
    "url: 's3://{bucket}/house', endpoint: '{endpoint}', objectLock: {{retain: 1d}}, "
    "credentials: {{access: {{file: {folder}/access}}, secret: {{file: {folder}/secret}}}}"
)


@pytest.mark.parametrize("kind", ["plain", "versions"])
def test_a_bucket_that_locks_nothing_is_refused(s3: S3Server, tmp_path: Path, kind: str) -> None:
    bucket = s3.bucket(f"unlocked-{kind}")
    url = f"s3://{bucket}/{tmp_path.name}"
    if kind == "versions":
        body = (
            b'<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>'
        )
        plain = store_at(url, access_to(s3.endpoint))
        assert isinstance(plain, S3Store)
        plain.ask("PUT", None, query={"versioning": ""}, body=(body,), digest=hashlib.sha256(body).hexdigest())
        plain.close()
    place = store_at(url, access_to(s3.endpoint, lock=LONG))
    with pytest.raises(NoObjectLock):
        Repository.init(url, Secret(KEY), created_at=CREATED, store=place)
    place.close()
