"""Alerts for people: a table of what is wrong, one alert with its life, and what receivers answered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.cli.render import when
from reconciler.cli.render.page import Cell, Page, Style
from reconciler.model.alerts import Alert, AlertSeverity, AlertState, ReceiverStatus, Silence

if TYPE_CHECKING:
    from reconciler.app.alerts import AlertList, SilenceReport, Trial

_STYLES = {
    AlertSeverity.CRITICAL: Style.BAD,
    AlertSeverity.HIGH: Style.BAD,
    AlertSeverity.MEDIUM: Style.WARN,
    AlertSeverity.LOW: Style.FAINT,
}


def alerts_page(report: AlertList, now: datetime) -> Page:
    """`reconcile alerts list`."""
    page = Page()
    if report.alerts:
        page.table(["ID", "SEVERITY", "STATE", "SINCE", "CONDITION", "WHAT"], [_row(alert, now) for alert in report.alerts])
    else:
        page.line("No alert.")
    if report.more:
        page.line(f"… and {when.count(report.more, 'alert')} more that fire: --limit shows more.")
    page.blank()
    for silence in report.silences:
        page.line("Silence ", (silence.id[:8], Style.NAME), f": {_silence(silence, now)}", hang=2)
    for receiver in report.receivers:
        if receiver.consecutive_failures or receiver.waiting:
            page.line(("! ", Style.WARN), _receiver(receiver), hang=2)
    if not report.receivers:
        page.line("Nobody is told: no AlertPolicy declares a receiver.")
    return page


def alert_page(alert: Alert, now: datetime) -> Page:
    """`reconcile alerts show`."""
    page = Page()
    page.line((alert.severity.value.upper(), _STYLES[alert.severity]), f" {alert.summary}")
    page.blank()
    rows: list[tuple[str, Cell]] = [
        ("id", alert.id),
        ("about", f"{alert.condition} of {alert.object_kind} {alert.object_name}"),
        ("state", _state(alert)),
        ("since", f"{when.exact(alert.started_at)}, {when.ago(alert.started_at, now)}"),
    ]
    if alert.reason:
        rows.append(("reason", alert.reason))
    if alert.times > 1:
        rows.append(("flaps", f"it began {alert.times} times"))
    if alert.acknowledged_at is not None:
        rows.append(("seen", f"by {alert.acknowledged_by}, {when.moment(alert.acknowledged_at)}"))
    if alert.resolved_at is not None:
        rows.append(("over", f"{when.moment(alert.resolved_at)}, {_ended_by(alert)}"))
    rows += [("note", alert.note)] if alert.note else []
    rows += [("quiet", f"nobody is told: {alert.quiet}")] if alert.quiet else []
    rows += [("labels", ", ".join(f"{key}={value}" for key, value in sorted(alert.labels.items()) if value))]
    rows += [("to do", alert.detail)] if alert.detail and alert.stands else []
    page.pairs([(key, value) for key, value in rows if value])
    page.blank()
    if alert.told:
        page.table(["TOLD TO", "LAST", "WHAT"], [_told(name, alert) for name in sorted(alert.told)])
    else:
        page.line("Nobody was told.")
    return page


def changed_page(alerts: Sequence[Alert]) -> Page:
    """`reconcile alerts ack` and `resolve`: a line for each."""
    page = Page()
    for alert in alerts:
        page.line((alert.id[:8], Style.NAME), f"  {alert.condition} of {alert.object_kind} {alert.object_name}: {_state(alert)}", hang=10)
    if any(not alert.stands for alert in alerts):
        page.line("What is still so fires again with the next pass.")
    if any(alert.state is AlertState.ACKNOWLEDGED for alert in alerts):
        page.line("Nobody is reminded of what you have seen, until it gets worse or is over.")
    return page


def silence_page(report: SilenceReport, now: datetime) -> Page:
    """`reconcile alerts silence`."""
    page, silence = Page(), report.silence
    if not silence.stands(now):
        page.line("The silence ", (silence.id[:8], Style.NAME), " has ended.")
        return page
    page.line("Silence ", (silence.id[:8], Style.NAME), f": {_silence(silence, now)}", hang=2)
    covers = f"{when.count(report.covers, 'alert')} that fire now" if report.covers else "no alert that fires now"
    page.line(("It covers " + covers + "."), hang=2)
    page.line(f"It ends by itself; `reconcile alerts silence --end {silence.id[:8]}` ends it now.", hang=2)
    return page


def trials_page(trials: Sequence[Trial]) -> Page:
    """`reconcile alerts test`: a line for each receiver, and a hint for each that failed."""
    page = Page()
    if not trials:
        page.line("No AlertPolicy declares a receiver.")
        return page
    rows: list[list[Cell]] = []
    for trial in trials:
        said: Cell = ("took it", Style.GOOD) if trial.failure is None else (trial.failure.message, Style.BAD)
        rows.append([trial.receiver, trial.kind, said])
    page.table(["RECEIVER", "KIND", "ANSWER"], rows)
    for trial in trials:
        if trial.failure is not None and trial.failure.hint:
            page.blank()
            page.line(f"{trial.receiver}: {trial.failure.hint}", hang=2)
    return page


def _row(alert: Alert, now: datetime) -> list[Cell]:
    state: Cell = alert.state.value
    if alert.state is AlertState.ACKNOWLEDGED:
        state = f"seen by {alert.acknowledged_by}"
    elif alert.quiet and alert.stands:
        state = ("quiet", Style.FAINT)
    elif alert.state is AlertState.RESOLVED:
        state = ("resolved", Style.GOOD)
    severity = (alert.severity.value, _STYLES[alert.severity])
    kind = "" if alert.object_kind == "System" else f"{alert.object_kind} "
    return [(alert.id[:8], Style.NAME), severity, state, when.age(alert.started_at, now), alert.condition, f"{kind}{alert.summary}"]


def _state(alert: Alert) -> str:
    match alert.state:
        case AlertState.FIRING:
            return "fires"
        case AlertState.ACKNOWLEDGED:
            return f"acknowledged by {alert.acknowledged_by}"
        case AlertState.RESOLVED:
            return f"resolved {_ended_by(alert)}"


def _ended_by(alert: Alert) -> str:
    return f"by {alert.resolved_by}" if alert.resolved_by else "by itself"


def _told(name: str, alert: Alert) -> list[Cell]:
    told = alert.told[name]
    what = f"that it fires, as {told.severity.value}" if told.firing else "that it is over"
    return [name, when.moment(told.at), what + (f", called in step {told.step}" if told.step else "")]


def _silence(silence: Silence, now: datetime) -> str:
    about = " ".join(word for word in (silence.object_kind, silence.object_name) if word) or "everything"
    what = f"{silence.condition} of {about}" if silence.condition else about
    return f"nobody is told about {what} for {when.span(silence.until - now)}, by {silence.by}: {silence.reason}"


def _receiver(receiver: ReceiverStatus) -> str:
    waiting = f"{when.count(receiver.waiting, 'message')} waiting" if receiver.waiting else "none waiting"
    failure = receiver.last_failure
    if receiver.consecutive_failures and failure is not None:
        return f"{receiver.name} failed {when.count(receiver.consecutive_failures, 'time')} in a row ({waiting}): {failure.message}"
    return f"{receiver.name}: {waiting}"
