"""Whether enough repositories hold a system, and whether they differ as promised.

A repository holds a copy when it has the newest good snapshot of the primary, or a good one that trails behind it by at most
``copies.lag`` (the RPO where no lag is declared: an older copy could not keep the promise after the primary is lost).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from reconciler.base.units import format_duration
from reconciler.decide.objectives import recovery_point
from reconciler.decide.retention import judge
from reconciler.decide.scene import Scene, from_future
from reconciler.model.declared.objectives import Copies
from reconciler.model.desired import DesiredRepository, DesiredSystem
from reconciler.model.listing import newest_first
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


def shortfalls(scene: Scene, system: DesiredSystem) -> tuple[Shortfall, ...]:
    """What is missing, the repositories that lack a copy first. Nothing while the primary holds nothing worth copying."""
    if not system.repositories:
        return ()
    primary = system.repositories[0]
    if recovery_point(scene.snapshots(system.name, primary), scene.history(system.name, primary), scene.now) is None:
        return ()
    lacking = tuple(
        Shortfall("copy-missing", f"repository {name} holds no copy that is recent enough{_allowed(system)}", name)
        for name in system.repositories[1:]
        if scene.reachable(name) and not holds(scene, system, name)
    )
    return (*lacking, *(Shortfall("copies-too-few", why) for why in _counts(scene, system)))


def holds(scene: Scene, system: DesiredSystem, repository: str) -> bool:
    """Whether losing every other repository would still leave a recent state of the system."""
    behind = trail(scene, system, repository)
    return behind is not None and behind <= allowed_lag(system)


def trail(scene: Scene, system: DesiredSystem, repository: str) -> timedelta | None:
    """How far its newest good state lies behind that of the primary, zero when it has the same or a newer one; None: there is none."""
    primary = system.repositories[0]
    best = recovery_point(scene.snapshots(system.name, primary), scene.history(system.name, primary), scene.now)
    here = scene.snapshots(system.name, repository)
    if best is None:
        return None
    if any(s.good and s.id == best.snapshot.id for s in here):
        return timedelta(0)
    copy = recovery_point(here, scene.history(system.name, repository), scene.now)
    return max(best.at - copy.at, timedelta(0)) if copy is not None else None


def trail_in_words(scene: Scene, system: DesiredSystem, repository: str) -> str:
    """What a person must know of a copy that is not the newest state; empty when it is, or when there is nothing to copy."""
    primary = system.repositories[0]
    if repository == primary or trail(scene, system, primary) is None:
        return ""
    behind = trail(scene, system, repository)
    if behind is None:
        return f"{repository} holds none"
    if not behind:
        return ""
    promise = f"at most {format_duration(allowed_lag(system))} is promised"
    return f"{repository} trails {format_duration(behind, parts=2)} behind {primary}, {promise}"


def missing(scene: Scene, system: DesiredSystem, target: str) -> tuple[Snapshot, ...]:
    """Good snapshots that ``target`` lacks and would keep, newest first, each as the repository lists it that is to be read.

    Retention judges them beside what ``target`` holds, as if all had arrived in time: a copy that it then keeps it keeps afterwards,
    too, so nothing is copied only to be let go and copied again.
    """
    there = scene.snapshots(system.name, target)
    known = {s.id for s in there}
    lacking: dict[str, Snapshot] = {}
    for name in origins(scene, system, target):
        for s in scene.snapshots(system.name, name):
            if s.good and s.id not in known and not from_future(s.counted_at, scene.now):
                lacking.setdefault(s.id, s)
    if not lacking:
        return ()
    beside = [*(_in_time(s) for s in there), *(replace(_in_time(s), marks=()) for s in lacking.values())]
    kept = {verdict.snapshot.id for verdict in judge(beside, system.retention, scene.now) if verdict.keep}
    return newest_first(s for s in lacking.values() if s.id in kept)


def origins(scene: Scene, system: DesiredSystem, target: str) -> tuple[str, ...]:
    """Repositories that can be read, those of the system first, in its order."""
    names = dict.fromkeys([*system.repositories, *(r.name for r in scene.desired.repositories)])
    return tuple(name for name in names if name != target and scene.reachable(name))


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
        ("immutable", sum(r.deletable_from is not None and (system.host or "") not in r.deletable_from for r in holding)),
    )


def allowed_lag(system: DesiredSystem) -> timedelta:
    """How far a copy may trail behind the primary."""
    return system.copies.lag or system.objectives.rpo or timedelta(0)


def _allowed(system: DesiredSystem) -> str:
    lag = allowed_lag(system)
    return f" (at most {format_duration(lag)} behind {system.repositories[0]})" if lag else ""
