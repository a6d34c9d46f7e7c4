"""Whether the clock is believed where something is removed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.decide.clocks import unsettled_since
from reconciler.decide.plan import plan
from reconciler.model.declared.policy import Retention
from reconciler.model.plan import ActionKind
from tests.fakes.worlds import NOW, ago, daily, desired, listed, observed, system

TEN_YEARS = timedelta(days=3653)


@pytest.mark.parametrize(
    ("last", "believed"),
    [
        (None, True),
        (ago("30s"), True),
        (ago("30d"), True),  # a holiday
        (NOW - TEN_YEARS, False),
        (ago("31d") - timedelta(seconds=1), False),
        (NOW + timedelta(minutes=59), True),  # a time server, or summer time in a badly set clock
        (NOW + timedelta(minutes=61), False),
        (NOW + TEN_YEARS, False),
    ],
)
def test_a_leap_is_farther_than_a_host_is_off_unnoticed_or_a_step_back(last, believed):
    assert unsettled_since(last, None, NOW) == (None if believed else NOW)


def test_a_day_after_a_leap_the_clock_is_believed_again():
    leapt = ago("23h59m")
    assert unsettled_since(ago("1m"), leapt, NOW) == leapt
    assert unsettled_since(ago("1m"), ago("24h"), NOW) is None


def test_ten_years_ahead_for_one_pass_is_a_leap_there_and_a_leap_back():
    ahead = unsettled_since(NOW, None, NOW + TEN_YEARS)
    assert ahead == NOW + TEN_YEARS
    back = unsettled_since(NOW + TEN_YEARS, ahead, NOW + timedelta(minutes=15))
    assert back == NOW + timedelta(minutes=15)


def test_a_clock_that_leapt_lets_nothing_go_and_the_backups_go_on():
    of = system(retention=Retention(last=5), rpo="1h")
    seen = observed(listed("main", daily(8, newest=ago("3h"))), accepted_retention={"orders": of.retention})
    believed = plan(desired(of), seen, NOW)
    decided = plan(desired(of), replace(seen, clock_unsettled=ago("2h")), NOW)
    assert {a.kind for a in believed.actions} == {ActionKind.BACKUP, ActionKind.MARK}
    assert {a.kind for a in decided.actions} == {ActionKind.BACKUP}
    assert [h.guard for h in decided.held] == ["clock"]
    assert "leapt" in decided.held[0].why
