"""The words of the command line: where they may stand, what is refused, and that a usage error is 64 and a sentence."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler import __version__
from reconciler.cli.main import run

USAGE = 64


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("SPECS", "STATE", "HOST", "ALLOW_COMMANDS"):
        monkeypatch.delenv(f"RECONCILER_{name}", raising=False)


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert capsys.readouterr().out == f"reconcile {__version__}\n"
    assert run(["--version", "-o", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["version"] == __version__


def test_help_lists_the_commands_and_not_the_aliases(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    for name in (
        "init",
        "validate",
        "schema",
        "status",
        "explain",
        "backup",
        "snapshots",
        "forget",
        "restore",
        "config",
        "catalog",
        "events",
    ):
        assert f"\n  {name} " in text
    assert "monitor" not in text
    assert "scheduler" not in text


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (["statsu"], "no such command 'statsu'"),
        (["--nope"], "no such option '--nope'"),
        (["-o", "yaml", "status"], "'yaml' is not one of"),
        (["status", "-o", "markdown"], "-o markdown does not go with `status`"),
        (["-o", "markdown"], "-o markdown goes with --dry-run only"),
        (["--watch", "--dry-run"], "--watch and --dry-run exclude each other"),
        (["--init", "--dry-run"], "--init and --dry-run exclude each other"),
        (["--cached"], "--cached goes with --dry-run only"),
        (["--detailed-exitcode"], "--detailed-exitcode goes with --dry-run only"),
        (["--dry-run", "validate"], "--dry-run does not go with `validate`"),
        (["--dry-run", "catalog", "rebuild"], "--dry-run does not go with `rebuild`"),
        (["--watch", "status"], "--watch does not go with `status`"),
        (["--init", "restore", "x", "--target", "y"], "--init does not go with `restore`"),
        (["--specs", ""], "--specs is empty"),
        (["status", "--specs", ""], "--specs is empty"),
        (["--state", ""], "--state is empty"),
        (["--host", "", "status"], "--host is empty"),
        (["--allow-commands", "bin", "status"], "'bin' in the list of allowed command directories is not an absolute path"),
        (["restore", "orders"], "neither --target nor --in-place is given"),
        (["restore", "orders", "--target", "t", "--in-place"], "--target and --in-place exclude each other"),
        (["restore", "orders", "--in-place", "--on-conflict", "merge"], "'merge' is no way to treat a conflict"),
        (["restore", "orders", "--in-place", "--confirm", "ab12"], "--confirm goes with --on-conflict mirror only"),
        (["restore", "orders", "--target", "t", "--checksums", ""], "--checksums is empty"),
        (["restore", "--repository", "/srv/x", "--key", "k", "--in-place"], "--in-place needs the specs"),
        (["rollback"], "missing argument 'RESTORE'"),
        (["restore", "orders", "--target", ""], "--target is empty"),
        (["restore", "orders", "--target", "t", "--at", "noon"], "'noon' is not a moment"),
        (["restore", "--target", "t", "--snapshot", "ab", "--at", "2026-01-01"], "--snapshot and --at exclude each other"),
        (["restore", "--target", "t", "--snapshot", "ab", "--backup-id", "cd"], "were given different values"),
        (["snapshots", "--repository", "/srv/x"], "--repository and --key go together"),
        (["snapshots", "--repository", "/srv/x", "--key", "k", "--key-kind", "rot13"], "--key-kind is raw or passphrase"),
        (["forget", "ab"], "missing option '--reason'"),
        (["backup", "create", "--kind", "weekly"], "'weekly' is not one of"),
        (["backup", "create", "--kind", "full", "--type", "incremental"], "were given different values"),
        (["config", "show", "--origins"], "--origins needs the name of a system"),
        (["events", "--limit", "0"], "invalid value for '--limit'"),
        (["schema", "Sytem"], "there is no kind 'Sytem'"),
        (["bad\x1b[2Jname"], "no such command 'bad\\x1b[2Jname'"),
    ],
)
def test_words_that_do_not_fit_are_named(line: list[str], says: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(line) == USAGE
    out, err = capsys.readouterr()
    assert err.startswith("error[usage]: ")
    assert says in err
    assert out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("words", [["-o", "json", "statsu"], ["-ojson", "statsu"], ["--output=json", "statsu"]])
def test_a_usage_error_is_json_for_programs(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == USAGE
    assert json.loads(capsys.readouterr().err)["error"]["code"] == "usage"


def test_a_missing_spec_tree_is_a_sentence_and_makes_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert run(["--specs", "/nowhere/at/all", "--state", str(tmp_path / "state"), "--dry-run"]) == 3
    assert "error[spec-tree-missing]" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_no_words_at_all_in_a_folder_without_specs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RECONCILER_STATE", str(tmp_path / "state"))
    assert run([]) == 3
    assert "error[spec-tree-missing]" in capsys.readouterr().err


def test_every_command_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    commands = ["init", "validate", "schema", "status", "explain", "snapshots", "events", "verify", "forget", "restore", "rollback"]
    nested = ["backup create", "backup list", "backup info", "config show", "repository init", "repository list", "catalog rebuild"]
    nested += ["restores list", "restores show"]
    aliases = ["config validate", "monitor start", "monitor status", "scheduler start", "scheduler status", "scheduler backup"]
    for name in [*commands, *nested, *aliases]:
        assert run([*name.split(), "--help"]) == 0
        text = capsys.readouterr().out
        assert text.startswith(f"Usage: reconcile {name} ")
        assert "--specs DIR" in text


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}


def _process(*words: str, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "reconciler.cli.main", *words], text=True, env=ENVIRONMENT, check=False, **more)  # type: ignore[call-overload, no-any-return]


def test_a_reader_that_leaves_early_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    done = _process("schema", stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has /dev/full")
def test_an_answer_that_cannot_be_written_is_said() -> None:
    with open("/dev/full", "w") as full:
        done = _process("schema", stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert "error[cli-answer-lost]" in done.stderr


def test_closed_streams_are_no_error() -> None:
    done = subprocess.run(
        ["sh", "-c", f"'{sys.executable}' -m reconciler.cli.main schema <&- >&- 2>&-"], check=False, cwd=Path(__file__).parents[3]
    )
    assert done.returncode == 0
