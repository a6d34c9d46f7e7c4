"""What is said of recovery plans that cannot be meant as they stand: where, and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.model.steps import applying
from reconciler.spec import Loaded, load
from tests.unit.spec.trees import good_tree, system, write

PLAN = """\
apiVersion: reconciler/v1
kind: RecoveryPlan
metadata: {{name: shop}}
spec:
  scenarios: [hardware_failure, cyber_attack]
  steps:
{steps}
"""
GO = "manual: {instruction: Do it.}"


def loaded(root: Path, *steps: str, **files: str) -> Loaded:
    write(good_tree(root), plan=PLAN.format(steps="\n".join(f"    - {step}" for step in steps)), **files)
    return load(root)


def test_a_good_plan_has_no_problems_and_absolute_paths(tmp_path: Path) -> None:
    found = loaded(
        tmp_path,
        "{name: data, restore: {system: orders, to: ../back}, compensate: {command: [/bin/undo]}}",
        "{name: check, assert: {system: orders, assertions: [{path: ./orders/a}]}, dependsOn: [data]}",
        "{name: start, command: [/bin/start], idempotent: true, retry: {attempts: 3}, test: {same: true}, dependsOn: [check]}",
        "{name: up, wait: {url: 'https://db2/health', status: 204}, dependsOn: [start], timeout: 5m, appliesTo: [cyber_attack]}",
        "{name: port, wait: {port: 5432}, dependsOn: [start]}",
    )
    assert found.problems == ()
    (plan,) = found.desired.recovery_plans
    assert plan.systems == ("orders",)
    assert plan.spec.steps[0].restore is not None
    assert plan.spec.steps[0].restore.to == str(tmp_path.parent / "back")
    assert plan.spec.steps[1].assert_ is not None
    assert plan.spec.steps[1].assert_.assertions[0].path == str(tmp_path / "orders" / "a")


@pytest.mark.parametrize(
    ("steps", "code", "line", "words"),
    [
        ([f"{{name: a, {GO}, dependsOn: [b]}}"], "unknown-step", 7, "no step `b`"),
        ([f"{{name: alpha, {GO}}}", f"{{name: b, {GO}, dependsOn: [alpa]}}"], "unknown-step", 8, "no step `alpa`"),
        ([f"{{name: a, {GO}}}", f"{{name: a, {GO}}}"], "duplicate-step", 8, "named `a`"),
        ([f"{{name: a, {GO}, dependsOn: [b]}}", f"{{name: b, {GO}, dependsOn: [a]}}"], "step-cycle", 7, "a → b → a"),
        ([f"{{name: a, {GO}, dependsOn: [a]}}"], "step-cycle", 7, "a → a"),
        ([f"{{name: a, {GO}, appliesTo: [human_error]}}"], "unknown-scenario", 7, "does not name the scenario `human_error`"),
        (["{name: a, restore: {system: ordres}}"], "unknown-system", 7, "no System `ordres`"),
        (["{name: a, assert: {system: orders}}"], "assert-of-nothing", 7, "nothing to ask"),
        (["{name: a, restore: {system: orders}}", "{name: b, assert: {system: orders}}"], "assert-of-nothing", 8, "nothing to ask"),
        (["{name: a}"], "wrong-value", 7, "exactly one of"),
        ([f"{{name: a, {GO}, command: [/bin/x]}}"], "wrong-value", 7, "exactly one of"),
        ([f"{{name: a, {GO}, idempotent: true}}"], "wrong-value", 7, "beside `command`"),
        ([f"{{name: a, {GO}, retry: {{attempts: 2}}}}"], "wrong-value", 7, "beside `manual`"),
        (["{name: a, restore: {system: orders, to: /x}, compensate: {rollback: true}}"], "wrong-value", 7, "without `to`"),
        (["{name: a, wait: {port: 1, url: 'http://x'}}"], "wrong-value", 7, "exactly one of `port` and `url`"),
        (["{name: a, wait: {url: 'ftp://x'}}"], "wrong-value", 7, "http or https"),
        (["{name: a, wait: {url: 'http://me:secret@x/'}}"], "wrong-value", 7, "without credentials"),
        (["{name: a, wait: {port: 70000}}"], "wrong-value", 7, "65535"),
        (["{name: a, command: [start]}"], "wrong-value", 7, "full path"),
        ([f"{{name: a, {GO}, timeout: 0s}}"], "wrong-value", 7, "longer than 0s"),
    ],
)
def test_what_cannot_be_meant_is_shown_where_it_stands(tmp_path: Path, steps: list[str], code: str, line: int, words: str) -> None:
    found = loaded(tmp_path, *steps)
    assert [(p.code, p.place.line) for p in found.problems] == [(code, line)], [p.message for p in found.problems]
    assert words in found.problems[0].message
    assert found.desired.recovery_plans == ()


def test_a_step_behind_a_circle_is_never_reached(tmp_path: Path) -> None:
    found = loaded(
        tmp_path, f"{{name: a, {GO}, dependsOn: [b]}}", f"{{name: b, {GO}, dependsOn: [a]}}", f"{{name: c, {GO}, dependsOn: [b]}}"
    )
    assert [(p.code, p.place.line) for p in found.problems] == [("step-cycle", 7), ("step-unreachable", 9)]


def test_an_unknown_scenario_is_named_with_what_was_probably_meant(tmp_path: Path) -> None:
    write(good_tree(tmp_path), plan=PLAN.format(steps=f"    - {{name: a, {GO}}}").replace("cyber_attack", "ciber_attack"))
    (problem,) = load(tmp_path).problems
    assert (problem.code, problem.place.line) == ("unknown-scenario", 5)
    assert "cyber_attack" in problem.hint


def test_a_dependency_that_is_not_restored_before_is_a_warning(tmp_path: Path) -> None:
    found = loaded(tmp_path, "{name: a, restore: {system: orders}}", orders=system("orders", "dependsOn: [shop]"))
    assert [(p.code, p.severity.value) for p in found.problems] == [("plan-dependency", "warning")]
    assert "not at all" in found.problems[0].message
    found = loaded(
        tmp_path, "{name: a, restore: {system: orders}}", "{name: b, restore: {system: shop}}", orders=system("orders", "dependsOn: [shop]")
    )
    assert "not before it" in found.problems[0].message
    assert len(found.desired.recovery_plans) == 1


def test_what_lives_on_another_host_has_a_plan_of_its_own(tmp_path: Path) -> None:
    files = {"orders": system("orders", "dependsOn: [shop]\nhost: one"), "shop": system("shop", "host: two")}
    assert loaded(tmp_path, "{name: a, restore: {system: orders}}", **files).problems == ()


def test_the_plans_of_the_example_have_a_way_through_in_each_disaster() -> None:
    found = load(Path(__file__).parents[3] / "specs" / "company")
    assert [p.message for p in found.problems if p.kind == "RecoveryPlan"] == []
    for plan in found.desired.recovery_plans:
        for scenario in plan.spec.scenarios:
            nodes = applying(plan.spec.steps, scenario)
            assert {node.step.kind for node in nodes} >= {"manual", "restore", "assert"}
            assert sum(not node.after for node in nodes) == 1, "a person begins"


def test_the_digest_changes_with_the_meaning_alone(tmp_path: Path) -> None:
    first = loaded(tmp_path, f"{{name: a, {GO}}}").desired.recovery_plans[0].generation
    assert loaded(tmp_path, f"{{ {GO},   name: a}}").desired.recovery_plans[0].generation == first
    assert loaded(tmp_path, f"{{name: a, {GO}, timeout: 1h}}").desired.recovery_plans[0].generation != first
