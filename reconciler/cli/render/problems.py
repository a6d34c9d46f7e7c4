"""Faults of the specs: place, what is wrong, what would be right, the line itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

from reconciler.cli.render import when
from reconciler.cli.render.as_json import document
from reconciler.cli.render.page import Page, Style
from reconciler.model.problem import Problem, Severity

_STYLES = {Severity.ERROR: Style.BAD, Severity.WARNING: Style.WARN}


def add_problems(page: Page, problems: Sequence[Problem], root: str) -> None:
    """One block per problem, in the order of the files."""
    for problem in problems:
        place = str(PurePath(root, str(problem.place))) if root else str(problem.place)
        subject = f"{problem.kind}/{problem.name} " if problem.kind and problem.name else ""
        where = f"{problem.pointer.strip('/').replace('/', '.')}: " if problem.pointer.strip("/") else ""
        page.line(
            (place, Style.STRONG),
            ": ",
            (f"{problem.severity}[{problem.code}]", _STYLES[problem.severity]),
            f" {subject}{where}{problem.message}",
        )
        if problem.snippet:
            for line in problem.snippet.splitlines():
                page.line("  " + line)
        if problem.hint:
            page.line(("  hint: ", Style.FAINT), problem.hint)


def problems_page(problems: Sequence[Problem], root: str, *, objects: int, files: int) -> Page:
    """`reconcile validate`: all of them at once, then what they amount to."""
    page = Page()
    add_problems(page, problems, root)
    page.blank()
    number = counts(problems)
    what = f"{when.count(objects, 'object')} in {when.count(files, 'file')}"
    if problems:
        page.line((f"{when.count(number['errors'], 'error')}, {when.count(number['warnings'], 'warning')}; {what}.", Style.STRONG))
    else:
        page.line((f"Valid: {what}.", Style.GOOD))
    return page


def problems_json(problems: Sequence[Problem], root: str, *, objects: int, files: int) -> str:
    """`reconcile validate -o json`."""
    number = counts(problems)
    return document("problems", valid=number["errors"] == 0, **number, root=root, objects=objects, files=files, problems=problems)


def problems_github(problems: Sequence[Problem], root: str) -> str:
    """Workflow commands that GitHub shows beside the lines of a pull request; other systems (Gitea, Forgejo) read them, too."""
    return "".join(_annotation(problem, root) for problem in problems)


def _annotation(problem: Problem, root: str) -> str:
    subject = f"{problem.kind}/{problem.name}: " if problem.kind and problem.name else ""
    message = "\n".join(part for part in (f"{subject}{problem.message}", problem.hint) if part)
    facts = {
        "file": PurePath(root, problem.place.file).as_posix(),
        "line": problem.place.line,
        "col": problem.place.column,
        "title": problem.code,
    }
    said = ",".join(f"{key}={_escaped(str(value), ':,')}" for key, value in facts.items())
    return f"::{problem.severity} {said}::{_escaped(message)}\n"


def _escaped(text: str, more: str = "") -> str:
    """A message must not end the command, nor a value of it the next one."""
    return "".join(f"%{ord(char):02X}" if char in "%\r\n" + more else char for char in text)


def counts(problems: Sequence[Problem]) -> dict[str, int]:
    """How many errors and warnings."""
    errors = sum(problem.severity is Severity.ERROR for problem in problems)
    return {"errors": errors, "warnings": len(problems) - errors}
