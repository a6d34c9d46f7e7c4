"""`reconcile --dry-run --base REV` as typed: an edit in a real git checkout, over a real repository."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from reconciler.cli.main import run

TREE = """\
apiVersion: reconciler/v1
kind: Settings
metadata: {name: settings}
spec: {realm: test-otter-1, records: {repositories: []}}
---
apiVersion: reconciler/v1
kind: Repository
metadata: {name: main}
spec: {url: ../store/main, key: {file: ../store/main.key}}
---
apiVersion: reconciler/v1
kind: BackupPolicy
metadata: {name: standard}
spec: {repositories: [main], retention: {keepWithin: null, daily: null, weekly: null, monthly: null, minimum: 1, last: 9}}
---
apiVersion: reconciler/v1
kind: System
metadata: {name: letters}
spec: {tier: low, policy: standard, sources: [{path: ../letters}]}
---
apiVersion: reconciler/v1
kind: System
metadata: {name: photos}
spec: {tier: low, policy: standard, sources: [{path: ../letters}]}
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Specs committed once, two systems with four snapshots each."""
    monkeypatch.chdir(tmp_path)
    for name in ("specs", "letters", "store"):
        (tmp_path / name).mkdir()
    (tmp_path / "letters" / "a").write_text("dear")
    specs = tmp_path / "specs" / "all.yaml"
    specs.write_text(TREE)
    (tmp_path / ".gitignore").write_text("/store\n/state\n/letters\n")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "first")
    assert typed("--init") == 0
    for number in range(3):
        (tmp_path / "letters" / "a").write_text(f"dear {number}")
        assert typed("backup", "create", "--kind", "full") == 0
    return specs


def git(*words: str) -> None:
    identity = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *words], check=True, capture_output=True)


def typed(*words: str) -> int:
    return run(["--specs", "specs", "--state", "state", *words])


def test_an_edit_is_told_before_it_is_merged(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    head, _, _ = TREE.rpartition("---")
    checkout.write_text(head.replace("last: 9", "last: 3"))
    capsys.readouterr()
    assert typed("--dry-run", "--base", "HEAD") == 6, "what the edit would let go, a guard holds"
    shown = capsys.readouterr().out
    assert "1 of 4 snapshots in main could go" in shown
    assert "photos   system removed (tier low)" in shown
    assert "4 snapshots stay as orphans" in shown
    assert "Blast radius: 1 snapshot could go, 1 system loses its protection, 1 loss beside." in shown


def test_the_edit_for_a_pull_request_and_for_programs(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkout.write_text(TREE.replace("last: 9", "last: 3"))
    capsys.readouterr()
    typed("--dry-run", "--base", "HEAD", "-o", "markdown")
    page = capsys.readouterr().out
    assert page.startswith("### Blast radius: 2 snapshots could go")
    assert "| `!` | letters, photos | retention.last 9 → 3 |" in page, "what a policy does to all its systems is said once"
    typed("--dry-run", "--base", "HEAD", "-o", "json")
    edit = json.loads(capsys.readouterr().out)["blast_radius"]
    assert [len(released["snapshots"]) for released in edit["released"]] == [1, 1]


def test_an_edit_without_a_meaning_says_so(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkout.write_text(TREE + "# a comment\n")
    capsys.readouterr()
    assert typed("backup", "create", "photos") == 0, "so that a proof is due: work of the loop, and none of the edit's"
    assert typed("--dry-run", "--detailed-exitcode") == 2
    for look in ((), ("--cached",)):
        capsys.readouterr()
        assert typed("--dry-run", *look, "--base", "HEAD", "--detailed-exitcode") == 0
        assert "Blast radius: none; the edit changes nothing" in capsys.readouterr().out


def test_a_broken_file_is_no_removal_where_nothing_is_remembered(
    checkout: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """On a build server there is no last good version to stand in; the comment must not say that a system is gone."""
    (tmp_path / "specs" / "photos.yaml").write_text("<<<<<<< HEAD\n")
    checkout.write_text(TREE.rpartition("---")[0])
    words = ["--specs", "specs", "--state", str(tmp_path / "none"), "--dry-run", "--cached", "--base", "HEAD", "-o", "markdown"]
    capsys.readouterr()
    assert run(words) == 3
    shown = capsys.readouterr().out
    assert "removed" not in shown.replace("nothing counts as removed", "")
    assert "Blast radius: none in what could be read." in shown
    assert "> the specs have errors now: what is broken or missing is not compared, and nothing counts as removed" in shown


def test_a_rename_that_nobody_declared_is_offered(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkout.write_text(TREE.replace("name: photos}", "name: pictures}").replace("path: ../letters}]}\n---", "path: ../letters/a}]}\n---"))
    git("commit", "-qam", "two sources")
    checkout.write_text(TREE.replace("name: photos}", "name: images}").replace("path: ../letters}]}\n---", "path: ../letters/a}]}\n---"))
    capsys.readouterr()
    typed("--dry-run", "--base", "HEAD")
    shown = " ".join(capsys.readouterr().out.split())
    assert "if it was renamed, `previousName: pictures` in the metadata of images carries its history over" in shown


def test_an_edit_can_be_judged_where_no_repository_is(checkout: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """On a build server: specs and git, no key, no memory. What is not known there is said, and is no failure."""
    checkout.write_text(TREE.replace("tier: low", "tier: medium"))
    code = run(["--specs", "specs", "--state", str(tmp_path / "none"), "--dry-run", "--cached", "--base", "HEAD", "--detailed-exitcode"])
    shown = capsys.readouterr().out
    assert code == 2
    assert "nothing is known of main" in shown
    assert "objectives.rpo 1d → 4h" in shown
    assert not (tmp_path / "none").exists()


def test_a_broken_edit_keeps_its_exit_code(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkout.write_text(TREE.replace("tier: low", "teir: low"))
    assert typed("--dry-run", "--cached", "--base", "HEAD") == 3
    assert "unknown-field" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (["--dry-run", "--base", "nowhere"], 3, "has no revision 'nowhere' in git"),
        (["--base", "HEAD"], 64, "--base goes with --dry-run only"),
        (["--dry-run", "--base", ""], 64, "--base is empty"),
        (["--base", "HEAD", "status"], 64, "--base does not go with `status`"),
    ],
)
def test_a_wrong_question_is_one_sentence(
    checkout: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, sentence: str
) -> None:
    capsys.readouterr()
    assert typed(*words) == code
    assert sentence in capsys.readouterr().err
