"""No sequence of edits, wrong clocks and failures ever removes what must stay, and nothing is held that may go."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.fakes.floors import Tally
from tests.property.deletion_floors import HISTORIES
from tests.property.deletion_history import live
from tests.property.deletion_mutants import MUTANTS, planted

PART = 50
SEEDS_MAX = 250


@pytest.mark.parametrize("begin", range(0, HISTORIES, PART))
def test_what_goes_is_what_the_oracle_allows_to_the_snapshot(begin: int, lived: Tally) -> None:
    done: Counter[str] = Counter()
    for seed in range(begin, begin + PART):
        try:
            live(seed, done)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
    for what, number in done.items():
        lived(what, number)


@pytest.mark.timeout(320)
def test_a_run_of_fewer_histories_fails_whichever_worker_has_them() -> None:
    """The workers of pytest-xdist share no counter: once, none of them saw enough to be judged, and nobody judged their sum."""
    file = "tests/property/test_deletion_histories.py"
    others = [word for begin in range(PART, HISTORIES, PART) for word in ("--deselect", f"{file}::{OF_A_PART}[{begin}]")]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-n", "1", file, "--deselect", f"{file}::{OF_ALL}", *others],
        cwd=Path(__file__).parents[2],
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert "1 passed" in done.stdout
    assert f"{'histories':<28} {PART:>9,}  (at least {HISTORIES:,}) TOO FEW" in done.stdout
    assert done.returncode == 1


OF_A_PART = test_what_goes_is_what_the_oracle_allows_to_the_snapshot.__name__
OF_ALL = test_a_run_of_fewer_histories_fails_whichever_worker_has_them.__name__


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_an_error_in_a_guard_is_caught(name: str, lived: Tally) -> None:
    with planted(name):
        for seed in range(SEEDS_MAX):
            try:
                live(seed, Counter())
            except AssertionError:
                lived("mutants of the guards caught", 1)
                return
    pytest.fail(f"{SEEDS_MAX} histories did not notice that {name}")
