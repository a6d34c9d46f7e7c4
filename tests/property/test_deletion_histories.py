"""No sequence of edits, wrong clocks and failures ever removes what must stay, and nothing is held that may go."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.property.deletion_counts import counted
from tests.property.deletion_history import live
from tests.property.deletion_mutants import MUTANTS, planted

HISTORIES, PART = 500, 50
FLOORS = {
    "histories": HISTORIES,
    "passes": 17 * HISTORIES,
    "removed": 2000,
    "marked": 4000,
    "spared": 300,
    "approved": 500,
    **{f"held by {guard}": 30 for guard in ("tightening", "tree", "observation", "clock", "verification", "rollback")},
}
SEEDS_MAX = 250
_done: Counter[str] = Counter()


@pytest.mark.parametrize("begin", range(0, HISTORIES, PART))
def test_what_goes_is_what_the_oracle_allows_to_the_snapshot(begin: int) -> None:
    for seed in range(begin, begin + PART):
        try:
            live(seed, _done)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error


def test_the_histories_were_many_and_full_of_trouble() -> None:
    if _done["histories"] < HISTORIES:
        pytest.skip("only some of the histories were run")
    counted.update(_done)
    assert {name: _done[name] for name, floor in FLOORS.items() if _done[name] < floor} == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_an_error_in_a_guard_is_caught(name: str) -> None:
    with planted(name):
        for seed in range(SEEDS_MAX):
            try:
                live(seed, Counter())
            except AssertionError:
                counted["mutants of the guards caught"] += 1
                return
    pytest.fail(f"{SEEDS_MAX} histories did not notice that {name}")
