"""`reconcile restore`: what it would bring back and why, then the bytes, then what did not come back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from msgspec import Struct

from reconciler.base.errors import Usage
from reconciler.cli.commands.bare import bare_repository
from reconciler.cli.commands.recover import Recovery, recover, restored_code
from reconciler.cli.exits import ExitCode
from reconciler.cli.options import Argument, Group, Option
from reconciler.cli.words import Words, command

if TYPE_CHECKING:
    from reconciler.app.bare import BareRepository
    from reconciler.app.reports import RestorePlan, RestoreReport, RestoreRequest

System = Annotated[str | None, Argument(metavar="SYSTEM", help="Whose files; or name a snapshot.")]
Target = Annotated[str | None, Option("--target", metavar="DIR", help="Into this folder; it is created.")]
Snapshot = Annotated[str | None, Option("--snapshot", metavar="ID", help="Exactly this one (the beginning of its id is enough).")]
At = Annotated[
    str | None,
    Option("--at", metavar="TIME", help="The newest good one not after 2026-11-23T14:00 (local), '2 hours ago'; or last-verified."),
]
Paths = Annotated[list[str] | None, Option("--path", metavar="PATTERN", help="Only these files or folders; may be repeated.")]
ChangedSince = Annotated[
    str | None,
    Option("--changed-since", metavar="ID|last-full", help="Only what differs between that snapshot and the chosen one."),
]
OnConflict = Annotated[
    str,
    Option("--on-conflict", metavar="POLICY", help="What is there and differs: refuse everything, keep it, overwrite it; or mirror."),
]
Confirm = Annotated[str | None, Option("--confirm", metavar="DIGEST", help="Agree to the mirror with this digest: it also removes.")]
Checksums = Annotated[str | None, Option("--checksums", metavar="FILE", help="Write a list for `sha256sum -c`.")]
Repository = Annotated[str | None, Option("--repository", metavar="NAME|URL", help="Read from this one; with --key a URL, without specs.")]


def restore(
    words: Words,
    *,
    system: System = None,
    target: Target = None,
    in_place: Annotated[bool, Option("--in-place", help="Back to where the files came from; `rollback` undoes it.")] = False,
    snapshot: Snapshot = None,
    at: At = None,
    paths: Paths = None,
    changed_since: ChangedSince = None,
    on_conflict: OnConflict = "refuse",
    confirm: Confirm = None,
    checksums: Checksums = None,
    go_on: Annotated[bool, Option("--continue", help="End an interrupted restore in place; its id stands in the place of SYSTEM.")] = False,
    repository: Repository = None,
    key: Annotated[str | None, Option("--key", metavar="FILE", help="The key file of the repository at URL.")] = None,
    key_kind: Annotated[str, Option("--key-kind", metavar="raw|passphrase", help="What the key file holds.")] = "raw",
    every: Annotated[bool, Option("--all", help="With --key: every system of the repository.")] = False,
    specs_to: Annotated[str | None, Option("--specs-to", metavar="DIR", help="With --key: the specs that the host had.")] = None,
    state_to: Annotated[
        str | None, Option("--state-to", metavar="DIR", help="With --key: the host's record of runs, events and audit lines.")
    ] = None,
    dry_run: Annotated[bool, Option("--dry-run", help="Say what would be restored and why; write nothing.")] = False,
    backup_id: Annotated[str | None, Option("--backup-id", hidden=True)] = None,
    point_in_time: Annotated[str | None, Option("--point-in-time", hidden=True)] = None,
) -> ExitCode:
    """Bring a system, or paths of it, back: into a folder, or in place."""
    from reconciler.app.choice import moment_said
    from reconciler.app.reports import RestoreRequest
    from reconciler.base.clock import SystemClock

    if go_on:
        return _continue(words, system)
    chosen = _either("--snapshot", snapshot, "--backup-id", backup_id)
    said = _either("--at", at, "--point-in-time", point_in_time)
    moment, verified = moment_said(said, SystemClock().now())
    if chosen is not None and said is not None:
        raise Usage("--snapshot and --at exclude each other", hint="A snapshot is one moment already.")
    for flag, value in (("--target", target), ("--confirm", confirm), ("--checksums", checksums), ("--changed-since", changed_since)):
        if value == "":
            raise Usage(f"{flag} is empty", hint="Is a variable unset in the script that runs this?")
    where = bare_repository(repository, key, key_kind) if key is not None else None
    if where is not None and in_place:
        raise Usage("--in-place needs the specs and a state directory for its journal", hint="Restore with --target.")
    recovering = every or specs_to is not None or state_to is not None
    if recovering or (where is not None and target is system is chosen is None and not in_place):
        return recover(words, where, Recovery(system, moment, target, specs_to, state_to, every), dry_run=dry_run or words.dry_run)
    read_from = repository if where is None else None
    request = RestoreRequest(
        target or "",
        system,
        chosen,
        moment,
        tuple(paths or ()),
        read_from,
        in_place,
        on_conflict,
        changed_since,
        confirm,
        checksums,
        verified,
    ).checked()
    return _run(_Work(words, request, where), dry_run=dry_run or words.dry_run)


class _Work(Struct, frozen=True):
    """The two ways to the data: through the specs, or through a URL and a key."""

    words: Words
    request: RestoreRequest
    where: BareRepository | None

    def plan(self) -> RestorePlan:
        if self.where is not None:
            from reconciler.app.bare import plan_restore_bare

            return plan_restore_bare(self.where, self.request)
        with self.words.session(read_only=True) as session:
            return session.plan_restore(self.request)

    def carry_out(self, told: Callable[[RestorePlan], None]) -> tuple[RestoreReport, ExitCode | None]:
        """``told`` hears the plan before anything is done; exactly that plan is carried out."""
        from reconciler.cli.progress import Progress
        from reconciler.cli.signals import StopSignals

        with StopSignals() as signals, Progress(quiet=self.words.json) as progress:

            def show(amounts: object) -> None:
                progress.show("restore", amounts)  # type: ignore[arg-type]

            if self.where is not None:
                from reconciler.app.bare import restore_bare

                return restore_bare(self.where, self.request, stop=signals.stop, progress=show, told=told), signals.code
            with self.words.session() as session:
                return session.restore(self.request, stop=signals.stop, progress=show, told=told), signals.code


def _run(work: _Work, *, dry_run: bool) -> ExitCode:
    from reconciler.base.clock import SystemClock
    from reconciler.cli.output import write_page
    from reconciler.cli.render.restored import restore_plan_json, restore_plan_page, restored_json, restored_page

    words = work.words
    if dry_run:
        plan = work.plan()
        words.answer(lambda: restore_plan_page(plan, SystemClock().now()), lambda: restore_plan_json(plan))
        return ExitCode.REFUSED if plan.outlook is not None and plan.outlook.refused else ExitCode.DONE

    def told(plan: RestorePlan) -> None:
        if not words.json:
            write_page(restore_plan_page(plan, SystemClock().now()))

    report, signalled = work.carry_out(told)
    words.answer(lambda: restored_page(report), lambda: restored_json(report))
    return signalled or restored_code(report)


def _continue(words: Words, restore: str | None) -> ExitCode:
    from reconciler.cli.progress import Progress
    from reconciler.cli.render.restored import restored_json, restored_page
    from reconciler.cli.signals import StopSignals

    with StopSignals() as signals, Progress(quiet=words.json) as progress, words.session() as session:
        report = session.continue_restore(restore, stop=signals.stop, progress=lambda now: progress.show("restore", now))
    words.answer(lambda: restored_page(report), lambda: restored_json(report))
    return signals.outcome(restored_code(report))


def _either(flag: str, value: str | None, other: str, alias: str | None) -> str | None:
    if value is not None and alias is not None and value != alias:
        raise Usage(f"{flag} and {other} are the same option and were given different values")
    return value if value is not None else alias


def register(root: Group, _groups: Callable[[str], Group]) -> None:
    """Put the command where people look for it."""
    command(root, "restore", accepts=frozenset({"dry_run"}))(restore)
