"""The audit log: chained, durable, shared, and not disturbed by a torn line."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import pytest

from reconciler.base.files import Disk
from reconciler.base.secret import remember
from reconciler.catalog.audit import BEGINNING, Audit, verify
from reconciler.catalog.errors import AuditError


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "state" / "audit.jsonl"


def test_each_line_follows_from_the_one_before(log: Path) -> None:
    audit = Audit(log)
    audit.append("intent", "backup", "orders@main", run="r1")
    audit.append("complete", "backup", "orders@main", run="r1", outcome="succeeded")
    first, second = lines(log)
    assert (first["stage"], first["verb"], first["object"], first["run"], first["prev"]) == (
        "intent",
        "backup",
        "orders@main",
        "r1",
        BEGINNING,
    )
    assert second["prev"] != BEGINNING
    assert verify(log).lines == 2
    assert verify(log).fault is None
    assert log.stat().st_mode & 0o777 == 0o600


def test_the_chain_goes_on_after_a_restart(log: Path) -> None:
    Audit(log).append("note", "start", "loop")
    Audit(log).append("note", "start", "loop")
    assert verify(log).lines == 2


@pytest.mark.parametrize("damage", ["change", "remove", "insert", "rubbish"])
def test_a_log_that_somebody_edited_is_found_out(log: Path, damage: str) -> None:
    audit = Audit(log)
    for number in range(5):
        audit.append("note", "trigger", f"system-{number}")
    raw = log.read_bytes().splitlines(keepends=True)
    match damage:
        case "change":
            raw[2] = raw[2].replace(b"system-2", b"system-9")
        case "remove":
            del raw[2]
        case "insert":
            raw.insert(2, raw[1])
        case "rubbish":
            raw[2] = b"{}\n"
    log.write_bytes(b"".join(raw))
    verdict = verify(log)
    assert verdict.fault is not None
    assert verdict.lines in {2, 3}


def test_a_hash_that_was_kept_elsewhere_proves_that_nothing_was_cut_off(log: Path) -> None:
    audit = Audit(log)
    for number in range(5):
        audit.append("note", "trigger", f"system-{number}")
    kept = verify(log).head
    audit.append("note", "trigger", "later")
    assert verify(log, kept).fault is None
    log.write_bytes(b"".join(log.read_bytes().splitlines(keepends=True)[:4]))
    assert verify(log).fault is None, "the chain alone cannot tell"
    assert "cut off the end" in (verify(log, kept).fault or "")


@pytest.mark.parametrize("kept", [1, 40, -1])
def test_a_torn_line_is_kept_aside_and_the_next_one_says_so(log: Path, kept: int) -> None:
    audit = Audit(log)
    audit.append("note", "start", "loop")
    audit.append("intent", "forget", "orders@main", snapshots=["a" * 32] * 5)
    whole, torn = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(whole + torn[:kept])
    assert verify(log).lines == 1
    audit.append("note", "start", "loop")
    assert verify(log).fault is None
    assert verify(log).lines == 2
    assert lines(log)[1]["torn"]["bytes"] == len(torn[:kept])  # type: ignore[index]
    (aside,) = log.parent.glob("audit.jsonl.torn-*")
    assert aside.read_bytes() == torn[:kept]


def test_a_line_longer_than_one_read_is_found_again(log: Path) -> None:
    Audit(log).append("note", "forget", "orders@main", snapshots=["b" * 32] * 5000)
    Audit(log).append("note", "start", "loop")
    assert verify(log).lines == 2


def _write_some(log: str) -> None:
    audit = Audit(Path(log))
    for number in range(20):
        audit.append("note", "trigger", f"{os.getpid()}-{number}")


def test_two_processes_write_one_chain(log: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write_some, args=(str(log),)) for _ in range(2)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert verify(log).lines == 40
    assert verify(log).fault is None
    assert len({line["object"] for line in lines(log)}) == 40


def test_a_secret_never_reaches_the_log(log: Path) -> None:
    remember(b"correct-horse-battery")
    Audit(log).append("note", "start", "loop", why="sftp://u:pw@host/x with correct-horse-battery")
    assert "correct-horse" not in log.read_text()
    assert ":pw@" not in log.read_text()


class FullDisk(Disk):
    """Takes half of what it is given, then is full."""

    def write(self, handle: int, data: bytes | bytearray | memoryview) -> None:
        os.write(handle, bytes(data)[: len(data) // 2])
        raise OSError(28, "No space left on device")


def test_a_full_disk_is_an_error_and_the_chain_survives_it(log: Path) -> None:
    Audit(log).append("note", "start", "loop")
    with pytest.raises(AuditError, match="No space left"):
        Audit(log, disk=FullDisk()).append("intent", "backup", "orders@main")
    Audit(log).append("note", "start", "loop")
    assert verify(log).lines == 2
    assert verify(log).fault is None
