"""Rehearsed recoveries: run some now, list them, show one."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

from reconciler.cli.commands.act import NoWait
from reconciler.cli.commands.look import Limit, System
from reconciler.cli.commands.reconcile import results_code
from reconciler.cli.exits import ExitCode
from reconciler.cli.options import Argument, Group, Option
from reconciler.cli.words import Words, command


class Pick(StrEnum):
    """Which snapshot is restored."""

    NEWEST = "newest"
    RANDOM = "random"
    OLDEST = "oldest"


def run(
    words: Words,
    *,
    systems: Annotated[list[str] | None, Argument(metavar="SYSTEM", help="Names; all that declare drills when left out.")] = None,
    snapshot: Annotated[str | None, Option("--snapshot", metavar="ID", help="This one, or the beginning of its id.")] = None,
    pick: Annotated[Pick | None, Option("--pick", metavar="WHICH", help="newest, random or oldest; as declared when left out.")] = None,
    no_wait: NoWait = False,
) -> ExitCode:
    """Rehearse a recovery now: restore into a sandbox, compare, ask whether it is of use, clear away."""
    from reconciler.cli.progress import Progress
    from reconciler.cli.render.results import results_json, results_page
    from reconciler.cli.signals import StopSignals

    with StopSignals() as signals, words.session(waits=not no_wait) as session, Progress(quiet=words.json) as progress:
        which = pick.value if pick is not None else None
        results = session.drill(systems or (), snapshot=snapshot, pick=which, stop=signals.stop, progress=progress.action)
    words.answer(lambda: results_page(results), lambda: results_json("drill", results))
    return signals.outcome(results_code(results))


def listed(words: Words, *, system: System = None, limit: Limit = 50) -> ExitCode:
    """Drills on record: what they have proven, until when, and how long a recovery took."""
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.drills import drills_page

    with words.session(read_only=True) as session:
        found = session.drills(limit, system)
    words.answer(lambda: drills_page(found), lambda: document("drills", drills=found.drills))
    return ExitCode.DONE


def show(
    words: Words, *, drill: Annotated[str, Argument(metavar="DRILL", help="Its id, or the beginning of it, as `drill list` shows it.")]
) -> ExitCode:
    """Everything that one drill has found: assertions, controls, times."""
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.drills import drill_page

    with words.session(read_only=True) as session:
        found = session.drill_detail(drill)
    words.answer(lambda: drill_page(found), lambda: document("drill-detail", drill=found))
    return ExitCode.DONE


def register(root: Group, groups: Callable[[str], Group]) -> None:
    """Put the commands where people look for them."""
    command(groups("drill"), "run")(run)
    command(groups("drill"), "list")(listed)
    command(groups("drill"), "show")(show)
