"""Disasters as they are declared: what is built in, what the specs change and add, and what is wrong with them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.model.declared.builtin import SCENARIOS
from reconciler.model.declared.scenario import DisasterScenarioSpec
from reconciler.model.disaster import DisasterType
from reconciler.spec import load
from reconciler.spec.digest import normal
from tests.unit.spec.trees import good_tree, system, write


def scenario(name: str, spec: str) -> str:
    return f"apiVersion: reconciler/v1\nkind: DisasterScenario\nmetadata: {{name: {name}}}\nspec: {spec}\n"


def problems(root: Path) -> list[tuple[str, str, str]]:
    return [(p.code, p.severity.value, p.message) for p in load(root).problems]


def test_ten_types_are_built_in_and_valid(tmp_path: Path) -> None:
    found = load(good_tree(tmp_path)).desired.scenarios
    assert [each.name for each in found] == [kind.value for kind in DisasterType]
    assert all(each.place is None and each.description for each in found)
    for kind, spec in SCENARIOS.items():
        assert DisasterScenarioSpec.model_validate(normal(spec), by_alias=True).type == kind.value


def test_the_name_of_a_type_stands_in_its_place_and_other_names_are_added(tmp_path: Path) -> None:
    root = good_tree(tmp_path)
    write(
        root,
        orders=system("orders", "host: shop1\nfailureDomain: {site: office}"),
        attack=scenario("cyber_attack", "{type: cyber_attack, detectionLatency: 6h}"),
        fire=scenario("fire", "{type: natural_disaster, takes: {failureDomain: {site: office}, sources: true}}"),
    )
    assert problems(root) == []
    found = load(root).desired.scenarios
    by_name = {each.name: each for each in found}
    assert [each.name for each in found][-1] == "fire"
    assert len(found) == 11
    assert by_name["cyber_attack"].detection_latency == timedelta(hours=6)
    assert by_name["cyber_attack"].takes.credentials == ("*",)
    assert by_name["fire"].takes.failure_domain == {"site": ("office",)}
    assert by_name["fire"].takes.sources is True
    assert by_name["fire"].place is not None


def test_null_takes_a_key_away(tmp_path: Path) -> None:
    root = good_tree(tmp_path)
    write(root, rot=scenario("data_corruption", "{type: data_corruption, takes: {unverified: null}}"))
    found = next(each for each in load(root).desired.scenarios if each.name == "data_corruption")
    assert (found.takes.sources, found.takes.unverified) == (True, None)


@pytest.mark.parametrize(
    ("name", "spec", "code", "words"),
    [
        ("fire", "{type: fire}", "wrong-value", "hardware_failure"),
        ("human_error", "{type: cyber_attack}", "scenario-type", "the name is that of a type"),
        (
            "fire",
            "{type: natural_disaster, takes: {failureDomain: {site: ofice}}}",
            "scenario-matches-nothing",
            "nothing is at site `ofice`",
        ),
        ("fire", "{type: natural_disaster, takes: {failureDomain: {planet: '*'}}}", "scenario-matches-nothing", "has a planet"),
        ("raid", "{type: cyber_attack, takes: {credentials: [shop9]}}", "scenario-matches-nothing", "nothing is at host `shop9`"),
        ("calm", "{type: human_error, takes: {sources: null}}", "scenario-takes-nothing", "takes nothing away"),
        ("fire", "{type: natural_disaster, takes: {reach: onsite}}", "wrong-value", "offsite"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, name: str, spec: str, code: str, words: str) -> None:
    root = good_tree(tmp_path)
    write(root, orders=system("orders", "host: shop1\nfailureDomain: {site: office}"), more=scenario(name, spec))
    (found,) = problems(root)
    assert found[0] == code
    assert words in found[2] or words in load(root).problems[0].hint
    warning = code in {"scenario-matches-nothing", "scenario-takes-nothing"}
    assert found[1] == ("warning" if warning else "error")


def test_a_scenario_that_takes_everything_is_no_fault(tmp_path: Path) -> None:
    root = good_tree(tmp_path)
    write(
        root,
        orders=system("orders", "host: shop1\nfailureDomain: {site: office}"),
        end=scenario("end", "{type: natural_disaster, takes: {failureDomain: {site: [office]}, credentials: [shop1], sources: true}}"),
    )
    assert problems(root) == []
