"""Whether a snapshot fits the history of its own system; one that does not is *suspect* until a person accepts it.

What stands in the turnover of a snapshot is measured as shares of the system and held against the same shares of the snapshots before.
A share is out of line when it is above a floor that is worth waking somebody for, and well above everything that this system did
before: some systems encrypt their own files every night, and for them that is usual. Slow attacks stay below the floor of one snapshot,
so the newest ones are also added up. How often this finds an attack, and how often it cries wolf, is measured: docs/limits.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from statistics import fmean, pstdev

from msgspec import Struct
from msgspec.structs import astuple, replace

from reconciler.decide.words import counted
from reconciler.model.desired import DesiredSystem
from reconciler.model.listing import recall
from reconciler.model.snapshot import Grade, Mark, MarkKind, Snapshot
from reconciler.model.turnover import Turnover

LEARNING = 5
"""With fewer snapshots before it, only what is plain without a history counts."""
HISTORY = 40
"""So many snapshots before say what is usual."""
JUDGED = 3
"""So many of the newest snapshots are looked at: more than one pass can bring."""


class Signal(Struct, frozen=True):
    """One thing that is out of line."""

    name: str
    """canary, ruined, replaced, renamed, unnamed, lost, emptied, changed, draining, noise."""
    why: str


class _Measure(Struct, frozen=True):
    """A share of the system, with what it must pass."""

    name: str
    of: Callable[[Turnover], int]
    sentence: str
    floor: float
    """In one snapshot."""
    factor: float
    """Times the highest share of the history."""
    slow: tuple[tuple[int, float], ...] = ()
    """(so many snapshots together, floor): above that and what the history would bring in as many."""
    plain: float | None = None
    """The floor without a history; None: it says nothing then."""
    fewest: int = 5
    """So many files are never chance. A system with fewer is judged by its bytes."""


_RUINED = "turned into noise, or into something that their names do not promise"
_UNNAMED = "came back under names that have nothing of the old ones"
_MEASURES = (
    _Measure("ruined", lambda t: t.ruined_changed + t.replaced, _RUINED, 0.03, 2.0, ((5, 0.035), (20, 0.045)), plain=0.15),
    _Measure("renamed", lambda t: t.renamed, "made room for one with another ending", 0.10, 2.0, ((5, 0.12), (20, 0.13)), plain=0.5),
    _Measure("unnamed", lambda t: t.unnamed, _UNNAMED, 0.18, 2.0, ((5, 0.12), (20, 0.13)), plain=0.5),
    _Measure("lost", lambda t: t.lost, "went while nothing came instead", 0.18, 2.0, ((5, 0.10), (20, 0.09)), fewest=8),
    _Measure("emptied", lambda t: t.emptied, "were emptied, or filled with one byte", 0.05, 2.0, ((5, 0.06), (20, 0.08)), plain=0.3),
    _Measure("changed", lambda t: t.changed, "were changed at once", 0.95, 3.0, fewest=20),
)
_SEALED = (
    replace(_MEASURES[0], of=lambda t: t.ruined_changed),
    _Measure("replaced", lambda t: t.replaced, "went while others came that look like noise", 0.18, 2.0, ((20, 0.2),)),
    *_MEASURES[1:],
)
"""Where most of what comes looks like noise: that some of it goes while other comes says little there."""
_SEALED_FEWEST = 5
_NOISE_FLOOR = 0.10
_NOISE_SHARE, _NOISE_USUAL = 0.8, 0.4
_SPREAD = 3
"""Standard deviations above the mean that are still usual for several snapshots together."""
_DRAINED, _DRAIN_FLOOR = 10, 0.008
"""So many snapshots in a row lose that share of the files each."""
_DRAIN_FEWEST = 8
_DRAIN_CHANCE = 1e-4
"""Less likely by what went before is no chance. Where something goes in four snapshots of ten, ten in a row are."""


def suspects(system: DesiredSystem, snapshots: Sequence[Snapshot]) -> Mapping[str, str]:
    """Of the newest snapshots those that do not fit, by id, each with the sentence that says why."""
    if system.guard.anomalies is False:
        return {}
    return recall(snapshots, "anomaly", lambda: _suspects(snapshots))


def _suspects(snapshots: Sequence[Snapshot]) -> Mapping[str, str]:
    judged = [s for s in snapshots if s.turnover is not None and _open(s)][: JUDGED + HISTORY]
    found: dict[str, str] = {}
    for position in reversed(range(min(JUDGED, len(judged)))):  # the oldest first: what is suspect is no history
        snapshot = judged[position]
        earlier = [s for s in judged[position + 1 :] if s.id not in found][:HISTORY]
        if snapshot.marked(MarkKind.ACCEPTED) is None and (signals := judge(snapshot, earlier)):
            found[snapshot.id] = "; ".join(signal.why for signal in signals)
    return found


def with_suspects(snapshots: Iterable[Snapshot], found: Mapping[str, str]) -> tuple[Snapshot, ...]:
    """The same, with what was found as marks: whatever asks for a good snapshot passes them over at once."""
    return tuple(
        replace(s, marks=(*s.marks, Mark(MarkKind.SUSPECT, s.ended_at, found[s.id]))) if s.id in found and _open(s) else s
        for s in snapshots
    )


def _open(snapshot: Snapshot) -> bool:
    """Whether it can be judged, and be history: a partial one, too, for the next is compared with it."""
    bad = (MarkKind.DAMAGED, MarkKind.SUSPECT)
    return snapshot.grade in {Grade.COMPLETE, Grade.PARTIAL} and not any(mark.kind in bad for mark in snapshot.marks)


def judge(snapshot: Snapshot, earlier: Sequence[Snapshot]) -> tuple[Signal, ...]:
    """What is out of line in ``snapshot``; ``earlier``: those before it, newest first. Empty: it fits, or nobody can say."""
    now = snapshot.turnover
    if now is None:
        return ()
    past = [s.turnover for s in earlier if s.turnover is not None]
    older = past[len(past) // 2 :]  # the newer half may be a slow attack
    came, noisy = sum(each.added for each in older), sum(each.ruined_added for each in older)
    measures = _SEALED if came >= _SEALED_FEWEST and 2 * noisy >= came else _MEASURES
    settled = next((number for number, s in enumerate(earlier) if s.marked(MarkKind.ACCEPTED) is not None), len(earlier))
    lately = [s.turnover for s in earlier[:settled] if s.turnover is not None]
    found = [signal for measure in measures if (signal := _measured(measure, now, past) or _summed(measure, now, lately)) is not None]
    if now.canaries:
        found.insert(0, Signal("canary", f"{counted(now.canaries, 'canary file')} changed or went"))
    found += [signal for signal in (_draining(now, lately), _noise(snapshot, now, earlier)) if signal is not None]
    return tuple(found)


def _measured(measure: _Measure, now: Turnover, past: Sequence[Turnover]) -> Signal | None:
    count, share = measure.of(now), _share(measure, now)
    if count < measure.fewest:  # nearly always: thousands of systems are judged when an agent starts
        return None
    if len(past) < LEARNING:
        if measure.plain is None or count < 2 * measure.fewest or share < measure.plain:
            return None
        return Signal(measure.name, f"{_of(count, now)} {measure.sentence}; there is too little history to call that usual")
    usual = max(_usual(measure, each, now) for each in past)
    if share >= max(measure.floor, measure.factor * usual):
        return Signal(measure.name, f"{_of(count, now)} {measure.sentence}; never more than {usual:.0%} before")
    return None


def _summed(measure: _Measure, now: Turnover, lately: Sequence[Turnover]) -> Signal | None:
    """Too much in several snapshots together, the one with most left out: what comes at once is told by itself.

    ``lately``: since a person last accepted one; what became usual then is not held against the time before.
    """
    for length, floor in measure.slow:
        window, before = [now, *lately[: length - 1]], lately[length - 1 :]
        if len(before) < LEARNING or not measure.of(now):
            continue
        together, shares = _together(window), [_usual(measure, each, now) for each in before]
        total, share = measure.of(together), _share(measure, together)
        usual = length * fmean(shares)
        limit = floor + usual + _SPREAD * pstdev(shares) * length**0.5
        if total >= measure.fewest and share - max(_share(measure, each) for each in window) >= limit:
            files = f"{counted(total, 'file')} ({share:.0%}) in {length} snapshots"
            return Signal(measure.name, f"{files} {measure.sentence}; {usual:.0%} would be usual")
    return None


def _draining(now: Turnover, lately: Sequence[Turnover]) -> Signal | None:
    """Files that go a few at a time, without a day of rest. Where more came than go now, no sum tells it."""
    if not _drains(now):
        return None
    window, before = [now, *lately[: _DRAINED - 1]], lately[_DRAINED - 1 :]
    total = sum(each.drained for each in window)
    if len(before) < LEARNING or total < _DRAIN_FEWEST or not all(map(_drains, window)):
        return None
    usual = (sum(map(_drains, before)) + 1) / (len(before) + 2)
    if usual**_DRAINED >= _DRAIN_CHANCE:
        return None
    went = f"{counted(total, 'file')} went in {_DRAINED} snapshots, some in each"
    return Signal("draining", f"{went}; about {usual:.0%} of those before lost as many")


def _drains(turnover: Turnover) -> bool:
    return turnover.drained >= max(1, _DRAIN_FLOOR * turnover.compared_files)


def _together(window: Sequence[Turnover]) -> Turnover:
    """The sum of several; what went in one and came in another is no loss. The files are those of the newest."""
    _, *counts = (sum(column) for column in zip(*map(astuple, window), strict=True))
    return Turnover(window[0].compared_files, *counts)


def _noise(snapshot: Snapshot, now: Turnover, earlier: Sequence[Snapshot]) -> Signal | None:
    """New content that is nearly all noise where it never was: for systems of few large files, which no count of files tells."""
    past = [s.turnover for s in earlier if s.turnover is not None and s.turnover.fresh_bytes]
    if len(past) < LEARNING or not now.fresh_bytes or not snapshot.bytes:
        return None
    share, weight = now.noise_bytes / now.fresh_bytes, now.noise_bytes / snapshot.bytes
    usual = max(each.noise_bytes / each.fresh_bytes for each in past)
    if weight < _NOISE_FLOOR or share < _NOISE_SHARE or usual > _NOISE_USUAL:
        return None
    return Signal("noise", f"{share:.0%} of what is new looks like noise, and never more than {usual:.0%} did before")


def _share(measure: _Measure, turnover: Turnover) -> float:
    return measure.of(turnover) / max(turnover.compared_files, 1)


def _usual(measure: _Measure, before: Turnover, now: Turnover) -> float:
    """The share that it was, or would be of the files of ``now``: the one file that always changes is more of a system that shrank."""
    return measure.of(before) / max(min(before.compared_files, now.compared_files), 1)


def _of(count: int, turnover: Turnover) -> str:
    return f"{count:,} of {counted(turnover.compared_files, 'file')}"
