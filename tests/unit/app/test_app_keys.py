"""Keys: where they may come from, and who must not be able to read them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.app import keys
from reconciler.app.errors import KeyExposed, KeyMalformed, KeyMissing, KeyUnusable
from reconciler.base.errors import Fate
from reconciler.base.secret import redact
from reconciler.model.declared.repository import Key
from reconciler.sources.errors import CommandFailed, CommandNotAllowed

RAW = bytes(range(32)).hex().encode()


def write(path: Path, content: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(content)
    path.chmod(mode)
    return path


def script(folder: Path, text: str, mode: int = 0o700) -> Path:
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    return write(folder / "key.sh", f"#!/bin/sh\n{text}\n".encode(), mode)


def test_a_new_key_is_private_and_can_be_read_back(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "main.key"
    made = keys.create(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert keys.load(Key(file=str(path))).reveal() == made.reveal()
    assert len(bytes.fromhex(made.reveal().decode())) == 32


def test_an_existing_key_file_is_never_written_over(tmp_path: Path) -> None:
    path = write(tmp_path / "main.key", b"precious")
    with pytest.raises(FileExistsError):
        keys.create(path)
    assert path.read_bytes() == b"precious"


@pytest.mark.skipif(os.name != "posix", reason="POSIX modes")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o606, 0o601])
def test_a_key_that_others_can_read_or_change_is_refused(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path / "main.key", RAW, mode)
    with pytest.raises(KeyExposed) as caught:
        keys.from_file(path)
    assert caught.value.fate is Fate.REFUSED
    assert f"{mode:04o}" in caught.value.message


def test_a_key_behind_a_link_is_judged_by_the_file_at_its_end(tmp_path: Path) -> None:
    (tmp_path / "mounted").symlink_to(write(tmp_path / "real", RAW))
    assert keys.from_file(tmp_path / "mounted").reveal() == RAW
    (tmp_path / "real").chmod(0o644)
    with pytest.raises(KeyExposed):
        keys.from_file(tmp_path / "mounted")


def test_a_missing_key_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(KeyMissing, match=r"gone\.key does not exist"):
        keys.from_file(tmp_path / "gone.key")


def test_a_folder_in_the_place_of_a_key_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "main.key").mkdir(mode=0o700)
    with pytest.raises(KeyUnusable):
        keys.from_file(tmp_path / "main.key")


@pytest.mark.parametrize("content", [b"", b"\n", b"00", b"0" * 63, b"0" * 65, b"g" * 64, b"x" * 5000])
def test_what_is_no_raw_key_is_refused_without_being_shown(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(KeyUnusable) as caught:
        keys.from_file(write(tmp_path / "main.key", content))
    shown = caught.value.message.replace(str(tmp_path), "")  # the name of the folder may hold the same digits
    assert not content.strip() or content.strip().decode() not in shown


def test_white_space_around_a_raw_key_does_not_matter_but_inside_a_passphrase_it_does(tmp_path: Path) -> None:
    assert keys.from_file(write(tmp_path / "raw", b" " + RAW.upper() + b"\r\n")).reveal() == RAW
    assert keys.from_file(write(tmp_path / "words", b" seven wild horses \n"), "passphrase").reveal() == b" seven wild horses "


def test_a_key_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKUP_KEY", RAW.decode())
    assert keys.load(Key(env="BACKUP_KEY")).reveal() == RAW
    monkeypatch.delenv("BACKUP_KEY")
    with pytest.raises(KeyMissing, match="BACKUP_KEY"):
        keys.load(Key(env="BACKUP_KEY"))
    monkeypatch.setenv("BACKUP_KEY", "")
    with pytest.raises(KeyMalformed):
        keys.load(Key(env="BACKUP_KEY"))


def test_a_loaded_key_never_shows_in_a_text(tmp_path: Path) -> None:
    secret = keys.from_file(write(tmp_path / "main.key", RAW))
    assert RAW.decode() not in f"{secret} {secret!r}"
    assert RAW.decode() not in redact(f"the key is {RAW.decode()}")


@pytest.mark.skipif(os.name != "posix", reason="needs a shell")
class TestCommands:
    """A command in a spec runs only where this host allows it."""

    def test_an_allowed_command_gives_the_key(self, tmp_path: Path) -> None:
        program = script(tmp_path / "allowed", f"echo {RAW.decode()}")
        assert keys.load(Key(command=(str(program),)), allowed=(tmp_path / "allowed",)).reveal() == RAW

    def test_without_an_allow_list_nothing_runs(self, tmp_path: Path) -> None:
        program = script(tmp_path / "bin", f"touch {tmp_path}/ran; echo {RAW.decode()}")
        with pytest.raises(CommandNotAllowed):
            keys.load(Key(command=(str(program),)))
        assert not (tmp_path / "ran").exists()

    def test_a_link_in_an_allowed_directory_does_not_lead_out_of_it(self, tmp_path: Path) -> None:
        program = script(tmp_path / "elsewhere", f"touch {tmp_path}/ran")
        (tmp_path / "allowed").mkdir(mode=0o755)
        (tmp_path / "allowed" / "key").symlink_to(program)
        with pytest.raises(CommandNotAllowed):
            keys.load(Key(command=(str(tmp_path / "allowed" / "key"),)), allowed=(tmp_path / "allowed",))
        assert not (tmp_path / "ran").exists()

    def test_dots_in_the_path_do_not_lead_out_either(self, tmp_path: Path) -> None:
        script(tmp_path / "elsewhere", f"touch {tmp_path}/ran")
        (tmp_path / "allowed").mkdir(mode=0o755)
        with pytest.raises(CommandNotAllowed):
            keys.load(Key(command=(f"{tmp_path}/allowed/../elsewhere/key.sh",)), allowed=(tmp_path / "allowed",))
        assert not (tmp_path / "ran").exists()

    @pytest.mark.parametrize("exposed", ["folder", "program"])
    def test_what_others_can_write_does_not_run(self, tmp_path: Path, exposed: str) -> None:
        program = script(tmp_path / "allowed", f"touch {tmp_path}/ran")
        (tmp_path / "allowed" if exposed == "folder" else program).chmod(0o777)
        with pytest.raises(CommandNotAllowed, match="other users can write"):
            keys.load(Key(command=(str(program),)), allowed=(tmp_path / "allowed",))
        assert not (tmp_path / "ran").exists()

    def test_a_relative_command_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(CommandNotAllowed, match="not an absolute path"):
            keys.load(Key(command=("key.sh",)), allowed=(tmp_path,))

    def test_arguments_are_passed_as_they_are_without_a_shell(self, tmp_path: Path) -> None:
        program = script(tmp_path / "allowed", 'printf "%s" "$1"')
        given = keys.load(Key(command=(str(program), "$(id); a b"), kind="passphrase"), allowed=(tmp_path / "allowed",))
        assert given.reveal() == b"$(id); a b"

    def test_a_command_that_fails_does_not_show_what_it_said(self, tmp_path: Path) -> None:
        program = script(tmp_path / "allowed", "echo secret-words >&2; exit 3")
        with pytest.raises(CommandFailed, match="ended with 3") as caught:
            keys.load(Key(command=(str(program),)), allowed=(tmp_path / "allowed",))
        assert "secret-words" not in str(caught.value.as_dict())
