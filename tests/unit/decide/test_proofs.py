"""Which proof of intactness is due: deep before quick, a little before its period ends, each repository by itself."""

from __future__ import annotations

from datetime import timedelta

import pytest

from reconciler.decide.objectives import newest_checked_at
from reconciler.decide.plan import plan
from reconciler.model.declared.objectives import Verification
from reconciler.model.plan import Action, ActionKind
from reconciler.model.snapshot import Mark, MarkKind, Snapshot
from reconciler.model.status import ConditionType, Truth
from tests.fakes.worlds import NOW, ago, desired, listed, observed, snapshot, system
from tests.unit.decide.test_conditions import judge

BOTH = Verification(quick=timedelta(days=1), deep=timedelta(days=30))
QUICK = Verification(quick=timedelta(days=1))


def seen(*, deep: str | None = None, quick: str | None = None) -> Snapshot:
    """A snapshot with proofs of these ages."""
    marks = [Mark(MarkKind.VERIFIED, ago(deep), "deep")] if deep else []
    marks += [Mark(MarkKind.CHECKED, ago(quick), "quick")] if quick else []
    return snapshot(ago("5m"), id="new", kind="full", marks=tuple(marks))


def due(verification: Verification, *snapshots: Snapshot) -> list[Action]:
    of = system(verification=verification)
    return [a for a in plan(desired(of), observed(listed("main", snapshots)), NOW).actions if a.kind is ActionKind.VERIFY]


@pytest.mark.parametrize(
    ("verification", "deep", "quick", "wanted"),
    [
        (BOTH, None, None, "deep"),
        (BOTH, None, "1h", "deep"),
        (BOTH, "1h", None, None),
        (BOTH, "2d", "1h", None),
        (BOTH, "2d", None, "quick"),
        (BOTH, "2d", "25h", "quick"),
        (BOTH, "2d", "22h", None),
        (BOTH, "2d", "23h", "quick"),
        (BOTH, "28d", "1h", None),
        (BOTH, "29d", "25h", "deep"),
        (QUICK, None, None, "quick"),
        (QUICK, None, "1h", None),
        (QUICK, "1h", None, None),
        (Verification(), None, None, None),
    ],
)
def test_at_most_one_proof_is_due_and_a_deep_one_is_a_quick_one_too(verification, deep, quick, wanted):
    actions = due(verification, seen(deep=deep, quick=quick))
    assert ["quick" if action.quick else "deep" for action in actions] == ([wanted] if wanted else [])


def test_the_plan_says_what_the_proof_is_about_and_when_it_was_due():
    (action,) = due(BOTH, seen(deep="2d", quick="25h"))
    assert action.why == "structure last seen whole at 2026-05-03 11:00Z; every 1d is declared"
    assert action.due_at == ago("1h")


def test_proofs_of_a_snapshot_that_turned_out_damaged_or_from_the_future_prove_nothing():
    broken = snapshot(ago("1h"), marks=(Mark(MarkKind.CHECKED, ago("30m")), Mark(MarkKind.DAMAGED, ago("10m"))))
    ahead = snapshot(ago("2h"), marks=(Mark(MarkKind.CHECKED, NOW + timedelta(days=1)),))
    assert newest_checked_at([broken, ahead], NOW) is None


def verified(verification: Verification, *snapshots: Snapshot) -> tuple[Truth, str, str]:
    found = judge(desired(system(verification=verification)), observed(listed("main", snapshots)))[ConditionType.VERIFIED]
    return found.status, found.reason, found.message


def test_a_structure_that_nobody_looked_at_in_time_is_overdue_though_the_content_is_proven():
    assert verified(BOTH, seen(deep="2d", quick="1h")) == (
        Truth.TRUE,
        "Passed",
        "last proof in main at 2026-05-02 12:00Z; structure last seen whole in main at 2026-05-04 11:00Z",
    )
    assert verified(BOTH, seen(deep="2d")) == (
        Truth.FALSE,
        "Overdue",
        "structure last seen whole in main at 2026-05-02 12:00Z, every 1d is declared",
    )
    assert verified(BOTH, seen(quick="1h"))[:2] == (Truth.UNKNOWN, "Never")
    assert verified(QUICK, seen(quick="1h"))[:2] == (Truth.TRUE, "Passed")
    assert verified(QUICK, seen())[:2] == (Truth.UNKNOWN, "Never")
