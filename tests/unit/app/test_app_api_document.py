"""docs/api.md is run as it stands, block by block, in one fresh folder."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import reconciler
from reconciler.app.api import Reconciler

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_every_example_runs_in_the_order_of_the_page(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "first.txt").write_text("one")
    (tmp_path / "specs" / "notes.yaml").write_text(blocks("yaml")[0])
    for number, code in enumerate(blocks("python")):
        script = tmp_path / f"example{number}.py"
        script.write_text(code)
        ended = subprocess.run(
            [sys.executable, "-W", "error", script],
            cwd=tmp_path,
            env={"PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, f"example {number}:\n{code}\n{ended.stderr}"


def test_the_table_names_every_verb() -> None:
    verbs = {name for name in vars(Reconciler) if not name.startswith("_")} - {"open"}
    assert {verb for verb in verbs if f"`{verb}(" not in PAGE} == set()


def test_every_public_name_can_be_had_from_the_package() -> None:
    assert [name for name in reconciler.__all__ if getattr(reconciler, name, None) is None] == []
    assert set(reconciler.__all__) <= set(dir(reconciler))


def test_importing_the_package_imports_nothing_else() -> None:
    code = (
        "import sys, reconciler; print([m for m in sys.modules if m.startswith(('reconciler.', 'pydantic', 'sqlalchemy', 'cryptography'))])"
    )
    ended = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"
