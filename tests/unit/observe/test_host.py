"""Reading the host: each file system once, also for what is not there yet."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import psutil
import pytest

from reconciler.observe.host import read_host


def test_places_on_one_file_system_are_told_once_and_a_missing_one_by_its_parent(tmp_path: Path) -> None:
    found = read_host({"state": str(tmp_path / "not" / "yet"), "source of orders": str(tmp_path)})
    (room,) = found.rooms
    assert room.places == ("state", "source of orders")
    assert room.free_bytes is not None
    assert 0 <= room.free_bytes <= room.total_bytes
    assert room.total_inodes == os.statvfs(tmp_path).f_files
    assert found.cores >= 1
    assert 0 < found.memory_available_bytes <= found.memory_bytes


def test_a_place_that_hangs_is_told_and_the_others_stand(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask, answer = psutil.disk_usage, threading.Event()

    def hang(path: str) -> object:
        if path.endswith("dead"):
            answer.wait(30)
        return ask(path)

    monkeypatch.setattr(psutil, "disk_usage", hang)
    (tmp_path / "dead").mkdir()
    try:
        found = read_host({"repository main": str(tmp_path / "dead"), "state": str(tmp_path)}, seconds_max=0.5)
    finally:
        answer.set()
    assert [room.places for room in found.rooms] == [("repository main",), ("state",)]
    assert found.rooms[0].free_bytes is None
    assert "did not answer" in found.rooms[0].failure
    assert found.rooms[1].free_bytes is not None
