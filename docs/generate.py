"""Writes what is generated from the code: `python docs/generate.py`. That is this folder's errors.md and metrics.md, `schemas/`, and
what the root of the command line says of each command (reconciler/cli/index.json).

Tests fail when one of them has drifted. The dashboards are drawn by `grafana/build.py`. The page of errors is made here: an error class
says in its docstring what happened in general, and carries a code, a hint, how a command ends because of it, and whether the same call
may succeed later by itself.
"""

from __future__ import annotations

import importlib
import inspect
import json
import pkgutil
from collections.abc import Mapping
from pathlib import Path

import reconciler
from reconciler.base.errors import Fate, ReconcilerError

PAGE = Path(__file__).with_name("errors.md")
INDEX = Path(__file__).parents[1] / "reconciler" / "cli" / "index.json"

_HEAD = """# Error codes

Generated from the error classes by `python docs/generate.py`; a test fails when this page and the code differ.

An error is one sentence that names the failing thing, a code that never changes its meaning, the facts that belong to it and a hint
what to look at first. On a terminal it looks like this, with `-o json` it is one object with the same fields:

```
error[repository-not-initialised]: /srv/backup/main holds no repository
  repository = main
  hint: Create it with `reconcile repository init main`. Is the disk mounted?
```

*exit* is the exit code of a command that ends because of it ([the list](command-line.md#exit-codes)). *again* says whether the same
command may succeed later without anybody changing anything; the loop then tries again by itself, more and more slowly.
"""

_PROBLEMS = """
## Faults in specs

`reconcile validate` shows all of them at once, each with file, line, column and what would be right. An error keeps the object at its last
good version and ends the command with exit code 3; a warning changes nothing.
"""

_EXIT = {Fate.FAILED: 1, Fate.SPEC: 3, Fate.BUSY: 5, Fate.REFUSED: 6, Fate.DAMAGE: 8, Fate.USAGE: 64}


def load_everything() -> None:
    """Import every module of the package, so that every error class exists."""
    for module in pkgutil.walk_packages(reconciler.__path__, "reconciler."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)


def error_classes() -> list[type[ReconcilerError]]:
    """One class per code that can be raised: a family that gives its children no code of its own is not listed."""
    found: dict[str, type[ReconcilerError]] = {}
    waiting: list[type[ReconcilerError]] = [ReconcilerError]
    while waiting:
        error = waiting.pop()
        waiting += error.__subclasses__()
        if "code" in vars(error) and error.__module__.startswith("reconciler."):
            assert error.code not in found, f"{error.__name__} and {found[error.code].__name__} share the code {error.code}"
            found[error.code] = error
    return [found[code] for code in sorted(found)]


def problem_codes() -> Mapping[str, str]:
    """The codes of faults in specs, which are values and not exceptions."""
    from reconciler.spec.codes import CODES

    return CODES


def room(error: type[ReconcilerError]) -> str:
    """The folder under reconciler/ that the class lives in."""
    return error.__module__.split(".")[1]


def render() -> str:
    """The whole page."""
    load_everything()
    errors = error_classes()
    lines = [_HEAD]
    for name in sorted({room(error) for error in errors}):
        lines += [f"\n## {name}/\n", "| code | what happened | what to look at first | exit | again |", "|---|---|---|---|---|"]
        lines += [_row(error) for error in errors if room(error) == name]
    lines += [_PROBLEMS, "| code | what is wrong |", "|---|---|"]
    lines += [f"| `{code}` | {meaning} |" for code, meaning in sorted(problem_codes().items())]
    return "\n".join(lines) + "\n"


def _row(error: type[ReconcilerError]) -> str:
    meaning = " ".join((inspect.getdoc(error) or "").split())
    cells = (f"`{error.code}`", meaning, error.hint, str(_EXIT[error.fate]), "yes" if error.retry else "no")
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def command_index() -> str:
    """What `reconcile --help` shows, from the options and docstrings of the commands."""
    from reconciler.cli.main import FAMILIES, build

    root = build()
    families: dict[str, list[str]] = {name: [] for name in root.commands}
    for family in FAMILIES:
        for name in build((family,)).commands:
            families[name].append(family)
    context = root.make_context("reconcile", [], resilient_parsing=True)
    records = [record for parameter in root.get_params(context) if (record := parameter.get_help_record(context)) is not None]
    commands = {
        name: {
            "families": families[name],
            "summary": command.short_help,
            "hidden": command.hidden,
        }
        for name, command in root.commands.items()
    }
    about = [" ".join(paragraph.split()) for paragraph in (root.help or "").split("\n\n")]
    return json.dumps({"about": about, "options": records, "commands": commands}, indent=2) + "\n"


def write_all() -> None:
    """Every generated file, in place."""
    from reconciler.cli.render.plan_schema import plan_schema
    from reconciler.cli.render.report_schema import report_schema
    from reconciler.metrics import document
    from reconciler.spec.schemas import schemas

    PAGE.write_text(render(), encoding="utf-8")
    INDEX.write_text(command_index(), encoding="utf-8")
    PAGE.with_name("metrics.md").write_text(document.render(), encoding="utf-8")
    for name, schema in (schemas() | {"plan.schema.json": plan_schema(), "report.schema.json": report_schema()}).items():
        (PAGE.parents[1] / "schemas" / name).write_text(json.dumps(schema, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write_all()
