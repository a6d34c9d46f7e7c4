"""A check gets worse at once, and better only when it stays better: what swings around a limit is one trouble and not ten."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from reconciler.model.health import CheckKey, HealthCheck, HealthState, Held

Memory = Mapping[CheckKey, Held]
"""Of the checks that are not good. What is not in it was good, or never looked at."""


class Finding(Struct, frozen=True):
    """What one look gives."""

    check: HealthCheck
    """Its state is that of this look alone."""
    cautious: HealthState
    """The state if every limit were stricter by the margin: never better than that of the check."""


def settle(findings: Iterable[Finding], known: Memory, looks: int) -> tuple[tuple[HealthCheck, ...], Memory]:
    """What the checks are in the light of what they were, and what is to be remembered of them.

    A check becomes better when ``looks`` looks in a row found it better by more than the margin. One that could not be looked at is
    unknown, and what was known of it stands until it can be.
    """
    checks, memory = [], {}
    for finding in findings:
        key = finding.check.key
        check, held = _settled(finding, known.get(key), looks)
        checks.append(check)
        if held is not None:
            memory[key] = held
    return tuple(checks), memory


def _settled(finding: Finding, held: Held | None, looks: int) -> tuple[HealthCheck, Held | None]:
    check = finding.check
    if check.state is HealthState.UNKNOWN:
        return check, held
    if held is None or check.state.rank <= held.state.rank:
        return check, None if check.state is HealthState.GOOD else Held(check.state)
    better = held.better + 1 if finding.cautious.rank > held.state.rank else 0
    if better >= looks:
        state = finding.cautious
        return replace(check, state=state), None if state is HealthState.GOOD else Held(state)
    why = f"better in {better} of {looks} looks" if better else "not clearly better"
    return replace(check, state=held.state, message=f"{check.message}; was {held.state}, and is {why}"), Held(held.state, better)
