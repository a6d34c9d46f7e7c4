"""Commands that act once, beside the loop: backup create, verify, forget, repository init, catalog rebuild."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from reconciler.base.errors import Usage
from reconciler.cli.commands.reconcile import plan_code, print_plan, results_code
from reconciler.cli.exits import ExitCode
from reconciler.cli.options import Argument, Group, Option
from reconciler.cli.words import Words, command
from reconciler.model.snapshot import BackupKind

Systems = Annotated[list[str] | None, Argument(metavar="SYSTEM", help="Names; all of this host when left out.")]
DryRun = Annotated[bool, Option("--dry-run", help="Show the plan, do nothing.")]
NoWait = Annotated[bool, Option("--no-wait", help="Fail at once, with exit 5, where another process works on the same thing.")]
Deep = Annotated[bool, Option("--deep", help="Read every byte of all snapshots again, due or not.")]
Kind = Annotated[
    BackupKind | None,
    Option("--kind", metavar="KIND", help="full (reads every byte again), differential or incremental (what changed)."),
]
HiddenKind = Annotated[BackupKind | None, Option("--type", hidden=True)]


def create(
    words: Words, *, systems: Systems = None, kind: Kind = None, type_: HiddenKind = None, dry_run: DryRun = False, no_wait: NoWait = False
) -> ExitCode:
    """Back up now, due or not."""
    from reconciler.cli.progress import Progress
    from reconciler.cli.render.results import results_json, results_page
    from reconciler.cli.signals import StopSignals

    wanted = one_of("--kind", kind, "--type", type_)
    if dry_run or words.dry_run:
        return _create_dry(words, systems or [], wanted)
    with StopSignals() as signals, words.session(waits=not no_wait) as session, Progress(quiet=words.json) as progress:
        results = session.backup(systems or (), wanted, stop=signals.stop, progress=progress.action)
    words.answer(lambda: results_page(results), lambda: results_json("backup", results))
    return signals.outcome(results_code(results))


def _create_dry(words: Words, systems: list[str], kind: BackupKind | None) -> ExitCode:
    from reconciler.app.planning import Request

    with words.session(read_only=True) as session:
        report = session.plan(request=Request(systems=tuple(systems), kind=kind))
    print_plan(words, report.plan, report.desired)
    return plan_code(report.plan, broken=report.broken)


def verify(words: Words, *, systems: Systems = None, deep: Deep = False, no_wait: NoWait = False) -> ExitCode:
    """Prove that snapshots are intact: read every byte where that is due, look at the structure where it is not."""
    from reconciler.cli.progress import Progress
    from reconciler.cli.render.results import results_json, results_page
    from reconciler.cli.signals import StopSignals

    with StopSignals() as signals, words.session(waits=not no_wait) as session, Progress(quiet=words.json) as progress:
        results = session.verify(systems or (), deep=deep, stop=signals.stop, progress=progress.action)
    words.answer(lambda: results_page(results), lambda: results_json("verify", results))
    return signals.outcome(results_code(results))


def forget(
    words: Words,
    *,
    ids: Annotated[list[str], Argument(metavar="ID", help="Snapshots, or the beginnings of their ids.")],
    reason: Annotated[str, Option("--reason", metavar="TEXT", help="Why; it stands in the audit log.")],
    dry_run: DryRun = False,
    no_wait: NoWait = False,
) -> ExitCode:
    """Remove snapshots because a person says so. The newest good one of a system stays."""
    from reconciler.cli.render.results import results_json, results_page

    if dry_run or words.dry_run:
        return _forget_dry(words, ids)
    with words.session(waits=not no_wait) as session:
        results = session.forget(ids, reason)
    words.answer(lambda: results_page(results), lambda: results_json("forget", results))
    return results_code(results)


def _forget_dry(words: Words, ids: list[str]) -> ExitCode:
    from reconciler.base.clock import SystemClock
    from reconciler.cli.render.snapshots import snapshots_json, snapshots_page

    with words.session(read_only=True) as session:
        copies = tuple(copy for prefix in ids for copy in session.snapshot(prefix).copies)
    realm = copies[0].realm if copies else ""
    words.answer(lambda: snapshots_page(copies, SystemClock().now(), realm=realm), lambda: snapshots_json(copies))
    return ExitCode.DONE


def repository_init(words: Words, *, name: Annotated[str, Argument(metavar="NAME", help="A declared repository.")]) -> ExitCode:
    """Create a declared repository, and its key when the key file is missing."""
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.page import Page
    from reconciler.cli.render.results import add_creation

    with words.session() as session:
        made = session.init_repository(name)

    def page() -> Page:
        screen = Page()
        add_creation(screen, made)
        return screen

    words.answer(page, lambda: document("repository", repository=made))
    return ExitCode.DONE


def rebuild(words: Words) -> ExitCode:
    """Make the catalog anew from what the repositories hold."""
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.repositories import rebuild_page

    with words.session() as session:
        made = session.catalog_rebuild()
    words.answer(lambda: rebuild_page(made), lambda: document("rebuild", rebuild=made))
    return ExitCode.FAILED if made.failures else ExitCode.DONE


def one_of(flag: str, value: BackupKind | None, other: str, alias: BackupKind | None) -> BackupKind | None:
    """The value of an option that has two names."""
    if value is not None and alias is not None and value != alias:
        raise Usage(f"{flag} and {other} are the same option and were given different values")
    return value if value is not None else alias


def register(root: Group, groups: Callable[[str], Group]) -> None:
    """Put the commands where people look for them."""
    dry = frozenset({"dry_run"})
    command(groups("backup"), "create", accepts=dry | {"markdown"})(create)
    command(root, "verify")(verify)
    command(root, "forget", accepts=dry)(forget)
    command(groups("repository"), "init")(repository_init)
    command(groups("catalog"), "rebuild")(rebuild)
    command(groups("scheduler"), "backup", accepts=dry)(create)
