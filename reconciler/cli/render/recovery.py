"""Recovery plans: what a run would do, each step as it goes, how it ended, how plans and systems stand."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.base.units import format_duration
from reconciler.cli.render import when
from reconciler.cli.render.page import Cell, Page, Style
from reconciler.model.recovery import Forecast, Readiness, RecoveryOutcome, RecoveryRun, RunMode, StepRecord, StepState, Timed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.app.recovery.run import RecoveryOutlook
    from reconciler.app.recovery.values import ContinuityReport, PlanStatus, RecoveryReport, RecoveryStatus
    from reconciler.model.declared.recovery import Step

_STATES = {
    StepState.WAITING: Style.WARN,
    StepState.RUNNING: Style.STRONG,
    StepState.DONE: Style.GOOD,
    StepState.FAILED: Style.BAD,
    StepState.SKIPPED: Style.FAINT,
    StepState.INTERRUPTED: Style.WARN,
    StepState.COMPENSATED: Style.WARN,
}
_OUTCOMES = {
    RecoveryOutcome.RECOVERED: Style.GOOD,
    RecoveryOutcome.WAITING: Style.WARN,
    RecoveryOutcome.FAILED: Style.BAD,
    RecoveryOutcome.INTERRUPTED: Style.WARN,
}
_GOES_ON = frozenset({RecoveryOutcome.WAITING, RecoveryOutcome.INTERRUPTED})
_BAR = 20


def outlook_page(found: RecoveryOutlook) -> Page:
    """Before a run: every step that applies, what it waits for, how long it is expected to take."""
    page, ahead = Page(), found.forecast
    page.line((f"Recovery plan {found.plan.name}", Style.STRONG), f" for {found.disaster}: {when.count(len(found.nodes), 'step')}")
    if found.resumes is not None:
        page.line(f"goes on with run {when.short(found.resumes.id)}, begun {when.exact(found.resumes.started_at)}")
    known = {step.name: step.state.value for step in found.resumes.steps} if found.resumes is not None else {}
    rows: list[Sequence[Cell]] = []
    for node in found.nodes:
        after = ", ".join(node.after) or "-"
        rows.append([node.name, node.step.kind, known.get(node.name, ""), *_timed(ahead, node.name), after])
    page.blank()
    page.table(["STEP", "KIND", "STATE", "TAKES", "KNOWN FROM", "AFTER"], rows, right="...r..")
    page.blank()
    page.line(f"expected {_span(ahead.seconds)}: {' → '.join(ahead.path)}", hang=2)
    return page


def instruction_page(name: str, instruction: str, word: str) -> Page:
    """What a person is asked to do."""
    page = Page()
    page.blank()
    page.line((f"{name}: ", Style.STRONG), instruction, hang=2)
    page.line(f"  Type {word} when it is done, later to leave it for now, failed when it cannot be done.")
    return page


def interrupted_page(step: Step, record: StepRecord) -> Page:
    """A command of which nobody knows whether it was done."""
    page = Page()
    began = f", begun {when.exact(record.started_at)}" if record.started_at is not None else ""
    page.line((f"{step.name}: ", Style.STRONG), f"was under way when its process ended{began}: {' '.join(step.command or ())}", hang=2)
    page.line("  Is it done? Type done, again to do it once more, later to leave it for now.")
    return page


def told_page(step: StepRecord) -> Page:
    """One step that has begun or ended, as a line."""
    page = Page()
    if step.state is StepState.RUNNING:
        page.line((f"  began {step.name}", Style.FAINT), f" ({step.kind}{f', attempt {step.attempts}' if step.attempts > 1 else ''})")
        return page
    took = f" in {_span(step.seconds)}" if step.ended_at is not None else ""
    said = step.compensation or step.message
    page.line(f"  {step.name} ", (step.state.value, _STATES[step.state]), f"{took}{f': {said}' if said else ''}", hang=4)
    return page


def report_page(found: RecoveryReport) -> Page:
    """After a run or a test."""
    return run_page(found.run, found.forecast)


def run_page(run: RecoveryRun, ahead: Forecast | None = None) -> Page:
    """`reconcile recovery show`, and the end of a run."""
    page = Page()
    what = "Test of recovery plan" if run.mode is RunMode.TEST else "Recovery by plan"
    page.line((f"{what} {run.plan}", Style.STRONG), f"{f' for {run.disaster}' if run.disaster else ''}, {when.short(run.id)}")
    rows: list[tuple[str, Cell]] = [("outcome", _outcome(run)), ("began", f"{when.exact(run.started_at)} by {run.actor}")]
    rows += [("took", _took(run))] if run.seconds is not None else []
    rows += [("counts", f"until {when.exact(run.expires_at)}")] if run.expires_at is not None else []
    rows += [("moment", f"systems as of {when.exact(run.at)}")] if run.at is not None else []
    rows += [("resumed", f"{run.resumed} ×")] if run.resumed else []
    rows += [("finding", (finding, Style.BAD)) for finding in run.findings]
    rows += [("next", _next(run))] if run.mode is RunMode.RUN and run.outcome in _GOES_ON else []
    page.pairs(rows)
    page.blank()
    cells: list[Sequence[Cell]] = [[s.name, s.kind, (s.state.value, _STATES[s.state]), _seconds(s, ahead), _said(s)] for s in run.steps]
    page.table(["STEP", "KIND", "STATE", "TOOK", "WHAT"], cells, right="...r.")
    return page


def _next(run: RecoveryRun) -> str:
    """What goes on with it; a step that waits for a person is named, for who cannot be asked on a terminal."""
    resume = f"`reconcile recovery run {run.plan} --resume` goes on"
    asked = [step.name for step in run.steps if step.kind == "manual" and step.state is StepState.WAITING and step.attempts]
    return f"{resume}; with {' '.join(f'--confirm {name}' for name in asked)} once that is done" if asked else resume


def runs_page(runs: Sequence[RecoveryRun]) -> Page:
    """Oldest first: the newest stands above the prompt."""
    page = Page()
    if not runs:
        page.line("No recovery plan was ever carried out or tested.")
        return page
    header = ["ID", "PLAN", "WHAT", f"BEGAN ({when.zone(runs[0].started_at)})", "OUTCOME", "STEPS", "TOOK", "BY"]
    page.table(header, [_row(run) for run in reversed(runs)], right=".....rr.")
    return page


def status_page(found: RecoveryStatus) -> Page:
    """`reconcile recovery status`: plans, then systems, the least ready first."""
    page = Page()
    if found.plans:
        rows = [_plan(report, found.at) for report in found.plans]
        page.table(["PLAN", "FOR", "TAKES", "PROMISED", "LAST TEST", "COUNTS UNTIL", "LAST RUN"], rows, right="..rr...")
    else:
        page.line("No recovery plan is declared: `reconcile recovery plan --disaster NAME` makes one.")
    page.blank()
    for ready in found.readiness:
        add_readiness(page, ready)
    return page


def continuity_page(found: ContinuityReport) -> Page:
    """`reconcile recovery test --all`."""
    page = Page()
    for report in found.tests:
        run = report.run
        done = sum(step.state is StepState.DONE for step in run.steps)
        skipped = sum(step.state is StepState.SKIPPED for step in run.steps)
        page.line(f"{run.plan} ", _outcome(run), f" in {_took(run)}: {done} of {len(run.steps)} steps exercised, {skipped} cannot be")
        for finding in run.findings:
            page.line("  ", (finding, Style.BAD), hang=4)
    for plan, why in found.failures.items():
        page.line(f"{plan} ", ("could not be begun", Style.BAD), f": {why}", hang=2)
    page.blank()
    for ready in found.status.readiness:
        add_readiness(page, ready)
    return page


def add_readiness(page: Page, ready: Readiness) -> None:
    """The score of one system, and why it is not full."""
    bar = "#" * round(ready.score * _BAR / 100)
    verdict = ("ready", Style.GOOD) if ready.ready else ("not ready", Style.BAD)
    page.line((f"{ready.system}", Style.NAME), f"  {ready.score:3} of 100 [{bar:<{_BAR}}]  ", verdict)
    for part in ready.parts:
        full = part.points == part.most
        page.line(f"  {part.points:2}/{part.most}  {part.name:<13}", (part.why, Style.FAINT if full else Style.WARN), hang=22)


def _plan(report: PlanStatus, now: datetime) -> list[Cell]:
    standing, run = report.standing, report.newest
    tested: Cell = "never" if standing.passed is None else "passed" if standing.passed else ("failed", Style.BAD)
    if standing.tested_at is not None and standing.passed:
        tested = f"passed {when.ago(standing.tested_at, now)}"
    return [
        standing.plan,
        ", ".join(report.forecasts),
        _span(standing.expected_seconds) if standing.expected_seconds is not None else "-",
        _span(standing.rto_seconds) if standing.rto_seconds is not None else "-",
        tested,
        when.moment(standing.valid_until) if standing.valid_until is not None else ("does not count", Style.WARN),
        "never" if run is None else (f"{run.outcome or 'under way'}", _OUTCOMES[run.outcome]) if run.outcome is not None else "under way",
    ]


def _row(run: RecoveryRun) -> list[Cell]:
    return [
        when.short(run.id),
        run.plan,
        f"{run.mode}{f' for {run.disaster}' if run.disaster else ''}",
        when.moment(run.started_at),
        _outcome(run),
        f"{sum(step.state.passed for step in run.steps)}/{len(run.steps)}",
        _span(run.seconds) if run.seconds is not None else "-",
        run.actor,
    ]


def _outcome(run: RecoveryRun) -> Cell:
    if run.outcome is None:
        return "under way"
    passed = run.mode is RunMode.TEST and run.outcome is RecoveryOutcome.RECOVERED
    return ("passed" if passed else run.outcome.value, _OUTCOMES[run.outcome])


def _took(run: RecoveryRun) -> str:
    text = _span(run.seconds or 0.0)
    if run.predicted_seconds is not None:
        text += f", {_span(run.predicted_seconds)} were expected"
    if run.rto_seconds is not None:
        text += f", {_span(run.rto_seconds)} promised"
    return text


def _said(step: StepRecord) -> str:
    return "; ".join(part for part in (step.message, step.compensation) if part)


def _seconds(step: StepRecord, ahead: Forecast | None) -> str:
    if step.ended_at is not None:
        return _span(step.seconds)
    expected: Timed | None = ahead.steps.get(step.name) if ahead is not None else None
    return f"({_span(expected.seconds)})" if expected is not None else "-"


def _timed(ahead: Forecast, name: str) -> tuple[str, str]:
    timed = ahead.steps[name]
    return _span(timed.seconds), timed.why


def _span(seconds: float) -> str:
    return f"{seconds:.1f}s" if seconds < 10 else format_duration(timedelta(seconds=round(seconds)), parts=2)
