"""What has been recovered: the list of it, and the way back from a restore in place."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from reconciler.cli.commands.act import DryRun
from reconciler.cli.commands.look import Limit, System
from reconciler.cli.commands.recover import restored_code
from reconciler.cli.exits import ExitCode
from reconciler.cli.options import Argument, Group
from reconciler.cli.words import Words, command

if TYPE_CHECKING:
    from reconciler.app.reports import RestorePlan

Restore = Annotated[str, Argument(metavar="RESTORE", help="Its id, or the beginning of it, as `restores list` shows it.")]


def rollback(words: Words, *, restore: Restore, dry_run: DryRun = False) -> ExitCode:
    """Put everything back as it was before a restore in place, whether it ended or not."""
    from reconciler.base.clock import SystemClock
    from reconciler.cli.output import write_page
    from reconciler.cli.progress import Progress
    from reconciler.cli.render.restored import restore_plan_json, restore_plan_page, restored_json, restored_page
    from reconciler.cli.signals import StopSignals

    if dry_run or words.dry_run:
        with words.session(read_only=True) as session:
            plan = session.plan_rollback(restore)
        words.answer(lambda: restore_plan_page(plan, SystemClock().now()), lambda: restore_plan_json(plan))
        return ExitCode.DONE

    def told(plan: RestorePlan) -> None:
        if not words.json:
            write_page(restore_plan_page(plan, SystemClock().now()))

    with StopSignals() as signals, Progress(quiet=words.json) as progress, words.session() as session:
        report = session.rollback(restore, stop=signals.stop, progress=lambda now: progress.show("rollback", now), told=told)
    words.answer(lambda: restored_page(report), lambda: restored_json(report))
    return signals.outcome(restored_code(report))


def listed(words: Words, *, system: System = None, limit: Limit = 50) -> ExitCode:
    """Recovery operations: who, when, what, outcome, duration, bytes."""
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.restores import restores_page

    with words.session(read_only=True) as session:
        found = session.restores(limit, system)
    words.answer(lambda: restores_page(found), lambda: document("restores", restores=found.restores, undone=found.undone))
    return ExitCode.DONE


def show(words: Words, *, restore: Restore) -> ExitCode:
    """Everything that is known about one of them."""
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.restores import restore_page

    with words.session(read_only=True) as session:
        found = session.restore_detail(restore)
    words.answer(lambda: restore_page(found), lambda: document("restore-detail", restore=found))
    return ExitCode.DONE


def register(root: Group, groups: Callable[[str], Group]) -> None:
    """Put the commands where people look for them."""
    command(root, "rollback", accepts=frozenset({"dry_run"}))(rollback)
    command(groups("restores"), "list")(listed)
    command(groups("restores"), "show")(show)
