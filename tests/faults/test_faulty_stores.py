"""A place that fails at any call, in any way: the run ends with a typed error or well, and what was acknowledged stays."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from reconciler.repository import NoSpace, Repository, RepositoryError, Unreachable
from reconciler.repository.collect import CleanUp
from reconciler.repository.errors import Damaged, ObjectMissing
from reconciler.repository.store import Found
from reconciler.tree.write import Target
from tests.faults.world import Counter, Memory, Seen, look, objects_of
from tests.unit.repository.conftest import Bench

pytestmark = pytest.mark.faults
NOW = datetime(2026, 3, 2, tzinfo=UTC)
READS = {"get", "get_range", "find", "list"}
CHANGES = {"put", "write", "commit", "delete", "barrier"}


class Faulty(Memory):
    """Call number ``at`` goes wrong as ``how`` says; all others are right."""

    def __init__(self, objects: Mapping[str, bytes], at: int, how: str) -> None:
        super().__init__(objects, self._before)
        self.calls = Counter()
        self.at = at
        self.how = how
        self.struck = ""

    def _before(self, call: str, name: str) -> None:
        if self.calls.next() != self.at:
            return
        self._name = name
        if self.how == "unreachable":
            self._strike(call)
            raise Unreachable(f"{name} does not answer", repository=self.url)
        if self.how == "full" and call in CHANGES - {"delete", "barrier"}:
            self._strike(call)
            raise NoSpace(f"no space left for {name}", repository=self.url)
        if self.how == "missing" and call in {"get", "get_range"}:
            self._strike(call)
            raise ObjectMissing(f"{name} is missing", object=name)
        if self.how in {"short", "flipped", "another", "stale", "twice", "ambiguous"}:
            self._pending = call

    _pending = ""
    _name = ""

    def _strike(self, call: str) -> None:
        self.struck = f"{self.how} {call} {self._name}"

    def _take_pending(self, *calls: str) -> str:
        """Which call is to go wrong after it took effect, if it is one of these."""
        pending, self._pending = self._pending, ""
        return pending if pending in calls else ""

    def create(self, name: str, data: bytes) -> None:
        super().create(name, data)
        self._answer_lost("put", "commit")

    def delete(self, name: str) -> None:
        super().delete(name)
        self._answer_lost("delete")

    def _answer_lost(self, *calls: str) -> None:
        call = self._take_pending(*calls)
        if call and self.how == "ambiguous":
            self._strike(call)
            raise Unreachable("the answer was lost", repository=self.url)

    def get(self, name: str, limit: int) -> bytes:
        return self._spoilt(super().get(name, limit))

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        data = self._spoilt(super().get_range(name, offset, length))
        if len(data) != length:  # a store promises this much
            raise Damaged(f"{name} is cut short", object=name)
        return data

    def _spoilt(self, data: bytes) -> bytes:
        call = self._take_pending("get", "get_range")
        if not call or not data or self.how not in {"short", "flipped", "another"}:
            return data
        self._strike(call)
        if self.how == "short":
            return data[: len(data) // 2]
        if self.how == "another":
            return random.Random(len(data)).randbytes(len(data))
        return data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]

    def list(self, prefix: str) -> Iterator[Found]:
        found = list(super().list(prefix))
        if found and self._take_pending("list"):
            if self.how == "stale":
                self._strike("list")
                found = found[:-1]
            elif self.how == "twice":
                self._strike("list")
                found = [found[0], *found]
        yield from found


HOWS = ("unreachable", "full", "missing", "short", "flipped", "another", "stale", "twice", "ambiguous")


@pytest.fixture
def begun(bench: Bench) -> Bench:
    for number in range(3):
        (bench.source / f"file{number}").write_bytes(bytes([number]) * 500)
    first = bench.take(kind="full").root
    assert first is not None
    (bench.source / "second").write_bytes(b"2" * 500)
    assert bench.take(base=first.id).root is not None
    return bench


def _open(bench: Bench, store: Memory) -> Repository:
    return Repository.open("memory", bench.key(), store=store)


def _act_backup(bench: Bench, store: Memory, folder: Path) -> None:
    repository = _open(bench, store)
    roots = repository.listing().roots
    taken = bench.take(repository, base=roots[0].id if roots else None)
    if taken.root is not None:
        assert f"snapshots/{taken.root.id}" in store.objects, "success without a snapshot"


def _act_full(bench: Bench, store: Memory, folder: Path) -> None:
    bench.take(_open(bench, store), kind="full")


def _act_mark(bench: Bench, store: Memory, folder: Path) -> None:
    repository = _open(bench, store)
    for root in repository.listing().roots[:1]:
        repository.mark(root.id, "verified", NOW)


def _act_forget(bench: Bench, store: Memory, folder: Path) -> None:
    repository = _open(bench, store)
    repository.forget([root.id for root in repository.listing().roots[1:]])


def _act_verify(bench: Bench, store: Memory, folder: Path) -> None:
    repository = _open(bench, store)
    for root in repository.listing().roots:
        repository.verify(root.id)


def _act_restore(bench: Bench, store: Memory, folder: Path) -> None:
    """A file that is there under its own name is right, whatever went wrong with others."""
    repository = _open(bench, store)
    roots = repository.listing().roots
    try:
        with Target.open(str(folder)) as target:
            restored = repository.restore(roots[0].id, target) if roots else None
        whole = restored is not None and not restored.failures
    except RepositoryError:
        whole = False
    back = bench.inside(folder)
    files = sorted(path.name for path in back.iterdir()) if back.exists() else []
    for name in files:
        assert (back / name).read_bytes() == (bench.source / name).read_bytes(), f"{name} came back wrongly"
    if whole and len(roots) == 2:  # else the newest root was not readable, and another one was restored
        assert files == sorted(path.name for path in bench.source.iterdir() if path.name != "third"), "a file is missing silently"


def _waste(bench: Bench) -> None:
    """Leave content that no snapshot needs any more beside content that two need."""
    roots = bench.open().listing().roots
    (bench.source / "file2").unlink()
    assert bench.take(base=roots[0].id).root is not None
    bench.open().forget([root.id for root in roots])
    (bench.source / "file1").write_bytes(b"1" * 700)
    assert bench.take(base=bench.open().listing().roots[0].id).root is not None


def _act_clean_up(bench: Bench, store: Memory, folder: Path) -> None:
    """Of a repository with something to remove, and late enough for nothing to be spared for being fresh."""
    repository = _open(bench, store)
    later = datetime.now(UTC) + timedelta(days=2)
    digest = CleanUp(store, repository._seals, later).plan().digest
    CleanUp(store, repository._seals, later).run(digest)


ACTS = [_act_backup, _act_full, _act_mark, _act_forget, _act_verify, _act_restore, _act_clean_up]


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__[5:])
@pytest.mark.parametrize("how", HOWS)
def test_a_store_that_fails_at_any_call_harms_nothing(
    begun: Bench,
    tmp_path: Path,
    faults: Callable[[str, int], None],
    act: Callable[[Bench, Memory, Path], None],
    how: str,
) -> None:
    if act is _act_clean_up:
        _waste(begun)
    before = objects_of(begun.place)
    truth = look(begun.open).content
    newest = begun.open().listing().roots[0].id
    (begun.source / "third").write_bytes(b"3" * 500)
    struck = 0
    for at in count(1):
        store = Faulty(before, at, how)
        what = ""
        try:
            act(begun, store, tmp_path / f"target{at}")
        except RepositoryError as error:
            what = error.code
        what = f"{store.struck} at call {at}: {what or 'well'}"
        struck += bool(store.struck)
        healthy = Memory(store.objects)
        seen = look(lambda: _open(begun, healthy))  # noqa: B023 (used at once)
        _kept(seen, truth, newest, act is _act_forget, what)
        if store.struck and act in {_act_backup, _act_full} and at % 3 == 0:
            after = begun.take(_open(begun, healthy), base=newest)
            assert not after.damage, what
            assert after.root is None or _open(begun, healthy).verify(after.root.id).intact, what
        if store.calls.last < at:
            break
    faults("backend faults", struck)


def _kept(seen: Seen, truth: Mapping[str, tuple[object, ...]], newest: str, forgetting: bool, what: str) -> None:
    assert not seen.errors, f"{what}: {seen.errors}"
    for snapshot, entries in truth.items():
        if snapshot == newest or not forgetting:
            assert seen.content.get(snapshot) == entries, what


def test_the_clean_up_of_the_healthy_store_does_remove_something(begun: Bench) -> None:
    """The control: else no fault could be met on the way to a deletion."""
    _waste(begun)
    store = Memory(objects_of(begun.place))
    before = {name for name in store.objects if name.startswith("packs/")}
    _act_clean_up(begun, store, begun.place)
    assert before - {name for name in store.objects if name.startswith("packs/")}
