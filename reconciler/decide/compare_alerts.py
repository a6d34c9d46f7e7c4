"""What an edit does to who is told: whoever wants to do harm quietly begins here."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from reconciler.base.units import format_duration
from reconciler.model.blast import Effect, SpecChange
from reconciler.model.declared.alerts import AlertPolicySpec, Match, Receiver
from reconciler.model.desired import Desired, DesiredAlertPolicy

_SHOWN_ALONE = ("delay", "cooldown", "repeat")
_SWITCHES = {"heartbeat": "no more digest: silence means nothing", "dead_man": "nobody notices any more that this host is silent"}


def compare_alerts(before: Desired, after: Desired) -> Iterator[SpecChange]:
    """Policy by policy. What a receiver's secret is nobody here knows; where it comes from is told."""
    old = {policy.name: policy for policy in before.alert_policies}
    new = {policy.name: policy for policy in after.alert_policies}
    for name in sorted(old.keys() | new.keys()):
        if name not in new:
            others = "" if new else ": nobody is told of anything any more"
            yield _change(name, "", _receivers(old[name].spec), "", Effect.LOSS, f"its receivers are told nothing any more{others}")
        elif name not in old:
            yield _change(name, "", "", _receivers(new[name].spec), Effect.GAIN, "", new[name])
        else:
            yield from _compare(old[name], new[name])


def _compare(before: DesiredAlertPolicy, after: DesiredAlertPolicy) -> Iterator[SpecChange]:
    old, new = before.spec, after.spec
    known, wanted = {r.name: r for r in old.receivers}, {r.name: r for r in new.receivers}
    for name in sorted(known.keys() | wanted.keys()):
        if known.get(name) != wanted.get(name):
            was, now = (_receiver(spec) if spec is not None else "" for spec in (known.get(name), wanted.get(name)))
            effect = Effect.LOSS if not now else Effect.GAIN if not was else Effect.OTHER
            why = "" if was != now else "where it leads, or how it is spoken to"
            yield _change(after.name, f"receivers.{name}", was, now, effect, why, after)
    for field, listed in (("routes", _routes), ("escalation", _steps)):
        if getattr(old, field) != getattr(new, field):
            yield _change(after.name, field, listed(old), listed(new), Effect.OTHER, "who is told of what", after)
    for field in _SHOWN_ALONE:
        yield from _duration(field, before, after)
    for field, why in _SWITCHES.items():
        yield from _switch(field, why, before, after)
    for field, alias in (("group_by", "groupBy"), ("recovery", "recovery")):
        if getattr(old, field) != getattr(new, field):
            yield _change(after.name, alias, str(getattr(old, field)), str(getattr(new, field)), Effect.OTHER, "", after)


def _duration(field: str, before: DesiredAlertPolicy, after: DesiredAlertPolicy) -> Iterator[SpecChange]:
    """Later, or less often, is less. No delay is the earliest, no repeat the least often."""
    old, new = getattr(before.spec, field), getattr(after.spec, field)
    if old == new:
        return
    nothing = timedelta.max if field == "repeat" else timedelta(0)
    less = (nothing if new is None else new) > (nothing if old is None else old)
    was, now = (format_duration(value) if value is not None else "never" if field == "repeat" else "none" for value in (old, new))
    yield _change(after.name, field, was, now, Effect.LOSS if less else Effect.GAIN, "", after)


def _switch(field: str, why: str, before: DesiredAlertPolicy, after: DesiredAlertPolicy) -> Iterator[SpecChange]:
    old, new = getattr(before.spec, field), getattr(after.spec, field)
    if old != new:
        alias = "deadMan" if field == "dead_man" else field
        effect = Effect.LOSS if new is None else Effect.GAIN if old is None else Effect.OTHER
        was, now = ("declared" if value is not None else "" for value in (old, new))
        yield _change(after.name, alias, was, now, effect, why if new is None else "", after)


def _change(
    name: str, field: str, before: str, after: str, effect: Effect, why: str, policy: DesiredAlertPolicy | None = None
) -> SpecChange:
    return SpecChange("AlertPolicy", name, field, before, after, effect, why, policy.place if policy is not None else None)


def _receivers(spec: AlertPolicySpec) -> str:
    return ", ".join(_receiver(receiver) for receiver in spec.receivers)


def _receiver(receiver: Receiver) -> str:
    return f"{receiver.name} ({receiver.kind})"


def _routes(spec: AlertPolicySpec) -> str:
    return "; ".join(f"{_match(route)} to {', '.join(route.receivers)}" for route in spec.routes) or "everything to everybody"


def _steps(spec: AlertPolicySpec) -> str:
    return "; ".join(f"{_match(step)} after {format_duration(step.after)} to {', '.join(step.receivers)}" for step in spec.escalation)


def _match(match: Match) -> str:
    labels = tuple(f"{key}={value}" for key, value in sorted(match.labels.items()))
    return " ".join(",".join(words) for words in (match.severities, match.kinds, match.conditions, labels) if words) or "all"
