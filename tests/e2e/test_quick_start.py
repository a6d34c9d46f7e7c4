"""What a newcomer does in the first minutes, with the example as it is shipped."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from e2e_world import ROOT, describe, finish, launch

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The parts of the project that the example works on, elsewhere, so that nothing is left behind here."""
    for name in ("docs", "specs"):
        shutil.copytree(ROOT / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def _words() -> list[str]:
    """The arguments that the README gives to `reconcile` in its first set-up command."""
    found = re.search(r"\.venv/bin/reconcile (.+)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    return found[1].split()


def test_the_first_command_of_the_readme_backs_up_the_example(clone: Path) -> None:
    ended = finish(launch(*_words()))
    assert ended.code == 0, ended.text
    for word in ("documents", "configuration"):
        assert word in ended.out
    key = clone / "quickstart" / "repository.key"
    assert key.stat().st_mode & 0o777 == 0o600
    assert "second copy" in ended.text, "whoever makes a key is told to keep another copy of it"

    again = finish(launch(*_words()))
    assert again.code == 0, again.text

    root = ("--specs", "specs/quickstart", "--state", "quickstart/state")
    status = finish(launch(*root, "status", "--check"))
    assert status.code == 0, status.text
    restored = finish(launch(*root, "restore", "documents", "--target", "out"))
    assert restored.code == 0, restored.text
    found = describe(clone / "out" / str(clone / "docs").lstrip("/"))
    expected = describe(clone / "docs")
    assert {name: what for name, what in expected.items() if name in found} == found
    assert len(found) >= len(list((clone / "docs").glob("*.md")))


@pytest.mark.parametrize("tree", ["quickstart", "company"])
def test_the_example_trees_are_valid(clone: Path, tree: str) -> None:
    ended = finish(launch("--specs", f"specs/{tree}", "validate"))
    assert ended.code == 0, ended.text


def test_a_starter_spec_for_this_machine_leads_to_a_backup(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home" / "state"))
    (tmp_path / "home").mkdir()
    monkeypatch.chdir(tmp_path)
    made = finish(launch("--specs", "mine", "--state", "memory", "init"))
    assert made.code == 0, made.text
    assert finish(launch("--specs", "mine", "validate")).code == 0
    assert finish(launch("--specs", "mine", "--state", "memory", "--dry-run")).code == 0
    assert finish(launch("--specs", "mine", "--state", "memory")).code == 0
    assert finish(launch("--specs", "mine", "init")).code == 6, "a second time would overwrite what a person wrote"
