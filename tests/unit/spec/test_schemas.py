"""The schemas that editors read, and the example trees."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from reconciler.spec import load
from reconciler.spec.schemas import schemas

HOME = Path(__file__).parents[3]
TREES = ("quickstart", "company", "places")


def test_the_committed_schemas_are_those_of_the_models() -> None:
    committed = {
        path.name: path.read_text()
        for path in (HOME / "schemas").glob("*.json")
        if path.name not in {"plan.schema.json", "report.schema.json"}
    }
    assert committed == {name: json.dumps(schema, indent=2) + "\n" for name, schema in schemas().items()}


def test_a_schema_is_as_strict_as_the_reader() -> None:
    for name, schema in schemas().items():
        for block in schema.get("$defs", {}).values():
            if block.get("type") == "object":
                assert block["additionalProperties"] is False, name
    system = schemas()["system.schema.json"]
    assert system["properties"]["kind"] == {"const": "System", "title": "Kind", "type": "string"}
    assert system["additionalProperties"] is False


@pytest.mark.parametrize("tree", TREES)
def test_an_example_tree_is_without_fault(tree: str) -> None:
    loaded = load(HOME / "specs" / tree)
    assert loaded.problems == ()
    assert loaded.desired.realm not in ("default", "")


def test_the_company_has_thirteen_systems_in_four_tiers() -> None:
    desired = load(HOME / "specs" / "company").desired
    tiers = [system.tier for system in desired.systems]
    assert {tier: tiers.count(tier) for tier in tiers} == {"critical": 4, "high": 3, "medium": 3, "low": 3}
    assert len(desired.repositories) == 2


@pytest.mark.parametrize("path", sorted((HOME / "specs").glob("*/*.yaml")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_an_example_tells_editors_its_schema(path: Path) -> None:
    first = path.read_text().splitlines()[0]
    prefix = "# yaml-language-server: $schema="
    assert first.startswith(prefix)
    assert (path.parent / first.removeprefix(prefix)).resolve() == HOME / "schemas" / "reconcile.schema.json"


def test_the_specs_folder_holds_one_tree_per_folder_and_no_file_of_its_own() -> None:
    assert {path.name for path in (HOME / "specs").iterdir()} == set(TREES)
