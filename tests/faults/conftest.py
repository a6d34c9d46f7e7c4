"""Counts what the fault tests did, prints it as one table, and fails the run when a part did less than it promises.

A test tells its part and number with ``faults("bit flips", 2400)``. The number travels with the test's report, so workers of
pytest-xdist are summed up, too. Floors hold for a whole run (``pytest -m faults tests/faults``), not for a chosen test. For a longer
run, with other seeds on top: ``RECONCILER_FAULTS_TIMES=20 pytest -m faults tests/faults``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

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
_KEY = "faults"
_counts: Counter[str] = Counter()


@pytest.fixture
def faults(request: pytest.FixtureRequest) -> Callable[[str, int], None]:
    """Count ``number`` injected faults for a part of the table."""

    def count(part: str, number: int) -> None:
        assert part in FLOORS, f"{part} has no floor"
        request.node.user_properties.append((_KEY, (part, number)))

    return count


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """A small repository with an object of every kind, in memory."""
    return built_corpus(tmp_path_factory.mktemp("corpus"))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" and report.passed:
        for key, value in report.user_properties:
            if key == _KEY:
                part, number = value
                _counts[part] += number


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if TIMES > 1:
        for item in items:
            if item.get_closest_marker("faults") is not None:
                item.add_marker(pytest.mark.timeout(120 * TIMES))


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if _whole(session.config) and _short():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not _counts:
        return
    terminalreporter.section("faults")
    for part, floor in FLOORS.items():
        if part in _counts or _whole(config):
            short = " TOO FEW" if _whole(config) and _counts[part] < floor else ""
            terminalreporter.line(f"{part:<18} {_counts[part]:>7,}  (at least {floor:,}){short}")
    terminalreporter.line(f"{'together':<18} {sum(_counts.values()):>7,}")


def _short() -> list[str]:
    return [part for part, floor in FLOORS.items() if _counts[part] < floor]


def _whole(config: pytest.Config) -> bool:
    """Whether every fault test was asked for, in the process that sees all reports."""
    return (
        config.option.markexpr == "faults"
        and not config.option.keyword
        and not hasattr(config, "workerinput")
        and not config.option.collectonly
    )
