"""Objects that were removed come back: restored from an old copy of the disk by mistake, or by somebody who kept them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.base.secret import Secret
from reconciler.repository import Keyring, Repository, RepositoryError
from tests.fakes.clocks import FakeClock
from tests.faults.world import Memory, fold, look, objects_of
from tests.unit.repository.conftest import CREATED, Bench

pytestmark = pytest.mark.faults
LATER = datetime.now(UTC) + timedelta(days=2)


def _lived(bench: Bench) -> dict[str, bytes]:
    """A repository after an eventful life; returns every object that ever was."""
    ever: dict[str, bytes] = {}
    roots = []
    for number in range(4):
        (bench.source / "changing").write_bytes(bytes([number]) * 9000 + b"%d" % number)
        (bench.source / f"file{number}").write_bytes(b"%d" % number * 300)
        root = bench.take(kind="full" if number % 2 == 0 else "incremental", base=roots[-1] if number % 2 else None).root
        assert root is not None
        roots.append(root.id)
        bench.open().mark(root.id, "verified", datetime(2026, 3, 2, tzinfo=UTC), sole=True)
        bench.open().mark(root.id, "verified", datetime(2026, 3, 3, tzinfo=UTC), sole=True)
        ring = Keyring.open(str(bench.place), bench.key())
        added = ring.add(Secret(b"6b" * 32), "raw", CREATED)
        ever |= objects_of(bench.place)
        ring.remove(added)
    for root in roots[:3]:
        bench.open().forget([root])
        ever |= objects_of(bench.place)
        cleaner = Repository.open(str(bench.place), bench.key(), clock=FakeClock(LATER))
        cleaner.clean_up(confirm=cleaner.plan_clean_up().digest)
        ever |= objects_of(bench.place)
    return ever


def test_an_object_that_comes_back_harms_nothing_that_is_there(bench: Bench, tmp_path: Path, faults: Callable[[str, int], None]) -> None:
    ever = _lived(bench)
    now = objects_of(bench.place)
    truth = look(bench.open).content
    assert len(truth) == 1
    gone = {name: data for name, data in ever.items() if name not in now}
    assert {fold(name) for name in gone} == {"snapshots", "packs", "index", "marks", "keys"}
    cases = [(name, {name: data}) for name, data in gone.items()]
    cases += [(f"all of {folder}/", {name: data for name, data in gone.items() if fold(name) == folder}) for folder in map(fold, gone)]
    cases.append(("everything", gone))
    for what, returned in cases:
        _played(bench, now | returned, truth, what)
    faults("object mutations", len(cases))


def _played(bench: Bench, objects: dict[str, bytes], truth: dict[str, tuple[object, ...]], what: str) -> None:
    store = Memory(objects)

    def repository() -> Repository:
        return Repository.open("memory", bench.key(), store=store, clock=FakeClock(LATER))

    def kept(when: str) -> None:
        seen = look(repository)
        for snapshot, entries in truth.items():
            assert seen.content.get(snapshot) == entries, f"{what}, {when}: {seen.errors}"

    kept("returned")
    refused = ""
    try:
        repository().clean_up(confirm=repository().plan_clean_up().digest)
    except RepositoryError as error:
        refused = error.code
    doubt = {fold(name) for name in objects.keys() - objects_of(bench.place).keys()} & {"snapshots", "index"}
    assert doubt or not refused, f"{what}: {refused}"  # a snapshot that came back without its data: in doubt nothing is removed
    kept("returned, then a clean-up")
    taken = bench.take(repository(), kind="full")
    assert taken.root is not None
    kept("returned, then a backup")
    assert taken.root.id in look(repository).content, what
