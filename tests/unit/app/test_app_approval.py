"""The whole way of a deletion that needs a person: held, approved by what the plan printed, marked, rested, removed, audited."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from reconciler.cli.render.approval import approvals_yaml
from reconciler.model.plan import Action, ActionKind
from tests.fakes.houses import WholeHouse

HOUR = timedelta(hours=1)
KEEP = "{{last: {}, minimum: 1, keepWithin: null, daily: null, weekly: null, monthly: null}}"
LIMITS = "  guard: {maxForgetCount: 2}\n"


@pytest.fixture
def tightened(house: WholeHouse) -> WholeHouse:
    """Six snapshots, and a retention that suddenly asks for two."""
    house.system("orders", extra=LIMITS)
    house.policy(KEEP.format(100))
    house.one_pass(init=True)
    for number in range(5):
        house.clock.advance(2 * HOUR)
        (house.source / "counter").write_text(str(number))
        house.one_pass()
    house.policy(KEEP.format(2))
    return house


def printed(house: WholeHouse) -> str:
    with house.session(read_only=True) as session:
        (text,) = approvals_yaml(session.plan().plan)
    return text


def letting_go(house: WholeHouse) -> list[Action]:
    return [r.action for r in house.one_pass().results if r.action.kind in (ActionKind.MARK, ActionKind.FORGET)]


def audited(house: WholeHouse) -> list[list[str]]:
    lines = [json.loads(line) for line in (house.state / "audit.jsonl").read_text().splitlines()]
    return [line["approvals"] for line in lines if "approvals" in line and line["stage"] == "intent"]


def test_what_the_plan_prints_approves_the_held_change_and_its_use_is_audited(tightened: WholeHouse) -> None:
    report = tightened.one_pass()
    assert [h.guard for h in report.held] == ["tightening"]
    tightened.write("approval.yaml", printed(tightened))
    (marking,) = letting_go(tightened)
    assert (marking.kind, len(marking.snapshots)) == (ActionKind.MARK, 3)
    tightened.clock.advance(25 * HOUR)
    forgetting = [a for a in letting_go(tightened) if a.kind is ActionKind.FORGET]
    assert [a.snapshots for a in forgetting] == [marking.snapshots]
    assert audited(tightened) == [list(marking.approvals)] * 2
    assert all(name.startswith("approve-") for name in marking.approvals)


def test_an_approval_that_is_taken_back_before_the_removal_keeps_everything(tightened: WholeHouse) -> None:
    tightened.write("approval.yaml", printed(tightened))
    assert letting_go(tightened)
    (tightened.folder / "specs" / "approval.yaml").unlink()
    tightened.clock.advance(25 * HOUR)
    assert not [a for a in letting_go(tightened) if a.kind is ActionKind.FORGET]


def test_an_edited_approval_approves_nothing(tightened: WholeHouse) -> None:
    text = printed(tightened)
    with tightened.session(read_only=True) as session:
        newest = session.snapshots("orders").snapshots[0].id
    tightened.write("approval.yaml", text.replace("    [\n", f'    [\n      "{newest}",\n'))
    report = tightened.one_pass()
    assert [h.guard for h in report.held] == ["tightening"]
    assert "edited since" in report.held[0].why


def test_a_broken_tree_approves_nothing(tightened: WholeHouse) -> None:
    tightened.write("approval.yaml", printed(tightened))
    tightened.write("broken.yaml", "kind: [")
    assert letting_go(tightened) == []
