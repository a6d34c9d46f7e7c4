"""`prune`: remove from repositories what no snapshot needs any more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from reconciler.base.errors import Usage
from reconciler.cli.commands.act import DryRun, NoWait
from reconciler.cli.commands.reconcile import results_code
from reconciler.cli.exits import ExitCode
from reconciler.cli.options import Argument, Group, Option
from reconciler.cli.words import Words, command

Names = Annotated[list[str] | None, Argument(metavar="REPOSITORY", help="Declared ones; all of them when left out.")]
Confirm = Annotated[
    str | None,
    Option("--confirm", metavar="DIGEST", help="Agree to the plan with this digest: more than half may go."),
]


AcceptLoss = Annotated[
    bool,
    Option("--accept-loss", help="Clean up a repository that went back in time, too: what its lost snapshots left there is gone then."),
]


def prune(
    words: Words,
    *,
    names: Names = None,
    confirm: Confirm = None,
    accept_loss: AcceptLoss = False,
    dry_run: DryRun = False,
    no_wait: NoWait = False,
) -> ExitCode:
    """Remove from repositories what no snapshot needs any more. Safe beside running backups."""
    from reconciler.cli.progress import Progress
    from reconciler.cli.render.results import results_json, results_page
    from reconciler.cli.signals import StopSignals

    if confirm == "":
        raise Usage("--confirm is empty", hint="`reconcile prune --dry-run` shows the plan and its digest.")
    if dry_run or words.dry_run:
        return _dry(words, names or [])
    with StopSignals() as signals, words.session(waits=not no_wait) as session, Progress(quiet=words.json) as progress:
        results = session.prune(names or (), confirm=confirm, accept_loss=accept_loss, stop=signals.stop, progress=progress.action)
    words.answer(lambda: results_page(results), lambda: results_json("prune", results))
    return signals.outcome(results_code(results))


def _dry(words: Words, names: list[str]) -> ExitCode:
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.prune import prune_page

    with words.session(read_only=True) as session:
        reports = session.plan_prune(names)
    words.answer(lambda: prune_page(reports), lambda: document("prune-plan", repositories=list(reports)))
    return ExitCode.FAILED if any(report.failure for report in reports) else ExitCode.DONE


def register(root: Group, groups: Callable[[str], Group]) -> None:
    """Put the command where people look for it."""
    command(root, "prune", accepts=frozenset({"dry_run"}))(prune)
