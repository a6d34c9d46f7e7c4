"""`reconcile restore --repository URL --key FILE` where there is nothing else: what is inside, the records of a host, all systems."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.base.errors import Usage
from reconciler.cli.exits import ExitCode
from reconciler.cli.words import Words

if TYPE_CHECKING:
    from reconciler.app.bare import BareRepository
    from reconciler.app.reports import RestoreReport


class Recovery(Struct, frozen=True):
    """What was asked for. Nothing at all: a list of what is inside."""

    system: str | None
    at: datetime | None
    target: str | None
    specs_to: str | None
    state_to: str | None
    every: bool


def recover(words: Words, where: BareRepository | None, asked: Recovery, *, dry_run: bool) -> ExitCode:
    """List, or bring back what was asked for."""
    if where is None:
        raise Usage("--all, --specs-to and --state-to need --repository URL and --key FILE", hint="They are for a machine without specs.")
    if asked.every and asked.target is None:
        raise Usage("--all needs --target DIR")
    if asked.every and asked.system is not None:
        raise Usage("a system and --all exclude each other")
    if dry_run or not (asked.every or asked.specs_to or asked.state_to):
        return _inside(words, where)
    codes = []
    if asked.specs_to or asked.state_to:
        codes.append(_records(words, where, asked))
    if asked.every:
        codes.append(_all(words, where, asked))
    return next((code for code in codes if code is not ExitCode.DONE), ExitCode.DONE)


def _inside(words: Words, where: BareRepository) -> ExitCode:
    from reconciler.app.recover import inside_bare
    from reconciler.base.clock import SystemClock
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.recovered import inside_page

    found = inside_bare(where)
    words.answer(lambda: inside_page(found, SystemClock().now()), lambda: document("inside", inside=found))
    return ExitCode.DAMAGE if found.problems else ExitCode.DONE


def _records(words: Words, where: BareRepository, asked: Recovery) -> ExitCode:
    from reconciler.app.recover import recover_bare
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.recovered import recovered_page

    done = recover_bare(where, specs_to=asked.specs_to, state_to=asked.state_to, records=asked.system, at=asked.at)
    words.answer(lambda: recovered_page(done), lambda: document("recovered", recovered=done))
    return ExitCode.DONE


def _all(words: Words, where: BareRepository, asked: Recovery) -> ExitCode:
    from reconciler.app.recover import restore_all_bare
    from reconciler.cli.progress import Progress
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.recovered import all_page
    from reconciler.cli.signals import StopSignals

    with StopSignals() as signals, Progress(quiet=words.json) as progress:
        reports = restore_all_bare(
            where,
            asked.target or "",
            at=asked.at,
            stop=signals.stop,
            progress=lambda amounts: progress.show("restore", amounts),
        )
    words.answer(lambda: all_page(reports), lambda: document("restored-all", reports=reports))
    return signals.code or max(map(restored_code, reports), default=ExitCode.DONE)


def restored_code(report: RestoreReport) -> ExitCode:
    """Damage is worse than a file that somebody else stood in the way of; an owner that could not be set is not all either."""
    if report.damaged:
        return ExitCode.DAMAGE
    return ExitCode.DONE if report.whole and not report.losses else ExitCode.PARTIAL
