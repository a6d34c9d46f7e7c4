"""Recovery plans: make one, check it, exercise it in a sandbox, carry it out, see how it stands."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

from reconciler.base.errors import Usage
from reconciler.cli.commands.look import Limit
from reconciler.cli.exits import ExitCode
from reconciler.cli.options import Argument, Group, Option
from reconciler.cli.words import Words, command

if TYPE_CHECKING:
    from reconciler.app.recovery.run import RecoveryOutlook
    from reconciler.app.session import Session
    from reconciler.cli.guide import Telling, Terminal
    from reconciler.cli.signals import StopSignals
    from reconciler.model.recovery import RecoveryRun

Disaster = Annotated[
    str | None, Option("--disaster", metavar="NAME", help="Which one it is, a type or a scenario; the plan must be meant for it.")
]


def plan(
    words: Words,
    *,
    systems: Annotated[list[str] | None, Argument(metavar="SYSTEM", help="Names; all when left out. Dependencies come along.")] = None,
    disaster: Annotated[
        str | None, Option("--disaster", metavar="NAME", help="hardware_failure, cyber_attack, … or a scenario of the specs.")
    ] = None,
) -> ExitCode:
    """Make a plan from the systems, their dependencies and objectives: YAML to be edited and committed."""
    from reconciler.cli.output import write
    from reconciler.cli.render.as_json import document
    from reconciler.model.disaster import DisasterType

    if disaster is None:
        raise Usage("--disaster is missing", hint=f"One of {', '.join(DisasterType)}.")
    with words.session(read_only=True) as session:
        made = session.recovery_plan(disaster, systems or (), cached=words.cached)
    write(document("recovery-plan", plan=made) if words.json else made.text)
    return ExitCode.DONE


def validate(words: Words) -> ExitCode:
    """Check the plans: every fault at once, with file, line and column."""
    from reconciler.cli.render.problems import counts, problems_json, problems_page

    with words.session(read_only=True) as session:
        found = session.load()
    problems = [problem for problem in found.problems if problem.kind == "RecoveryPlan"]
    size = {"objects": len(found.desired.recovery_plans), "files": len({plan.place.file for plan in found.desired.recovery_plans})}
    root = str(words.specs)
    words.answer(lambda: problems_page(problems, root, **size), lambda: problems_json(problems, root, **size))
    return ExitCode.SPEC if counts(problems)["errors"] else ExitCode.DONE


def rehearse(
    words: Words,
    *,
    plan: Annotated[str | None, Argument(metavar="PLAN", help="Its name.")] = None,
    every: Annotated[bool, Option("--all", help="Every plan; then how ready every system is.")] = False,
    disaster: Annotated[str | None, Option("--disaster", metavar="NAME", help="Only the steps of this one; all when left out.")] = None,
) -> ExitCode:
    """Exercise a plan in a sandbox that is cleared away: its own steps, its own order."""
    from reconciler.app.recovery.values import RecoveryRequest
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.recovery import report_page
    from reconciler.cli.signals import StopSignals

    if every == (plan is not None) or (every and disaster is not None):
        raise Usage("a plan or --all must be named", hint="`reconcile recovery test PLAN`, or `reconcile recovery test --all`.")
    with StopSignals() as signals, words.session() as session:
        guide = _telling(words)
        if plan is None:
            return _continuity(words, session, guide, signals)
        report = session.test_recovery(RecoveryRequest(plan, disaster), guide, stop=signals.stop)
    words.answer(lambda: report_page(report), lambda: document("recovery-test", recovery=report))
    return signals.outcome(_code(report.run))


def run(
    words: Words,
    *,
    plan: Annotated[str, Argument(metavar="PLAN", help="Its name.")],
    disaster: Disaster = None,
    at: Annotated[str | None, Option("--at", metavar="TIME", help="Systems as of this moment; the newest when left out.")] = None,
    yes: Annotated[bool, Option("--yes", help="Nobody stands by: what needs a person waits.")] = False,
    confirm: Annotated[list[str] | None, Option("--confirm", metavar="STEP", help="A person has done this one; may be repeated.")] = None,
    again: Annotated[
        list[str] | None, Option("--again", metavar="STEP", help="Do this interrupted command once more; may be repeated.")
    ] = None,
    resume: Annotated[bool, Option("--resume", help="Go on with the newest run that has not ended.")] = False,
    anew: Annotated[bool, Option("--anew", help="Begin although an earlier run has not ended.")] = False,
    dry_run: Annotated[bool, Option("--dry-run", help="Show the steps and what they are expected to take; do nothing.")] = False,
) -> ExitCode:
    """Carry a plan out, guided on a terminal. A run that was killed or left waiting goes on with --resume."""
    from reconciler.app.choice import moment_said
    from reconciler.app.recovery.values import RecoveryRequest
    from reconciler.base.clock import SystemClock
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.recovery import outlook_page, report_page
    from reconciler.cli.signals import StopSignals

    if resume and anew:
        raise Usage("--resume and --anew exclude each other")
    moment, verified = moment_said(at, SystemClock().now())
    if verified:
        raise Usage("--at takes a moment here")
    request = RecoveryRequest(plan, disaster, moment, resume, anew)
    attended = _attended(words)
    if not (yes or attended or dry_run or words.dry_run):
        raise Usage("nobody is there to be asked", hint="--yes does what needs no person; --confirm STEP says what one has done.")
    with StopSignals() as signals, words.session(read_only=dry_run) as session:
        ahead = session.recovery_outlook(request)
        if dry_run or words.dry_run:
            words.answer(lambda: outlook_page(ahead), lambda: document("recovery-outlook", outlook=ahead))
            return ExitCode.DONE
        guide: Terminal | Telling = _telling(words, confirm, again)
        if not yes:
            asked = _begin(words, ahead, signals)
            if asked is None:
                return signals.outcome(ExitCode.REFUSED)
            guide = asked
        report = session.run_recovery(request, guide, stop=signals.stop)
    words.answer(lambda: report_page(report), lambda: document("recovery-run", recovery=report))
    return signals.outcome(_code(report.run))


def status(words: Words) -> ExitCode:
    """Plans with their last test and run, and how ready every system is."""
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.recovery import status_page

    with words.session(read_only=True) as session:
        found = session.recovery_status(cached=words.cached)
    words.answer(lambda: status_page(found), lambda: document("recovery-status", status=found))
    return ExitCode.DONE


def runs(
    words: Words,
    *,
    plan: Annotated[str | None, Argument(metavar="PLAN", help="Of this one; of all when left out.")] = None,
    limit: Limit = 50,
) -> ExitCode:
    """Runs and tests on record."""
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.recovery import runs_page

    with words.session(read_only=True) as session:
        found = session.recovery_runs(limit, plan)
    words.answer(lambda: runs_page(found), lambda: document("recovery-runs", runs=found))
    return ExitCode.DONE


def show(
    words: Words, *, run: Annotated[str, Argument(metavar="RUN", help="Its id, or the beginning of it, as `recovery runs` shows it.")]
) -> ExitCode:
    """One run or test with every step: when, how long, what became of it."""
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.recovery import run_page

    with words.session(read_only=True) as session:
        found = session.recovery_run(run)
    words.answer(lambda: run_page(found), lambda: document("recovery-run-detail", run=found))
    return ExitCode.DONE


def _continuity(words: Words, session: Session, guide: Telling, signals: StopSignals) -> ExitCode:
    from reconciler.cli.render.as_json import document
    from reconciler.cli.render.recovery import continuity_page

    found = session.test_continuity(guide, stop=signals.stop)
    words.answer(lambda: continuity_page(found), lambda: document("continuity", continuity=found))
    failed = found.failures or any(_code(report.run) is not ExitCode.DONE for report in found.tests)
    return signals.outcome(ExitCode.FAILED if failed else ExitCode.DONE)


def _attended(words: Words) -> bool:
    from reconciler.cli.output import is_terminal

    return not words.json and is_terminal(sys.stdin) and is_terminal(sys.stderr)


def _begin(words: Words, ahead: RecoveryOutlook, signals: StopSignals) -> Terminal | None:
    """Who stands by, when they say yes to what they see."""
    from reconciler.app.restoring.record import who
    from reconciler.cli.guide import Terminal
    from reconciler.cli.output import write_page
    from reconciler.cli.render.recovery import outlook_page

    write_page(outlook_page(ahead), error=True)
    person = Terminal(who())
    return person if person.begin(signals.stop) else None


def _telling(words: Words, confirm: list[str] | None = None, again: list[str] | None = None) -> Telling:
    from reconciler.app.restoring.record import who
    from reconciler.cli.guide import Telling

    return Telling(frozenset(confirm or ()), frozenset(again or ()), who(), quiet=words.json)


def _code(run: RecoveryRun) -> ExitCode:
    from reconciler.model.recovery import RecoveryOutcome

    match run.outcome:
        case RecoveryOutcome.RECOVERED:
            return ExitCode.DONE
        case RecoveryOutcome.WAITING | RecoveryOutcome.INTERRUPTED:
            return ExitCode.PARTIAL
        case RecoveryOutcome.FAILED | None:
            return ExitCode.FAILED


def register(root: Group, groups: Callable[[str], Group]) -> None:
    """Put the commands where people look for them."""
    cached, dry = frozenset({"cached"}), frozenset({"dry_run"})
    for group in ("recovery", "bcp"):
        command(groups(group), "plan", accepts=cached)(plan)
        command(groups(group), "test")(rehearse)
        command(groups(group), "status", accepts=cached)(status)
    command(groups("recovery"), "validate")(validate)
    command(groups("recovery"), "run", accepts=dry)(run)
    command(groups("recovery"), "runs")(runs)
    command(groups("recovery"), "show")(show)
