"""Which snapshot a restore takes, and how it explains itself."""

from __future__ import annotations

from reconciler.decide.choose import choose
from reconciler.model.snapshot import Grade, Mark, MarkKind
from tests.fakes.worlds import NOW, ago, snapshot


def test_without_a_moment_the_newest_good_one_is_taken():
    partial = snapshot(ago("1h"), id="bbbbbbbbbb", grade=Grade.PARTIAL, defects=3)
    damaged = snapshot(ago("2h"), id="cccccccccc", marks=(Mark(MarkKind.DAMAGED, NOW),))
    good = snapshot(ago("3h"), id="aaaaaaaaaa", verified=ago("2h"))
    choice = choose([good, damaged, partial, snapshot(ago("4h"))], None)
    assert choice.snapshot is good
    assert choice.passed_over == ((partial, "partial, 3 defects"), (damaged, "marked damaged"))
    assert choice.why == (
        "snapshot aaaaaaaa of 2026-05-04 09:00:00Z: the newest good one in main, verified 2026-05-04 10:00:00Z; "
        "passed over: bbbbbbbb (partial, 3 defects), cccccccc (marked damaged)"
    )


def test_the_last_verified_one_passes_newer_ones_over():
    proven, newer = snapshot(ago("3h"), id="aaaaaaaaaa", verified=ago("2h")), snapshot(ago("1h"), id="bbbbbbbbbb")
    assert choose([proven, newer], None, verified=True).snapshot is proven
    assert choose([proven, newer], None).snapshot is newer
    none = choose([newer], None, verified=True)
    assert (none.snapshot, none.why) == (None, "none of 1 snapshot was ever verified")


def test_a_moment_takes_the_newest_that_is_not_after_it():
    exact, later = snapshot(ago("2h"), id="exact"), snapshot(ago("1h"), id="later")
    assert choose([exact, later], ago("2h")).snapshot is exact
    choice = choose([exact, later], ago("1h1s"))
    assert choice.snapshot is exact
    assert "not after 2026-05-04 10:59:59Z (59m59s before it)" in choice.why


def test_nothing_is_silently_replaced_by_something_worse():
    partial = snapshot(ago("1h"), id="partial", grade=Grade.PARTIAL, defects=1)
    choice = choose([partial], None)
    assert choice.snapshot is None
    assert choice.why == "there is no good one among 1 snapshot; the newest is partial (partial, 1 defect)"
    assert choice.passed_over == ((partial, "partial, 1 defect"),)


def test_before_the_first_snapshot_there_is_nothing_to_restore():
    choice = choose([snapshot(ago("1h"), id="first")], ago("2h"))
    assert choice.snapshot is None
    assert choice.why == "no snapshot is as old as 2026-05-04 10:00:00Z; the oldest is first of 2026-05-04 11:00:00Z"
    assert choose([], None).why == "there is no snapshot"


def test_many_passed_over_ones_are_counted_and_not_listed():
    bad = [snapshot(ago(f"{minute}m"), grade=Grade.SUSPECT) for minute in range(1, 9)]
    choice = choose([*bad, snapshot(ago("1d"))], None)
    assert choice.why.endswith(" and 5 more")
    assert len(choice.passed_over) == 8
