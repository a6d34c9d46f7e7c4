"""A repository in a real S3 store, through a proxy with every fault that a network has: it ends well, or with a sentence."""

from __future__ import annotations

import contextlib
import os
import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.base.secret import Secret
from reconciler.repository import (
    AccessRefused,
    Credentials,
    NoSpace,
    Repository,
    RepositoryError,
    Unreachable,
    Unsettled,
    store_at,
)
from reconciler.repository.collect import CleanUp
from reconciler.repository.errors import Damaged
from tests.fakes.far import ACTS, Far, act_clean_up
from tests.fakes.faulty_gateway import Gateway
from tests.fakes.s3_server import ACCESS, SECOND, SECRET, S3Server, access_to
from tests.unit.repository.conftest import CREATED, KEY, Bench

pytestmark = pytest.mark.real

PASSING: dict[str, Callable[[Gateway], object]] = {
    "reset": lambda gateway: [gateway.spoil("reset", after=number) for number in (3, 5, 0, 7)],
    "burst-503": lambda gateway: gateway.spoil("status", code="503 SlowDown", after=4, times=6),
    "burst-429": lambda gateway: gateway.spoil("status", code="429 TooManyRequests", after=2, times=5),
    "error-500": lambda gateway: [gateway.spoil("status", m, code="500 InternalError", after=1) for m in ("GET", "PUT", "DELETE", "HEAD")],
    "timeout-after-apply": lambda gateway: [gateway.spoil("lost-answer", method, times=3) for method in ("PUT", "DELETE")],
    "error-in-200": lambda gateway: [gateway.spoil("error-in-200", method, after=1, times=2) for method in ("GET", "PUT", "DELETE")],
    "error-in-200-of-a-list": lambda gateway: gateway.spoil("error-in-200", "GET", "list-type", times=3),
    "truncated": lambda gateway: gateway.spoil("truncated", "GET", after=1, times=4),
    "silent": lambda gateway: gateway.spoil("silent", after=4),
}


@pytest.mark.parametrize("fault", PASSING)
def test_a_fault_that_passes_costs_time_and_nothing_else(far: Far, tmp_path: Path, fault: str) -> None:
    for act, run in ACTS.items():
        PASSING[fault](far.gateway)
        far.silence_seconds = 1.5 if fault == "silent" else far.silence_seconds
        run(far, tmp_path / "target")
        assert far.gateway.struck or (act, fault) == ("restore", "timeout-after-apply")
        far.gateway.faults.clear()
    with far.opened() as repository:
        assert repository.check(deep=True).intact


def test_faults_by_chance_harm_nothing(far: Far, tmp_path: Path) -> None:
    chance = random.Random(34)
    far.silence_seconds = 1.5
    ways = ["reset", "lost-answer", "truncated", "error-in-200", "status"]
    for _ in range(40):
        far.gateway.spoil(chance.choice(ways), after=chance.randrange(80), code="503 SlowDown")
    for act, run in ACTS.items():
        run(far, tmp_path / act)
    assert far.gateway.struck > 20
    far.gateway.faults.clear()
    with far.opened() as repository:
        assert repository.check(deep=True).intact


def test_a_store_that_stays_away_is_given_up_with_a_sentence(far: Far) -> None:
    with far.opened() as repository:
        repository._store.patience._seconds = 0.5  # type: ignore[attr-defined]
        far.gateway.spoil("status", code="503 SlowDown", times=10_000)
        with pytest.raises(Unreachable, match="SlowDown"):
            repository.listing(anew=True)


@pytest.mark.parametrize("how", ["page-twice", "page-loop"])
def test_a_list_that_contradicts_itself_stops_whoever_would_remove(far: Far, how: str) -> None:
    far.gateway.spoil(how, "GET", "list-type=2&max-keys=1000&prefix=[^&]*snapshots", times=10_000)
    with far.opened() as repository, pytest.raises(Unsettled):
        CleanUp(repository._store, repository._seals, datetime.now(UTC) + timedelta(days=2)).plan()


def test_a_stale_list_is_noticed_before_anything_is_removed(far: Far) -> None:
    with far.opened() as repository:
        repository.forget([root.id for root in repository.listing().roots if root.id != far.newest])
        later = datetime.now(UTC) + timedelta(days=2)
        clean = CleanUp(repository._store, repository._seals, later)
        digest = clean.plan().digest
        list(repository._store.list("tmp"))  # what an old answer says
        before = [found.name for folder in ("packs", "index") for found in repository._store.list(folder)]
        far.gateway.spoil("stale-list", "GET", "prefix=[^&]*tmp", times=10_000)
        with pytest.raises(Unsettled, match="does not list what was just stored"):
            CleanUp(repository._store, repository._seals, later).run(digest)
        far.gateway.faults.clear()
        assert [found.name for folder in ("packs", "index") for found in repository._store.list(folder)] == before


def test_credentials_that_were_replaced_are_looked_up_again(far: Far) -> None:
    told = iter([Credentials(ACCESS, Secret(b"the one of yesterday")), Credentials(ACCESS, Secret(SECRET.encode()))])
    with far.opened(credentials=lambda: next(told)) as repository:
        assert len(repository.listing().roots) == 2


def test_a_token_that_expires_in_the_middle_of_a_backup_is_replaced(far: Far) -> None:
    told = iter([Credentials(ACCESS, Secret(SECRET.encode())), Credentials(SECOND, Secret(SECRET.encode()))])
    far.gateway.spoil("status", "PUT", code="400 ExpiredToken", after=1)
    (far.bench.source / "another").write_bytes(os.urandom(5000))
    with far.opened(credentials=lambda: next(told)) as repository:
        assert far.bench.take(repository, base=far.newest).root is not None
    assert far.gateway.struck == 1


def test_credentials_that_expired_and_nobody_replaced_end_the_run_and_the_next_one_continues(far: Far) -> None:
    far.gateway.spoil("status", "PUT", code="400 ExpiredToken", after=1, times=10_000)
    (far.bench.source / "another").write_bytes(os.urandom(5000))
    with far.opened() as repository:
        with pytest.raises(AccessRefused, match="ExpiredToken"):
            far.bench.take(repository, base=far.newest)
        far.gateway.faults.clear()
        assert far.bench.take(repository, base=far.newest).root is not None


def test_a_refused_delete_ends_a_clean_up_that_the_next_one_finishes(far: Far, tmp_path: Path) -> None:
    fault = far.gateway.spoil("status", "DELETE", "packs/", code="403 AccessDenied", times=10_000)
    with pytest.raises(AccessRefused):
        act_clean_up(far, tmp_path)
    assert fault.struck
    far.gateway.faults.clear()
    with far.opened() as repository:
        assert repository.verify(far.newest).intact
    act_clean_up(far, tmp_path)
    with far.opened() as repository:
        assert repository.check(deep=True).intact


def test_a_full_store_is_told_at_once(far: Far) -> None:
    far.gateway.spoil("status", "PUT", code="507 XMinioStorageFull", times=10_000)
    (far.bench.source / "another").write_bytes(os.urandom(5000))
    with far.opened() as repository, pytest.raises(NoSpace):
        far.bench.take(repository, base=far.newest)
    assert far.gateway.struck <= 2, "a full store is not asked again and again"


def test_two_hosts_write_while_a_third_collects(s3: S3Server, tmp_path: Path) -> None:
    url = f"s3://{s3.bucket('crowd')}/{tmp_path.name}"
    place = store_at(url, access_to(s3.endpoint))
    Repository.init(url, Secret(KEY), created_at=CREATED, store=place)
    place.close()
    acknowledged: list[str] = []
    errors: list[BaseException] = []
    done = threading.Event()

    def open_there() -> Repository:
        return Repository.open(url, Secret(KEY), store=store_at(url, access_to(s3.endpoint)), owned=True)

    def write(host: int) -> None:
        source = tmp_path / f"host{host}"
        source.mkdir()
        bench = Bench(source, tmp_path)
        chance = random.Random(host)
        try:
            for _ in range(5):
                for number in range(6):
                    (source / f"file{number}").write_bytes(chance.randbytes(20_000))
                with open_there() as repository, contextlib.suppress(RepositoryError):
                    root = bench.take(repository, kind="full").root
                    if root is not None:
                        acknowledged.append(root.id)
        except BaseException as error:
            errors.append(error)

    def collect() -> None:
        try:
            while not done.is_set():
                with open_there() as repository, contextlib.suppress(RepositoryError):
                    roots = repository.listing().roots
                    repository.forget([root.id for root in roots[6:]])
                    for root in roots[6:]:
                        with contextlib.suppress(ValueError):
                            acknowledged.remove(root.id)
                    later = datetime.now(UTC) + timedelta(days=2)
                    plan = CleanUp(repository._store, repository._seals, later).plan()
                    CleanUp(repository._store, repository._seals, later).run(plan.digest)
        except BaseException as error:
            errors.append(error)

    writers = [threading.Thread(target=write, args=(host,)) for host in range(2)]
    collector = threading.Thread(target=collect)
    for thread in (*writers, collector):
        thread.start()
    for thread in writers:
        thread.join()
    done.set()
    collector.join()
    assert errors == []
    with open_there() as repository:
        there = {root.id for root in repository.listing(anew=True).roots}
        assert there
        for snapshot in there:
            assert repository.verify(snapshot).intact
        assert set(acknowledged) <= there | set(), "an acknowledged snapshot is gone"


def test_a_changed_byte_on_the_way_is_refused_by_the_store(far: Far) -> None:
    """The digest of what was meant is signed: what arrives otherwise is not stored."""
    store = far.store()
    with pytest.raises((AccessRefused, Unreachable, Damaged)):
        store.create("keys/changed", (b"what arrives",), __import__("hashlib").sha256(b"what was meant").hexdigest())
    assert store.find("keys/changed") is None
    store.close()
