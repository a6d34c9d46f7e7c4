"""Which snapshots may be marked and removed in a pass: written a second time, from what really happened, and apart from ``decide/``.

It remembers the true hours of marks, every hour that the host's clock ever showed, and what each listing held last. Where the decision
keeps a digest, a date or a flag, it looks at the whole past again.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct, field

from reconciler.model.declared.policy import Retention
from reconciler.model.snapshot import MarkKind, Snapshot
from tests.property.retention_oracle import must_stay

DAY = timedelta(days=1)


class Yes(Struct, frozen=True):
    """An approval as somebody gave it: for a retention, with an end. ``forged``: its list is not the one that was printed."""

    system: str
    repository: str
    retention: Retention
    ids: frozenset[str]
    expires: datetime
    forged: bool = False


class Glance(Struct, frozen=True):
    """One pass as it really was."""

    clock: datetime
    true: datetime
    system: str
    retention: Retention
    percent: int
    count: int
    verifies: bool
    clean: bool
    jumped: bool
    listed: Mapping[str, bool]
    """By repository: whether it was listed completely in this pass; absent: out of reach."""
    stores: Mapping[str, tuple[Snapshot, ...]]
    approvals: tuple[Yes, ...]


class Allowed(Struct):
    """What may happen in one repository."""

    unmark: set[str] = field(default_factory=set)
    mark: set[str] = field(default_factory=set)
    forget: set[str] = field(default_factory=set)
    held: bool = False
    approved: bool = False


class Oracle(Struct):
    calm: Retention | None = None
    """The retention that the last undisturbed pass was under."""
    hours: list[datetime] = field(default_factory=list)
    marked: dict[tuple[str, str], datetime] = field(default_factory=dict)
    last: dict[str, tuple[Snapshot, ...]] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)
    """By snapshot: its place in the line of its writer."""
    missing: dict[str, set[str]] = field(default_factory=dict)

    def lose_memory(self) -> None:
        self.calm, self.hours, self.last, self.missing = None, [], {}, {}

    def accept(self, repository: str) -> None:
        self.last.pop(repository, None)
        self.missing.pop(repository, None)

    def expect(self, now: Glance) -> dict[str, Allowed]:
        self._see(now)
        result = {name: self._allowed(now, name) for name in now.listed}
        everywhere = len(now.listed) == len(now.stores) and all(now.listed.values()) and now.clean
        if everywhere and self._right(now) and not any(a.held or a.approved for a in result.values()):
            self.calm = now.retention
        return result

    def _see(self, now: Glance) -> None:
        if not self.hours:
            arrived = [s.arrived_at for name in now.listed for s in now.stores[name]]
            self.hours = [max(arrived)] if arrived else []
        self.hours.append(now.clock)
        for name, whole in now.listed.items():
            if not whole:
                continue
            here = {s.id: s for s in now.stores[name]}
            before = max(self.last.get(name, ()), key=lambda s: self.numbers[s.id], default=None)
            highest = max((self.numbers[i] for i in here), default=-1)
            if before is not None and before.id not in here and not is_leaving(before) and highest <= self.numbers[before.id]:
                self.missing.setdefault(name, set()).add(before.id)
            self.missing[name] = self.missing.get(name, set()) - here.keys()
            if not self.missing[name]:
                self.last[name] = now.stores[name]

    def _allowed(self, now: Glance, name: str) -> Allowed:
        snapshots = now.stores[name]
        ids = {s.id for s in snapshots}
        stay = must_stay(snapshots, now.retention, now.clock)
        released = ids - stay
        fewer = released
        if self.calm is not None:
            fewer = released & must_stay(snapshots, self.calm, now.clock) if self.calm != now.retention else set()
        yes = set().union(*(y.ids for y in now.approvals if stands(y, now, name))) if much(now, fewer, ids) else set()
        stopped = fewer - yes if much(now, fewer, ids) and much(now, fewer - yes, ids) else set()
        leaving = {s.id for s in snapshots if is_leaving(s)}
        mark = released - stopped - leaving
        forget = {i for i in released - stopped & leaving if i in leaving and now.true - self.marked[name, i] >= DAY}
        allowed = Allowed(stay & leaving, mark, forget, bool(stopped))
        if (mark or forget) and self._doubtful(now, name):
            return Allowed(allowed.unmark, held=True)
        allowed.approved = bool(yes & fewer & (mark | forget))
        return allowed

    def _doubtful(self, now: Glance, name: str) -> bool:
        snapshots = now.stores[name]
        proven = [s for s in snapshots if s.good and any(m.kind is MarkKind.VERIFIED for m in s.marks)]
        return (
            not now.clean
            or not now.listed[name]
            or bool(self.missing.get(name))
            or now.jumped
            or self._strange_hour()
            or any(max(s.as_of, s.arrived_at) > now.clock + timedelta(minutes=5) for s in snapshots)
            or (now.verifies and not proven)
        )

    def _right(self, now: Glance) -> bool:
        """Under a wrong clock everything may seem to stay, and that is no calm."""
        ahead = [s for store in now.stores.values() for s in store if min(s.as_of, s.arrived_at) > now.clock + timedelta(minutes=5)]
        return not (now.jumped or self._strange_hour() or ahead)

    def _strange_hour(self) -> bool:
        steps = [b for a, b in zip(self.hours, self.hours[1:], strict=False) if not timedelta(hours=-1) <= b - a <= timedelta(days=31)]
        return bool(steps) and self.hours[-1] - steps[-1] < DAY


def much(now: Glance, going: set[str], ids: set[str]) -> bool:
    return len(going) > now.count or (len(ids) >= 10 and len(going) / len(ids) > now.percent / 100 + 1e-12)


def stands(yes: Yes, now: Glance, repository: str) -> bool:
    meant = (yes.system, yes.repository, yes.retention) == (now.system, repository, now.retention)
    return meant and not yes.forged and timedelta(0) < yes.expires - now.clock <= timedelta(days=14)


def is_leaving(snapshot: Snapshot) -> bool:
    return any(m.kind is MarkKind.REMOVE for m in snapshot.marks)
