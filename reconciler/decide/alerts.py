"""The life of alerts: what is raised fires, a person acknowledges, the condition ends it.

Level, not edge: given what is raised now and what was known, this says how each alert stands. Said twice it changes nothing. An id is made
of the key and the moment: nothing is drawn by chance here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from reconciler.decide.raising import Found
from reconciler.model.alerts import Alert, AlertKey, AlertState, Raised

COOLDOWN = timedelta(minutes=15)
"""Where no policy says another one."""


def judge(found: Found, known: Sequence[Alert], now: datetime, *, cooldown: timedelta = COOLDOWN) -> tuple[Alert, ...]:
    """How every alert stands now: those that are raised, and those of ``known`` whether they still are or not, the worst first.

    ``known``: of each key at most one that stands, and lately resolved ones. One that comes back within ``cooldown`` of its end is the
    same alert again, not a new one. Two that raise one key are one: the worse speaks.
    """
    standing = {alert.key: alert for alert in known if alert.stands}
    ended: dict[AlertKey, Alert] = {}
    for alert in sorted((a for a in known if not a.stands), key=lambda a: a.changed_at):
        ended[alert.key] = alert
    result: dict[str, Alert] = {alert.id: alert for alert in known}
    raised = _worst_of_each(found.raised)
    for key, one in raised.items():
        alert = _again(standing.get(key), ended.get(key), one, now, cooldown)
        result[alert.id] = alert
    for key, alert in standing.items():
        if key not in raised and key not in found.unclear:
            result[alert.id] = replace(alert, state=AlertState.RESOLVED, resolved_at=now, resolved_by="", changed_at=now)
    return tuple(sorted(result.values(), key=lambda a: (not a.stands, a.severity.rank, a.key, a.started_at)))


def acknowledge(alert: Alert, by: str, note: str, now: datetime) -> Alert:
    """A person has seen it: reminders and escalation end until it gets worse."""
    return replace(alert, state=AlertState.ACKNOWLEDGED, acknowledged_by=by, acknowledged_at=now, note=note, changed_at=now)


def resolve(alert: Alert, by: str, note: str, now: datetime) -> Alert:
    """A person says that it is over. Where the condition disagrees, the next pass lets it fire again."""
    return replace(alert, state=AlertState.RESOLVED, resolved_by=by, resolved_at=now, note=note, changed_at=now)


def _worst_of_each(raised: Iterable[Raised]) -> dict[AlertKey, Raised]:
    worst: dict[AlertKey, Raised] = {}
    for one in raised:
        other = worst.get(one.key)
        if other is None or one.severity.worse_than(other.severity):
            worst[one.key] = one
    return worst


def _again(standing: Alert | None, ended: Alert | None, raised: Raised, now: datetime, cooldown: timedelta) -> Alert:
    if standing is not None:
        return _still(standing, raised, now)
    if ended is not None and ended.resolved_at is not None and abs(now - ended.resolved_at) < cooldown:
        back = replace(ended, state=AlertState.FIRING, times=ended.times + 1, changed_at=now, resolved_at=None, resolved_by="", note="")
        return _said(replace(back, acknowledged_by="", acknowledged_at=None), raised)
    return Alert(
        id=alert_id(raised.key, now),
        object_kind=raised.object_kind,
        object_name=raised.object_name,
        condition=raised.condition,
        severity=raised.severity,
        state=AlertState.FIRING,
        summary=raised.summary,
        detail=raised.detail,
        reason=raised.reason,
        started_at=now,
        changed_at=now,
        labels=dict(raised.labels),
        quiet=raised.quiet,
    )


def _still(alert: Alert, raised: Raised, now: datetime) -> Alert:
    """Worse than what a person acknowledged is news: it fires again."""
    said = _said(alert, raised)
    if raised.severity is alert.severity:
        return said
    if raised.severity.worse_than(alert.severity) and alert.state is AlertState.ACKNOWLEDGED:
        said = replace(said, state=AlertState.FIRING, acknowledged_by="", acknowledged_at=None, note="")
    return replace(said, changed_at=now)


def _said(alert: Alert, raised: Raised) -> Alert:
    return replace(
        alert,
        severity=raised.severity,
        summary=raised.summary,
        detail=raised.detail,
        reason=raised.reason,
        labels=dict(raised.labels),
        quiet=raised.quiet,
    )


def alert_id(key: AlertKey, at: datetime) -> str:
    """16 hex digits."""
    return hashlib.sha256("\0".join((*key, at.isoformat())).encode("utf-8", "surrogatepass")).hexdigest()[:16]
