"""What a plan says of its parts: the same words on the screen, on the page, in JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from reconciler.base.units import format_duration, format_size
from reconciler.base.words import count, short
from reconciler.model.plan import Action, ActionKind, Gap, Held

_NAMES_SHOWN = 3


def deed(action: Action) -> str:
    """One action in a few words: ``back up to main, incremental``."""
    match action.kind:
        case ActionKind.BACKUP:
            return f"back up to {action.repository}, {action.backup_kind or 'incremental'}"
        case ActionKind.COPY:
            source = f" from {action.origin}" if action.origin else ""
            return f"copy {_snapshots(action.snapshots)}{source} to {action.repository}"
        case ActionKind.VERIFY:
            return f"verify {_snapshots(action.snapshots)} in {action.repository}{', structure' if action.quick else ''}"
        case ActionKind.SUSPECT:
            return f"call {_snapshots(action.snapshots)} in {action.repository} suspect"
        case ActionKind.DRILL:
            return f"drill {_snapshots(action.snapshots[:1])} out of {action.repository}"
        case ActionKind.TEST:
            return f"test recovery plan {action.plan} in a sandbox"
        case ActionKind.MARK:
            return f"mark {count(len(action.snapshots), 'snapshot')} in {action.repository}"
        case ActionKind.UNMARK:
            return f"keep {_snapshots(action.snapshots)} in {action.repository}"
        case ActionKind.FORGET:
            return f"forget {_snapshots(action.snapshots)} in {action.repository}"
        case ActionKind.PRUNE:
            return f"remove what no snapshot needs in {action.repository}"


def expected(action: Action) -> str:
    """``takes about 12s, 3.4 MiB``; empty: nothing like it was measured yet."""
    estimate = action.estimate
    if estimate is None or estimate.seconds is None:
        return f"moves about {format_size(estimate.bytes)}" if estimate is not None and estimate.bytes else ""
    time = "less than 1s" if estimate.seconds < 1 else f"about {format_duration(timedelta(seconds=estimate.seconds), parts=2)}"
    return f"takes {time}, {format_size(estimate.bytes)}" if estimate.bytes else f"takes {time}"


def cause(action: Action) -> str:
    """Why, and what it is expected to take."""
    takes = expected(action)
    return f"{action.why}; {takes}" if takes else action.why


def _snapshots(ids: Sequence[str]) -> str:
    return short(ids[0]) if len(ids) == 1 else count(len(ids), "snapshot")


def held_in_words(held: Held) -> str:
    """``120 of 365 snapshots in main stay``."""
    return f"{len(held.snapshots)} of {count(held.total, 'snapshot')} in {held.repository} stay"


def causes(gaps: Sequence[Gap]) -> list[list[Gap]]:
    """What several systems have in common, together; in the order of the plan."""
    groups: dict[tuple[str, str, str], list[Gap]] = {}
    for gap in gaps:
        groups.setdefault((gap.person, gap.why, gap.repository), []).append(gap)
    return list(groups.values())


def names_of(gaps: Sequence[Gap]) -> str:
    """The systems of one cause; many are counted."""
    names = sorted({gap.system for gap in gaps if gap.system})
    more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
    return ", ".join(names[:_NAMES_SHOWN]) + more
