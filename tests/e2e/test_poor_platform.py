"""The program where the system offers little: every command has another way, or one clear sentence. See tests/fakes/poor_platform.py."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
TREE = """\
apiVersion: reconciler/v1
kind: Settings
metadata: {name: settings}
spec: {realm: test-otter-1, records: {repositories: []}}
---
apiVersion: reconciler/v1
kind: Repository
metadata: {name: main}
spec: {url: ../store, key: {file: ../main.key}}
---
apiVersion: reconciler/v1
kind: BackupPolicy
metadata: {name: standard}
spec: {repositories: [main]}
---
apiVersion: reconciler/v1
kind: System
metadata: {name: letters}
spec: {tier: low, policy: standard, sources: [{path: ../letters, exclude: ["*.tmp"]}]}
"""


@pytest.fixture
def world(tmp_path: Path) -> Path:
    for name in ("specs", "letters/old"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "specs" / "all.yaml").write_text(TREE)
    (tmp_path / "letters" / "one").write_text("dear reader")
    (tmp_path / "letters" / "old" / "large").write_bytes(os.urandom(3_000_000))
    (tmp_path / "letters" / "draft.tmp").write_text("no")
    (tmp_path / "letters" / "link").symlink_to("one")
    return tmp_path


def typed(world: Path, *words: str, poor: bool = True) -> tuple[int, str]:
    lacking = [sys.executable, "-W", "ignore", "-m", "tests.fakes.poor_platform"]
    program = lacking if poor else [str(Path(sys.executable).with_name("reconcile"))]
    base = [*program, "--specs", "specs", "--state", "state", "--log-level", "error"]
    done = subprocess.run(
        [*base, *words], cwd=world, env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=60, check=False
    )
    text = done.stdout + done.stderr
    assert "Traceback" not in text
    assert "defect of the program" not in text, text
    return done.returncode, text


def test_commands_work_or_say_in_one_sentence_why_not(world: Path) -> None:
    assert typed(world, "--help")[0] == 0
    assert typed(world, "validate")[0] == 0
    assert "reconcile repository init main" in typed(world, "--dry-run")[1]
    code, text = typed(world, "--init")
    assert (code, "1 backed up" in text) == (0, True), text
    (world / "letters" / "one").write_text("dear reader, again")
    assert typed(world, "backup", "create", "letters")[0] == 0
    assert "2 good" in typed(world, "snapshots", "letters")[1]
    assert typed(world, "verify", "letters", "--deep")[0] == 0
    assert typed(world, "--dry-run")[0] == 0
    code, text = typed(world, "restore", "letters", "--target", str(world / "target"))
    assert code == 1
    assert "opens nothing relative to a folder handle" in text
    assert not (world / "target").exists()


def test_what_was_stored_there_is_restored_elsewhere(world: Path) -> None:
    assert typed(world, "--init")[0] == 0
    code, text = typed(world, "restore", "letters", "--target", str(world / "target"), poor=False)
    assert code in {0, 7}, text
    (back,) = (world / "target").rglob("letters")
    assert (back / "old" / "large").read_bytes() == (world / "letters" / "old" / "large").read_bytes()
    assert (back / "one").read_text() == "dear reader"
    assert os.readlink(back / "link") == "one"
    assert not (back / "draft.tmp").exists()
