"""Which snapshot a restore takes: the newest good one not after the wanted moment, with the reason in a sentence.

Never silently a worse one: what was passed over is named, and when nothing good is left, a person chooses by id.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from msgspec import Struct

from reconciler.base.units import format_duration
from reconciler.decide.words import counted
from reconciler.model.listing import newest_first
from reconciler.model.snapshot import Grade, MarkKind, Snapshot


class Choice(Struct, frozen=True):
    """The outcome of choosing."""

    snapshot: Snapshot | None
    why: str
    """The sentence; with no snapshot it says what there is instead."""
    passed_over: tuple[tuple[Snapshot, str], ...] = ()
    """Newer ones than the chosen, not after the wanted moment, each with what is wrong with it; newest first."""


def choose(snapshots: Iterable[Snapshot], at: datetime | None, *, verified: bool = False) -> Choice:
    """Choose among the snapshots of one system, from any number of repositories. ``at``: None means the newest.

    ``verified``: only one whose every byte was read and found good will do, and newer ones without that proof are passed over.
    """
    ordered = newest_first(s for s in snapshots if not s.safety)
    allowed = [s for s in ordered if at is None or s.as_of <= at]
    chosen = next((s for s in allowed if s.good and (not verified or s.marked(MarkKind.VERIFIED) is not None)), None)
    if chosen is None and verified and any(s.good for s in allowed):
        return Choice(None, f"none of {counted(len(allowed), 'snapshot')} was ever verified", tuple((s, fault(s)) for s in allowed))
    if chosen is None:
        return Choice(None, _nothing(ordered, allowed, at), tuple((s, fault(s)) for s in allowed))
    passed = tuple((s, fault(s)) for s in allowed[: allowed.index(chosen)] if not s.good)
    return Choice(chosen, reason(chosen, at, passed), passed)


def fault(snapshot: Snapshot) -> str:
    """What is wrong with a snapshot that is not good, in a word or two; empty for a good one."""
    for kind in (MarkKind.DAMAGED, MarkKind.SUSPECT):
        if snapshot.marked(kind) is not None:
            return f"marked {kind}"
    if snapshot.grade is Grade.PARTIAL:
        return f"partial, {counted(snapshot.defects, 'defect')}"
    if snapshot.safety:
        return "the safety snapshot of a restore, which holds only what that was about to touch"
    return "suspect" if snapshot.grade is Grade.SUSPECT else ""


def reason(chosen: Snapshot, at: datetime | None, passed: Sequence[tuple[Snapshot, str]]) -> str:
    """The sentence about a chosen snapshot, of the copy that is read. ``passed``: newer ones, with what is wrong with them."""
    before = f" not after {_moment(at)} ({format_duration(at - chosen.as_of, parts=2)} before it)" if at is not None else ""
    verified = chosen.marked(MarkKind.VERIFIED)
    proof = f", verified {_moment(verified)}" if verified is not None else ", never verified"
    skipped = "; passed over: " + ", ".join(f"{s.id[:8]} ({why})" for s, why in passed[:3]) if passed else ""
    more = f" and {len(passed) - 3} more" if len(passed) > 3 else ""
    return f"snapshot {chosen.id[:8]} of {_moment(chosen.as_of)}: the newest good one{before} in {chosen.repository}{proof}{skipped}{more}"


def _nothing(ordered: Sequence[Snapshot], allowed: Sequence[Snapshot], at: datetime | None) -> str:
    if not ordered:
        return "there is no snapshot"
    if allowed:
        return f"there is no good one among {counted(len(allowed), 'snapshot')}; the newest is {allowed[0].id[:8]} ({fault(allowed[0])})"
    assert at is not None, "without a wanted moment every snapshot is allowed"
    first, last = ordered[-1], ordered[0]
    there = f"the oldest is {first.id[:8]} of {_moment(first.as_of)}"
    return f"no snapshot is as old as {_moment(at)}; {there}" + (f", the newest of {_moment(last.as_of)}" if last is not first else "")


def _moment(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"
