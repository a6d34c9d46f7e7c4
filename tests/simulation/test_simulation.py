"""Many courses of three months each: the promises hold in the world, whatever went wrong in it, and wrong decisions are seen."""

from __future__ import annotations

import pytest

from tests.fakes.floors import Tally
from tests.simulation.driver import run
from tests.simulation.mutants import MUTANTS, Mutant
from tests.simulation.schedules import DAYS, SEEDS, course
from tests.simulation.shrink import shrunk, story

pytestmark = [pytest.mark.simulation, pytest.mark.timeout(600)]

AT_A_TIME = 10
MUTANT_SEEDS = 6
"""A mutant must show within so many of the first seeds."""


@pytest.mark.parametrize("first", range(1, SEEDS + 1, AT_A_TIME))
def test_what_is_promised_holds_whatever_goes_wrong(first: int, tally: Tally) -> None:
    for seed in range(first, first + AT_A_TIME):
        chosen = course(seed)
        ran = run(chosen)
        if ran.violations:
            again = f"\nagain: python -m tests.simulation --shrink --seed {seed}"
            pytest.fail(story(chosen, shrunk(chosen)[1]) + again, pytrace=False)
        assert sum(ran.faults.values()) >= 30
        tally("seeds", 1)
        tally("virtual days", DAYS)
        tally("actions", sum(ran.actions.values()))
        tally("faults", sum(ran.faults.values()))
        tally("snapshots removed", ran.forgotten)
        for kind, number in ran.actions.items():
            tally(f"actions: {kind}", number)
        for fault, number in ran.faults.items():
            tally(f"faults: {fault}", number)
        for tier in ran.tiers:
            tally(f"seeds with tier {tier}", 1)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_wrong_decision_is_caught(mutant: Mutant, tally: Tally) -> None:
    with mutant.at_work():
        assert any(run(course(seed)).violations for seed in range(1, MUTANT_SEEDS + 1)), f"nobody noticed: {mutant.name}"
    tally("mutants caught", 1)


def test_the_same_seed_takes_the_same_course() -> None:
    assert run(course(3)).log == run(course(3)).log


def test_a_failing_course_shrinks_to_a_story_that_a_person_can_read() -> None:
    mutant = next(mutant for mutant in MUTANTS if mutant.name == "a mark needs no rest")
    with mutant.at_work():
        faults, ran = shrunk(course(3))
    assert ran.violations
    assert not faults, "it fails without any fault"
    assert "before it had rested for a day" in story(course(3), ran)
