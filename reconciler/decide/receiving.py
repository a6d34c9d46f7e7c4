"""Whether receivers get what they are sent. A receiver that fails is a condition like any other, and so an alert to the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from reconciler.decide.words import counted
from reconciler.model.alerts import ReceiverStatus
from reconciler.model.desired import DesiredAlertPolicy
from reconciler.model.status import Condition, ConditionType, Truth

RECEIVER = "Receiver"
FAILURES = 3
"""So many failed attempts in a row are no accident any more."""
DEAD_MAN = "dead-man"
"""Stands for the address that is called at the end of a pass, among the names of receivers."""


def receiver_name(policy: str, receiver: str) -> str:
    """How a receiver is called outside its policy."""
    return f"{policy}/{receiver}"


def declared_receivers(policies: Iterable[DesiredAlertPolicy]) -> dict[str, str]:
    """The kind of every receiver, by its whole name."""
    found: dict[str, str] = {}
    for policy in policies:
        found |= {receiver_name(policy.name, receiver.name): receiver.kind for receiver in policy.spec.receivers}
        if policy.spec.dead_man is not None:
            found[f"{policy.name}:{DEAD_MAN}"] = DEAD_MAN
    return found


def receiver_statuses(policies: Iterable[DesiredAlertPolicy], known: Iterable[ReceiverStatus]) -> tuple[ReceiverStatus, ...]:
    """Of every declared receiver, by name."""
    counts = {status.name: status for status in known}
    declared = declared_receivers(policies)
    return tuple(replace(counts.get(name, ReceiverStatus(name)), kind=kind) for name, kind in sorted(declared.items()))


def receiver_conditions(policies: Sequence[DesiredAlertPolicy], known: Iterable[ReceiverStatus]) -> tuple[Condition, ...]:
    """``AlertsDelivered`` of every declared receiver."""
    return tuple(_condition(status) for status in receiver_statuses(policies, known))


def _condition(status: ReceiverStatus) -> Condition:
    truth, reason, message = Truth.TRUE, "Delivered", f"{counted(status.delivered, 'message')} delivered"
    failure = status.last_failure
    if status.consecutive_failures >= FAILURES and failure is not None:
        reason = "".join(word.capitalize() for word in failure.code.split("-"))
        waiting = f", {counted(status.waiting, 'message')} waiting" if status.waiting else ""
        truth, message = Truth.FALSE, f"{counted(status.consecutive_failures, 'attempt')} failed in a row{waiting}: {failure.message}"
    elif not status.delivered:
        truth, reason, message = Truth.UNKNOWN, "NothingSent", "nothing was delivered to it yet: `reconcile alerts test` tries"
    return Condition(RECEIVER, status.name, ConditionType.ALERTS_DELIVERED, truth, reason, message)
