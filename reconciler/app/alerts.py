"""What people do with alerts: look, acknowledge, resolve, silence, and try whether receivers can be reached.

Whoever changes something stands in the audit log and in the events, with the reason that was given.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.app.alerting import make_post
from reconciler.app.errors import AlertOver, Ambiguous, NotFound
from reconciler.app.restoring.record import who
from reconciler.app.scene import load
from reconciler.base.errors import ReconcilerError, Usage
from reconciler.base.ids import new_id
from reconciler.base.units import format_duration
from reconciler.decide import alerts as life
from reconciler.decide.receiving import DEAD_MAN, declared_receivers, receiver_name, receiver_statuses
from reconciler.model.alerts import Alert, AlertSeverity, AlertState, Notice, NoticeKind, ReceiverStatus, Silence
from reconciler.model.desired import DesiredAlertPolicy
from reconciler.model.observed import Failure

if TYPE_CHECKING:
    from reconciler.app.house import House
    from reconciler.catalog.catalog import Catalog

SILENCE_MAX = timedelta(days=30)
"""Longer is a decision, and decisions stand in the specs: another route, or ``suspend``."""
_GRACE_SECONDS = 2.0


class AlertList(Struct, frozen=True):
    """Alerts, and what bears on whether anybody hears of them."""

    alerts: tuple[Alert, ...]
    """The worst first; with those that are over, these behind them, the latest first."""
    silences: tuple[Silence, ...]
    receivers: tuple[ReceiverStatus, ...]
    more: int = 0
    """So many more stand."""


class SilenceReport(Struct, frozen=True):
    """A silence, and how many alerts that stand now it covers: none may be a slip of the keyboard."""

    silence: Silence
    covers: int


class Trial(Struct, frozen=True):
    """What one receiver said to a test."""

    receiver: str
    kind: str
    failure: Failure | None
    """None: it took the message."""


def listed(house: House, *, resolved: bool, limit: int) -> AlertList:
    """What stands; with ``resolved`` also what is over, in all at most ``limit``."""
    now = house.clock.now()
    with house.memory.reading() as catalog:
        book = catalog.alerts
        standing = sorted((a for a in book.live(now) if a.stands), key=lambda a: (a.severity.rank, a.started_at, a.key))
        over = [a for a in book.newest(limit + len(standing)) if not a.stands] if resolved else []
        receivers = receiver_statuses(load(house, catalog).desired.alert_policies, book.receivers())
        return AlertList(tuple([*standing, *over][:limit]), book.silences(now), receivers, max(0, len(standing) - limit))


def show(house: House, prefix: str) -> Alert:
    """The one whose id begins so."""
    with house.memory.reading() as catalog:
        return _the_one(catalog.alerts.starting(prefix), prefix)


def acknowledge(house: House, ids: Sequence[str], by: str | None, note: str) -> tuple[Alert, ...]:
    """A person has seen these."""
    return _change(house, ids, "alert-acknowledge", "AlertAcknowledged", by, note, life.acknowledge)


def resolve(house: House, ids: Sequence[str], by: str | None, note: str) -> tuple[Alert, ...]:
    """A person says that these are over."""
    return _change(house, ids, "alert-resolve", "AlertResolved", by, note, life.resolve)


def silence(house: House, kind: str, name: str, condition: str, length: timedelta, reason: str) -> SilenceReport:
    """Nobody is told about these for so long."""
    if not reason.strip():
        raise Usage("a reason must be given for a silence", hint="--reason says to others why nobody hears of it.")
    if not timedelta(0) < length <= SILENCE_MAX:
        raise Usage(
            f"a silence must be longer than 0s and at most {format_duration(SILENCE_MAX)}, not {format_duration(length)}",
            hint="What is not to be told for longer is a matter of the routes in the AlertPolicy.",
        )
    now = house.clock.now()
    made = Silence(new_id()[:16], kind, name, condition, now + length, reason.strip(), who(), now)
    _note_silence(house, made, "alert-silence", f"until {made.until:%Y-%m-%d %H:%M} UTC: {made.reason}")
    return SilenceReport(made, sum(alert.stands and made.covers(alert) for alert in house.memory.writing().alerts.live(now)))


def end_silence(house: House, prefix: str) -> SilenceReport:
    """It ends now."""
    now = house.clock.now()
    with house.memory.reading() as catalog:
        found = [one for one in catalog.alerts.silences(now) if prefix and one.id.startswith(prefix)]
    if not found:
        raise NotFound(f"no silence in force has an id that begins with '{prefix}'", hint="`reconcile alerts list` shows them.")
    if len(found) > 1:
        raise Ambiguous(f"'{prefix}' fits {len(found)} silences")
    ended = Silence(
        found[0].id, found[0].object_kind, found[0].object_name, found[0].condition, now, found[0].reason, found[0].by, found[0].at
    )
    _note_silence(house, ended, "alert-silence-end", f"ended by {who()}")
    return SilenceReport(ended, 0)


def test_receivers(house: House, names: Sequence[str], severity: AlertSeverity) -> tuple[Trial, ...]:
    """Send a message to each of these receivers (none means all) at once, past routes and silences."""
    catalog, now = house.memory.writing(), house.clock.now()
    policies = load(house, catalog).desired.alert_policies
    known = declared_receivers(policies)
    for name in names:
        if name not in known:
            raise NotFound(f"no AlertPolicy declares the receiver '{name}'", hint=f"Known: {', '.join(sorted(known)[:8]) or 'none'}.")
    wanted = {name for name in known if not names or name in names}
    calls = [call for policy in policies for call in _calls(house, policy, wanted, severity, now)]
    house.memory.audit().append("note", "alert-test", "receivers", receivers=sorted(wanted), actor=who())
    failures = _together([(call, seconds) for _, call, seconds in calls])
    for (name, _, _), failure in zip(calls, failures, strict=True):
        if failure is None:
            catalog.alerts.delivered(name, None, house.clock.now())
        else:
            catalog.alerts.failed(name, None, failure, house.clock.now(), None)
    return tuple(Trial(name, known[name], failure) for (name, _, _), failure in zip(calls, failures, strict=True))


_Call = tuple[str, Callable[[], None], float]


def _calls(house: House, policy: DesiredAlertPolicy, wanted: set[str], severity: AlertSeverity, now: datetime) -> list[_Call]:
    post, calls = make_post(house), list[_Call]()
    for receiver in policy.spec.receivers:
        name = receiver_name(policy.name, receiver.name)
        if name in wanted:
            why = f"sent by {who()} from {house.agent} with `reconcile alerts test`; nothing is wrong"
            notice = Notice(name, NoticeKind.TEST, severity, f"Test of the receiver {name}", (), 0, now, why)
            recipient = post.recipient(name, receiver)
            calls.append((name, lambda r=recipient, n=notice: r.send(n), recipient.timeout_seconds))  # type: ignore[misc]
    dead_man = f"{policy.name}:{DEAD_MAN}"
    if policy.spec.dead_man is not None and dead_man in wanted:
        ping = post.ping(dead_man, policy.spec.dead_man)
        calls.append((dead_man, ping.tell, ping.timeout_seconds))
    return calls


def _together(calls: Sequence[tuple[Callable[[], None], float]]) -> list[Failure | None]:
    """All at once, each within its time: one that hangs does not keep the others waiting."""
    results: list[Failure | None] = [Failure("notify-hangs", "it has not come back within its time") for _ in calls]

    def work(index: int, call: Callable[[], None]) -> None:
        try:
            call()
        except ReconcilerError as error:
            results[index] = Failure.of(error)
        except Exception as error:  # noqa: BLE001 - of a foreign library
            results[index] = Failure("notify-failed", f"unexpected {type(error).__name__}: {error}")
        else:
            results[index] = None

    threads = [threading.Thread(target=work, args=(index, call), daemon=True) for index, (call, _) in enumerate(calls)]
    for thread in threads:
        thread.start()
    for thread, (_, seconds) in zip(threads, calls, strict=True):
        thread.join(seconds + _GRACE_SECONDS)
    return list(results)


_Life = Callable[[Alert, str, str, datetime], Alert]


def _change(house: House, ids: Sequence[str], verb: str, event: str, by: str | None, note: str, change: _Life) -> tuple[Alert, ...]:
    """All of them are looked up before the first one changes."""
    catalog, now, person = house.memory.writing(), house.clock.now(), (by or who()).strip()
    found = [_the_one(catalog.alerts.starting(prefix), prefix) for prefix in ids]
    for alert in found:
        if alert.state is AlertState.RESOLVED:
            raise AlertOver(f"alert {alert.id} ({alert.condition} of {alert.object_name}) is over already")
    changed: list[Alert] = []
    for alert in found:
        house.memory.audit().append("note", verb, f"{alert.object_kind}/{alert.object_name}", alert=alert.id, actor=person, note=note)
        changed += catalog.alerts.change(alert.id, lambda one: change(one, person, note, now))
        said = f"{alert.condition}, by {person}" + (f": {note}" if note else "")
        catalog.add_event("Normal", alert.object_kind, alert.object_name, event, said, now)
    return tuple(changed)


def _the_one(found: Sequence[Alert], prefix: str) -> Alert:
    if not prefix or not found:
        raise NotFound(f"no alert has an id that begins with '{prefix}'", hint="`reconcile alerts list --all` shows them.")
    if len(found) > 1:
        raise Ambiguous(f"'{prefix}' fits {len(found)} alerts")
    return found[0]


def _note_silence(house: House, made: Silence, verb: str, said: str) -> None:
    catalog: Catalog = house.memory.writing()
    what = f"{made.object_kind or '*'}/{made.object_name or '*'}"
    facts = {"silence": made.id, "condition": made.condition, "until": made.until.isoformat(), "reason": made.reason}
    house.memory.audit().append("note", verb, what, actor=who(), **facts)
    catalog.alerts.put_silence(made)
    event = "Silenced" if verb == "alert-silence" else "SilenceEnded"
    note = f"{made.condition or 'every condition'} of {what} {said}"
    catalog.add_event("Normal", made.object_kind or "Alert", made.object_name or "*", event, note, house.clock.now())
