"""No order of steps loses what was acknowledged, and each rule of the protocol is needed: without it, some order does.

Whole explorations of small worlds, the shortest loss first. ``RECONCILER_LONG=1`` explores two clean-ups beside a writer to the end, too
(millions of states); the ordinary run stops there after a while.
"""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from msgspec.structs import replace

from tests.faults.deletion_cleaner import clean_up, expiry
from tests.faults.deletion_explorer import explore, steps
from tests.faults.deletion_model import NONE, Actor, Rules, Store, World
from tests.faults.deletion_writer import Writer, writer

pytestmark = pytest.mark.faults

Faults = Callable[[str, int], None]
LONG = bool(os.environ.get("RECONCILER_LONG"))
MOST = 5_000_000 if LONG else 150_000
ALL = 1_000_000

FORGOTTEN = Store(
    packs=frozenset({"s.0:AB", "z.0:Z"}),
    index=frozenset({("i0", frozenset({"s.0:AB", "z.0:Z"}))}),
    pending=frozenset(),
    snapshots=frozenset({("z", frozenset("Z"))}),
    records=frozenset(),
    expired=NONE,
    marks=NONE,
    acknowledged=frozenset({"z"}),
)
"""Nothing needs `A` and `B` any more, and every writer finds them in the index."""
NEEDED = FORGOTTEN._replace(
    snapshots=FORGOTTEN.snapshots | {("s", frozenset("AB")), ("t", frozenset("A"))}, acknowledged=frozenset({"s", "t", "z"})
)
"""Two snapshots need them; one is forgotten at any moment, so that a pack becomes half empty."""
LEFT = FORGOTTEN._replace(index=frozenset({("i0", frozenset({"z.0:Z"}))}))
"""No index object describes the pack with `A` and `B`: its writer was killed."""
TWINS = NEEDED._replace(packs=NEEDED.packs | {"r.0:AB"}, index=NEEDED.index | {("i1", frozenset({"r.0:AB"}))})
"""The same content twice, and one of the two is rotten."""

FOUND = Writer("pend", "w0", frozenset("AB"), relied=frozenset({"s.0:AB", "z.0:Z"}))
"""A writer that has read records and index, and found everything."""
W0, W1 = {"w0": writer("w0", "AB")}, {"w1": writer("w1", "B")}
G0, G1 = {"g0": clean_up("g0")}, {"g1": clean_up("g1")}
F: dict[str, Actor] = {"f": ("forget", "s")}
V: dict[str, Actor] = {"v": ("verify", "v")}
E: dict[str, Actor] = {"g0": expiry("g0")}

SMALL = {
    "a writer beside a clean-up": (World(Rules(), NEEDED), W0 | G0 | F),
    "a writer that leaves a checkpoint": (World(Rules(), FORGOTTEN, checkpoints=True), W0 | G0),
    "two writers beside a clean-up": (World(Rules(), FORGOTTEN, checkpoints=True), W0 | W1 | G0),
    "lists that come in pages, and roots that are given up": (
        World(Rules(), FORGOTTEN, checkpoints=True, expiry=True, pages=True),
        W0 | G0,
    ),
    "a writer that adopts what a killed one left": (World(Rules(), LEFT, adopt=True), W0 | G0),
    "two writers that adopt, beside a clean-up": (World(Rules(), LEFT, adopt=True), W0 | W1 | G0),
    "a rotten twin, and somebody who marks it": (World(Rules(), TWINS, rotten=frozenset({"r.0:AB"})), W0 | G0 | F | V),
    "roots that are given up while they are published": (World(Rules(), FORGOTTEN), W0 | E | G1),
    "a writer that cannot copy what was condemned": (World(Rules(), FORGOTTEN, rescue=False), W0 | G0),
}


@pytest.mark.parametrize("name", SMALL)
def test_no_order_of_steps_loses_anything(name: str, faults: Faults) -> None:
    world, actors = SMALL[name]
    found = explore(world, actors, ALL)
    assert not found.path, "\n".join(found.path)
    assert found.whole, "the world is larger than it was: raise the bound, or look why"
    faults("model states", found.states)


@pytest.mark.parametrize("beside", ["two clean-ups beside a writer", "two clean-ups, and a snapshot that goes meanwhile"])
def test_two_clean_ups_at_once_lose_nothing_either(beside: str, faults: Faults) -> None:
    store, more = (FORGOTTEN, {}) if beside == "two clean-ups beside a writer" else (NEEDED, F)
    found = explore(World(Rules(), store), W0 | G0 | G1 | more, MOST)
    assert not found.path, "\n".join(found.path)
    assert found.whole or not LONG
    faults("model states", found.states)


_ONE, _TWO = W0 | G0, {"w0": FOUND} | G0 | G1
WEAKENED: dict[str, tuple[World, dict[str, Actor]]] = {
    "pending_before_snapshots": (World(Rules(), FORGOTTEN), _ONE),
    "pending_read_at_once": (World(Rules(), FORGOTTEN), _ONE),
    "look_again": (World(Rules(), FORGOTTEN), _ONE),
    "survey_after_record": (World(Rules(), FORGOTTEN), _ONE),
    "records_stay": (World(Rules(), FORGOTTEN), _ONE),
    "condemned_for_ever": (World(Rules(), FORGOTTEN), _ONE),
    "indexed_copies_only": (World(Rules(), FORGOTTEN), W0 | W1 | G0),
    "kept_packs_described_again": (World(Rules(), FORGOTTEN), _ONE),
    "tombstone_checked": (World(Rules(), FORGOTTEN), W0 | E | G1),
    "pending_until_published": (World(Rules(), FORGOTTEN), _ONE),
    "incomplete_walked_again": (World(Rules(), FORGOTTEN), _TWO),
    "twin_verified": (World(Rules(), TWINS, rotten=frozenset({"r.0:AB"})), G0),
}


@pytest.mark.parametrize("rule", Rules.__struct_fields__)
def test_without_any_one_rule_some_order_loses_data(rule: str, faults: Faults) -> None:
    """The control: a model in which nothing can go wrong would prove nothing."""
    world, actors = WEAKENED[rule]
    found = explore(replace(world, rules=Rules(**{rule: False})), actors, 1_500_000)
    assert found.loss, f"{found.states} states without a loss"
    faults("model states", found.states)


@pytest.mark.parametrize("rescue", [True, False])
def test_a_writer_copies_what_was_condemned_while_it_is_still_there(rescue: bool) -> None:
    """When it is gone already, the writer gives up and its caller reads the source again."""
    taken = steps(World(Rules(), FORGOTTEN, rescue=rescue), {"w0": FOUND} | G0)
    assert ("w0 reads what was condemned" in taken) is rescue
    assert "w0 gives up" in taken
