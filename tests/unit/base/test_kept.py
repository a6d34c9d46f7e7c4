"""A cache file is believed whole or not at all, and what depends on the code is of one program."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.base import kept


def test_what_was_kept_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "words"
    kept.write(path, [b"one ", b"two"])
    found = kept.read(path)
    assert found is not None
    assert bytes(found) == b"one two"
    assert path.stat().st_mode & 0o777 == 0o600
    assert os.listdir(path.parent) == ["words"]


@pytest.mark.parametrize("data", [b"", b"short", b"x" * 100])
def test_what_is_torn_or_foreign_counts_as_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "words").write_bytes(data)
    assert kept.read(tmp_path / "words") is None
    assert kept.read(tmp_path / "missing") is None


def test_each_changed_byte_makes_it_none(tmp_path: Path) -> None:
    path = tmp_path / "words"
    kept.write(path, [b"words"])
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert kept.read(path) is None


def test_a_disk_that_refuses_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "words"
    kept.write(path, [b"old"])

    def failing() -> object:
        yield b"new"
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        kept.write(path, failing())  # type: ignore[arg-type]
    found = kept.read(path)
    assert found is not None
    assert bytes(found) == b"old"
    assert os.listdir(tmp_path) == ["words"]


def test_what_a_killed_process_left_half_written_is_cleared_away(tmp_path: Path) -> None:
    for name in ("words.17.tmp", "words.resolved.17.tmp", "words.17", "other.17.tmp"):
        (tmp_path / name).write_bytes(b"half")
    kept.write(tmp_path / "words.resolved", [b"new"])
    assert sorted(os.listdir(tmp_path)) == ["other.17.tmp", "words.17", "words.17.tmp", "words.resolved"]
    kept.write(tmp_path / "words", [b"new"])
    assert sorted(os.listdir(tmp_path)) == ["other.17.tmp", "words", "words.17", "words.resolved"]


def test_a_program_is_another_when_a_module_changes(tmp_path: Path) -> None:
    room = tmp_path / "decide" / "impact"
    room.mkdir(parents=True)
    (room / "plan.py").write_text("1")
    (tmp_path / "decide" / "notes.txt").write_text("1")
    (tmp_path / "model").mkdir()
    os.utime(room / "plan.py", ns=(0, 1))
    first = kept.program(tmp_path, "1.0", "decide", "model")
    assert first == kept.program(tmp_path, "1.0", "decide", "model") != ""
    assert first != kept.program(tmp_path, "1.1", "decide", "model")
    (tmp_path / "decide" / "notes.txt").write_text("22")
    assert first == kept.program(tmp_path, "1.0", "decide", "model")
    os.utime(room / "plan.py", ns=(0, 2))
    second = kept.program(tmp_path, "1.0", "decide", "model")
    (tmp_path / "model" / "words.py").write_text("")
    assert len({first, second, kept.program(tmp_path, "1.0", "decide", "model")}) == 3


def test_of_a_program_without_files_nothing_is_known(tmp_path: Path) -> None:
    assert kept.program(tmp_path, "1.0", "decide") == ""


def test_of_a_program_that_is_being_replaced_nothing_is_known(tmp_path: Path) -> None:
    (tmp_path / "decide").mkdir()
    (tmp_path / "decide" / "plan.py").write_text("1")
    (tmp_path / "decide" / "words.py").symlink_to(tmp_path / "gone")
    assert kept.program(tmp_path, "1.0", "decide") == ""
