"""The notify protocol, before a socket that listens as systemd does."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.app.supervisor import Supervisor


@pytest.fixture
def manager(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        yield listening


def heard(manager: socket.socket) -> str:
    return manager.recv(200).decode()


def test_it_says_when_it_is_ready_and_when_it_ends(manager: socket.socket) -> None:
    supervisor = Supervisor.of_environment()
    supervisor.ready(lambda: True)
    assert heard(manager) == "READY=1"
    supervisor.stopping()
    assert heard(manager) == "STOPPING=1"


def test_a_living_loop_gives_signs_of_life(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    supervisor = Supervisor.of_environment()
    supervisor.ready(lambda: True)
    assert [heard(manager) for _ in range(4)] == ["READY=1", *["WATCHDOG=1"] * 3]
    supervisor.stopping()


def test_a_dead_loop_gives_none(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    asked = threading.Event()

    def dead() -> bool:
        asked.set()
        return False

    supervisor = Supervisor.of_environment()
    supervisor.ready(dead)
    assert heard(manager) == "READY=1"
    assert asked.wait(5)
    supervisor.stopping()
    assert heard(manager) == "STOPPING=1"


def test_what_it_starts_cannot_speak_for_it(manager: socket.socket) -> None:
    Supervisor.of_environment()
    assert "NOTIFY_SOCKET" not in os.environ


def test_a_watchdog_of_another_process_is_not_ours(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    monkeypatch.setenv("WATCHDOG_PID", "1")
    supervisor = Supervisor.of_environment()
    supervisor.ready(lambda: True)
    supervisor.stopping()
    assert [heard(manager), heard(manager)] == ["READY=1", "STOPPING=1"]


def test_without_a_manager_nothing_is_told(manager: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET")
    supervisor = Supervisor.of_environment()
    supervisor.ready(lambda: True)
    supervisor.stopping()
    manager.setblocking(False)
    with pytest.raises(BlockingIOError):
        heard(manager)


def test_a_manager_that_is_gone_does_not_end_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    Supervisor.of_environment().ready(lambda: True)
