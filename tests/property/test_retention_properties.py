"""Retention against an oracle that was written independently, and what must hold for every history."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.decide.retention import RULES, is_empty, judge, let_go
from reconciler.model.declared.policy import Retention
from reconciler.model.listing import Group, newest_first
from reconciler.model.snapshot import Snapshot
from tests.fakes.worlds import NOW, ago, snapshot
from tests.property.retention_oracle import must_stay
from tests.property.strategies import histories_of_snapshots, moments, retentions

HISTORIES = 500


def kept(history: list[Snapshot], retention: Retention, now=NOW) -> set[str]:
    return {v.snapshot.id for v in judge(history, retention, now) if v.keep}


@settings(max_examples=HISTORIES)
@given(histories_of_snapshots, retentions, moments)
@example([snapshot(ago("1h"), id="b"), snapshot(ago("1h"), id="a")], Retention(last=1), NOW)
def test_retention_keeps_exactly_what_the_oracle_keeps(history, retention, now):
    assert kept(history, retention, now) == must_stay(history, retention, now)


@settings(max_examples=HISTORIES)
@given(histories_of_snapshots, retentions, moments, st.booleans())
def test_what_goes_in_a_hurry_is_what_a_verdict_lets_go(history, retention, now, grouped):
    known = Group(newest_first(history)) if grouped and history else history
    assert let_go(known, retention, now) == {s.id for s in history} - kept(history, retention, now)


@settings(max_examples=100)
@given(histories_of_snapshots, retentions, st.randoms(use_true_random=False))
def test_the_order_of_listing_changes_nothing(history, retention, random):
    shuffled = list(history)
    random.shuffle(shuffled)
    assert judge(history, retention, NOW) == judge(shuffled, retention, NOW)


@settings(max_examples=100)
@given(histories_of_snapshots, retentions, st.sampled_from([*RULES, "minimum"]), st.integers(1, 9))
def test_a_rule_added_or_raised_never_lets_more_go(history, retention, rule, more):
    known = getattr(retention, rule)
    raised = timedelta(days=more) + (known or timedelta(0)) if rule == "keep_within" else (known or 0) + more
    if is_empty(retention):
        return
    assert kept(history, retention) <= kept(history, retention.merged(Retention(**{rule: raised})))


@settings(max_examples=100)
@given(histories_of_snapshots, retentions, st.integers(0, 4000))
def test_a_clock_that_runs_ahead_lets_nothing_go_that_a_right_one_keeps_for_a_reason_of_age(history, retention, days):
    past = [s for s in history if s.counted_at <= NOW]
    assert kept(past, retention) == kept(past, retention, NOW + timedelta(days=days))


@settings(max_examples=100)
@given(histories_of_snapshots, retentions)
def test_letting_go_twice_lets_nothing_more_go(history, retention):
    left = [v.snapshot for v in judge(history, retention, NOW) if v.keep]
    assert kept(left, retention) == {s.id for s in left}
