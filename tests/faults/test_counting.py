"""The table of faults itself: a run that does less than it promises fails, whoever ran the tests."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.faults.conftest import FLOORS

pytestmark = [pytest.mark.faults, pytest.mark.timeout(320)]  # a busy machine needs a minute and more to find the tests
ROOT = Path(__file__).parents[2]
QUICK = "tests/faults/test_schedules.py::test_the_same_seed_gives_the_same_schedule"


def run(*words: str, **environment: str) -> tuple[int, str]:
    with tempfile.TemporaryDirectory() as folder:  # its own: runs that share one clear each other's leftovers away
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--basetemp", f"{folder}/tests", *words],
            cwd=ROOT,
            env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
            check=False,
        )
    return done.returncode, done.stdout


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "with workers"])
def test_a_run_below_its_floors_fails_and_says_where(workers: tuple[str, ...]) -> None:
    parser = "tests/faults/test_parsers.py::test_any_bytes_give_a_value_or_a_typed_error"
    code, text = run("-m", "faults", *workers, f"{parser}[parse_mark]", QUICK)
    assert "2 passed" in text
    assert code == 1
    assert f"{'parser fuzz':<28} {2000:>9,}  (at least 20,000) TOO FEW" in text
    assert all(f"{part:<28} {0:>9,}  (at least {floor:,}) TOO FEW" in text for part, floor in FLOORS.items() if part != "parser fuzz")


def test_a_chosen_test_has_no_floor() -> None:
    code, text = run("-m", "faults", "-k", "parse_mark", "tests/faults/test_parsers.py")
    assert code == 0, text
    assert "TOO FEW" not in text


def test_the_extended_mode_does_several_times_as_much() -> None:
    code, text = run("-m", "faults", "-k", "parse_mark", "tests/faults/test_parsers.py", RECONCILER_FAULTS_TIMES="3")
    assert code == 0, text
    assert f"{'parser fuzz':<28} {6000:>9,}" in text
