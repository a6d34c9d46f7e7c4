"""From sightings to versions: which states a path had over the snapshots of one system, each from when to when. Pure.

Only what a step from one snapshot to the next touches is looked at: a thousand snapshots that share a block cost no more than one. What is
missing in a snapshot that is not complete, or of which a block cannot be read, may have been there: such a gap ends no version, and
neither does a file whose content could not be read that time.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct, field

from reconciler.model.snapshot import Grade, Snapshot
from reconciler.repository import UNREAD, Entry, Step, alterations


class Span(Struct):
    """One version while it is being followed. Numbers count the snapshots of the timeline."""

    entry: Entry
    repository: str
    """Whose chunk ids the entry has."""
    what: tuple[str, ...]
    begin: int
    end: int = 0
    """The first snapshot that shows its end, or the number of snapshots."""
    ended: str = ""
    missed: set[int] = field(default_factory=set)
    """Snapshots in between that do not have it, or not its content, and do not prove its end."""

    @property
    def last(self) -> int:
        """The newest snapshot that has it."""
        return next(number for number in range(self.end - 1, self.begin - 1, -1) if number not in self.missed)

    @property
    def count(self) -> int:
        """How many have it."""
        return self.end - self.begin - len(self.missed)

    def last_of(self, numbers: Sequence[int]) -> int | None:
        """The newest of these snapshots (ascending) that has it."""
        chosen = numbers[bisect_left(numbers, self.begin) : bisect_left(numbers, self.end)]
        return next((number for number in reversed(chosen) if number not in self.missed), None)


def spans(timeline: Sequence[tuple[Snapshot, Step]]) -> dict[bytes, list[Span]]:
    """By path, oldest version first. ``timeline``: oldest first; each step counts from the snapshot before it in the same repository."""
    followed = _Followed()
    for number, (snapshot, step) in enumerate(timeline):
        followed.take(number, snapshot, step)
    return followed.finish(len(timeline))


class _Followed:
    def __init__(self) -> None:
        self._done: dict[bytes, list[Span]] = {}
        self._open: dict[bytes, Span] = {}
        self._doubtful: set[bytes] = set()
        """Open, and not seen in the last snapshot."""
        self._there: dict[str, dict[bytes, Entry]] = {}
        """By repository: what its last snapshot has."""
        self._last = ""

    def take(self, number: int, snapshot: Snapshot, step: Step) -> None:
        there = self._there.setdefault(snapshot.repository, {})
        touched = {entry.path for entry in step.gone} | {entry.path for entry in step.came} | self._doubtful
        for entry in step.gone:
            there.pop(entry.path, None)
        there.update((entry.path, entry) for entry in step.came)
        if snapshot.repository != self._last:
            touched |= there.keys() | self._open.keys()
            self._last = snapshot.repository
        sure = step.whole and snapshot.grade is Grade.COMPLETE
        for path in touched:
            self._see(path, there.get(path), number, snapshot.repository, sure=sure)

    def _see(self, path: bytes, entry: Entry | None, number: int, repository: str, *, sure: bool) -> None:
        span = self._open.get(path)
        if entry is None:
            if span is None:
                return
            if sure:
                self._close(path, number, "deleted")
            else:
                span.missed.add(number)
                self._doubtful.add(path)
            return
        if span is None:
            what = "back" if path in self._done else "new" if number else "first"
            self._open[path] = Span(entry, repository, (what,), number)
            return
        if entry.cold.flags & UNREAD and not span.entry.cold.flags & UNREAD:
            span.missed.add(number)
            self._doubtful.add(path)
            return
        self._doubtful.discard(path)
        what_differs = alterations(span.entry, entry, shared=span.repository == repository)
        if what_differs:
            self._close(path, number, "changed")
            self._open[path] = Span(entry, repository, what_differs, number)

    def _close(self, path: bytes, number: int, why: str) -> None:
        span = self._open.pop(path)
        span.end, span.ended = number, why
        self._doubtful.discard(path)
        self._done.setdefault(path, []).append(span)

    def finish(self, count: int) -> dict[bytes, list[Span]]:
        for path in list(self._open):
            self._close(path, count, "unknown" if path in self._doubtful else "")
        return self._done


def in_order(snapshots: Iterable[Snapshot], steps: Mapping[str, Step]) -> list[tuple[Snapshot, Step]]:
    """A timeline: those snapshots that could be searched, oldest first."""
    ordered = sorted(snapshots, key=lambda s: (s.as_of, s.id))
    return [(snapshot, steps[snapshot.id]) for snapshot in ordered if snapshot.id in steps]
