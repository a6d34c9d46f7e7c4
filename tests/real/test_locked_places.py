"""What is done in a bucket with object lock beside backups and clean-ups: copies, repairs, keys, restores by nothing but a key."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.app.bare import BareRepository, restore_bare, snapshots_bare
from reconciler.app.reports import RestoreRequest
from reconciler.base.secret import Secret
from reconciler.repository import Keyring, Locked, PackFate, Repository, store_at
from reconciler.repository.access import Lock
from reconciler.repository.collect import CleanUp
from reconciler.repository.remote.s3 import S3Store
from tests.fakes.s3_server import ACCESS, SECRET, S3Server, access_to
from tests.real.test_object_lock import DAY, HOUR, LATER, LONG, SHORT, Vault
from tests.unit.repository.conftest import CREATED, KEY, Bench, described

pytestmark = pytest.mark.real
RUBBISH = b"rubbish"


@pytest.fixture
def vault(s3: S3Server, bench: Bench, tmp_path: Path) -> Vault:
    for number in range(6):
        (bench.source / f"file{number}").write_bytes(os.urandom(3000))
    return Vault(s3, bench, f"s3://{s3.locked_bucket('places')}/{tmp_path.name}", tmp_path / "cache")


@contextlib.contextmanager
def thief(vault: Vault, s3: S3Server) -> Iterator[S3Store]:
    """Somebody with the credentials, who knows nothing of locks."""
    store = store_at(vault.url, access_to(s3.endpoint))
    assert isinstance(store, S3Store)
    yield store
    store.close()


def everything(store: S3Store) -> list[str]:
    return [found.name for folder in ("packs", "index", "snapshots", "keys", "config") for found in store.list(folder)] + ["header"]


def smear(store: S3Store, name: str) -> None:
    store.ask("PUT", name, body=(RUBBISH,), digest=hashlib.sha256(RUBBISH).hexdigest())


def test_governance_holds_for_all_who_have_no_right_of_their_own(vault: Vault, s3: S3Server) -> None:
    governance = Lock("governance", DAY, HOUR)
    vault.init(governance)
    root = vault.take(lock=governance)
    with vault.open(governance) as repository:
        with pytest.raises(Locked):
            repository._store.delete(f"snapshots/{root.id}")
        assert repository.forget([root.id]) == ()
        assert repository.check(deep=True).intact


def test_once_a_lock_is_over_all_that_was_laid_over_an_object_goes_with_it(vault: Vault, s3: S3Server) -> None:
    vault.init(SHORT)
    first = vault.take(lock=SHORT)
    with thief(vault, s3) as other:
        old = [name for name in everything(other) if name.startswith("packs/")]
        for name in old:
            smear(other, name)
            other.delete(name)
    for path in vault.bench.source.iterdir():
        path.write_bytes(os.urandom(3000))
    second = vault.take(lock=LONG)
    time.sleep(3.5)
    with vault.open() as repository:
        assert repository.forget([first.id]) == (first.id,)
        for _ in range(2):
            plan = CleanUp(repository._store, repository._seals, datetime.now(UTC) + LATER).plan()
            CleanUp(repository._store, repository._seals, datetime.now(UTC) + LATER).run(plan.digest)
        place = repository._store
        assert place.find(old[0]) is None
        assert not [each for each in place._versions(place._key("packs")) if each.key == place._key(old[0])]  # type: ignore[attr-defined]
        assert repository.check(deep=True).intact
        assert [root.id for root in repository.listing(anew=True).roots] == [second.id]


def test_what_somebody_removes_for_good_after_its_lock_is_damage_and_never_believed(vault: Vault, s3: S3Server) -> None:
    vault.init(SHORT)
    root = vault.take(lock=SHORT)
    with vault.open(SHORT) as repository:
        place = repository._store
        (pack,) = [found.name for found in place.list("packs")][:1]
        with thief(vault, s3) as other:
            smear(other, pack)
        versions = [each for each in place._versions(place._key(pack)) if each.key == place._key(pack)]  # type: ignore[attr-defined]
        time.sleep(3.5)
        place._delete_version(pack, versions[-1].version)  # type: ignore[attr-defined]
    with vault.open(SHORT) as repository:
        assert not repository.check(deep=True).intact
        assert not repository.verify(root.id).intact


def test_a_copy_is_locked_where_it_arrives(vault: Vault, tmp_path: Path) -> None:
    local = str(tmp_path / "local")
    Repository.init(local, Secret(KEY), created_at=CREATED).close()
    vault.init()
    with Repository.open(local, Secret(KEY)) as origin, vault.open() as target:
        root = vault.bench.take(origin, kind="full").root
        assert root is not None
        (copied,) = target.copy_from(origin, [root.id])
        assert copied.snapshot == root.id
        assert target.forget([root.id]) == (), "it waits there as whatever was backed up there"
    soonest = datetime.now(UTC) + DAY - timedelta(minutes=5)
    needed = {name: until for name, until in vault.dates().items() if name.startswith(("packs/", "index/", "snapshots/"))}
    assert needed
    assert all(until is not None and until > soonest for until in needed.values()), needed


def test_a_repair_leaves_what_is_locked_and_brings_back_what_it_held(vault: Vault, s3: S3Server, tmp_path: Path) -> None:
    local = str(tmp_path / "local")
    Repository.init(local, Secret(KEY), created_at=CREATED).close()
    vault.init()
    root = vault.take()
    with Repository.open(local, Secret(KEY)) as donor, vault.open() as repository:
        assert list(donor.copy_from(repository, [root.id]))
        (rotten,) = [found.name for found in repository._store.list("packs")]
    path = s3.folder / vault.url.removeprefix("s3://") / rotten
    data = bytearray(path.read_bytes())
    middle = len(data) // 2  # always the content of a file; the list of files, which nothing else can give back, may lie at either end
    data[middle : middle + 60] = os.urandom(60)
    path.write_bytes(data)
    with Repository.open(local, Secret(KEY)) as donor, vault.open() as repository:
        plan = repository.plan_repair(deep=True)
        done = repository.repair(plan.digest, deep=True, donors=[donor.donor()])
        assert rotten in done.locked
        assert done.affected == ()
        assert repository._store.find(rotten) is not None
        assert not vault.bench.restored(repository, root.id, tmp_path / "back").failures
    assert described(vault.bench.inside(tmp_path / "back")) == described(vault.bench.source)
    with vault.open() as repository:
        plan = CleanUp(repository._store, repository._seals, datetime.now(UTC) + LATER).plan()
        assert plan.count(PackFate.LOCKED) >= 1


def test_a_key_slot_is_removed_once_its_lock_is_over_and_until_then_a_person_is_told(vault: Vault, s3: S3Server) -> None:
    vault.init()
    with contextlib.closing(vault.store()) as place:
        ring = Keyring.open(vault.url, Secret(KEY), store=place)
        added = ring.add(Secret(os.urandom(32).hex().encode()), "raw", datetime.now(UTC))
        with pytest.raises(Locked, match="is locked until") as told:
            ring.remove(added)
        assert "can be removed after that date" in told.value.hint
        assert len(ring.slots()) == 2
    with thief(vault, s3) as other:
        assert other.find(f"keys/{added}") is not None, "not hidden either: a slot that only seems to be gone would still open"


def test_a_bare_machine_reads_below_what_somebody_laid_over_a_locked_repository(
    vault: Vault, s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.init()
    root = vault.take()
    with thief(vault, s3) as other:
        for number, name in enumerate(everything(other)):
            if number % 2:
                smear(other, name)
            else:
                other.delete(name)
    for name, value in (("ACCESS_KEY_ID", ACCESS), ("SECRET_ACCESS_KEY", SECRET), ("ENDPOINT_URL", s3.endpoint)):
        monkeypatch.setenv(f"AWS_{name}", value)
    (tmp_path / "key").write_bytes(KEY)
    (tmp_path / "key").chmod(0o600)
    where = BareRepository(vault.url, tmp_path / "key")
    assert [each.id for each in snapshots_bare(where).snapshots] == [root.id]
    report = restore_bare(where, RestoreRequest(str(tmp_path / "back")))
    assert not report.failures
    assert described(vault.bench.inside(tmp_path / "back")) == described(vault.bench.source)
