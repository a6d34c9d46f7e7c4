"""`reconcile check` and `reconcile repair`: a whole repository looked at, and put right again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from reconciler.base.errors import Usage
from reconciler.cli.exits import ExitCode
from reconciler.cli.options import Argument, Group, Option
from reconciler.cli.words import Words, command

Name = Annotated[str, Argument(metavar="REPOSITORY", help="A declared one.")]
Deep = Annotated[bool, Option("--deep", help="Also read, decrypt and hash every byte.")]


def check(words: Words, *, name: Name, deep: Deep = False) -> ExitCode:
    """Look at every object of a repository, and name the files that damage costs. Changes nothing."""
    from reconciler.cli.progress import Progress
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.care import check_page
    from reconciler.cli.signals import StopSignals

    with StopSignals() as signals, words.session(read_only=True) as session, Progress(quiet=words.json) as progress:
        found = session.check(name, deep=deep, stop=signals.stop, progress=lambda amount: progress.show(f"check {name}", amount))
    words.answer(lambda: check_page(found), lambda: document("check", check=found))
    return signals.outcome(ExitCode.DONE if found.checked.intact else ExitCode.DAMAGE)


def repair(
    words: Words,
    *,
    name: Name,
    deep: Deep = False,
    apply: Annotated[str | None, Option("--apply", metavar="DIGEST", help="Carry out the plan that has this digest.")] = None,
) -> ExitCode:
    """Show how damage would be put right; with --apply, do it. Damaged objects are set aside, never deleted."""
    from reconciler.cli.progress import Progress
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.care import repair_page
    from reconciler.cli.signals import StopSignals

    if apply == "":
        raise Usage("--apply is empty", hint="`reconcile repair` without it shows the plan and its digest.")
    with StopSignals() as signals, words.session(read_only=apply is None) as session, Progress(quiet=words.json) as progress:
        found = session.repair(name, apply, deep=deep, stop=signals.stop, progress=lambda amount: progress.show(f"repair {name}", amount))
    words.answer(lambda: repair_page(found), lambda: document("repair", repair=found))
    lost = found.plan.affected if found.repaired is None else found.repaired.affected
    pending = found.plan.steps if found.repaired is None else ()
    return signals.outcome(ExitCode.DAMAGE if lost or pending else ExitCode.DONE)


def register(root: Group, _groups: Callable[[str], Group]) -> None:
    """Put the commands where people look for them."""
    command(root, "check")(check)
    command(root, "repair")(repair)
