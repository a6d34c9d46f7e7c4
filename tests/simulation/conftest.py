"""What the simulation has to go through at least in one run."""

from __future__ import annotations

import pytest

from tests.fakes.floors import Floors, Tally
from tests.simulation.schedules import SEEDS

_FLOORS = Floors(
    "simulation",
    {
        "seeds": SEEDS,
        "virtual days": 90 * SEEDS,
        "actions": 100_000,
        "faults": 5_000,
        "snapshots removed": 10_000,
        "mutants caught": 8,
    },
    only_floors=False,
)
pytest_runtest_logreport = _FLOORS.pytest_runtest_logreport
pytest_sessionfinish = _FLOORS.pytest_sessionfinish
pytest_terminal_summary = _FLOORS.pytest_terminal_summary


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Tally:
    """Count ``number`` of something."""
    return _FLOORS.tally(request)
