"""Plans of every kind of action, made by the real decision, against the schema that programs read."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from msgspec.structs import replace

from reconciler.cli.render.plan import plan_page
from reconciler.cli.render.plan_json import plan_json
from reconciler.cli.render.plan_schema import VERSION, plan_schema
from reconciler.decide.plan import plan
from reconciler.model.blast import BlastRadius, Effect, Released, SpecChange
from reconciler.model.declared.drill import Drill
from reconciler.model.declared.objectives import Copies, Verification
from reconciler.model.declared.policy import Retention
from reconciler.model.declared.recovery import RecoveryPlanSpec
from reconciler.model.declared.repository import Maintenance, Prune
from reconciler.model.desired import Desired, DesiredRecoveryPlan, Revision
from reconciler.model.drill import DrillOutcome, DrillRecord
from reconciler.model.observed import Observed, Pace
from reconciler.model.plan import ActionKind, Plan
from reconciler.model.problem import Place
from reconciler.model.snapshot import Mark, MarkKind
from reconciler.model.turnover import Turnover
from reconciler.model.wishes import Pause
from tests.fakes.worlds import NOW, ago, daily, desired, listed, observed, repository, snapshot, system, unreachable
from tests.unit.cli import cli_samples as samples

HOME = Path(__file__).parents[3]
DAY = timedelta(days=1)
MEASURED = frozenset({ActionKind.COPY, ActionKind.VERIFY, ActionKind.MARK, ActionKind.FORGET, ActionKind.PRUNE})


def strict(schema: Any) -> Any:
    """The same, and nothing but what it names: what we write ourselves must be told whole."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {key: strict(value) for key, value in schema.items()}
    if "properties" in schema and schema.get("type") == "object" and "additionalProperties" not in schema:
        made["additionalProperties"] = False
    return made


VALIDATOR = Draft202012Validator(strict(plan_schema()), format_checker=FormatChecker())


def world() -> tuple[Desired, Observed]:
    """Something to do of every kind: one system after the other."""
    repositories = [
        repository("main", maintenance=Maintenance(prune=Prune(every=DAY))),
        repository("far"),
        repository("lost"),
    ]
    keep = Retention(last=2)
    systems = [
        system("fresh"),
        system("copied", repositories=("main", "far"), copies=Copies(count=2)),
        system("proven", verification=Verification(deep=DAY, quick=timedelta(hours=1))),
        system("rehearsed", drill=Drill(every=DAY)),
        system("thinned", retention=keep),
        system("asked-for", retention=Retention(last=20)),
        system("attacked", repositories=("main",)),
        system("waiting"),
        system("unreached", repositories=("lost",)),
    ]
    quiet = Turnover(100, changed=1)
    stored = {
        "copied": daily(4),
        "proven": [replace(s, marks=()) for s in daily(4)],
        "rehearsed": daily(2),
        "thinned": [replace(s, marks=(Mark(MarkKind.REMOVE, ago("30h")),)) if n in (5, 6) else s for n, s in enumerate(daily(8))],
        "asked-for": [replace(s, marks=(Mark(MarkKind.REMOVE, ago("2h")),)) if n == 3 else s for n, s in enumerate(daily(5))],
        "attacked": [replace(s, turnover=quiet) for s in daily(9)],
        "waiting": [snapshot(ago("1m"), kind="full")],
    }
    newest = stored["attacked"][0]
    stored["attacked"][0] = replace(newest, turnover=replace(quiet, changed=60, ruined_changed=60))
    everything = [replace(s, system=name, id=f"{name}-{s.id}") for name, group in stored.items() for s in group]
    kinds = ("verify", "check", "mark", "forget", "prune", "drill")
    paces = {(kind, "main"): (Pace(2.5, 10**6, 1), Pace(3.5, 2 * 10**6, 2)) for kind in kinds}
    paces["copy", "far"] = (Pace(60.0, 10**8, 3),)
    accepted = {"thinned": keep, "asked-for": Retention(last=20)}
    exercised = {"scenarios": ["human_error"], "test": {"every": DAY}, "steps": [{"name": "data", "restore": {"system": "waiting"}}]}
    spec = RecoveryPlanSpec.model_validate(exercised, by_alias=True)
    plans = (DesiredRecoveryPlan("shop", spec, Place("plan.yaml", 3), "g1"),)
    tree = replace(desired(*repositories, *systems), recovery_plans=plans)
    seen = observed(
        listed("main", everything), listed("far"), unreachable("lost"), accepted_retention=accepted, paces=paces, pruned={"main": ago("3d")}
    )
    return tree, seen


def decided() -> tuple[Plan, Desired]:
    tree, seen = world()
    return plan(tree, seen, NOW), tree


def test_the_committed_schema_is_that_of_the_classes() -> None:
    assert (HOME / "schemas" / "plan.schema.json").read_text() == json.dumps(plan_schema(), indent=2) + "\n"
    Draft202012Validator.check_schema(plan_schema())


def test_a_real_plan_with_every_kind_of_action_is_as_the_schema_says() -> None:
    made, tree = decided()
    assert {action.kind for action in made.actions} == set(ActionKind)
    assert made.gaps
    assert made.waiting
    found = json.loads(plan_json(made, tree))
    VALIDATOR.validate(found)
    assert found["version"] == VERSION


def test_a_drill_whose_time_is_predicted_is_as_the_schema_says() -> None:
    made, tree = decided()
    times: dict[str, Any] = {"started_at": ago("2d"), "ended_at": ago("47h"), "outcome": DrillOutcome.PROVEN, "restore_seconds": 4.0}
    proven = DrillRecord(id="d1", system="rehearsed", repository="main", snapshot_id="s1", pick="newest", actor="loop", files=90, **times)
    made = plan(tree, replace(world()[1], drills=(proven,)), NOW)
    (drill,) = [action for action in made.actions if action.kind is ActionKind.DRILL]
    found = json.loads(plan_json(made, tree))
    VALIDATOR.validate(found)
    (written,) = [action for action in found["actions"] if action["kind"] == "drill"]
    assert written["expected_seconds"] == drill.expected_seconds
    assert written["expected_seconds"] > 0


@pytest.mark.parametrize("made", [samples.busy_plan(), samples.quiet_plan()], ids=["busy", "quiet"])
def test_plans_with_a_pause_an_edit_and_approvals_too(made: Plan) -> None:
    place = Place("shop.yaml", 3, 1)
    paused = replace(made, pause=Pause(NOW, NOW + DAY, "moving", "ada"), revision=Revision("a" * 40, dirty=True))
    edit = BlastRadius(
        Revision("b" * 40, dirty=False),
        (SpecChange("System", "orders", "objectives.rpo", "15m", "1h", Effect.LOSS, "it promises less", place),),
        (Released("orders", "main", ("a1", "b2"), 9, 0, "30d", "7d"),),
        ("wiki",),
        ("offsite",),
    )
    VALIDATOR.validate(json.loads(plan_json(made, samples.desired())))
    VALIDATOR.validate(json.loads(plan_json(paused, samples.desired(), edit)))


def test_every_action_says_why_where_it_is_declared_and_what_it_is_expected_to_take() -> None:
    made, _ = decided()
    for action in made.actions:
        assert action.why, action
        assert action.reason, action
        assert action.place is not None, action
        assert action.place.line > 0, action
        assert action.estimate is not None, action
        assert action.estimate.source, action
        if action.kind in MEASURED:
            assert action.estimate.seconds is not None, action


def test_the_same_world_gives_the_same_document() -> None:
    (first, tree), (second, _) = decided(), decided()
    assert plan_json(first, tree) == plan_json(second, tree)


def test_what_needs_nothing_is_not_in_it() -> None:
    made, tree = decided()
    text = plan_page(made, tree).render(width=200)
    assert "\nwaiting  " not in text
    assert not any(action.system == "waiting" for action in made.actions)


def test_a_reason_that_stands_above_is_not_said_again() -> None:
    made, tree = decided()
    (suspect,) = [action for action in made.actions if action.kind is ActionKind.SUSPECT]
    both = replace(made, actions=(suspect, replace(suspect, repository="far")), held=(), gaps=())
    text = plan_page(both, tree).render(width=300)
    assert text.count("turned into noise") == 1
    assert "for the same reason" in text


def test_a_field_that_the_schema_does_not_know_would_be_noticed() -> None:
    made, tree = decided()
    found = json.loads(plan_json(made, tree))
    with pytest.raises(ValidationError):
        VALIDATOR.validate({**found, "surprise": 1})
    found["actions"][0]["surprise"] = 1
    with pytest.raises(ValidationError):
        VALIDATOR.validate(found)
    Draft202012Validator(plan_schema()).validate({**found, "later": 1})  # readers must bear what is added
