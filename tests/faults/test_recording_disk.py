"""The disk that remembers: it really makes every state that a real one may be in after a crash, and no call escapes it."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from reconciler.base.files import Disk
from tests.faults.disks import Counting, Platter, Recording, one_after_another
from tests.faults.test_crash_states import prepared
from tests.faults.world import look, objects_of

pytestmark = pytest.mark.faults
CHANGING = {name for name in vars(Disk) if not name.startswith("_")} - {"close"}


def after(*calls: tuple[object, ...], **before: bytes) -> Platter:
    platter = Platter.holding(before)
    for call in calls:
        platter.apply(call)
    return platter


def many(platter: Platter, how: str) -> set[tuple[tuple[str, bytes], ...]]:
    return {tuple(sorted(getattr(platter, how)(random.Random(seed)).items())) for seed in range(400)}


def state(**objects: bytes) -> tuple[tuple[str, bytes], ...]:
    return tuple(sorted(objects.items()))


WRITTEN = [("create", "t", 1), ("write", 1, b"a" * 600)]


def test_completed_is_everything_and_powerless_only_what_was_synced() -> None:
    assert after(*WRITTEN).killed() == {"t": b"a" * 600}
    assert after(*WRITTEN).powerless() == {}
    assert after(*WRITTEN, ("sync", 1)).powerless() == {}, "the content is durable, its name is not"
    assert after(*WRITTEN, ("sync_folder", ".")).powerless() == {"t": b""}, "the name is durable, its content is not"
    assert after(*WRITTEN, ("sync", 1), ("sync_folder", ".")).powerless() == {"t": b"a" * 600}
    published = [*WRITTEN, ("sync", 1), ("sync_folder", "."), ("publish", "t", "f")]
    assert after(*published).killed() == {"f": b"a" * 600}
    assert after(*published).powerless() == {"t": b"a" * 600}
    assert after(*published, ("sync_folder", ".")).powerless() == {"f": b"a" * 600}


def test_a_removed_name_may_come_back_until_its_folder_is_synced() -> None:
    assert after(("unlink", "old"), old=b"1").killed() == {}
    assert after(("unlink", "old"), old=b"1").powerless() == {"old": b"1"}
    assert after(("unlink", "old"), ("sync_folder", "."), old=b"1").powerless() == {}


def test_a_folder_that_is_not_durable_takes_its_files_along() -> None:
    made = [("mkdir", "d"), ("create", "d/t", 1), ("write", 1, b"x"), ("sync", 1), ("sync_folder", "d")]
    assert after(*made).powerless() == {}
    assert after(*made, ("sync_folder", ".")).powerless() == {"d/t": b"x"}


def test_torn_files_are_cut_at_sectors_or_end_in_zeros_and_names_come_in_order() -> None:
    states = many(after(*WRITTEN, ("sync_folder", ".")), "torn")
    assert {state(t=b""), state(t=b"a" * 512), state(t=b"a" * 512 + bytes(88)), state(t=bytes(600)), state(t=b"a" * 600)} <= states
    two = [("create", "a", 1), ("sync", 1), ("create", "b", 2), ("sync", 2)]
    assert many(after(*two), "torn") == {state(), state(a=b""), state(a=b"", b=b"")}


def test_reordered_names_come_in_any_order() -> None:
    two = [("create", "a", 1), ("sync", 1), ("create", "b", 2), ("sync", 2)]
    assert many(after(*two), "reordered") == {state(), state(a=b""), state(b=b""), state(a=b"", b=b"")}
    moved = after(("publish", "t", "f"), t=b"1")
    assert many(moved, "reordered") == {state(t=b"1"), state(f=b"1"), state(t=b"1", f=b"1"), state()}


def test_what_is_synced_is_in_every_state() -> None:
    done = after(*WRITTEN, ("sync", 1), ("publish", "t", "f"), ("sync_folder", "."), ("create", "g", 2), ("write", 2, b"g" * 999))
    for how in ("torn", "reordered"):
        assert all(dict(each)["f"] == b"a" * 600 for each in many(done, how))


def test_a_backup_leaves_states_of_every_kind_that_no_other_kind_gives(tmp_path: Path) -> None:
    story, base = prepared(tmp_path)
    before = objects_of(story.bench.place)
    story.write("new", 20_000)
    story.backup(base)
    behind = 0
    seen: dict[str, set[int]] = {how: set() for how in ("killed", "powerless", "torn", "reordered")}
    for number, platter in one_after_another(story.disk.calls, before):
        chance = random.Random(number)
        pictures = {"killed": platter.killed(), "powerless": platter.powerless()}
        pictures |= {how: getattr(platter, how)(chance) for how in ("torn", "reordered")}
        behind += pictures["powerless"] != pictures["killed"]
        for how, objects in pictures.items():
            seen[how].add(hash(tuple(sorted(objects.items()))))
    assert behind > 10, "after most calls the medium is behind the cache"
    for how in ("killed", "torn", "reordered"):  # a powerless disk is a torn one on which nothing more arrived
        others = set().union(*(each for other, each in seen.items() if other != how))
        assert seen[how] - others, f"no state is {how} alone"


def test_the_recording_tells_the_end_state_that_is_really_there(tmp_path: Path) -> None:
    story, base = prepared(tmp_path)
    before = objects_of(story.bench.place)
    story.write("new")
    story.backup(base)
    *_, (_, last) = one_after_another(story.disk.calls, before)
    assert {name: data for name, data in last.killed().items() if not name.startswith("tmp/")} == objects_of(story.bench.place)
    assert not look(story.bench.open).errors


@pytest.mark.parametrize("kind", [Recording, Counting])
def test_no_way_of_changing_the_disk_escapes_it(kind: type[Disk]) -> None:
    assert {"create", "write", "sync", "truncate", "publish", "unlink", "mkdir", "sync_folder"} == CHANGING
    assert set(vars(kind)) >= CHANGING, "a call of the disk is neither recorded nor counted"


def test_without_a_sync_nothing_is_believed(tmp_path: Path) -> None:
    """What a test of tests is for: a disk that forgets to sync loses an acknowledged snapshot in the powerless state."""
    story, base = prepared(tmp_path)
    before = objects_of(story.bench.place)
    story.write("new")
    snapshot = story.backup(base)
    unsynced = [call for call in story.disk.calls if not str(call[0]).startswith("sync")]
    *_, (_, last) = one_after_another(unsynced, before)
    assert f"snapshots/{snapshot}" in last.killed()
    assert f"snapshots/{snapshot}" not in last.powerless()
    assert os.path.exists(story.bench.place / "snapshots" / snapshot)
