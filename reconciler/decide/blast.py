"""The blast radius of an edit: what two spec trees want differently, and which snapshots that would let go.

The world is the same for both; only the declaration differs. Nothing here decides a deletion: guard.py does, when the day comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from reconciler.base.units import format_duration
from reconciler.decide.compare import compare_repositories, compare_settings, compare_systems
from reconciler.decide.compare_alerts import compare_alerts
from reconciler.decide.guard import rule
from reconciler.decide.retention import judge
from reconciler.decide.scene import Scene
from reconciler.decide.words import counted
from reconciler.model.blast import BlastRadius, Effect, Released, SpecChange
from reconciler.model.desired import Desired, DesiredSystem, Revision
from reconciler.model.observed import Observed
from reconciler.model.snapshot import Snapshot


def blast_radius(base: Desired, desired: Desired, observed: Observed, now: datetime, revision: Revision) -> BlastRadius:
    """What becomes of protection when ``desired`` takes the place of ``base``, which stands at ``revision``."""
    before, after = Scene.of(base, observed, now), Scene.of(desired, observed, now)
    pairs = [(_predecessor(base, after, system), system) for system in desired.systems]
    inherited = {old.name for old, _ in pairs if old is not None}
    gone = [system for system in base.systems if system.name not in inherited] if desired.clean else []
    heirs = _heirs(gone, [system for old, system in pairs if old is None])
    changes = [
        *compare_settings(base, desired),
        *_repositories(before, after),
        *_approvals(base, desired),
        *compare_alerts(base, desired),
        *(_removed(before, system, heirs.get(system.name)) for system in gone),
        *(change for old, system in pairs for change in (compare_systems(old, system) if old else [_added(system)])),
    ]
    if not desired.clean:  # a broken tree proves no removal
        changes = [change for change in changes if change.field or change.after]
    suspended = {new.name for old, new in pairs if old is not None and after.suspended(new) and not before.suspended(old)}
    return BlastRadius(
        base=revision,
        changes=tuple(sorted(changes, key=lambda c: (c.kind != "Settings", c.kind, c.name))),
        released=tuple(found for old, new in pairs for found in _released(after, old, new)),
        unprotected=tuple(sorted({system.name for system in gone} | suspended)),
        unseen=tuple(sorted(r.name for r in desired.repositories if (s := after.state(r.name)) is None or s.listed_at is None)),
        base_clean=base.clean,
        clean=desired.clean,
    )


def _predecessor(base: Desired, after: Scene, system: DesiredSystem) -> DesiredSystem | None:
    return base.system(system.name) or base.system(after.former_names.get(system.name, ""))


def _heirs(gone: Iterable[DesiredSystem], added: Sequence[DesiredSystem]) -> dict[str, str]:
    """By the name of a system that went: the one new system that reads the same, as after a rename that nobody declared."""
    found = {old.name: [new.name for new in added if (new.sources, new.host) == (old.sources, old.host)] for old in gone if old.sources}
    return {old: names[0] for old, names in found.items() if len(names) == 1}


def _added(system: DesiredSystem) -> SpecChange:
    return SpecChange("System", system.name, "", "", f"tier {system.tier}", Effect.GAIN, "newly protected", system.place)


def _removed(before: Scene, system: DesiredSystem, heir: str | None) -> SpecChange:
    kept = sum(len(before.snapshots(system.name, repository.name)) for repository in before.desired.repositories)
    why = f"no more backups; {counted(kept, 'snapshot')} stay{'s' if kept == 1 else ''} as orphan{'' if kept == 1 else 's'}"
    if heir is not None:
        why += f"; if it was renamed, `previousName: {system.name}` in the metadata of {heir} carries its history over"
    return SpecChange("System", system.name, "", f"tier {system.tier}", "", Effect.LOSS, why)


def _repositories(before: Scene, after: Scene) -> Iterator[SpecChange]:
    old = {repository.name: repository for repository in before.desired.repositories}
    new = {repository.name: repository for repository in after.desired.repositories}
    for name in sorted(old.keys() | new.keys()):
        state = before.state(name)
        held = len(state.snapshots) if state is not None else 0
        if name not in new:
            why = f"it is no longer looked at ({counted(held, 'snapshot')} when last seen)"
            yield SpecChange("Repository", name, "", old[name].url, "", Effect.LOSS, why)
        elif name not in old:
            yield SpecChange("Repository", name, "", "", new[name].url, Effect.GAIN, "", new[name].place)
        else:
            yield from compare_repositories(old[name], new[name], held)


def _approvals(base: Desired, desired: Desired) -> Iterator[SpecChange]:
    """What a person is about to say yes to."""
    known = {(one.name, one.change, one.expires) for one in base.approvals}
    for one in desired.approvals:
        if (one.name, one.change, one.expires) not in known:
            deed = f"{counted(len(one.snapshots), 'snapshot')} of {one.system} in {one.repository} may go"
            yield SpecChange("DeletionApproval", one.name, "", "", deed, Effect.LOSS, one.reason, one.place)


def _released(after: Scene, old: DesiredSystem | None, new: DesiredSystem) -> Iterator[Released]:
    """By repository: what was kept and no longer is. Marks and holds count the same under both.

    What no declared system explained, and what lay where the system had no business, was kept however old.
    """
    for repository in new.repositories:
        snapshots = after.snapshots(new.name, repository)
        if old is not None and repository in old.repositories:
            kept_before = [v.snapshot for v in judge(snapshots, old.retention, after.now) if v.keep]
        else:
            kept_before = list(snapshots)
        kept_after = [v.snapshot for v in judge(snapshots, new.retention, after.now) if v.keep]
        let_go = {s.id for s in kept_before} - {s.id for s in kept_after}
        if let_go:
            held = {snapshot for ruling in rule(after, new, repository).held for snapshot in ruling.snapshots}
            yield Released(
                new.name,
                repository,
                tuple(sorted(let_go)),
                len(snapshots),
                len(let_go & held),
                _reach(kept_before, after.now),
                _reach(kept_after, after.now),
            )


def _reach(snapshots: Sequence[Snapshot], now: datetime) -> str:
    return format_duration(now - min(s.counted_at for s in snapshots), parts=1) if snapshots else ""
