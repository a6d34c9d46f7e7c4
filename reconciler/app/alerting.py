"""A pass ends in alerts: from the status to what fires, to the messages that wait, to the courier that delivers them."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconciler.app.scene import Scene
from reconciler.base.errors import ReconcilerError
from reconciler.base.printable import escape
from reconciler.base.secret import Secret, redact
from reconciler.decide.alerts import COOLDOWN, judge
from reconciler.decide.digest import digests
from reconciler.decide.notices import LEVEL_KINDS, is_quiet, notices
from reconciler.decide.raising import Found, Raising, together
from reconciler.decide.receiving import DEAD_MAN, declared_receivers, receiver_name, receiver_statuses
from reconciler.model.alerts import Alert, AlertSeverity, AlertsStatus, AlertState, Notice, Raised, Silence
from reconciler.model.declared.secret import SecretFrom
from reconciler.model.desired import Desired
from reconciler.model.status import Status

if TYPE_CHECKING:
    from reconciler.app.house import House
    from reconciler.catalog.catalog import Catalog
    from reconciler.notify.courier import Courier
    from reconciler.notify.recipients import Post

FLUSH_SECONDS = 20.0
"""So long a single pass waits for its messages; what is not delivered by then waits for the next one."""
_SUMMARY_MAX, _DETAIL_MAX, _WORD_MAX = 500, 1000, 200
_DIGESTS = "alerts.digests"


def take_turn(catalog: Catalog, scene: Scene, status: Status, *, settled: bool, checks: Found, raising: Raising | None = None) -> Status:
    """Let alerts fire and end, and put the messages about them where they wait; the status with the counts.

    ``settled``: the actions of this pass have ended. ``checks``: what health says. ``raising``: the same one in each pass of a loop.
    """
    policies, now, book = scene.desired.alert_policies, scene.now, catalog.alerts
    found = _bounded(together((raising or Raising()).of(scene.desired, status, now), checks))
    cooldown = max((policy.spec.cooldown for policy in policies), default=COOLDOWN)

    def decide(known: tuple[Alert, ...], silences: tuple[Silence, ...]) -> tuple[Sequence[Alert], Sequence[Notice]]:
        return notices(judge(found, known, now, cooldown=cooldown), silences, policies, now, settled=settled)

    alerts = book.turn(decide, now, kept=scene.desired.settings.health.history)
    last = {name: datetime.fromisoformat(at) for name, at in json.loads(catalog.get_value(_DIGESTS) or "{}").items()}
    due = digests(policies, alerts, status, last, now, settled=settled)
    if due:
        book.add_notices(due)
        told = {notice.receiver.partition("/")[0]: now for notice in due}
        catalog.put_value(_DIGESTS, json.dumps({name: at.isoformat() for name, at in (last | told).items()}))
    declared = frozenset(declared_receivers(policies))
    if scene.desired.clean and any(receiver.name not in declared for receiver in book.receivers()):
        book.forget_receivers(declared)
    return replace(status, alerts=alerts_status(catalog, scene.desired, alerts, now))


def alerts_status(catalog: Catalog, desired: Desired, alerts: Sequence[Alert], now: datetime) -> AlertsStatus:
    """The part of the status that is about alerts."""
    return AlertsStatus(
        firing=_counted(alerts, AlertState.FIRING),
        acknowledged=_counted(alerts, AlertState.ACKNOWLEDGED),
        receivers=receiver_statuses(desired.alert_policies, catalog.alerts.receivers()),
        silences=len(catalog.alerts.silences(now)),
        oldest=_oldest(alerts),
    )


def follow(courier: Courier, house: House, catalog: Catalog, desired: Desired, now: datetime, *, complete: bool) -> None:
    """Tell the courier who is to be told, what an Alertmanager should know now, and after a complete pass that the loop lives."""
    post = make_post(house)
    kinds = {receiver.kind for policy in desired.alert_policies for receiver in policy.spec.receivers}
    silences = catalog.alerts.silences(now)
    live = catalog.alerts.live(now) if kinds & LEVEL_KINDS else ()
    told = [alert for alert in live if not is_quiet(alert, silences)]
    recipients, states = {}, {}
    for policy in desired.alert_policies:
        for receiver in policy.spec.receivers:
            name = receiver_name(policy.name, receiver.name)
            recipients[name] = post.recipient(name, receiver)
            state = post.state(name, receiver, told, now)
            if state is not None:
                states[name] = state
        if policy.spec.dead_man is not None and complete:
            name = f"{policy.name}:{DEAD_MAN}"
            states[name] = post.ping(name, policy.spec.dead_man)
    courier.follow(recipients, states)


def deliver_once(house: House, catalog: Catalog, desired: Desired, now: datetime, *, complete: bool, stop: threading.Event) -> None:
    """The same for a single pass, in its own time and a little of it; a pass that is to stop leaves it to the next one."""
    if not desired.alert_policies:
        return
    from reconciler.notify.courier import Courier

    courier = Courier(catalog.alerts, house.clock)
    follow(courier, house, catalog, desired, now, complete=complete)
    courier.flush(FLUSH_SECONDS, stop)
    courier.close(wait_seconds=0)


def make_post(house: House) -> Post:
    """Recipients whose secrets come from where the specs say, reached as the environment says."""
    from reconciler.base.proxy import Proxies
    from reconciler.notify.recipients import Post

    return Post(lambda secret: reveal(secret, house.allow_commands), house.clock, Proxies.of(os.environ))


def reveal(secret: SecretFrom, allowed: Sequence[Path]) -> Secret:
    """The secret itself, under the same rules as the keys of repositories: files of their owner alone, commands that the host allows."""
    from reconciler.app import keys
    from reconciler.app.errors import KeyMissing
    from reconciler.notify.errors import SecretUnusable

    try:
        return keys.load(secret, allowed=allowed)
    except KeyMissing as error:
        raise SecretUnusable(error.message) from error
    except ReconcilerError as error:
        raise SecretUnusable(error.message, hint=error.hint) from error


def _counted(alerts: Sequence[Alert], state: AlertState) -> Mapping[AlertSeverity, int]:
    return {severity: sum(a.severity is severity and a.state is state for a in alerts) for severity in AlertSeverity}


def _oldest(alerts: Sequence[Alert]) -> Mapping[AlertSeverity, datetime]:
    oldest: dict[AlertSeverity, datetime] = {}
    for alert in alerts:
        if alert.state is AlertState.FIRING:
            oldest[alert.severity] = min(alert.started_at, oldest.get(alert.severity, alert.started_at))
    return oldest


def _bounded(found: Found) -> Found:
    """Texts as they may be kept and shown anywhere: one line, no secrets, no control characters, not endless."""
    return replace(found, raised=tuple(_safe(one) for one in found.raised))


def _safe(one: Raised) -> Raised:
    return replace(
        one,
        object_name=_line(one.object_name, _WORD_MAX),
        summary=_line(one.summary, _SUMMARY_MAX),
        detail=_line(one.detail, _DETAIL_MAX),
        labels={_line(key, _WORD_MAX): _line(value, _WORD_MAX) for key, value in one.labels.items()},
    )


def _line(text: str, characters_max: int) -> str:
    shown = escape(redact(text[: 4 * characters_max]))
    return shown if len(shown) <= characters_max else shown[: characters_max - 1] + "…"
