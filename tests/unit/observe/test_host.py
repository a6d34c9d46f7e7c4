"""Reading the host: each file system once, also for what is not there yet."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

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
    ask, answer = psutil.disk_usage, threading.Event()

    def hang(path: str) -> object:
        if "dead" in path.rpartition("/")[2]:
            answer.wait(30)
        return ask(path)

    monkeypatch.setattr(psutil, "disk_usage", hang)
    yield
    answer.set()


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
    for path in places.values():
        Path(path).mkdir()
    began = time.monotonic()
    found = read_host(places, seconds_max=0.5)
    assert time.monotonic() - began < 4  # one after the other: 8 s
    assert [room.free_bytes for room in found.rooms] == [None] * 16
