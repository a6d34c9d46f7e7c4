"""What holds for all tests: in which order they run, and what they have done in the end."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, settings

from tests.fakes.floors import Floors, Tally
from tests.property.deletion_floors import FLOORS, whole

# What a machine with much to do takes for an example says nothing about the example.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

_HISTORIES = Floors("histories of deletions", FLOORS, only_floors=False, whole=whole)
pytest_runtest_logreport = _HISTORIES.pytest_runtest_logreport
pytest_sessionfinish = _HISTORIES.pytest_sessionfinish
pytest_terminal_summary = _HISTORIES.pytest_terminal_summary


@pytest.fixture
def lived(request: pytest.FixtureRequest) -> Tally:
    """Count ``number`` of something that the histories of deletions did. Here: the first conftest alone hears of all workers."""
    return _HISTORIES.tally(request)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whoever may take longest begins, so that two workers end together: a test that needs more time than the others says so."""
    items.sort(key=_seconds_max, reverse=True)


def _seconds_max(item: pytest.Item) -> float:
    mark = item.get_closest_marker("timeout")
    return float(mark.args[0]) if mark is not None else 0.0
