"""The life of an alert, and who is told what of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.decide import alerts as life
from reconciler.decide.notices import LINES_MAX, MESSAGES_MAX, notices
from reconciler.decide.raising import Found
from reconciler.model.alerts import Alert, AlertSeverity, AlertState, Notice, NoticeKind, Raised, Silence
from reconciler.model.declared.alerts import AlertPolicySpec
from reconciler.model.desired import DesiredAlertPolicy
from reconciler.model.problem import Place
from tests.fakes.worlds import NOW

MINUTE = timedelta(minutes=1)


def raised(name: str = "orders", severity: str = "critical", **changes: object) -> Raised:
    plain = Raised("System", name, "BackupFresh", AlertSeverity(severity), f"{name}: the newest good state is old", labels={"team": "shop"})
    return replace(plain, **changes)  # type: ignore[arg-type]


def policy(name: str = "duty", **words: object) -> DesiredAlertPolicy:
    """Two receivers; every alert goes to `ops` alone unless said otherwise."""
    said: dict[str, object] = {
        "receivers": [{"name": "ops", "console": {}}, {"name": "boss", "console": {}}],
        "routes": [{"receivers": ["ops"]}],
        **words,
    }
    return DesiredAlertPolicy(name, AlertPolicySpec.model_validate(said), Place("alerts.yaml", 1))


class World:
    """The alerts as the catalog would keep them, and what was sent so far."""

    def __init__(self, *policies: DesiredAlertPolicy) -> None:
        self.policies = policies or (policy(),)
        self.alerts: tuple[Alert, ...] = ()
        self.silences: list[Silence] = []
        self.now = NOW

    def turn(self, *found: Raised, after: timedelta = MINUTE, unclear: Iterable[tuple[str, str, str]] = ()) -> list[tuple[str, str]]:
        """(receiver, kind) of every message of the next pass."""
        return [
            (notice.receiver.removeprefix("duty/"), notice.kind.value) for notice in self.messages(*found, after=after, unclear=unclear)
        ]

    def messages(self, *found: Raised, after: timedelta = MINUTE, unclear: Iterable[tuple[str, str, str]] = ()) -> tuple[Notice, ...]:
        self.now += after
        cooldown = self.policies[0].spec.cooldown
        judged = life.judge(Found(found, frozenset(unclear)), self.alerts, self.now, cooldown=cooldown)
        self.alerts, sent = notices(judged, self.silences, self.policies, self.now)
        return sent

    @property
    def only(self) -> Alert:
        (alert,) = self.alerts
        return alert

    def change(self, alert: Alert) -> None:
        self.alerts = tuple(alert if one.id == alert.id else one for one in self.alerts)


def test_it_is_told_once_then_reminded_and_its_end_is_told() -> None:
    world = World()
    assert world.turn(raised()) == [("ops", "firing")]
    assert world.turn(raised()) == []
    assert world.turn(raised(summary="orders: 17 minutes ago")) == [], "another number in the text is no other alert"
    assert world.only.summary == "orders: 17 minutes ago"
    assert world.turn(raised(), after=timedelta(hours=4)) == [("ops", "reminder")]
    assert world.turn() == [("ops", "recovered")]
    assert world.turn() == []
    assert world.only.state is AlertState.RESOLVED
    assert world.only.resolved_at is not None


def test_what_cannot_be_known_ends_no_alert() -> None:
    world = World()
    world.turn(raised())
    assert world.turn(unclear=[("System", "orders", "BackupFresh")]) == []
    assert world.only.state is AlertState.FIRING
    assert world.turn() == [("ops", "recovered")]


def test_an_acknowledged_one_is_quiet_until_it_gets_worse() -> None:
    world = World()
    world.turn(raised(severity="high"))
    world.change(life.acknowledge(world.only, "maria", "on it", world.now))
    assert world.turn(raised(severity="high"), after=timedelta(days=2)) == []
    assert world.only.state is AlertState.ACKNOWLEDGED
    assert world.turn(raised(severity="critical")) == [("ops", "worse")]
    assert (world.only.state, world.only.acknowledged_by) == (AlertState.FIRING, "")


def test_less_bad_is_no_message_and_no_new_alert() -> None:
    world = World()
    world.turn(raised(severity="critical"))
    assert world.turn(raised(severity="low")) == []
    assert world.only.severity is AlertSeverity.LOW


def test_a_flapping_condition_is_one_alert_and_at_most_a_pair_of_messages_per_cooldown() -> None:
    world = World(policy(cooldown="15m"))
    told = [world.turn(*([raised()] if minute % 2 == 0 else [])) for minute in range(45)]
    kinds = [kind for messages in told for _, kind in messages]
    assert kinds == ["firing", "recovered"] * 3
    assert world.only.times == 23


def test_a_worse_one_does_not_wait_for_the_cooldown() -> None:
    world = World()
    world.turn(raised(severity="medium"))
    world.turn()
    assert world.turn(raised(severity="critical")) == [("ops", "worse")]


def test_after_the_cooldown_it_is_a_new_alert() -> None:
    world = World()
    world.turn(raised())
    first = world.only.id
    world.turn()
    assert world.turn(raised(), after=timedelta(hours=1)) == [("ops", "firing")]
    assert {alert.stands for alert in world.alerts} == {True, False}
    assert next(alert for alert in world.alerts if alert.stands).id != first


def test_nobody_answers_so_others_are_called_and_reminded_and_told_the_end() -> None:
    world = World(policy(escalation=[{"after": "30m", "severities": ["critical"], "receivers": ["boss"]}]))
    world.turn(raised())
    assert world.turn(raised(), after=29 * MINUTE) == []
    assert world.turn(raised()) == [("boss", "escalation")]
    assert world.turn(raised()) == []
    assert set(world.turn(raised(), after=timedelta(hours=4))) == {("ops", "reminder"), ("boss", "reminder")}
    assert set(world.turn()) == {("ops", "recovered"), ("boss", "recovered")}


def test_a_title_alone_says_whether_it_is_the_first_message() -> None:
    """A telephone shows no more."""
    world = World(policy(escalation=[{"after": "30m", "receivers": ["boss"]}]))
    titles = [world.messages(raised(severity="high"), after=after)[0].title for after in (MINUTE, timedelta(minutes=30))]
    titles += [world.messages(raised(), after=MINUTE)[0].title]
    titles += [world.messages(raised(), after=timedelta(hours=4))[0].title, world.messages()[0].title]
    assert titles == [
        "HIGH: BackupFresh of System orders",
        "nobody answers, HIGH: BackupFresh of System orders",
        "worse, now CRITICAL: BackupFresh of System orders",
        "still CRITICAL: BackupFresh of System orders",
        "resolved: BackupFresh of System orders",
    ]


def test_a_later_step_calls_the_same_receiver_again() -> None:
    steps = [{"after": "2h", "receivers": ["ops"]}, {"after": "1h", "receivers": ["ops"]}]
    world = World(policy(escalation=steps, repeat=None))
    world.turn(raised())
    kinds = [world.turn(raised(), after=timedelta(minutes=30)) for _ in range(6)]
    assert [m for m in kinds if m] == [[("ops", "escalation")]] * 2


def test_an_acknowledged_one_is_not_escalated() -> None:
    world = World(policy(escalation=[{"after": "30m", "receivers": ["boss"]}]))
    world.turn(raised())
    world.change(life.acknowledge(world.only, "maria", "", world.now))
    assert world.turn(raised(), after=timedelta(hours=9)) == []


@pytest.mark.parametrize(
    ("words", "alert", "receivers"),
    [
        ({}, raised(), {"ops", "boss"}),
        ({"routes": [{"severities": ["critical"], "receivers": ["boss"]}]}, raised(), {"boss"}),
        ({"routes": [{"severities": ["low"], "receivers": ["boss"]}]}, raised(), set()),
        ({"routes": [{"labels": {"team": "shop"}, "receivers": ["boss"]}]}, raised(), {"boss"}),
        ({"routes": [{"labels": {"team": "web"}, "receivers": ["boss"]}]}, raised(), set()),
        ({"routes": [{"kinds": ["Host"], "receivers": ["boss"]}]}, raised(), set()),
        ({"routes": [{"conditions": ["BackupFresh"], "receivers": ["boss", "ops"]}, {"receivers": ["ops"]}]}, raised(), {"boss", "ops"}),
        ({}, raised("duty/ops", object_kind="Receiver", condition="AlertsDelivered"), {"boss"}),
    ],
)
def test_routes(words: dict[str, object], alert: Raised, receivers: set[str]) -> None:
    messages = World(policy(**{"routes": [], **words})).turn(alert)
    assert {name for name, _ in messages} == receivers
    assert len(messages) == len(receivers), "told once, however many routes fit"


def test_a_silence_hides_its_own_alerts_only_and_ends_by_itself() -> None:
    world = World()
    silence = Silence("s1", "System", "ord*", "", world.now + timedelta(hours=1), "moving the disk", "maria", world.now)
    world.silences.append(silence)
    assert world.turn(raised("orders"), raised("billing")) == [("ops", "firing")]
    assert next(a for a in world.alerts if a.object_name == "orders").told == {}
    assert world.turn(raised("orders"), raised("billing"), after=timedelta(hours=1)) == [("ops", "firing")]


def test_an_end_within_a_silence_is_told_after_it() -> None:
    world = World()
    world.turn(raised())
    world.silences.append(Silence("s1", "", "", "", world.now + timedelta(hours=1), "moving", "maria", world.now))
    assert world.turn() == []
    assert world.turn(after=timedelta(hours=1)) == [("ops", "recovered")]


def test_an_end_within_a_silence_is_no_news_when_it_fires_again_by_then() -> None:
    world = World()
    world.turn(raised())
    world.silences.append(Silence("s1", "", "", "", world.now + timedelta(hours=3), "moving", "maria", world.now))
    world.turn()
    assert world.turn(raised(), after=timedelta(hours=2)) == []
    assert world.turn(raised(), after=timedelta(hours=2)) == [("ops", "firing")], "and not that it is over, too"
    assert world.turn() == [("ops", "recovered")]


def test_nobody_hears_the_end_of_what_nobody_heard_the_begin_of() -> None:
    world = World()
    world.silences.append(Silence("s1", "", "", "", world.now + timedelta(hours=1), "moving", "maria", world.now))
    world.turn(raised())
    world.turn()
    assert world.turn(after=timedelta(hours=2)) == []


def test_a_suspended_system_fires_and_is_not_told() -> None:
    world = World()
    assert world.turn(raised(quiet="the system is suspended")) == []
    assert world.only.state is AlertState.FIRING
    assert world.turn(raised()) == [("ops", "firing")]


def test_a_person_resolves_it_and_is_proven_wrong() -> None:
    world = World(policy(cooldown="10m"))
    world.turn(raised())
    world.change(life.resolve(world.only, "maria", "done", world.now))
    assert world.turn(raised()) == [], "the same alert is back; the cooldown still stands"
    assert (world.only.state, world.only.times, world.only.resolved_by) == (AlertState.FIRING, 2, "")


def test_a_hundred_of_a_kind_are_one_message_that_names_the_worst() -> None:
    world = World()
    many = [raised(f"system-{n:03}", "critical" if n == 77 else "low") for n in range(100)]
    (message,) = world.messages(*many)
    assert (message.total, len(message.lines), message.lines[0].object_name) == (100, LINES_MAX, "system-077")
    assert message.title == "CRITICAL: 100 alerts BackupFresh of Systems"
    assert message.severity is AlertSeverity.CRITICAL


def test_ten_thousand_at_once_are_a_bounded_number_of_bounded_messages() -> None:
    world = World(policy(groupBy=["kind", "condition", "name"]))
    messages = world.messages(*[raised(f"system-{n:05}") for n in range(10_000)])
    assert len(messages) == MESSAGES_MAX
    assert sum(message.total for message in messages) == 10_000
    assert max(len(message.lines) for message in messages) <= LINES_MAX
    assert world.messages(*[raised(f"system-{n:05}") for n in range(10_000)]) == ()


def test_the_running_loop_tells_only_what_lasts() -> None:
    def told(alerts: tuple[Alert, ...], now: datetime) -> tuple[tuple[Alert, ...], list[str]]:
        after, sent = notices(alerts, [], [policy()], now, settled=False)
        return after, [notice.kind.value for notice in sent]

    alerts = life.judge(Found((raised(),)), (), NOW)
    assert told(alerts, NOW)[1] == []
    assert told(life.judge(Found(()), alerts, NOW + MINUTE / 2), NOW + MINUTE / 2)[1] == [], "and its end is no news either"
    later, kinds = told(life.judge(Found((raised(),)), alerts, NOW + MINUTE), NOW + MINUTE)
    assert kinds == ["firing"]
    assert told(life.judge(Found(()), later, NOW + 2 * MINUTE), NOW + 2 * MINUTE)[1] == ["recovered"]
    assert told(life.judge(Found((raised(),)), (), NOW), NOW - timedelta(days=1))[1] == ["firing"], "a clock set back delays nothing"


def test_two_policies_stand_beside_each_other() -> None:
    world = World(policy("duty"), policy("night", repeat="1h"))
    world.turn(raised())
    assert {m.receiver for m in world.messages(raised(), after=timedelta(hours=1))} == {"night/ops"}


def test_an_alertmanager_is_told_nothing_here() -> None:
    world = World(policy(receivers=[{"name": "ops", "alertmanager": {"url": "http://127.0.0.1:9093"}}]))
    assert world.turn(raised()) == []


@pytest.mark.parametrize("jump", [timedelta(days=-3), timedelta(days=3)])
def test_a_clock_that_jumps_ends_no_reminders(jump: timedelta) -> None:
    world = World()
    world.turn(raised())
    world.now += jump
    world.turn(raised())
    assert world.turn(raised(), after=timedelta(hours=8)) == [("ops", "reminder")]


_ONE = st.builds(raised, st.sampled_from(["a", "b", "c"]), st.sampled_from(["critical", "high", "medium", "low"]))
_PASSES = st.lists(st.tuples(st.lists(_ONE, max_size=4), st.integers(1, 500), st.booleans()), max_size=25)


@given(_PASSES)
def test_whatever_happens(passes: list[tuple[list[Raised], int, bool]]) -> None:
    """A key fires once; what is raised stands; begins and ends alternate for each receiver; doing it twice in one instant tells nothing."""
    world, open_for = World(), {}
    for found, minutes, answered in passes:
        told = world.messages(*found, after=minutes * MINUTE)
        standing = [alert.key for alert in world.alerts if alert.stands]
        assert sorted(standing) == sorted({one.key for one in found})
        for message in told:
            for line in message.lines:
                was = open_for.get(line.id, False)
                if message.kind is NoticeKind.RECOVERED:
                    assert was
                open_for[line.id] = message.kind is not NoticeKind.RECOVERED
        assert world.messages(*found, after=timedelta(0)) == ()
        if answered and standing:
            world.change(life.acknowledge(next(a for a in world.alerts if a.stands), "maria", "", world.now))
    assert {alert_id for alert_id, is_open in open_for.items() if is_open} <= {alert.id for alert in world.alerts if alert.stands}


def test_moments_are_not_invented() -> None:
    alert = life.judge(Found((raised(),)), (), NOW)[0]
    assert isinstance(alert.started_at, datetime)
    assert alert.started_at == alert.changed_at == NOW
    assert life.judge(Found((raised(),)), (), NOW)[0].id == alert.id


def test_a_silence_is_typed_by_people() -> None:
    alert = life.judge(Found((raised("orders"),)), (), NOW)[0]
    words = [("system", "", ""), ("", "ord*", ""), ("", "", "backupfresh"), ("SYSTEM", "orders", "BackupFresh"), ("", "", "")]
    assert all(Silence("s", *word, NOW, "x", "maria", NOW).covers(alert) for word in words)
    others = [("Repository", "", ""), ("", "order", ""), ("", "*x", ""), ("", "Orders", ""), ("", "", "Backup")]
    assert not any(Silence("s", *word, NOW, "x", "maria", NOW).covers(alert) for word in others)
