"""What a System ends up with, and where each value comes from."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.declared.builtin import DEFAULT_POLICY, TIERS
from reconciler.model.declared.policy import Retention
from reconciler.model.desired import DesiredSystem
from reconciler.spec import NoSuchObject, effective, load
from reconciler.spec.digest import digest_of, normal
from reconciler.spec.origins import origins
from tests.unit.spec.trees import POLICY, SETTINGS, good_tree, kept, system, write


def orders(root: Path) -> DesiredSystem:
    loaded = load(root)
    assert not [p for p in loaded.problems if p.severity == "error"], loaded.problems
    found = loaded.desired.system("orders")
    assert found is not None
    return found


def test_a_system_that_says_little_gets_what_is_built_in(tmp_path: Path) -> None:
    found = orders(good_tree(tmp_path))
    assert found.objectives.rpo == timedelta(hours=1)
    assert found.objectives.mtd == timedelta(hours=12)
    assert found.verification.deep == timedelta(days=30)
    assert found.copies.count is None
    assert found.compression.given() == {"algorithm": "zstd", "level": 2}
    assert found.checksums == ("sha256",)
    assert found.retention.given() == {
        "keep_within": timedelta(days=2), "daily": 7, "weekly": 8, "monthly": 12, "minimum": 3,
    }  # fmt: skip


def test_blocks_merge_key_by_key_and_null_removes_a_key(tmp_path: Path) -> None:
    root = good_tree(tmp_path)
    write(root, orders=system("orders", "retention: {daily: 30, weekly: null}\nobjectives: {rto: 2h}"))
    found = orders(root)
    assert found.retention.daily == 30
    assert found.retention.weekly is None
    assert "weekly" not in found.retention.given()
    assert found.retention.monthly == 12
    assert found.objectives.given() == {"rpo": timedelta(hours=1), "rto": timedelta(hours=2), "mtd": timedelta(hours=12)}


def test_the_value_of_a_key_replaces_as_a_whole(tmp_path: Path) -> None:
    root = good_tree(tmp_path)
    write(root, standard=POLICY + "  schedule: {full: {cron: '0 2 * * sun', timezone: Europe/Zurich}}\n")
    write(root, orders=system("orders", "schedule: {full: {every: 2d}}"))
    found = orders(root)
    assert found.schedule.full is not None
    assert found.schedule.full.given() == {"every": timedelta(days=2)}
    assert found.schedule.incremental is not None, "a neighbour stays as it is built in"


def test_a_declared_tier_adds_to_the_built_in_one_of_its_name(tmp_path: Path) -> None:
    root = good_tree(tmp_path)
    write(root, tiers="apiVersion: reconciler/v1\nkind: Tier\nmetadata: {name: high}\nspec: {objectives: {rpo: 30m}}\n")
    assert orders(root).objectives.rpo == timedelta(minutes=30)
    assert orders(root).objectives.rto == timedelta(hours=4)


def test_a_tier_of_its_own_promises_only_what_it_says(tmp_path: Path) -> None:
    root = good_tree(tmp_path)
    write(root, tiers="apiVersion: reconciler/v1\nkind: Tier\nmetadata: {name: gold}\nspec: {objectives: {rpo: 30m}}\n")
    write(root, orders=system("orders").replace("tier: high", "tier: gold"))
    assert orders(root).objectives.given() == {"rpo": timedelta(minutes=30)}
    assert orders(root).verification.given() == {}


def test_another_algorithm_does_not_inherit_the_level(tmp_path: Path) -> None:
    root = good_tree(tmp_path)
    write(root, orders=system("orders", "compression: {algorithm: none}"))
    assert orders(root).compression.given() == {"algorithm": "none"}
    write(root, orders=system("orders", "compression: {algorithm: zstd}"))
    assert orders(root).compression.given() == {"algorithm": "zstd", "level": 2}


def test_a_policy_called_default_adds_to_what_is_built_in(tmp_path: Path) -> None:
    root = good_tree(tmp_path)
    write(root, standard=POLICY.replace("standard", "default"))
    for name in ("orders", "shop"):
        write(root, **{name: system(name).replace("  policy: standard\n", "")})
    assert orders(root).repositories == ("main",)
    assert orders(root).retention.daily == 7


def test_relative_paths_count_from_the_folder_of_their_file(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    (root / "orders.yaml").unlink()
    write(root / "sub", orders=system("orders", path="../../data/./orders/"))
    text = "apiVersion: reconciler/v1\nkind: Repository\nmetadata: {name: main}\nspec: {url: ../../store, key: {file: ../../keys/main}}\n"
    (root / "main.yaml").unlink()
    write(root / "sub", main=text)
    loaded = load(root)
    assert loaded.problems == ()
    assert loaded.desired.system("orders").sources[0].path == str(tmp_path / "data/orders")  # type: ignore[union-attr]
    repository = loaded.desired.repository("main")
    assert repository is not None
    assert repository.url == str(tmp_path / "store")
    assert repository.key.file == str(tmp_path / "keys/main")


def test_paths_of_a_last_good_version_stay_where_they_were(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    write(root, orders=system("orders", path="../data"))
    before = kept(load(root))
    write(root, orders="a: [")
    found = load(root, last_good=before).desired.system("orders")
    assert found is not None
    assert found.sources[0].path == str(tmp_path / "data")


def test_a_source_that_holds_the_repository_may_exclude_it(tmp_path: Path) -> None:
    root = good_tree(tmp_path)
    text = system("orders").replace("{path: /srv/orders}", '{path: /srv, exclude: ["/backup/"]}')
    write(root, orders=text)
    assert orders(root).sources[0].exclude == ("/backup/",)
    assert [p.code for p in load(root).problems] == []


def test_every_value_names_where_it_comes_from(tmp_path: Path) -> None:
    root = good_tree(tmp_path)
    write(root, orders=system("orders", "retention:\n  weekly: 3\nowner: me"))
    rows = {pointer: (value, origin) for pointer, value, origin in origins(load(root), "orders")}
    assert rows["/retention/weekly"] == (3, "orders.yaml:9")
    assert rows["/retention/daily"] == (7, "standard.yaml:6")
    assert rows["/retention/monthly"] == (12, "built in (policy default)")
    assert rows["/objectives/rpo"] == ("1h", "built in (tier high)")
    assert rows["/repositories"] == (["main"], "standard.yaml:5")
    assert rows["/checksums"] == (["sha256"], "built in (policy default)")
    assert rows["/owner"] == ("me", "orders.yaml:10")
    assert rows["/name"] == ("orders", "orders.yaml:3")
    assert rows["/tier"] == ("high", "orders.yaml:5")
    written = {pointer.split("/")[1] for pointer in rows}
    assert written == set(effective(orders(root)))


def test_the_origin_of_a_last_good_value_says_so(tmp_path: Path) -> None:
    root = good_tree(tmp_path)
    before = kept(load(root))
    write(root, orders="a: [")
    rows = {pointer: origin for pointer, _, origin in origins(load(root, last_good=before), "orders")}
    assert rows["/tier"] == "orders.yaml:1 (last good version)"


def test_an_unknown_name_has_no_origins(tmp_path: Path) -> None:
    with pytest.raises(NoSuchObject):
        origins(load(good_tree(tmp_path)), "nobody")


def test_settings_have_defaults(tmp_path: Path) -> None:
    settings = load(good_tree(tmp_path)).desired.settings
    assert settings.interval == timedelta(seconds=30)
    assert settings.observe_every == timedelta(minutes=5)
    write(tmp_path, settings=SETTINGS.replace("realm:", "interval: 1m, realm:"))
    assert load(tmp_path).desired.settings.interval == timedelta(minutes=1)


def test_what_is_built_in_would_pass_validation() -> None:
    for spec in (*TIERS.values(), DEFAULT_POLICY):
        assert type(spec).model_validate(spec.model_dump(exclude_unset=True)) == spec


@pytest.mark.parametrize("folder", ["quickstart", "company"])
def test_a_digest_is_taken_over_what_pydantic_would_dump(folder: str) -> None:
    declared = load(Path(__file__).parents[3] / "specs" / folder).declared.all
    for one in declared.values():
        assert normal(one.document) == one.document.model_dump(mode="json", by_alias=True, exclude_none=True)


@given(
    st.dictionaries(
        st.text(max_size=4),
        st.one_of(
            st.none(),
            st.integers(),
            st.text(max_size=3),
            st.lists(st.text(max_size=2), max_size=2),
            st.dictionaries(st.sampled_from(["a", "a b", "a!", 'a"', "b", "ä", "\U0001f600"]), st.text(max_size=2), max_size=3),
            st.timedeltas(timedelta(0), timedelta(days=9)),
            st.builds(Retention, daily=st.integers(1, 9)),
        ),
        max_size=5,
    )
)
def test_a_digest_is_that_of_the_plain_json(values: dict[str, object]) -> None:
    text = json.dumps(normal(values), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    assert digest_of(values) == hashlib.sha256(text.encode()).hexdigest()[:16]
