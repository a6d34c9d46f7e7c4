"""Our reading of .gitignore patterns against git itself, on a real working tree."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reconciler.tree.excludes import Excludes
from tests.fakes.trees import plant

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="compares with git, which is not installed")

ATOMS = ["a", "b", "c", "*", "**", "?", "/", "[ab]", "[!a]", "[^a-b]", "[[:alpha:]]", "[]a]", "[", "]", "\\*", "\\", "\\ ", " "]
ATOMS += [".", "/**/", "**/", "/**", "!", "x[[]1]", "é"]
TREE = ["a/b/c", "a/a.c", "a/ab/x[1]", "b/ s/é", "ab/abc", "abc", "c d/a/b", "c d/a.c", "x[1]", " s", "é/a", "a.c/ab/a/b", "c/*"]

patterns = st.builds(
    lambda negated, atoms, folder: "!" * negated + "".join(atoms) + "/" * folder,
    st.sampled_from([False, False, False, True]),
    st.lists(st.sampled_from(ATOMS), min_size=1, max_size=5),
    st.sampled_from([False, False, False, True]),
)


@pytest.fixture(scope="module")
def work_tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("work")
    subprocess.run(["git", "init", "-q", str(root)], check=True)
    plant(root, dict.fromkeys(TREE, "content"))
    return root


@settings(max_examples=80)
@given(lines=st.lists(patterns, min_size=1, max_size=4))
def test_we_leave_out_what_git_ignores(work_tree: Path, lines: list[str]) -> None:
    assume(not any(re.search(r"[^/!*]\*\*", line) for line in lines))  # the one difference that is meant, see the module
    entries = [path for path in sorted(work_tree.rglob("*")) if ".git" not in path.parts]
    excludes = Excludes(lines)
    ours = {str(path.relative_to(work_tree)): excludes.covers(str(path.relative_to(work_tree)).encode(), path.is_dir()) for path in entries}
    assert ours == _as_git_says(work_tree, lines, list(ours))


def _as_git_says(work_tree: Path, lines: list[str], paths: list[str]) -> dict[str, bool]:
    (work_tree / ".git/info/exclude").write_text("\n".join(lines) + "\n")
    command = ["git", "-C", str(work_tree), "check-ignore", "--no-index", "--verbose", "--non-matching", "-z", "--stdin"]
    told = subprocess.run(command, input="\0".join(paths).encode(), capture_output=True, check=False).stdout.decode().split("\0")
    verdicts = zip(told[0::4], told[2::4], told[3::4], strict=False)
    return {path: bool(source) and not pattern.startswith("!") for source, pattern, path in verdicts}
