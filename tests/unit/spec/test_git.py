"""Where a tree stands in git, and how it looked before. With a real git."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from reconciler.spec import NoSuchRevision, NotInGit, checkout, revision

_AUTHOR = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *_AUTHOR, *words], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A spec tree in a folder of a repository, committed once."""
    root = tmp_path / "checkout"
    specs = root / "infra" / "specs"
    specs.mkdir(parents=True)
    git(root, "init", "-q", "-b", "main")
    (specs / "a.yaml").write_text("first\n")
    (root / "elsewhere.txt").write_text("x\n")
    git(root, "add", ".")
    git(root, "commit", "-qm", "first")
    return specs


def test_a_committed_tree_is_clean_at_its_commit(tree: Path) -> None:
    found = revision(tree)
    assert found is not None
    assert (found.commit, found.dirty) == (git(tree, "rev-parse", "HEAD"), False)


@pytest.mark.parametrize("change", ["edited", "new", "removed", "staged"])
def test_a_tree_that_differs_from_its_commit_is_dirty(tree: Path, change: str) -> None:
    match change:
        case "edited" | "staged":
            (tree / "a.yaml").write_text("second\n")
        case "new":
            (tree / "b.yaml").write_text("new\n")
        case "removed":
            (tree / "a.yaml").unlink()
    if change == "staged":
        git(tree, "add", ".")
    found = revision(tree)
    assert found is not None
    assert found.dirty


def test_a_change_beside_the_tree_does_not_make_it_dirty(tree: Path) -> None:
    (tree.parents[1] / "elsewhere.txt").write_text("changed\n")
    found = revision(tree)
    assert found is not None
    assert not found.dirty


def test_looking_writes_nothing_into_the_repository(tree: Path) -> None:
    def seen() -> dict[str, tuple[int, int]]:
        every = [path for path in (tree.parents[1] / ".git").rglob("*") if path.is_file()]
        return {str(path): (path.stat().st_mtime_ns, path.stat().st_ino) for path in every}

    (tree / "a.yaml").write_text("second\n")
    os.utime(tree / "a.yaml", (1, 1))  # a stale index entry is what `git status` likes to refresh
    before = seen()
    revision(tree)
    assert seen() == before


def test_a_program_named_by_the_repository_is_not_run(tree: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap.sh"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\n")
    trap.chmod(0o755)
    git(tree, "config", "core.fsmonitor", str(trap))
    assert revision(tree) is not None
    assert not (tmp_path / "sprung").exists()


def test_outside_git_there_is_no_revision(tmp_path: Path) -> None:
    assert revision(tmp_path) is None


def test_a_repository_without_a_commit_has_no_revision(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert revision(tmp_path) is None


def test_an_earlier_revision_is_written_elsewhere_and_the_checkout_stays(tree: Path, tmp_path: Path) -> None:
    (tree / "sub").mkdir()
    (tree / "sub" / "b.yaml").write_text("b\n")
    (tree / "a.yaml").write_text("second\n")
    git(tree, "add", ".")
    git(tree, "commit", "-qm", "second")
    (tree / "a.yaml").write_text("third\n")
    into = tmp_path / "into"
    into.mkdir()
    found = checkout(tree, "HEAD~1", into)
    assert found.commit == git(tree, "rev-parse", "HEAD~1")
    assert {path.name: path.read_text() for path in into.iterdir()} == {"a.yaml": "first\n"}
    assert (tree / "a.yaml").read_text() == "third\n"
    assert git(tree, "status", "--porcelain").split() == ["M", "infra/specs/a.yaml"]


def test_a_git_dir_of_the_caller_does_not_lead_elsewhere(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pre-commit hook runs with GIT_DIR and GIT_INDEX_FILE of another repository."""
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    expected = git(tree, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    found = revision(tree)
    assert found is not None
    assert found.commit == expected


@pytest.mark.parametrize("name", ["nowhere", "--help", "", "HEAD:infra", "HEAD~5"])
def test_a_revision_that_is_none_is_one_sentence(tree: Path, tmp_path: Path, name: str) -> None:
    with pytest.raises(NoSuchRevision, match="has no revision"):
        checkout(tree, name, tmp_path)


def test_a_tree_that_did_not_exist_at_the_revision(tree: Path, tmp_path: Path) -> None:
    later = tree.parent / "later"
    later.mkdir()
    (later / "a.yaml").write_text("x\n")
    with pytest.raises(NoSuchRevision):
        checkout(later, "HEAD", tmp_path)


def test_a_tree_outside_git_has_no_revisions(tmp_path: Path) -> None:
    with pytest.raises(NotInGit, match="no git repository"):
        checkout(tmp_path, "HEAD", tmp_path)
