"""What was: one line per check or backup with a small curve, and the alerts below."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.base.units import format_duration, format_size
from reconciler.cli.render import when
from reconciler.cli.render.as_json import document
from reconciler.cli.render.health import STATE_STYLES
from reconciler.cli.render.page import Cell, Page, Style
from reconciler.cli.render.spark import spark
from reconciler.model.health import CheckName, HealthState

if TYPE_CHECKING:
    from reconciler.app.past import Backups, Past, Series
    from reconciler.model.alerts import Alert

ALERTS_SHOWN = 50
_SHARES = frozenset({CheckName.MEMORY, CheckName.SPACE, CheckName.INODES})
_UNITS: dict[str, Callable[[float], str]] = {
    CheckName.CPU: lambda value: f"{value:.2f} per core",
    **dict.fromkeys(_SHARES, lambda value: f"{100 * value:.1f} % left"),
    CheckName.CERTIFICATE: lambda value: f"{value:.0f} days left",
    **dict.fromkeys((CheckName.NETWORK, CheckName.RECOVERY), lambda value: f"{1000 * value:.0f} ms"),
}


def history_page(found: Past) -> Page:
    """`reconcile history`."""
    page = Page()
    span = (found.since, found.at)
    page.line(f"Since {when.exact(found.since)}", hang=2)
    page.blank()
    curve = f"LAST {format_duration(found.at - found.since, parts=1)}"
    page.table(["CHECK", "OF", "STATE", "NOW", "LEAST", "MOST", "NOT GOOD", curve], [_check(series, span) for series in found.checks])
    page.blank()
    header = ["BACKUPS OF", "IN", "RUNS", "FAILED", "TIME", "LAST", "NEW BYTES", "LAST"]
    page.table(header, [_backups(each, span) for each in found.backups], right="..rr.r.r")
    page.blank()
    page.table(["ALERT", "OF", "SEVERITY", "BEGAN", "LASTED", "TIMES", "WHAT"], [_alert(a, found.at) for a in found.alerts[:ALERTS_SHOWN]])
    if len(found.alerts) > ALERTS_SHOWN:
        page.line((f"{len(found.alerts) - ALERTS_SHOWN} more alerts; -o json gives all of them", Style.FAINT))
    if not (found.checks or found.backups or found.alerts):
        page.line("Nothing was kept of that time.")
    return page


def history_json(found: Past) -> str:
    """`reconcile history -o json`."""
    return document("history", history=found)


def _check(series: Series, span: tuple[datetime, datetime]) -> list[Cell]:
    values = [point.value for point in series.points if point.value is not None]
    last = series.points[-1]
    said = _UNITS.get(series.name, str)
    not_good = sum(point.state is not HealthState.GOOD for point in series.points) / len(series.points)
    return [
        series.name,
        series.subject,
        (last.state.value, STATE_STYLES[last.state]),
        said(last.value) if last.value is not None else "",
        _short(said(min(values))) if values else "",
        _short(said(max(values))) if values else "",
        f"{100 * not_good:.0f} %" if not_good else "",
        spark([(point.at, point.value) for point in series.points], *span),
    ]


def _short(said: str) -> str:
    """Without the words behind the unit, which stand under NOW."""
    number, _, rest = said.partition(" ")
    unit = rest.partition(" ")[0]
    return f"{number} {unit}" if unit in {"%", "ms", "days"} else number


def _backups(found: Backups, span: tuple[datetime, datetime]) -> list[Cell]:
    failed = sum(run.failed for run in found.runs)
    last = found.runs[-1]
    return [
        found.system,
        found.repository,
        str(len(found.runs)),
        (str(failed), Style.BAD) if failed else "",
        spark([(run.at, run.seconds) for run in found.runs if not run.failed], *span),
        format_duration(timedelta(seconds=max(1, round(last.seconds))), parts=2),
        spark([(run.at, float(run.added_bytes)) for run in found.runs if not run.failed], *span),
        format_size(last.added_bytes),
    ]


def _alert(alert: Alert, now: datetime) -> Sequence[Cell]:
    lasted = (alert.resolved_at or now) - alert.started_at
    return [
        alert.condition,
        f"{alert.object_kind} {alert.object_name}",
        alert.severity.value,
        when.moment(alert.started_at),
        format_duration(lasted, parts=2) + ("" if alert.resolved_at else ", stands"),
        str(alert.times) if alert.times > 1 else "",
        alert.summary,
    ]
