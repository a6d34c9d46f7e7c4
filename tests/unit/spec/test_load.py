"""Additions count per object, removals only per tree."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.spec import Cache, SpecTreeMissing, load
from tests.unit.spec.trees import POLICY, REPOSITORY, SETTINGS, codes, good_tree, kept, system, write


def names(loaded) -> list[str]:  # type: ignore[no-untyped-def]
    return [desired.name for desired in loaded.desired.systems]


def test_a_good_tree_has_no_problems(tmp_path: Path) -> None:
    loaded = load(good_tree(tmp_path / "specs"))
    assert loaded.problems == ()
    assert loaded.desired.clean
    assert loaded.desired.realm == "test-realm"
    assert names(loaded) == ["orders", "shop"]
    assert (loaded.objects, loaded.files, len(loaded.documents)) == (5, 5, 5)


def test_a_missing_tree_is_never_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(SpecTreeMissing):
        load(tmp_path / "specs")
    (tmp_path / "file").write_text("")
    with pytest.raises(SpecTreeMissing):
        load(tmp_path / "file")


def test_a_broken_file_keeps_its_object_and_a_new_one_is_added(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    before = kept(load(root))
    write(root, orders=system("orders", "owner: [a"), new=system("new"))
    loaded = load(root, last_good=before)
    assert codes(loaded) == ["yaml-syntax"]
    assert not loaded.desired.clean
    assert names(loaded) == ["new", "orders", "shop"]
    orders = loaded.desired.system("orders")
    assert orders is not None
    assert orders.last_good
    assert (orders.place.file, orders.place.line) == ("orders.yaml", 1)
    assert ("System", "orders") not in kept(loaded), "a broken object does not become its own last good version"
    assert loaded.removed == ()


def test_an_edit_that_is_wrong_leaves_the_object_as_it_was(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    first = load(root)
    write(root, standard=POLICY.replace("daily: 7", "daily: 1\n  retnetion: {daily: 9"))
    second = load(root, last_good=kept(first))
    orders = second.desired.system("orders")
    assert orders is not None
    assert orders.retention.daily == 7
    assert orders.generation == first.desired.system("orders").generation  # type: ignore[union-attr]


def test_a_removed_object_is_gone_only_when_the_whole_tree_is_clean(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    before = kept(load(root))
    (root / "shop.yaml").unlink()
    write(root, orders=system("orders", "owner: no"))
    dirty = load(root, last_good=before)
    assert names(dirty) == ["orders", "shop"]
    assert dirty.removed == ()
    write(root, orders=system("orders"))
    clean = load(root, last_good=before)
    assert names(clean) == ["orders"]
    assert clean.removed == (("System", "shop"),)


def test_removing_a_policy_that_is_still_named_removes_nothing(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    before = kept(load(root))
    (root / "standard.yaml").unlink()
    loaded = load(root, last_good=before)
    assert codes(loaded) == ["unknown-policy", "unknown-policy"]
    assert names(loaded) == ["orders", "shop"]
    assert loaded.desired.system("orders").retention.daily == 7  # type: ignore[union-attr]


def test_a_broken_policy_is_one_problem_not_one_per_system(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    write(root, standard=POLICY.replace("daily", "dialy"))
    loaded = load(root)
    assert codes(loaded) == ["unknown-field"]
    assert names(loaded) == [], "nobody knows how they are to be kept"


def test_an_object_without_a_last_good_version_is_left_out_alone(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    write(root, orders=system("orders", "dependsOn: [nobody]"))
    loaded = load(root)
    assert codes(loaded) == ["unknown-system"]
    assert names(loaded) == ["shop"]


def test_of_two_objects_with_one_name_neither_counts(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    before = kept(load(root))
    write(root, other=system("orders", path="/srv/elsewhere"))
    loaded = load(root, last_good=before)
    assert codes(loaded) == ["duplicate-object"]
    orders = loaded.desired.system("orders")
    assert orders is not None
    assert orders.sources[0].path == "/srv/orders"


def test_all_problems_of_all_files_are_reported_at_once_in_their_order(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    write(root, orders=system("orders", "owner: no\nhsot: a\nimpact: {users: -1}"), shop=system("shop", "dependsOn: [nobody]"))
    write(root, zz="a: [")
    loaded = load(root)
    assert codes(loaded) == ["ambiguous-scalar", "unknown-field", "wrong-value", "unknown-system", "yaml-syntax"]


@pytest.mark.parametrize("cached", [False, True])
def test_a_tree_that_was_emptied_goes_on_as_it_was(tmp_path: Path, cached: bool) -> None:
    root, cache = good_tree(tmp_path / "specs"), Cache() if cached else None
    before = kept(load(root, cache=cache))
    for file in root.iterdir():
        file.unlink()
    if cache is not None:
        load(root, cache=cache)  # as a command reads that asks no memory
    emptied = load(root, last_good=before, cache=cache)
    assert codes(emptied) == ["tree-emptied"]
    assert not emptied.desired.clean
    assert emptied.desired.realm == "test-realm"
    assert (names(emptied), emptied.removed, emptied.documents) == (["orders", "shop"], (), ())
    write(root, settings=SETTINGS)
    retired = load(root, last_good=before, cache=cache)
    assert (codes(retired), names(retired)) == ([], [])
    assert len(retired.removed) == 4


def test_a_tree_that_always_was_empty_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    assert codes(load(tmp_path / "specs", last_good={})) == ["no-realm"]


def test_an_emptied_file_is_told_as_that_and_not_as_an_emptied_tree(tmp_path: Path) -> None:
    root = write(tmp_path / "specs", settings=SETTINGS)
    before = kept(load(root))
    write(root, settings="kind: Settings\n")
    assert "tree-emptied" not in codes(load(root, last_good=before))


def test_settings_that_cannot_be_parsed_are_told_as_that_and_not_as_a_lost_realm(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    before = kept(load(root))
    write(root, settings="kind: {Settings\n")
    loaded = load(root, last_good=before)
    assert codes(loaded) == ["yaml-syntax"]
    assert loaded.desired.realm == "test-realm"


@pytest.mark.parametrize("cached", [False, True])
def test_a_realm_that_goes_makes_no_snapshot_somebody_elses(tmp_path: Path, cached: bool) -> None:
    root, cache = good_tree(tmp_path / "specs"), Cache() if cached else None
    before = kept(load(root, cache=cache))
    (root / "settings.yaml").unlink()
    gone = load(root, last_good=before, cache=cache)
    assert codes(gone) == ["realm-lost"]
    write(root, settings=SETTINGS.replace("realm: test-realm", "interval: 20s"))
    forgotten = load(root, last_good=before, cache=cache)
    assert "realm-lost" in codes(forgotten)
    assert forgotten.problems[-1].place.file == "settings.yaml"
    for loaded in (gone, forgotten):
        assert loaded.desired.realm == "test-realm"
        assert not loaded.desired.clean
        assert loaded.removed == ()
    write(root, settings=SETTINGS.replace("test-realm", "another"))
    meant = load(root, last_good=before, cache=cache)
    assert (codes(meant), meant.desired.realm) == ([], "another")


def test_a_tree_without_a_realm_is_warned_about_and_works(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    (root / "settings.yaml").unlink()
    loaded = load(root)
    assert codes(loaded) == ["no-realm"]
    assert loaded.desired.clean
    assert loaded.desired.realm == "default"
    write(root, settings=SETTINGS.replace("realm: test-realm", "interval: 20s"))
    assert codes(load(root)) == ["no-realm"]


def test_a_broken_settings_object_keeps_the_realm(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    before = kept(load(root))
    write(root, settings=SETTINGS.replace("test-realm", "Test Realm"))
    loaded = load(root, last_good=before)
    assert codes(loaded) == ["wrong-value"]
    assert loaded.desired.realm == "test-realm"


def test_a_renamed_system_does_not_stand_beside_its_old_self_in_a_broken_tree(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    before = kept(load(root))
    write(root, orders=system("purchases").replace("{name: purchases}", "{name: purchases, previousName: orders}"), zz="a: [")
    loaded = load(root, last_good=before)
    assert codes(loaded) == ["yaml-syntax"]
    assert names(loaded) == ["purchases", "shop"]


def test_a_last_good_version_that_no_longer_fits_is_named(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    before = kept(load(root))
    key = ("System", "orders")
    before[key] = before[key]._replace(text='{"kind":"System","from":"the past"}')
    write(root, orders=system("orders", "owner: no"))
    loaded = load(root, last_good=before)
    assert sorted(codes(loaded)) == ["ambiguous-scalar", "last-good-unusable"]
    assert names(loaded) == ["shop"]


def test_the_digest_changes_with_content_and_names_only(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    other = good_tree(tmp_path / "elsewhere")
    first = load(root).desired
    assert first.digest == load(other).desired.digest
    (root / "README.md").write_text("not a spec")
    assert first.digest == load(root).desired.digest
    (root / "shop.yaml").rename(root / "store.yaml")
    assert first.digest != load(root).desired.digest


def test_a_generation_changes_with_the_meaning_not_with_white_space(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")

    def generation() -> str:
        return load(root).desired.system("orders").generation  # type: ignore[union-attr]

    first = generation()
    write(root, orders="# a comment\n\n" + system("orders").replace("tier: high", "tier:   'high'"))
    assert generation() == first
    write(root, standard=POLICY.replace("daily: 7", "daily: 8"))
    second = generation()
    assert second != first
    write(root, main=REPOSITORY.replace("/srv/backup/main", "/srv/backup/moved"))
    assert generation() != second, "a repository at another place is worth a new try"


def test_a_cache_changes_nothing_but_the_time(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    write(root, broken="a: [")
    cache = Cache()
    first = load(root, cache=cache)
    parsed = dict(cache.texts)
    assert load(root, cache=cache) == first == load(root)
    assert all(cache.texts[key] is text for key, text in parsed.items())
    write(root, orders=system("orders", "host: other"))
    (root / "broken.yaml").unlink()
    loaded = load(root, cache=cache)
    assert loaded.desired == load(root).desired
    assert len(cache.texts) == 5, "what the tree no longer holds is forgotten"
