"""`copy`: bring snapshots from wherever they are into another repository."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from reconciler.base.errors import Usage
from reconciler.cli.commands.act import DryRun, NoWait
from reconciler.cli.commands.reconcile import plan_code, print_plan, results_code
from reconciler.cli.exits import ExitCode
from reconciler.cli.options import Argument, Group, Option
from reconciler.cli.words import Words, command


def copy(
    words: Words,
    *,
    systems: Annotated[list[str] | None, Argument(metavar="SYSTEM", help="Names.")] = None,
    to: Annotated[str, Option("--to", metavar="REPOSITORY", help="The declared repository that lacks them.")],
    everything: Annotated[bool, Option("--all", help="Every declared system.")] = False,
    dry_run: DryRun = False,
    no_wait: NoWait = False,
) -> ExitCode:
    """Copy what a repository lacks into it: every good snapshot that retention keeps, from any repository that holds it."""
    from reconciler.cli.progress import Progress
    from reconciler.cli.render.results import results_json, results_page
    from reconciler.cli.signals import StopSignals

    if bool(systems) == everything:
        raise Usage("name the systems to copy, or say --all", hint=f"`reconcile copy --all --to {to}` copies every declared system.")
    if dry_run or words.dry_run:
        with words.session(read_only=True) as session:
            report = session.plan_copy(systems or (), to)
        print_plan(words, report.plan, report.desired)
        return plan_code(report.plan, broken=report.broken)
    with StopSignals() as signals, words.session(waits=not no_wait) as session, Progress(quiet=words.json) as progress:
        results = session.copy(systems or (), to, stop=signals.stop, progress=progress.action)
    words.answer(lambda: results_page(results), lambda: results_json("copy", results))
    return signals.outcome(results_code(results))


def register(root: Group, groups: Callable[[str], Group]) -> None:
    """Put the command where people look for it."""
    command(root, "copy", accepts=frozenset({"dry_run", "markdown"}))(copy)
