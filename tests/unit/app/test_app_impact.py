"""Disasters in a whole house: over the Python API, and kept by a running loop."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from reconciler.app.foresight import SMALL, Foresight
from reconciler.app.scene import NOTHING, Scene, load, look
from reconciler.model.desired import Desired
from reconciler.model.impact import Verdict
from tests.fakes.houses import WholeHouse


def scene(house: WholeHouse) -> Scene:
    with house.session() as session, session.house.memory.reading() as catalog:
        return look(session.house, catalog, load(session.house, catalog), refresh=NOTHING)


def later(found: Scene, by: timedelta, **changes: object) -> Scene:
    loaded = replace(found.loaded, desired=replace(found.desired, **changes))
    return Scene(loaded, found.observed, found.now + by)


def test_the_loop_works_it_out_anew_when_something_changed_and_seldom_in_a_big_tree(house: WholeHouse) -> None:
    house.system("orders")
    now, foresight = scene(house), Foresight()
    first = foresight.of(now, listed=False)
    assert first is not None
    assert len(first.systems) == 10 * len(now.desired.systems)
    soon = timedelta(seconds=30)
    assert foresight.of(later(now, soon), listed=False) is first
    assert foresight.of(later(now, soon), listed=True) is not first
    edited = foresight.of(later(now, soon, digest="another"), listed=False)
    assert edited is not first
    big: Desired = replace(now.desired, systems=now.desired.systems * (SMALL // 10 + 1))
    many = later(now, timedelta(0), systems=big.systems)
    known = foresight.of(replace_digest(many, "big"), listed=True)
    assert foresight.of(replace_digest(later(many, soon), "big"), listed=True) is known
    assert foresight.of(replace_digest(later(many, now.desired.settings.observe_every), "big"), listed=False) is not known


def test_the_first_pass_of_a_big_tree_does_not_wait_for_what_disasters_would_do(house: WholeHouse) -> None:
    house.system("orders")
    now, foresight = scene(house), Foresight()
    big = later(now, timedelta(0), systems=now.desired.systems * (SMALL // 10 + 1))
    assert foresight.of(big, listed=True) is None
    assert foresight.tallies() == ()
    assert foresight.of(later(big, timedelta(seconds=30)), listed=False) is not None


def replace_digest(found: Scene, digest: str) -> Scene:
    return later(found, timedelta(0), digest=digest)


def test_a_board_carries_it_and_the_status_its_counts(house: WholeHouse) -> None:
    house.system("orders")
    house.one_pass(init=True)
    with house.session() as session:
        found = session.impact(None, "orders", cached=True)
        only = session.impact("human_error", "orders", cached=True, remedies=False)
        listed = session.scenarios()
    assert [each.name for each in listed] == [each.scenario for each in found.systems]
    assert [each.scenario for each in only.systems] == ["human_error"]
    assert {each.verdict for each in found.systems} <= set(Verdict)
    assert all(not each.remedies for each in only.systems)
    assert found.tallies()[0].verdicts[found.systems[0].verdict] == 1
