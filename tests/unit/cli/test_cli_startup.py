"""What a command must not import: a program that is asked for its help, or what it would do, answers at once.

The seconds themselves are measured beside another program (`python -m benchmarks.startup`); what makes them is structure, checked here.
"""

from __future__ import annotations

import importlib.util
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.cli import help as root_help
from reconciler.cli import index
from reconciler.cli.main import build, run

ROOT = Path(__file__).parents[3]
HEAVY = {
    "asyncio", "cryptography", "jinja2", "psutil", "pyfastcdc", "rich", "sqlalchemy", "starlette", "structlog", "uvicorn",
    "watchfiles",
}  # fmt: skip
FOR_SPECS = {"pydantic", "ruamel", "ruamel.yaml"}


FOR_WORK = {
    "pathspec", "reconciler.act", "reconciler.loop", "reconciler.metrics", "reconciler.notify", "reconciler.repository", "reconciler.web",
    "reconciler.catalog.store", "reconciler.decide.blast", "reconciler.decide.status", "reconciler.model.blast", "reconciler.model.status",
    "reconciler.sources.commands", "reconciler.sources.sqlite", "reconciler.tree",
}  # fmt: skip
OUR_MODULES_MAX = 157  # 128 when written; each costs a third of a millisecond, so a new one has to be worth it


def _imported(*words: str, codes: tuple[int, ...] = (0,)) -> set[str]:
    """Every module of the process that answers this command line."""
    code = (
        f"import atexit, sys; sys.argv[1:] = {list(words)!r}; atexit.register(lambda: print(*sys.modules, file=sys.stderr));"
        "from reconciler.cli.entry import main; main()"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode in codes, done.stderr
    return set(done.stderr.split())


@pytest.mark.parametrize("flag", ["--help", "-h"])
def test_the_help_of_the_root_loads_neither_parser_nor_commands(flag: str) -> None:
    found = _imported(flag)
    ours = {name for name in found if name.startswith("reconciler.")}
    assert not found & (HEAVY | FOR_SPECS | {"click", "dataclasses", "inspect"})
    assert ours <= {
        "reconciler.base", "reconciler.base.errors", "reconciler.cli", "reconciler.cli.entry", "reconciler.cli.errors",
        "reconciler.cli.help", "reconciler.cli.index", "reconciler.cli.output",
    }  # fmt: skip


@pytest.mark.parametrize("words", [["--version"], ["restore", "--help"], ["backup", "create", "--help"]])
def test_other_help_loads_its_own_commands_only(words: list[str]) -> None:
    found = _imported(*words)
    assert not found & (HEAVY | FOR_SPECS)
    assert not any(name.startswith(("reconciler.app", "reconciler.repository", "reconciler.model.declared")) for name in found)


def test_a_plan_over_the_example_specs_loads_nothing_that_works(tmp_path: Path) -> None:
    found = _imported(
        "--specs", str(ROOT / "specs" / "quickstart"), "--state", str(tmp_path / "state"), "--dry-run", "--cached", codes=(1,)
    )
    assert not found & (HEAVY | FOR_WORK)
    assert "pydantic" in found
    assert len([name for name in found if name.startswith("reconciler")]) <= OUR_MODULES_MAX


def test_the_index_is_what_the_commands_say() -> None:
    place = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert place is not None
    assert place.loader is not None
    generate = importlib.util.module_from_spec(place)
    place.loader.exec_module(generate)
    assert generate.command_index() == generate.INDEX.read_text(encoding="utf-8"), "run `python docs/generate.py`"


def test_every_command_is_found_by_its_name_alone() -> None:
    whole = build()
    assert list(index.load().commands) == list(whole.commands)
    for name, known in index.load().commands.items():
        part = build(known.families).commands[name]
        assert getattr(part, "commands", {}).keys() == getattr(whole.commands[name], "commands", {}).keys()


@pytest.mark.parametrize("columns", [40, 80, 110, 500])
def test_the_help_fits_the_terminal(columns: int) -> None:
    lines = root_help.page(columns).splitlines()
    assert max(map(len, lines)) <= max(50, min(columns, root_help.COLUMNS_MAX))
    text = "".join("".join(lines).split())
    kept = json.loads((ROOT / "reconciler" / "cli" / "index.json").read_text(encoding="utf-8"))
    for told in [
        *kept["about"],
        *(text for _, text in kept["options"]),
        *(c["summary"] for c in kept["commands"].values() if not c["hidden"]),
    ]:
        assert "".join(told.split()) in text


def test_the_help_is_the_same_beside_other_words(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--specs", "x", "--help"]) == 0
    assert capsys.readouterr().out == root_help.page()


def test_the_help_ends_quietly_when_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    from reconciler.cli.entry import main

    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "argv", ["reconcile", "--help"])
    monkeypatch.setattr(sys, "stdout", closed)
    main()
