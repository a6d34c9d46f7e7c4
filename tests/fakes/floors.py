"""Counts what a part of the tests did, prints it as one table, and fails the run when it was less than promised.

A number travels with the report of the test that told it, so the workers of pytest-xdist are summed up. Floors hold for a whole run of the
part (``pytest -m PART tests/PART``, unless it says otherwise), not for a chosen test.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import pytest

Tally = Callable[[str, int], None]


class Floors:
    """Of one part. Its methods are the hooks of that part's conftest."""

    def __init__(
        self, part: str, floors: Mapping[str, int], *, only_floors: bool, whole: Callable[[pytest.Config], bool] | None = None
    ) -> None:
        """``part``: the marker of its tests. ``only_floors``: nothing else may be counted, and all of it is of one kind.

        ``whole``: whether a run does all of the part; None: when its marker was asked for.
        """
        self._part = part
        self._floors = floors
        self._only = only_floors
        self._asked = whole or (lambda config: bool(config.option.markexpr == part))
        self._counts: Counter[str] = Counter()

    def tally(self, request: pytest.FixtureRequest) -> Tally:
        """Lets a test count so many of something."""

        def count(what: str, number: int) -> None:
            assert not self._only or what in self._floors, f"{what} has no floor"
            request.node.user_properties.append((self._part, (what, number)))

        return count

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            for key, value in report.user_properties:
                if key == self._part:
                    what, number = value
                    self._counts[what] += number

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        if self._whole(session.config) and any(self._counts[what] < floor for what, floor in self._floors.items()):
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
        if not self._counts:
            return
        terminalreporter.section(self._part)
        whole = self._whole(config)
        for what, floor in self._floors.items():
            if whole or what in self._counts:
                short = " TOO FEW" if whole and self._counts[what] < floor else ""
                terminalreporter.line(f"{what:<28} {self._counts[what]:>9,}  (at least {floor:,}){short}")
        for what in sorted(self._counts.keys() - self._floors.keys()):
            terminalreporter.line(f"{what:<28} {self._counts[what]:>9,}")
        if self._only:
            terminalreporter.line(f"{'together':<28} {self._counts.total():>9,}")

    def _whole(self, config: pytest.Config) -> bool:
        """Whether every test of the part was asked for, in the process that sees all reports."""
        return self._asked(config) and not config.option.keyword and not hasattr(config, "workerinput") and not config.option.collectonly
