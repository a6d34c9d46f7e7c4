"""An edit that lets fewer people hear of trouble is told before it is merged."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.decide.compare_alerts import compare_alerts
from reconciler.model.blast import Effect
from reconciler.model.declared.alerts import AlertPolicySpec
from reconciler.model.desired import Desired, DesiredAlertPolicy
from reconciler.model.problem import Place
from tests.fakes.worlds import desired

RECEIVERS: list[dict[str, Any]] = [{"name": "ops", "discord": {"url": {"env": "HOOK"}}}, {"name": "log", "console": {}}]


def tree(**words: Any) -> Desired:
    spec = AlertPolicySpec.model_validate({"receivers": RECEIVERS, **words})
    return replace(desired(), alert_policies=(DesiredAlertPolicy("duty", spec, Place("alerts.yaml", 1)),))


PLAIN = tree()
HEARTBEAT = {"heartbeat": {"every": "1d", "receivers": ["ops"]}}
DEAD_MAN = {"dead_man": {"url": {"env": "PING"}}}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (PLAIN, PLAIN, []),
        (PLAIN, desired(), [("", "ops (discord), log (console)", "", Effect.LOSS)]),
        (desired(), PLAIN, [("", "", "ops (discord), log (console)", Effect.GAIN)]),
        (PLAIN, tree(receivers=RECEIVERS[1:]), [("receivers.ops", "ops (discord)", "", Effect.LOSS)]),
        (
            PLAIN,
            tree(receivers=[{"name": "ops", "discord": {"url": {"env": "OTHER"}}}, RECEIVERS[1]]),
            [("receivers.ops", "ops (discord)", "ops (discord)", Effect.OTHER)],
        ),
        (
            PLAIN,
            tree(routes=[{"severities": ["critical"], "labels": {"team": "shop"}, "receivers": ["ops"]}]),
            [("routes", "everything to everybody", "critical team=shop to ops", Effect.OTHER)],
        ),
        (PLAIN, tree(escalation=[{"after": "30m", "receivers": ["ops"]}]), [("escalation", "", "all after 30m to ops", Effect.OTHER)]),
        (PLAIN, tree(repeat=None), [("repeat", "4h", "never", Effect.LOSS)]),
        (PLAIN, tree(delay=None), [("delay", "1m", "none", Effect.GAIN)]),
        (tree(delay=None), PLAIN, [("delay", "none", "1m", Effect.LOSS)]),
        (PLAIN, tree(cooldown="1h"), [("cooldown", "15m", "1h", Effect.LOSS)]),
        (tree(**HEARTBEAT), PLAIN, [("heartbeat", "declared", "", Effect.LOSS)]),
        (PLAIN, tree(**DEAD_MAN), [("deadMan", "", "declared", Effect.GAIN)]),
        (PLAIN, tree(recovery=False), [("recovery", "True", "False", Effect.OTHER)]),
    ],
)
def test_what_an_edit_does(before: Desired, after: Desired, expected: list[tuple[str, str, str, Effect]]) -> None:
    assert [(c.field, c.before, c.after, c.effect) for c in compare_alerts(before, after)] == expected


def test_every_field_of_a_policy_is_looked_at() -> None:
    otherwise: dict[str, Any] = {
        "receivers": RECEIVERS[:1],
        "routes": [{"receivers": ["log"]}],
        "delay": "2m",
        "cooldown": "16m",
        "repeat": "5h",
        "group_by": ["name"],
        "recovery": False,
        "escalation": [{"after": "1h", "receivers": ["log"]}],
        **HEARTBEAT,
        **DEAD_MAN,
    }
    for name in AlertPolicySpec.model_fields:
        assert list(compare_alerts(PLAIN, tree(**{name: otherwise[name]}))), name
