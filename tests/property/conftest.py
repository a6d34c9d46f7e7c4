"""What the histories of deletions did, printed at the end of a run."""

from __future__ import annotations

import pytest

from tests.property.deletion_counts import counted


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if counted:
        terminalreporter.section("histories of deletions")
        for what, count in sorted(counted.items()):
            terminalreporter.write_line(f"{what:<30} {count:>7,}")
