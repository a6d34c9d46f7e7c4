"""What the fault tests have to do at least in one run.

A test tells its part and number with ``faults("bit flips", 2400)``. For a longer run, with other seeds on top:
``RECONCILER_FAULTS_TIMES=20 pytest -m faults tests/faults``.
"""

from __future__ import annotations

import pytest

from tests.fakes.floors import Floors, Tally
from tests.faults.world import TIMES, Corpus, built_corpus
from tests.unit.repository.conftest import bench

__all__ = ["bench"]

FLOORS = {
    "restores killed": 60,
    "malicious restores": 400,
    "raced restores": 2,
    "model states": 400_000,
    "schedules": 500,
    "backend faults": 200,
    "real SIGKILLs": 60,
    "real SIGTERMs": 10,
    "crash states": 1000,
    "space faults": 100,
    "short writes": 100,
    "bit flips": 2000,
    "object mutations": 300,
    "bad objects": 100,
    "parser fuzz": 20_000,
}
_FLOORS = Floors("faults", FLOORS, only_floors=True)
pytest_runtest_logreport = _FLOORS.pytest_runtest_logreport
pytest_sessionfinish = _FLOORS.pytest_sessionfinish
pytest_terminal_summary = _FLOORS.pytest_terminal_summary


@pytest.fixture
def faults(request: pytest.FixtureRequest) -> Tally:
    """Count ``number`` injected faults for a part of the table."""
    return _FLOORS.tally(request)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """A small repository with an object of every kind, in memory."""
    return built_corpus(tmp_path_factory.mktemp("corpus"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if TIMES > 1:
        for item in items:
            if item.get_closest_marker("faults") is not None:
                item.add_marker(pytest.mark.timeout(120 * TIMES))
