"""The built-in system that holds what a host itself knows: where it comes from, what overrides it, what it is called."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.model.declared.system import Source
from reconciler.model.records import PREFIX, is_records, records_system
from reconciler.spec import Loaded, load, with_records
from reconciler.spec.origins import origins

TREE = """\
apiVersion: reconciler/v1
kind: Settings
metadata: {{name: settings}}
spec: {{realm: test-realm{more}}}
---
apiVersion: reconciler/v1
kind: Repository
metadata: {{name: near}}
spec: {{url: /srv/near, key: {{file: /etc/near.key}}}}
---
apiVersion: reconciler/v1
kind: Repository
metadata: {{name: far}}
spec: {{url: /srv/far, key: {{file: /etc/far.key}}}}
---
apiVersion: reconciler/v1
kind: BackupPolicy
metadata: {{name: both}}
spec: {{repositories: [near, far], schedule: {{full: {{every: 7d}}}}, retention: {{daily: 7, minimum: 1}}}}
"""
SYSTEM = """\
---
apiVersion: reconciler/v1
kind: System
metadata: {{name: {name}}}
spec: {{tier: low, policy: both, host: {host}, repositories: [{repositories}], sources: [{{path: /srv/{name}}}]}}
"""
SOURCES = (Source(path="/etc/specs"),)


def loaded(folder: Path, *systems: str, more: str = "") -> Loaded:
    (folder / "all.yaml").write_text(TREE.format(more=more) + "".join(systems))
    return load(folder)


def system(name: str, host: str, *repositories: str) -> str:
    return SYSTEM.format(name=name, host=host, repositories=", ".join(repositories))


def test_the_records_go_to_the_first_repository_of_every_policy_in_use_on_this_host(tmp_path: Path) -> None:
    tree = loaded(tmp_path, system("a", "shop1", "near", "far"), system("b", "shop1", "far"), system("c", "shop2", "far"))
    made = with_records(tree, "shop1", SOURCES).desired.system("reconciler.shop1")
    assert made is not None
    assert made.repositories == ("near", "far")
    assert (made.tier, made.policy, made.host, made.sources) == ("low", "default", "shop1", SOURCES)
    assert not made.last_good
    other = with_records(tree, "shop2", SOURCES).desired.system("reconciler.shop2")
    assert other is not None
    assert other.repositories == ("far",)
    assert [s.name for s in with_records(tree, "shop1", SOURCES).desired.systems] == ["a", "b", "c", "reconciler.shop1"]


def test_a_host_without_systems_has_no_records_to_keep(tmp_path: Path) -> None:
    tree = loaded(tmp_path, system("a", "shop1", "near"))
    assert with_records(tree, "office", SOURCES) is tree


def test_the_specs_may_choose_suspend_and_refuse(tmp_path: Path) -> None:
    chosen = ", records: {tier: high, policy: both, repositories: [far], suspend: {reason: moving, until: 2027-01-01T00:00:00Z}}"
    made = with_records(loaded(tmp_path, system("a", "shop1", "near"), more=chosen), "shop1", SOURCES).desired.system("reconciler.shop1")
    assert made is not None
    assert (made.tier, made.policy, made.repositories) == ("high", "both", ("far",))
    assert made.suspend is not None
    refused = loaded(tmp_path, system("a", "shop1", "near"), more=", records: {repositories: []}")
    assert with_records(refused, "shop1", SOURCES) is refused


def test_every_value_of_it_says_where_it_comes_from(tmp_path: Path) -> None:
    rows = origins(with_records(loaded(tmp_path, system("a", "shop1", "near")), "shop1", SOURCES), "reconciler.shop1")
    assert {where for _, _, where in rows} == {"built in", "built in (tier low)", "built in (policy default)"}


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (", records: {tier: hihg}", "unknown-tier"),
        (", records: {policy: bth}", "unknown-policy"),
        (", records: {repositories: [fra]}", "unknown-repository"),
    ],
)
def test_a_name_in_its_settings_that_leads_nowhere_is_an_error(tmp_path: Path, more: str, code: str) -> None:
    tree = loaded(tmp_path, system("a", "shop1", "near"), more=more)
    assert [problem.code for problem in tree.problems] == [code]


def test_names_of_hosts_become_names_of_systems_and_stay_apart() -> None:
    assert records_system("shop1.example") == "reconciler.shop1.example"
    odd = ["Shop1", "shop1 ", "SHOP1", "ü", "x" * 80, "x" * 81, "-", "a" * 51 + "é"]
    names = [records_system(host) for host in odd]
    assert len(set(names)) == len(odd)
    for name in names:
        assert is_records(name)
        assert len(name) <= 63
        assert name.startswith(PREFIX)
        assert name[-1].isalnum()
