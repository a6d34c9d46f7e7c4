"""Panels on what disasters would leave: of the board of recoveries."""

from __future__ import annotations

from boards.panels import Json, bars, matrix, stat
from boards.terms import each
from boards.values import COUNT_IS_A_WARNING, COUNT_IS_BAD, IMPACT


def panels() -> list[Json]:
    """How many systems each would break, and which."""
    return [_impact(), _left_out(), _verdicts()]


def _impact() -> Json:
    return bars(
        "If it happened now",
        "Systems of which a disaster would leave nothing, or too little or too late for a promise, or nobody knows what.",
        "none",
        each("reconciler_impact_systems", "scenario", "verdict", where='verdict=~"lost|breached|unknown"') + " > 0",
        "{{scenario}}: {{verdict}}",
        COUNT_IS_BAD,
        (20, 10),
    )


def _left_out() -> Json:
    return stat(
        "Verdicts left out",
        "Bad ends that are too many to be exported one by one: where this is not 0, an empty cell of the table below may be one of them.",
        "none",
        f"sum({each('reconciler_impact_left_out_verdicts', 'scenario')})",
        COUNT_IS_A_WARNING,
        (4, 10),
    )


def _verdicts() -> Json:
    return matrix(
        "What each disaster would leave",
        "One line for each system, one column for each disaster. Empty: every promise is kept, or nothing of the system is taken. "
        "`reconcile impact --system NAME` says why, and what would mend it.",
        each("reconciler_impact_verdict", "scenario", "system"),
        "system",
        "scenario",
        IMPACT,
        (24, 12),
    )
