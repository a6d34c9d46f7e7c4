"""Counts what the simulation went through, prints it as one table, and fails the run when it was less than promised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from tests.simulation.schedules import SEEDS

FLOORS = {
    "seeds": SEEDS,
    "virtual days": 90 * SEEDS,
    "actions": 100_000,
    "faults": 5_000,
    "snapshots removed": 10_000,
    "mutants caught": 8,
}
_KEY = "simulation"
_counts: Counter[str] = Counter()


@pytest.fixture
def tally(request: pytest.FixtureRequest) -> Callable[[str, int], None]:
    """Count ``number`` of something; it travels with the report of the test, so workers are summed up."""

    def count(part: str, number: int) -> None:
        request.node.user_properties.append((_KEY, (part, number)))

    return count


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" and report.passed:
        for key, value in report.user_properties:
            if key == _KEY:
                part, number = value
                _counts[part] += number


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if _whole(session.config) and any(_counts[part] < floor for part, floor in FLOORS.items()):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if not _counts:
        return
    terminalreporter.section("simulation")
    for part, number in sorted(_counts.items(), key=lambda item: (item[0] not in FLOORS, item[0])):
        floor = FLOORS.get(part)
        short = " TOO FEW" if floor is not None and number < floor and _whole(config) else ""
        terminalreporter.line(f"{part:<28} {number:>9,}" + (f"  (at least {floor:,}){short}" if floor is not None else ""))


def _whole(config: pytest.Config) -> bool:
    """Whether every simulation was asked for, in the process that sees all reports."""
    return (
        config.option.markexpr == "simulation"
        and not config.option.keyword
        and not hasattr(config, "workerinput")
        and not config.option.collectonly
    )
