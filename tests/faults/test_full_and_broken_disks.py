"""A disk that is full or broken at any call ends a run with a typed error; nothing acknowledged changes, and the next run just works."""

from __future__ import annotations

import errno
import os
import random
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.repository import NoSpace, Repository, RepositoryError, Unreachable
from reconciler.repository.store import LocalStore
from tests.faults import victims
from tests.faults.disks import SPACE, Counting, Refusing
from tests.faults.world import look
from tests.unit.repository.conftest import Bench

pytestmark = pytest.mark.faults
NOW = datetime(2026, 3, 2, tzinfo=UTC)


@pytest.fixture
def begun(bench: Bench) -> Bench:
    (bench.source / "first").write_bytes(b"first" * 1000)
    assert bench.take(kind="full").root is not None
    return bench


def _on(bench: Bench, disk: Counting) -> Repository:
    return Repository.open(str(bench.place), bench.key(), store=LocalStore(str(bench.place), disk))


def _error_of(act: Callable[[], object]) -> RepositoryError | None:
    """Any other error fails the test."""
    try:
        act()
    except RepositoryError as error:
        return error
    return None


def _newest(bench: Bench) -> str:
    return bench.open().listing().roots[0].id


def _change(bench: Bench) -> None:
    (bench.source / "changing").write_bytes(os.urandom(20_000))


def _unfinished(bench: Bench) -> list[str]:
    return os.listdir(bench.place / "tmp")


def _calls(bench: Bench) -> int:
    _change(bench)
    disk = Counting()
    bench.take(_on(bench, disk), base=_newest(bench))
    return disk.number


@pytest.mark.parametrize("code", [*SPACE, errno.EIO, errno.EROFS, errno.EMFILE], ids=errno.errorcode.get)
def test_a_disk_that_refuses_any_call_of_a_backup_costs_only_that_backup(
    begun: Bench, faults: Callable[[str, int], None], code: int
) -> None:
    truth = dict(look(begun.open).content)
    struck = 0
    for at in range(1, _calls(begun) + 1):
        _change(begun)
        disk = Refusing(at, code)
        base = _newest(begun)
        expected = NoSpace if code in SPACE else Unreachable
        error = _error_of(lambda: begun.take(_on(begun, disk), base=base))  # noqa: B023 (used at once)
        assert error is None or (isinstance(error, expected) and error.hint), f"call {at}, a {disk.struck}, ends with {error!r}"
        struck += bool(disk.struck)
        assert not disk.after_failed_sync, "a failed sync is final for its file"
        if disk.struck != "unlink":
            assert not _unfinished(begun), f"call {at}, a {disk.struck}, leaves something behind"
        seen = look(begun.open)
        assert not seen.errors, f"call {at}, a {disk.struck}"
        assert all(seen.content[snapshot] == entries for snapshot, entries in truth.items())
        after = begun.take(base=_newest(begun))
        assert not after.damage
        assert begun.open().verify(_newest(begun)).intact
        truth = dict(look(begun.open).content)
        begun.open().forget([root.id for root in begun.open().listing().roots[2:]])
        truth = {snapshot: entries for snapshot, entries in look(begun.open).content.items() if snapshot in truth}
    assert struck >= 20
    faults("space faults", struck)


OTHER_ACTS = sorted(set(victims.ACTS) - {"backup"})


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Snapshots, one that only a clean-up still has to remove, a changed source, and a repository to copy from."""
    folder = tmp_path_factory.mktemp("template")
    (folder / "source").mkdir()
    bench, origin = Bench(folder / "source", folder / "repository"), Bench(folder / "source", folder / "origin")
    for each in (bench, origin):
        each.init()
    (bench.source / "passing").write_bytes(random.Random("passing").randbytes(20_000))
    bench.take(kind="full")
    (bench.source / "passing").unlink()
    for number in range(2):
        (bench.source / f"file{number}").write_bytes(bytes([number]) * 5000)
        bench.take(kind="full")
    bench.open().forget([bench.open().listing().roots[-1].id])
    _change(bench)
    origin.take(kind="full")
    return bench


def _copied(template: Bench, home: Path) -> Bench:
    """The template in a place of its own; what is only read is shared."""
    shutil.copytree(template.place, home / "repository")
    (home / "origin").symlink_to(template.place.parent / "origin")
    return Bench(template.source, home / "repository")


@pytest.mark.parametrize("act", OTHER_ACTS)
@pytest.mark.parametrize("code", [*SPACE, errno.EIO], ids=errno.errorcode.get)
def test_a_disk_that_refuses_any_call_of_anything_else_leaves_it_undone_or_done(
    template: Bench, tmp_path: Path, faults: Callable[[str, int], None], code: int, act: str
) -> None:
    truth = look(template.open).content
    oldest = template.open().listing().roots[-1].id
    counting = Counting()
    victims.ACTS[act](_copied(template, tmp_path / "counting"), counting)
    struck = 0
    for at in range(1, counting.number + 1):
        bench = _copied(template, tmp_path / str(at))
        disk = Refusing(at, code)
        error = _error_of(lambda: victims.ACTS[act](bench, disk))  # noqa: B023 (used at once)
        what = f"{act}: call {at} of {counting.number}, a {disk.struck}, ends with {error!r}"
        assert error is None or isinstance(error, NoSpace if code in SPACE else Unreachable), what
        assert not disk.after_failed_sync, f"{what}: a failed sync is final for its file"
        assert disk.struck == "unlink" or not _unfinished(bench), f"{what}: something is left behind"
        seen = look(bench.open)
        assert not seen.errors, what
        for snapshot, entries in truth.items():
            assert seen.content.get(snapshot) == entries or (act == "forget" and snapshot == oldest), what
        if at % 5 == 0:
            victims.ACTS[act](bench, Counting())  # nobody has to repair anything: the same once more just works
            assert not look(bench.open).errors, what
        struck += bool(disk.struck)
        shutil.rmtree(tmp_path / str(at))
    assert struck >= 2
    faults("space faults", struck)


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the file behind a handle is found through /proc")
@pytest.mark.parametrize("act", sorted(victims.ACTS))
def test_short_writes_are_continued_where_they_ended(
    template: Bench, tmp_path: Path, faults: Callable[[str, int], None], monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    bench = _copied(template, tmp_path)
    before = look(bench.open).content
    chance = random.Random("short")
    real, shortened = os.write, 0

    def short(handle: int, data: memoryview) -> int:
        nonlocal shortened
        if len(data) > 1 and f"{bench.place}{os.sep}" in os.readlink(f"/proc/self/fd/{handle}"):
            shortened += 1
            return real(handle, data[: chance.randrange(1, len(data))])
        return real(handle, data)

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", short)
        victims.ACTS[act](bench, Counting())
    seen = look(bench.open)
    assert not seen.errors
    assert all(before.get(snapshot, entries) == entries for snapshot, entries in seen.content.items())
    assert shortened > 3 or act == "forget"
    faults("short writes", shortened)


def test_a_disk_that_fills_up_in_the_middle_of_a_short_write_is_full(begun: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    calls = 0

    def filling(handle: int, data: memoryview) -> int:
        nonlocal calls
        if len(data) > 1000 and "/tmp/" in os.readlink(f"/proc/self/fd/{handle}"):
            calls += 1
            if calls > 1:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return real(handle, data[:500])
        return real(handle, data)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("the file behind a handle is found through /proc")
    _change(begun)
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", filling)
        with pytest.raises(NoSpace):
            begun.take(base=_newest(begun))
    assert not _unfinished(begun)
    assert begun.take(base=_newest(begun)).root is not None
