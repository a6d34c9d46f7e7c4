"""The message at fixed times that says how things stand, so that silence means something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from reconciler.decide.notices import LINES_MAX, is_young, line_of
from reconciler.decide.receiving import receiver_name
from reconciler.decide.words import counted
from reconciler.model.alerts import Alert, AlertSeverity, Notice, NoticeKind, worst
from reconciler.model.desired import DesiredAlertPolicy
from reconciler.model.status import ConditionType, Status, Truth


def digests(
    policies: Sequence[DesiredAlertPolicy],
    alerts: Sequence[Alert],
    status: Status,
    last: Mapping[str, datetime],
    now: datetime,
    *,
    settled: bool,
) -> tuple[Notice, ...]:
    """Those that are due. ``last``: by policy, when it was told last; the first one comes at once, and shows that the way is free.

    Without ``settled`` what has just begun is not told yet, and the first one waits for what the first backups will end.
    """
    found: list[Notice] = []
    for policy in policies:
        before = last.get(policy.name)
        if policy.spec.heartbeat is None or not _is_due(before, policy, now):
            continue
        standing = [alert for alert in alerts if alert.stands]
        lasting = standing if settled else [alert for alert in standing if not is_young(policy.spec, alert, now)]
        if before is not None or lasting == standing:
            found += _of_policy(policy, lasting, status, now)
    return tuple(found)


def _is_due(last: datetime | None, policy: DesiredAlertPolicy, now: datetime) -> bool:
    assert policy.spec.heartbeat is not None
    return last is None or abs(now - last) >= policy.spec.heartbeat.every


def _of_policy(policy: DesiredAlertPolicy, standing: Sequence[Alert], status: Status, now: datetime) -> list[Notice]:
    assert policy.spec.heartbeat is not None
    lines = tuple(line_of(alert) for alert in standing[:LINES_MAX])
    severity = worst(alert.severity for alert in standing) if standing else AlertSeverity.LOW
    title = f"Digest of {status.agent}: {counted(len(standing), 'alert')}" if standing else f"All quiet on {status.agent}"
    return [
        Notice(receiver_name(policy.name, name), NoticeKind.DIGEST, severity, title, lines, len(standing), now, _summary(status))
        for name in policy.spec.heartbeat.receivers
    ]


def _summary(status: Status) -> str:
    promised = [c for s in status.systems if s.here and (c := s.condition(ConditionType.BACKUP_FRESH)) is not None]
    fresh = sum(condition.status is Truth.TRUE for condition in promised)
    reached = sum(repository.reachable for repository in status.repositories)
    last = status.loop.last_success_at
    ended = f"the last complete pass ended {last:%Y-%m-%d %H:%M} UTC" if last is not None else "no pass was complete yet"
    return f"{fresh} of {len(promised)} systems fresh, {reached} of {len(status.repositories)} repositories reached, {ended}"
