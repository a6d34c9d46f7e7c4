"""What is worked out once for thousands of systems is the same as if it were worked out for each."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from reconciler.spec import Cache, StoredDocument, effective, load
from reconciler.spec.shared import Shared
from tests.unit.spec.trees import good_tree, kept, system, write


def test_systems_that_say_nothing_of_their_own_share_the_blocks_of_their_policy(tmp_path: Path) -> None:
    root = good_tree(tmp_path)
    write(root, billing=system("billing"), shop=system("shop", "retention: {weekly: 2}"))
    desired = load(root).desired
    orders, billing, shop = (desired.system(name) for name in ("orders", "billing", "shop"))
    assert orders is not None
    assert billing is not None
    assert shop is not None
    assert orders.retention is billing.retention
    assert orders.retention.daily == shop.retention.daily == 7
    assert (shop.retention.weekly, orders.retention.weekly) == (2, billing.retention.weekly)


def test_what_was_read_after_many_others_has_the_same_generation(tmp_path: Path) -> None:
    """A generation ends the back-off of a failure, so it changes with the meaning alone."""
    root = good_tree(tmp_path)
    alone = load(root).desired.system("orders")
    write(root, **{f"s{number}": system(f"s{number}", f"retention: {{daily: {number + 1}}}") for number in range(60)})
    among = load(root).desired.system("orders")
    assert alone is not None
    assert among is not None
    assert (alone.generation, effective(alone)) == (among.generation, effective(among))
    assert replace(among, place=alone.place) == alone


def test_what_is_full_begins_anew_and_things_that_look_alike_are_told_apart() -> None:
    shared, made = Shared(kept_max=2), list[str]()

    def ask(thing: object, word: str) -> str:
        return shared.recall((thing,), lambda: (made.append(word), word)[1])

    one, other, third = [1], [1], [1]
    assert [ask(one, "a"), ask(other, "b"), ask(one, "x"), ask(third, "c"), ask(one, "again")] == ["a", "b", "a", "c", "again"]
    assert made == ["a", "b", "c", "again"]


def test_a_tree_is_not_read_again_because_what_was_kept_of_it_is_another(tmp_path: Path) -> None:
    """The first pass keeps what is good, and the second one is given that: a big tree would be merged and checked twice at a start."""
    root, cache = good_tree(tmp_path), Cache()
    first = load(root, last_good={}, cache=cache)
    gone = StoredDocument("System", "gone", "gone.yaml", 1, "{}")
    second = load(root, last_good={**kept(first), ("System", "gone"): gone}, cache=cache)
    assert second.declared is first.declared
    assert second.removed == (("System", "gone"),)
    assert replace(second, removed=(), declared=first.declared) == first
    assert second == load(root, last_good={**kept(first), ("System", "gone"): gone})
    (root / "orders.yaml").write_text("nonsense")
    broken = load(root, last_good={**kept(first)}, cache=cache)
    assert broken.desired.system("orders") is not None
    assert load(root, last_good={}, cache=cache).desired.system("orders") is None, "beside nothing there is no last good version"
