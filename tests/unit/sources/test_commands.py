"""Commands of specs as processes: what they print, how they end, and that nothing of them is left over."""

from __future__ import annotations

import os
import threading
import time
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.base.errors import Cancelled
from reconciler.sources.commands import Permit, Running, run_to_end
from reconciler.sources.errors import CommandFailed, CommandNotAllowed
from tests.fakes.programs import program

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a shell")
LONG = timedelta(seconds=30)


def permit(folder: Path, **more: object) -> Permit:
    return Permit((folder,), **more)  # type: ignore[arg-type]


def output(argv: list[str], under: Permit, timeout: timedelta = LONG) -> bytes:
    room, printed = memoryview(bytearray(1000)), b""
    with Running(argv, under, timeout) as command:
        while count := command.readinto(room):
            printed += bytes(room[:count])
    return printed


def is_gone(pid: int) -> bool:
    """Whether no such process runs any more; one that nobody has waited for yet runs no more either."""
    for _ in range(100):
        try:
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
            os.kill(pid, 0)
        except (FileNotFoundError, ProcessLookupError):
            return True
        time.sleep(0.05)
    return False


def test_all_of_a_long_output_arrives(tmp_path: Path) -> None:
    shout = program(tmp_path / "bin", "seq 1 100000")
    assert output([shout], permit(tmp_path / "bin")) == b"".join(b"%d\n" % number for number in range(1, 100001))


def test_a_command_that_fails_after_its_output_fails_the_read_that_would_say_that_was_all(tmp_path: Path) -> None:
    half = program(tmp_path / "bin", "echo half; echo 'server closed the connection' >&2; exit 3")
    with pytest.raises(CommandFailed, match="ended with 3, saying: server closed the connection"):
        output([half], permit(tmp_path / "bin"))


def test_a_command_that_a_signal_ends_has_failed(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="ended by signal 9"):
        output([program(tmp_path / "bin", "echo half; kill -9 $$")], permit(tmp_path / "bin"))


def test_a_time_out_ends_the_command_and_all_that_it_started(tmp_path: Path) -> None:
    hang = program(tmp_path / "bin", f"sleep 300 & echo $! > {tmp_path}/child; echo $$ > {tmp_path}/parent; wait")
    with pytest.raises(CommandFailed, match="did not end within"):
        output([hang], permit(tmp_path / "bin"), timedelta(seconds=0.5))
    assert is_gone(int((tmp_path / "parent").read_text()))
    assert is_gone(int((tmp_path / "child").read_text()))


def test_one_that_will_not_listen_is_ended_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.sources.commands.GRACE_SECONDS", 0.3)
    deaf = program(tmp_path / "bin", f"trap '' TERM; echo $$ > {tmp_path}/parent; while :; do sleep 0.1; done")
    with pytest.raises(CommandFailed, match="did not end"):
        run_to_end([deaf], permit(tmp_path / "bin"), timedelta(seconds=0.5))
    assert is_gone(int((tmp_path / "parent").read_text()))


def test_a_child_that_keeps_the_output_open_does_not_hold_the_run_for_ever(tmp_path: Path) -> None:
    leave = program(tmp_path / "bin", f"sleep 300 & echo $! > {tmp_path}/child; echo done")
    with pytest.raises(CommandFailed, match="did not end"):
        output([leave], permit(tmp_path / "bin"), timedelta(seconds=0.5))
    assert is_gone(int((tmp_path / "child").read_text()))


def test_a_service_that_a_hook_starts_runs_on(tmp_path: Path) -> None:
    start = program(tmp_path / "bin", f"sleep 300 & echo $! > {tmp_path}/service")
    run_to_end([start], permit(tmp_path / "bin"), LONG)
    service = int((tmp_path / "service").read_text())
    os.kill(service, 0)
    os.kill(service, 9)


def test_a_stop_ends_a_command_at_once(tmp_path: Path) -> None:
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    with pytest.raises(Cancelled):
        run_to_end([program(tmp_path / "bin", "exec sleep 300")], permit(tmp_path / "bin", stop=stop), LONG)


def test_a_command_outside_the_allowed_places_never_starts(tmp_path: Path) -> None:
    with pytest.raises(CommandNotAllowed):
        run_to_end([program(tmp_path / "bin", f"touch {tmp_path}/ran")], permit(tmp_path / "elsewhere"), LONG)
    assert not (tmp_path / "ran").exists()


def test_what_a_command_is_told_is_its_environment_and_nothing_else(tmp_path: Path) -> None:
    said = output([program(tmp_path / "bin", "/usr/bin/env; pwd; cat")], permit(tmp_path / "bin", environment={"A": "b"}))
    assert b"A=b" in said.splitlines()
    assert b"/" in said.splitlines()
    assert not [line for line in said.splitlines() if line.startswith(b"HOME=")]
