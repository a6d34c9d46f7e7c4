"""Reading the host: each file system once, also for what is not there yet."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from reconciler.model.health import Role, Use
from reconciler.observe.host import read_host

STATE, ORDERS, MAIN = Use(Role.STATE), Use(Role.SOURCE, "orders"), Use(Role.REPOSITORY, "main")


def test_places_on_one_file_system_are_told_once_and_a_missing_one_by_its_parent(tmp_path: Path) -> None:
    found = read_host({ORDERS: str(tmp_path), STATE: str(tmp_path / "not" / "yet")})
    (room,) = found.rooms
    assert room.uses == (STATE, ORDERS)
    assert room.free_bytes is not None
    assert 0 <= room.free_bytes <= room.total_bytes
    assert room.total_inodes == os.statvfs(tmp_path).f_files
    assert found.cores >= 1
    assert 0 < found.memory_available_bytes <= found.memory_bytes


@pytest.fixture
def dead(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A file system that does not answer: whatever has `dead` in its path."""
    ask, answer = os.stat, threading.Event()

    def hang(path: Any, **more: Any) -> os.stat_result:
        if isinstance(path, str) and "dead" in path.rpartition("/")[2]:
            answer.wait(30)
        return ask(path, **more)

    monkeypatch.setattr(os, "stat", hang)
    yield
    answer.set()
    for thread in threading.enumerate():
        if thread.name == "observe host":
            thread.join(5)


@pytest.mark.usefixtures("dead")
def test_a_place_that_hangs_is_told_and_the_others_stand(tmp_path: Path) -> None:
    (tmp_path / "dead").mkdir()
    found = read_host({MAIN: str(tmp_path / "dead"), STATE: str(tmp_path)}, seconds_max=0.5)
    assert [room.uses for room in found.rooms] == [(STATE,), (MAIN,)]
    assert found.rooms[1].free_bytes is None
    assert "did not answer" in found.rooms[1].failure
    assert found.rooms[0].free_bytes is not None


@pytest.mark.usefixtures("dead")
def test_many_places_that_hang_are_waited_for_together(tmp_path: Path) -> None:
    places = {Use(Role.SOURCE, f"system-{n:02}"): str(tmp_path / f"dead-{n}") for n in range(16)}
    began = time.monotonic()
    found = read_host(places, seconds_max=0.5)
    assert time.monotonic() - began < 4  # one after the other: 8 s
    assert [room.free_bytes for room in found.rooms] == [None] * 16


@pytest.mark.usefixtures("dead")
def test_one_that_hangs_among_hundreds_takes_none_of_them_with_it(tmp_path: Path) -> None:
    places = {Use(Role.SOURCE, f"system-{n:03}"): str(tmp_path / str(n)) for n in range(500)}
    dead = Use(Role.SOURCE, "system-250")
    places[dead] = str(tmp_path / "dead")
    for seconds_max, words in ((0.5, "did not answer within 0 s"), (30, "has not answered since it was asked before")):
        began = time.monotonic()
        told, failed = read_host(places, seconds_max=seconds_max).rooms
        assert time.monotonic() - began < 3
        assert set(told.uses) == places.keys() - {dead}
        assert (failed.uses, failed.free_bytes) == ((dead,), None)
        assert failed.failure == f"the file system of {tmp_path}/dead {words}"


def test_a_file_system_is_counted_once_and_by_one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count, counted, threads = os.statvfs, [], []
    begin = threading.Thread.start
    monkeypatch.setattr(os, "statvfs", lambda path: (counted.append(path), count(path))[1])
    monkeypatch.setattr(threading.Thread, "start", lambda thread: (threads.append(thread), begin(thread))[1])
    places = {Use(Role.SOURCE, f"system-{n:04}"): str(tmp_path / str(n)) for n in range(2000)}
    (room,) = read_host(places).rooms
    assert len(room.uses) == 2000
    assert (len(counted), len(threads)) == (1, 1)


def test_the_numbers_are_those_of_psutil(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = os.statvfs_result((4096, 1024, 1000, 300, 200, 77, 60, 50, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _: numbers)
    (room,) = read_host({MAIN: str(tmp_path)}).rooms
    usage = psutil.disk_usage(str(tmp_path))
    assert (room.free_bytes, room.total_bytes) == (usage.free, usage.total)
    assert (room.free_inodes, room.total_inodes) == (50, 77)


def test_all_together_are_told_as_each_alone(tmp_path: Path) -> None:
    """Folders, files, links, what is missing, loops, and other file systems, which count no inodes or nothing at all."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    for name, target in {"to-folder": "folder", "to-proc": "/proc", "broken": "gone", "loop": "loop"}.items():
        (tmp_path / name).symlink_to(target)
    own = ("", "folder", "file", "to-folder", "to-proc", "broken", "loop", "gone/a/b", "file/below", "to-proc/self", "x" * 300)
    paths = [
        *(str(tmp_path / name) for name in own),
        "/",
        "/proc",
        "/sys",
        "/dev",
        "/dev/shm",
        "/dev/shm/gone",
        "/tmp",
        ".",
        "",
        "gone",
        "nul\0",
    ]
    places = {Use(Role.SOURCE, f"{number:02}"): path for number, path in enumerate(paths)}
    rooms = read_host(places).rooms
    together = {use: room for room in rooms for use in room.uses}
    assert sum(len(room.uses) for room in rooms) == len(together) == len(places)
    for use, path in places.items():
        (alone,) = read_host({use: path}).rooms
        assert (alone.total_bytes, alone.total_inodes, alone.failure) == (
            together[use].total_bytes, together[use].total_inodes, together[use].failure
        )  # fmt: skip
        for other, beside in places.items():
            same = os.stat(_nearest(path)).st_dev == os.stat(_nearest(beside)).st_dev
            assert (together[use] is together[other]) == same


def _nearest(path: str) -> str:
    there = os.path.abspath(path)
    while not os.path.exists(there):
        there = os.path.dirname(there)
    return there


def test_what_cannot_be_counted_is_told_and_others_on_the_same_file_system_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    count = os.statvfs

    def refuse(path: str) -> os.statvfs_result:
        if path.endswith("refused"):
            raise PermissionError(13, "Permission denied", path)
        return count(path)

    monkeypatch.setattr(os, "statvfs", refuse)
    for name in ("refused", "open"):
        (tmp_path / name).mkdir()
    told, failed = read_host({ORDERS: str(tmp_path / "refused"), STATE: str(tmp_path / "open"), MAIN: str(tmp_path)}).rooms
    assert (told.uses, told.failure) == ((STATE, MAIN), "")
    assert (failed.uses, failed.free_bytes) == ((ORDERS,), None)
    assert "Permission denied" in failed.failure
