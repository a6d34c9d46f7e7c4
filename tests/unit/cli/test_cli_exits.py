"""Exit codes: each ending has its own number, and the worst of several wins in a fixed order."""

from __future__ import annotations

import pytest

from reconciler.base.errors import Fate
from reconciler.cli.exits import ExitCode, of_fate, worst


@pytest.mark.parametrize(
    ("found", "wins"),
    [
        ([], 0),
        ([ExitCode.PARTIAL], 7),
        ([ExitCode.PARTIAL, ExitCode.SPEC], 3),
        ([ExitCode.SPEC, ExitCode.REFUSED], 6),
        ([ExitCode.REFUSED, ExitCode.FAILED, ExitCode.PARTIAL], 1),
        ([ExitCode.FAILED, ExitCode.DAMAGE], 8),
        ([ExitCode.DONE, ExitCode.BUSY], 5),
    ],
)
def test_the_worst_ending_wins(found: list[ExitCode], wins: int) -> None:
    assert worst(found) == wins


def test_every_fate_has_a_code_and_none_is_success() -> None:
    codes = [of_fate(fate) for fate in Fate]
    assert len(set(codes)) == len(Fate)
    assert 0 not in codes
    assert of_fate(Fate.USAGE) == 64
