"""Who is told what about which alert, and why: routes, cooldown, reminders, escalation, silence, recovery, grouping.

Each receiver has its own memory of what it was told last, so a restart tells nobody twice, and who was told of a begin is told of its end.
The numbers that bound a message and a pass are here: 10,000 alerts at once are a few messages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from reconciler.base.units import format_duration
from reconciler.decide.receiving import RECEIVER, receiver_name
from reconciler.model.alerts import Alert, AlertState, Notice, NoticeKind, NoticeLine, Silence, Told, worst
from reconciler.model.declared.alerts import AlertPolicySpec, Match
from reconciler.model.desired import DesiredAlertPolicy

LINES_MAX = 20
"""Alerts named in one message."""
MESSAGES_MAX = 10
"""To one receiver in one pass; what is more goes into the last one."""
LEVEL_KINDS = frozenset({"alertmanager"})
"""Are told the whole state again and again, so nothing is told to them here."""


class _Word(Struct, frozen=True):
    """One alert is to be told to one receiver."""

    receiver: str
    kind: NoticeKind
    group: tuple[str, ...]
    alert: Alert
    why: str


def notices(
    alerts: Sequence[Alert], silences: Sequence[Silence], policies: Sequence[DesiredAlertPolicy], now: datetime, *, settled: bool = True
) -> tuple[tuple[Alert, ...], tuple[Notice, ...]]:
    """(The alerts with what is told about them now remembered, in their order; the messages).

    ``settled``: whatever could be done about them in this pass was done before; else one that has just begun has to last first.
    """
    standing = [silence for silence in silences if silence.stands(now)]
    words: list[_Word] = []
    result = []
    firing_again = {alert.key for alert in alerts if alert.stands}
    for alert in alerts:
        told = dict(alert.told)
        if not alert.stands and alert.key in firing_again:
            told = {name: replace(before, firing=False) for name, before in told.items()}  # its end fell into a silence: no news by now
            result.append(replace(alert, told=told) if told != alert.told else alert)
            continue
        for policy in policies:
            if not settled and is_young(policy.spec, alert, now):
                continue
            for word, after in _words(policy, alert, standing, now):
                told[word.receiver] = after
                if word.kind is not NoticeKind.RECOVERED or policy.spec.recovery:
                    words.append(word)
        result.append(replace(alert, told=told) if told != alert.told else alert)
    return tuple(result), tuple(_messages(words, now))


def is_young(spec: AlertPolicySpec, alert: Alert, now: datetime) -> bool:
    """Whether nobody was told yet, and it may end by itself before it is news."""
    return spec.delay is not None and alert.stands and not alert.told and timedelta(0) <= now - alert.changed_at < spec.delay


def is_quiet(alert: Alert, silences: Iterable[Silence]) -> str:
    """Why nobody is told about it; empty: people are. ``silences``: those in force."""
    silence = next((s for s in silences if s.covers(alert)), None)
    if silence is not None:
        return f"silenced by {silence.by} until {silence.until:%Y-%m-%d %H:%M} UTC: {silence.reason}"
    return alert.quiet


def fits(match: Match, alert: Alert) -> bool:
    """Whether every key that is given fits."""
    return (
        (not match.severities or alert.severity.value in match.severities)
        and (not match.kinds or alert.object_kind in match.kinds)
        and (not match.conditions or alert.condition in match.conditions)
        and all(alert.labels.get(key) == value for key, value in match.labels.items())
    )


def routed(spec: AlertPolicySpec, alert: Alert) -> list[str]:
    """The receivers that the routes name for it, each once."""
    if not spec.routes:
        return [receiver.name for receiver in spec.receivers]
    return list(dict.fromkeys(name for route in spec.routes if fits(route, alert) for name in route.receivers))


def _words(policy: DesiredAlertPolicy, alert: Alert, silences: list[Silence], now: datetime) -> Iterator[tuple[_Word, Told]]:
    if is_quiet(alert, silences):
        return  # also its end is told only when the silence is over
    spec = policy.spec
    known = {r.name for r in spec.receivers if r.kind not in LEVEL_KINDS}
    group = _group(spec, alert)
    if not alert.stands:
        for name in known:
            full = receiver_name(policy.name, name)
            before = alert.told.get(full)
            if before is not None and before.firing:
                why = f"resolved by {alert.resolved_by}" if alert.resolved_by else "it is no longer so"
                yield _Word(full, NoticeKind.RECOVERED, group, alert, why), replace(before, firing=False)
        return
    called = _escalated(spec, alert, now)
    for name in dict.fromkeys([*routed(spec, alert), *called]):
        full = receiver_name(policy.name, name)
        if name not in known or (alert.object_kind == RECEIVER and alert.object_name == full):
            continue  # a receiver that fails is not told that it fails
        kind, why = _due(spec, alert, alert.told.get(full), called.get(name, 0), now)
        if kind is not None:
            yield _Word(full, kind, group, alert, why), Told(True, alert.severity, now, called.get(name, 0))


def _escalated(spec: AlertPolicySpec, alert: Alert, now: datetime) -> dict[str, int]:
    """By receiver: the last step that is due and names it. Nothing, once a person has acknowledged."""
    if alert.state is AlertState.ACKNOWLEDGED:
        return {}
    called: dict[str, int] = {}
    for number, step in enumerate(sorted(spec.escalation, key=lambda s: s.after), start=1):
        if now - alert.started_at >= step.after and fits(step, alert):
            called |= dict.fromkeys(step.receivers, number)
    return called


def _due(spec: AlertPolicySpec, alert: Alert, told: Told | None, step: int, now: datetime) -> tuple[NoticeKind | None, str]:
    lasted = format_duration(max(now - alert.started_at, timedelta(0)), parts=2)
    if step > (told.step if told is not None else 0):
        return NoticeKind.ESCALATION, f"fires for {lasted} and nobody has acknowledged it"
    if told is None:
        return (NoticeKind.FIRING, "") if alert.state is AlertState.FIRING else (None, "")
    if alert.severity.worse_than(told.severity):
        return NoticeKind.WORSE, f"was {told.severity.value} when it was told last"
    if alert.state is AlertState.ACKNOWLEDGED:
        return None, ""
    since = abs(now - told.at)  # a clock that was set back must not end all reminders
    if not told.firing:
        back = f"came back, {alert.times} times since {alert.started_at:%Y-%m-%d %H:%M} UTC"
        return (NoticeKind.FIRING, back) if since >= spec.cooldown else (None, "")
    if spec.repeat is not None and since >= spec.repeat:
        return NoticeKind.REMINDER, f"fires for {lasted} and nobody has acknowledged it"
    return None, ""


def _group(spec: AlertPolicySpec, alert: Alert) -> tuple[str, ...]:
    values: Mapping[str, str] = {
        "kind": alert.object_kind, "name": alert.object_name, "condition": alert.condition, "severity": alert.severity.value,
    }  # fmt: skip
    return tuple(values.get(word, alert.labels.get(word, "")) for word in spec.group_by)


def _messages(words: Iterable[_Word], now: datetime) -> Iterator[Notice]:
    """One message per receiver, reason and group, the worst first; beyond the bound of a pass all others of a receiver share the last."""
    groups: dict[str, dict[tuple[NoticeKind, tuple[str, ...]], list[_Word]]] = {}
    for word in words:
        groups.setdefault(word.receiver, {}).setdefault((word.kind, word.group), []).append(word)
    for receiver, of_receiver in groups.items():
        ordered = sorted(of_receiver.values(), key=lambda group: (worst(w.alert.severity for w in group).rank, -len(group)))
        if len(ordered) > MESSAGES_MAX:
            rest = ordered[MESSAGES_MAX - 1 :]
            ordered = [*ordered[: MESSAGES_MAX - 1], [word for group in rest for word in group]]
        for group in ordered:
            yield _message(receiver, group, now)


def _message(receiver: str, words: list[_Word], now: datetime) -> Notice:
    kinds = {word.kind for word in words}
    kind = next(kind for kind in NoticeKind if kind in kinds)
    if kind is not NoticeKind.RECOVERED and NoticeKind.RECOVERED in kinds:
        kind = NoticeKind.FIRING
    alerts = sorted((word.alert for word in words), key=lambda a: (a.severity.rank, a.key))
    whys = {word.why for word in words}
    return Notice(
        receiver=receiver,
        kind=kind,
        severity=worst(alert.severity for alert in alerts),
        title=_title(kind, alerts),
        lines=tuple(line_of(alert) for alert in alerts[:LINES_MAX]),
        total=len(alerts),
        at=now,
        why=whys.pop() if len(whys) == 1 else "",
    )


_AGAIN = {NoticeKind.REMINDER: "still ", NoticeKind.ESCALATION: "nobody answers, ", NoticeKind.WORSE: "worse, now "}
"""In a title, so that whoever sees no more than that on a telephone knows it from the first message."""


def _title(kind: NoticeKind, alerts: Sequence[Alert]) -> str:
    severity = worst(alert.severity for alert in alerts).value.upper()
    over = "resolved" if kind is NoticeKind.RECOVERED else f"{_AGAIN.get(kind, '')}{severity}"
    if len(alerts) == 1:
        return f"{over}: {alerts[0].condition} of {alerts[0].object_kind} {alerts[0].object_name}"
    shared = {(alert.condition, alert.object_kind) for alert in alerts}
    of_what = f" {alerts[0].condition} of {alerts[0].object_kind}s" if len(shared) == 1 else ""
    return f"{over}: {len(alerts)} alerts{of_what}"


def line_of(alert: Alert) -> NoticeLine:
    """What a message says of an alert."""
    return NoticeLine(
        alert.id, alert.object_kind, alert.object_name, alert.condition, alert.severity, alert.state, alert.summary, alert.detail,
        alert.started_at, alert.resolved_at, dict(alert.labels),
    )  # fmt: skip
