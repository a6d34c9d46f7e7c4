"""Whether enough repositories hold a system, and whether they differ as promised.

A copy of a snapshot is *due* by its end + ``copies.lag`` (the RPO where no lag is declared: an older copy could not keep the promise after
the primary is lost). A repository holds a copy when it has a good snapshot, and no newer one of the primary is overdue there: a deadline by
the clock, so that a system that changes once a day does not have to be a day behind before anybody notices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from reconciler.base.units import format_duration
from reconciler.decide.objectives import recovery_point
from reconciler.decide.retention import let_go
from reconciler.decide.scene import Scene, newest_sound, sound
from reconciler.decide.words import minute
from reconciler.model.declared.objectives import Copies
from reconciler.model.desired import DesiredRepository, DesiredSystem
from reconciler.model.listing import Group, good, newest_first
from reconciler.model.snapshot import Snapshot


class Shortfall(Struct, frozen=True):
    """One way in which the copies fall short."""

    code: str
    """copy-missing or copies-too-few."""
    why: str
    repository: str = ""
    """The one that lacks a copy; empty when no declared repository could help."""


def declared(copies: Copies) -> bool:
    """Whether any number of copies is promised."""
    return any((copies.count, copies.media, copies.offsite, copies.immutable))


class Holding(Struct, frozen=True):
    """What one repository holds of a system, beside the one that leads."""

    newest: Snapshot | None
    """The newest good one."""
    due_at: datetime | None
    """By when it must hold something newer: the earliest deadline of what it lacks; in the past: overdue since then. None: it lacks
    nothing.

    Only what is newer than its own newest good state counts: that takes the place of all older ones. What the leading repository has let
    go meanwhile is not known any more, so what was overdue for long is said to be so since a later moment; never since an earlier one.
    """

    def enough(self, now: datetime) -> bool:
        """Whether losing every other repository would still leave a state of the system that is as recent as promised."""
        return self.newest is not None and (self.due_at is None or now <= self.due_at)

    def due_in_words(self, now: datetime) -> str:
        """``due by 12:30Z`` or ``overdue since 2026-05-04 10:03Z``; empty when it lacks nothing."""
        if self.due_at is None:
            return ""
        moment = f"{self.due_at:%H:%M}Z" if self.due_at.date() == now.date() else minute(self.due_at)
        return f"overdue since {moment}" if self.due_at < now else f"due by {moment}"


class Spread(Struct, frozen=True):
    """What each repository of a system holds, looked at once for all that a decision asks about it."""

    leading: str | None
    """The repository whose snapshots the others have to follow: the first that holds a good one, so the primary unless that is empty."""
    holdings: Mapping[str, Holding]
    """By repository, in the order of the system."""

    @classmethod
    def of(cls, scene: Scene, system: DesiredSystem) -> Spread:
        newest = {name: newest_sound(scene.snapshots(system.name, name), scene.now) for name in system.repositories}
        leading = next((name for name, found in newest.items() if found is not None), None)
        holdings = {name: Holding(found, _due_at(scene, system, leading, name, found)) for name, found in newest.items()}
        return cls(leading, holdings)

    def holding(self, scene: Scene) -> tuple[str, ...]:
        """The repositories that could be listed and hold enough."""
        return tuple(name for name, found in self.holdings.items() if scene.reachable(name) and found.enough(scene.now))


def holding(scene: Scene, system: DesiredSystem, repository: str) -> Holding:
    """What one repository holds, which may be one that is not among those of the system."""
    leading = Spread.of(scene, system).leading
    newest = newest_sound(scene.snapshots(system.name, repository), scene.now)
    return Holding(newest, _due_at(scene, system, leading, repository, newest))


def _due_at(scene: Scene, system: DesiredSystem, leading: str | None, repository: str, there: Snapshot | None) -> datetime | None:
    if leading is None or leading == repository:
        return None
    oldest: Snapshot | None = None
    for one in sound(scene.snapshots(system.name, leading), scene.now):
        if there is not None and (one.id == there.id or one.counted_at <= there.counted_at):
            break  # newest first: everything below is older, too
        oldest = one
    return oldest.ended_at + allowed_lag(system) if oldest is not None else None


def shortfalls(scene: Scene, system: DesiredSystem) -> tuple[Shortfall, ...]:
    """What is missing, the repositories that lack a copy first. Nothing while no repository holds anything worth copying."""
    spread = Spread.of(scene, system)
    if spread.leading is None:
        return ()
    lacking = tuple(
        Shortfall("copy-missing", f"repository {name} holds no copy that is recent enough: {found.due_in_words(scene.now)}", name)
        for name, found in spread.holdings.items()
        if name != system.repositories[0] and scene.reachable(name) and not found.enough(scene.now)
    )
    return (*lacking, *(Shortfall("copies-too-few", why) for why in _counts(scene, system)))


def trail(scene: Scene, system: DesiredSystem, repository: str) -> timedelta | None:
    """How far its newest good state lies behind that of the primary, zero when it has the same or a newer one; None: there is none."""
    primary = system.repositories[0]
    best = recovery_point(scene.snapshots(system.name, primary), scene.history(system.name, primary), scene.now)
    here = scene.snapshots(system.name, repository)
    if best is None:
        return None
    if any(s.id == best.snapshot.id for s in good(here)):
        return timedelta(0)
    copy = recovery_point(here, scene.history(system.name, repository), scene.now)
    return max(best.at - copy.at, timedelta(0)) if copy is not None else None


def trail_in_words(scene: Scene, system: DesiredSystem, spread: Spread, repository: str) -> str:
    """What a person must know of a copy that is not the newest state; empty when it is, or when there is nothing to copy."""
    primary = system.repositories[0]
    if spread.leading in (None, repository):
        return ""
    found = spread.holdings[repository]
    due = found.due_in_words(scene.now)
    if found.newest is None:
        return f"{repository} holds none{f': a copy is {due}' if due else ''}"
    behind = trail(scene, system, repository)
    if not behind or not due:
        return ""
    return f"{repository} trails {format_duration(behind, parts=2)} behind {primary}: the next copy is {due}"


def missing(scene: Scene, system: DesiredSystem, target: str) -> tuple[Snapshot, ...]:
    """Good snapshots that ``target`` lacks and would keep, newest first, each as the repository lists it that is to be read.

    Retention judges them beside what ``target`` holds, as if all had arrived in time: a copy that it then keeps it keeps afterwards,
    too, so nothing is copied only to be let go and copied again.
    """
    there = scene.snapshots(system.name, target)
    known = {s.id for s in there}
    lacking: dict[str, Snapshot] = {}
    for name in origins(scene, system, target):
        for s in sound(scene.snapshots(system.name, name), scene.now):
            if s.id not in known:
                lacking.setdefault(s.id, s)
    if not lacking:
        return ()
    beside = Group(newest_first([*map(_in_time, there), *(replace(_in_time(s), marks=()) for s in lacking.values())]))
    gone = let_go(beside, system.retention, scene.now)
    return newest_first(s for s in lacking.values() if s.id not in gone)


def origins(scene: Scene, system: DesiredSystem, target: str) -> tuple[str, ...]:
    """Repositories of ours that can be read, those of the system first, in its order."""
    names = dict.fromkeys([*system.repositories, *(r.name for r in scene.desired.repositories)])
    return tuple(name for name in names if name != target and name not in scene.observed_only and scene.reachable(name))


def _in_time(snapshot: Snapshot) -> Snapshot:
    return replace(snapshot, arrived_at=min(snapshot.arrived_at, snapshot.ended_at))


def _counts(scene: Scene, system: DesiredSystem) -> Iterable[str]:
    """The numbers that could not be reached even if every repository of the system held a copy."""
    repositories = [r for name in system.repositories if (r := scene.desired.repository(name)) is not None]
    for name, wanted, there in kinds(system, repositories):
        if there < wanted:
            yield f"copies.{name} asks for {wanted}, the repositories of the system allow {there}"


def kinds(system: DesiredSystem, holding: Iterable[DesiredRepository]) -> tuple[tuple[str, int, int], ...]:
    """(promise, wanted, present among ``holding``) for each of count, media, offsite and immutable that is declared."""
    found = present(system, list(holding))
    wanted = {name: getattr(system.copies, name) or 0 for name, _ in found}
    return tuple((name, wanted[name], there) for name, there in found if wanted[name])


def present(system: DesiredSystem, holding: Sequence[DesiredRepository]) -> tuple[tuple[str, int], ...]:
    """(promise, how many of ``holding`` keep it), whether or not it is declared."""
    home = system.failure_domain.get("site")
    return (
        ("count", len(holding)),
        ("media", len({r.media for r in holding if r.media is not None})),
        ("offsite", sum("site" in r.failure_domain and r.failure_domain["site"] != home for r in holding)),
        ("immutable", sum(shielded(r, system.host) for r in holding)),
    )


def shielded(repository: DesiredRepository, host: str | None) -> bool:
    """Whether the credentials of this host cannot delete there: as it is declared; else because its bucket locks what it holds."""
    if repository.deletable_from is None:
        return repository.object_lock is not None and repository.object_lock.binds_everybody
    return (host or "") not in repository.deletable_from


def allowed_lag(system: DesiredSystem) -> timedelta:
    """How long after the end of a snapshot its copy may take."""
    return system.copies.lag or system.objectives.rpo or timedelta(0)
