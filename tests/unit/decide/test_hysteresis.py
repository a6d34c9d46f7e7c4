"""A check that swings around its limit is one trouble; one that really gets better is told so, and not before."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.decide import alerts
from reconciler.decide.health import judge_host, raised
from reconciler.decide.hysteresis import Finding, Memory, settle
from reconciler.model.alerts import Alert, AlertState
from reconciler.model.declared.health import HealthSettings
from reconciler.model.health import CheckName, HealthCheck, HealthState, HostReading, Role, Room, Use

BAD, UNKNOWN, WARNING, GOOD = HealthState
LIMITS = HealthSettings()
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
EVERY = timedelta(minutes=5)


def disk(share: float) -> HostReading:
    """A disk of 100 GiB of which so much is left; the limits are 10 % and 3 %."""
    total = 100 * 2**30
    return HostReading(4, 0.5, 1000, 900, (Room((Use(Role.STATE),), int(share * total), total),))


def states(shares: list[float]) -> list[HealthState]:
    """Of the check of space, look after look."""
    memory: Memory = {}
    found = []
    for share in shares:
        checks, memory = judge_host(disk(share), LIMITS, memory, NOW)
        found += [check.state for check in checks if check.name is CheckName.SPACE]
    return found


def test_it_gets_worse_at_once_and_better_after_three_looks_beyond_the_margin() -> None:
    assert states([0.5, 0.09, 0.12, 0.12, 0.12, 0.12]) == [GOOD, WARNING, WARNING, WARNING, GOOD, GOOD]


def test_within_the_margin_it_stays_as_it_is() -> None:
    assert states([0.09, *[0.105] * 50]) == [WARNING] * 51


def test_one_look_back_begins_the_count_anew() -> None:
    assert states([0.09, 0.2, 0.2, 0.09, 0.2, 0.2, 0.2]) == [WARNING] * 6 + [GOOD]


def test_from_bad_it_may_become_a_warning_first() -> None:
    assert states([0.02, 0.05, 0.05, 0.05, 0.5, 0.5, 0.5]) == [BAD, BAD, BAD, WARNING, WARNING, WARNING, GOOD]


def test_a_look_that_saw_nothing_neither_ends_nor_begins_anything() -> None:
    def find(state: HealthState) -> list[Finding]:
        return [Finding(HealthCheck(CheckName.SPACE, "state", state, ""), state)]

    _, memory = settle(find(BAD), {}, 2)
    _, memory = settle(find(GOOD), memory, 2)
    (check,), memory = settle(find(UNKNOWN), memory, 2)
    assert check.state is UNKNOWN
    (check,), memory = settle(find(GOOD), memory, 2)
    assert (check.state, memory) == (GOOD, {})


@given(st.lists(st.floats(0, 1), max_size=40))
def test_it_is_never_said_to_be_better_than_it_is(shares: list[float]) -> None:
    for share, state in zip(shares, states(shares), strict=True):
        assert state.rank <= states([share])[0].rank


@pytest.mark.parametrize(("low", "high", "most"), [(0.08, 0.109, 1), (0.07, 0.13, 10)])
def test_a_noisy_day_is_few_alerts_and_a_calm_end_resolves_them(low: float, high: float, most: int) -> None:
    """288 looks around the limit of 10 %: within the margin it is one alert; far beyond it few, where looks alone would tell of dozens."""
    noise = random.Random(7)
    shares = [noise.uniform(low, high) for _ in range(288)] + [0.3] * 4
    alone = [states([share])[0] for share in shares]
    memory: Memory = {}
    known: tuple[Alert, ...] = ()
    fired = 0
    for number, share in enumerate(shares):
        at = NOW + number * EVERY
        checks, memory = judge_host(disk(share), LIMITS, memory, at)
        after = alerts.judge(raised(checks, "shop1"), known, at, cooldown=timedelta(minutes=15))
        stood = {alert.id for alert in known if alert.stands}
        fired += sum(alert.stands and alert.id not in stood for alert in after)
        known = after
    assert sum(one is GOOD and other is WARNING for one, other in pairwise(alone)) > 50
    assert 1 <= fired <= most
    assert all(alert.state is AlertState.RESOLVED for alert in known)
