"""What stands between a verdict and a deletion. Doubt keeps.

Each guard holds its one change of one system in one repository and nothing else. In the order in which they speak: *tightening* (a
retention that lets much more go than the last accepted one is a deletion by edit, and needs a person's approval), *tree* (a broken tree
proves nothing about what is wanted), *observation* (a listing of this very pass), *rollback* (a repository that lost its newest
snapshots), *clock*, *suspect* (a snapshot that a person must look at first: the older ones may be all that is left),
*verification*, *floor*. What passes them all is marked in the repository first, and removed at least a day later
if nothing asks for it by then.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.base.units import format_duration
from reconciler.decide.approve import approved, change_digest, flaws
from reconciler.decide.retention import digest as retention_digest
from reconciler.decide.retention import judge, let_go
from reconciler.decide.rollback import lost_sentence
from reconciler.decide.scene import CLOCK_TOLERANCE, Scene, from_future, sound
from reconciler.decide.words import counted, minute
from reconciler.model.declared.policy import Retention
from reconciler.model.desired import Desired, DesiredSystem
from reconciler.model.listing import marked, newest_first
from reconciler.model.observed import Observed
from reconciler.model.plan import Held
from reconciler.model.snapshot import MarkKind, Snapshot

if TYPE_CHECKING:
    from reconciler.decide.remembered import Remembered

REST = timedelta(hours=24)
"""Between mark and removal: time for a person to notice."""
FORGET_PERCENT_MAX = 30
FORGET_COUNT_MAX = 50
SMALL = 10
"""Below so many snapshots a percentage says nothing."""


class Ruling(Struct, frozen=True):
    """What retention may do now to one system in one repository."""

    spare: tuple[str, ...] = ()
    """Marked for removal, and asked for again."""
    mark: tuple[str, ...] = ()
    forget: tuple[str, ...] = ()
    held: tuple[Held, ...] = ()
    approvals: tuple[str, ...] = ()
    """Names of the approvals without which some of ``mark`` and ``forget`` would be held."""


def rule(scene: Scene, system: DesiredSystem, repository: str) -> Ruling:
    """Sort what retention lets go into marked now, removed now and held, with the guard's name and reason.

    Tightening speaks first: it needs a person, and must not vanish from sight because a listing is some minutes old.
    """
    snapshots = scene.stored(system.name, repository)
    unwanted = let_go(snapshots, system.retention, scene.now)
    spare = _ids(s for s in marked(snapshots, MarkKind.REMOVE) if s.id not in unwanted)
    if not unwanted:
        return Ruling(spare)
    held: tuple[Held, ...] = ()
    tightened = _tightened(scene, system, snapshots, unwanted)
    yes = {i: name for i, name in approved(scene, system, repository).items() if i in tightened} if tightened else {}
    unapproved = tightened - yes.keys()
    if unapproved and _is_much(system, len(unapproved), len(snapshots)):
        why = "; ".join((_tightening_sentence(system, len(unapproved), len(snapshots)), *flaws(scene, system, repository)))
        held = (_hold(system, repository, snapshots, unapproved, "tightening", why),)
        tightened = unapproved
    else:
        tightened = set()
    going = unwanted - tightened
    leaving = [s for s in snapshots if s.id in going]
    mark, forget = _unmarked(leaving), _rested(leaving, scene, repository)
    objection = _doubt(scene, system, repository, snapshots) if mark or forget else None
    if (mark or forget) and objection is None:  # where something goes, each has to be without a reason, and not only quickly or from memory
        reasons = {verdict.snapshot.id: verdict.reasons for verdict in judge(snapshots, system.retention, scene.now)}
        mark, forget, leaving = ([s for s in found if not reasons[s.id]] for found in (mark, forget, leaving))
    if not mark and not forget:  # what rests between mark and removal needs no guard yet
        return Ruling(spare, held=held)
    objection = objection or _below_floor(scene, system, snapshots, leaving)
    if objection is not None:
        return Ruling(spare, held=(*held, _hold(system, repository, snapshots, {*_ids(mark), *_ids(forget)}, *objection)))
    return Ruling(spare, _ids(mark), _ids(forget), held, tuple(sorted({yes[s.id] for s in (*mark, *forget) if s.id in yes})))


def settled_retention(desired: Desired, observed: Observed, now: datetime, *, remembered: Remembered | None = None) -> dict[str, Retention]:
    """By system: the retention that may be remembered as the accepted one, for later tightening to be measured against. After a rename
    under both names, for the former one speaks while it is declared.

    Only where this agent judged it in every repository, from listings of this pass, and no guard objected. A retention that was
    held, or that a repository out of reach has not met yet, must count as a change next time, too. While an approval is what lets
    snapshots go it is not accepted either: taking the approval back during the day of rest must stop the removal.
    """
    scene = Scene.of(desired, observed, now) if remembered is None else remembered.scene(desired, observed, now)
    if not scene.observed_only and not any(state.fresh for state in observed.repositories.values()):
        return {}  # nothing was listed in this pass
    settled = {s.name: s.retention for s in desired.systems if scene.here(s) and s.repositories and _settled(scene, s)}
    former = {old: settled[new] for new, old in scene.former_names.items() if new in settled and old in observed.accepted_retention}
    return settled | former


def _settled(scene: Scene, system: DesiredSystem) -> bool:
    if not scene.desired.clean or system.last_good:
        return False
    states = [scene.state(name) for name in scene.kept(system)]
    seen = all(state is not None and state.reachable and state.fresh for state in states)
    if not seen or scene.observed.clock_jump is not None or scene.observed.clock_unsettled is not None:
        return False
    stored = (s for name in scene.kept(system) for s in scene.stored(system.name, name))
    if any(from_future(s.counted_at, scene.now) for s in stored):
        return False  # under a clock that went back everything stays, so nothing objects: that accepts nothing
    rulings = [rule(scene, system, name) for name in scene.kept(system)]
    return not any(ruling.held or ruling.approvals for ruling in rulings)


def floor(scene: Scene, system: DesiredSystem, snapshots: Sequence[Snapshot], leaving: Sequence[Snapshot]) -> str | None:
    """Why ``leaving`` must not go, or None. Looks at what would remain, and trusts nothing that decided before.

    As every repository keeps its newest good snapshot, no failure domain ever loses its last copy of a system.
    """
    gone = {s.id for s in leaving}
    good = sound(newest_first(snapshots), scene.now)
    verified = [s for s in good if s.marked(MarkKind.VERIFIED) is not None]
    remaining = sum(s.id not in gone for s in good)
    enough = min(max(system.retention.minimum or 0, 1), len(good))
    if good and good[0].id in gone:
        return "the newest good snapshot would go"
    if verified and verified[0].id in gone:
        return "the newest verified snapshot would go"
    if any(s.held(scene.now) for s in leaving):
        return "a held snapshot would go"
    if gone and gone.issuperset(s.id for s in snapshots):
        return "every snapshot would go"
    if remaining < enough:
        return f"only {counted(remaining, 'good snapshot')} would remain, fewer than {enough}"
    return None


def _below_floor(scene: Scene, system: DesiredSystem, snapshots: Sequence[Snapshot], leaving: Sequence[Snapshot]) -> tuple[str, str] | None:
    why = floor(scene, system, snapshots, leaving)
    return ("floor", why) if why is not None else None


def _doubt(scene: Scene, system: DesiredSystem, repository: str, snapshots: Sequence[Snapshot]) -> tuple[str, str] | None:
    """The first guard, with its sentence, for which nothing at all of this system may go."""
    state = scene.state(repository)
    if not scene.desired.clean or system.last_good:
        return "tree", "the spec tree has errors: what it really wants to keep is not known"
    if state is None or not state.reachable or not state.fresh:
        return "observation", f"repository {repository} was not listed completely in this pass"
    if state.lost:
        return "rollback", f"repository {repository} went back in time: {lost_sentence(state)}"
    if scene.observed.clock_unsettled is not None:
        since = scene.observed.clock_unsettled
        return (
            "clock",
            f"the clock of this host leapt to {minute(since)}; nothing is removed until it has gone on from there for a day",
        )
    if scene.observed.clock_jump is not None:
        return "clock", f"the clock of this host jumped by {format_duration(scene.observed.clock_jump)} since the last pass"
    ahead = [s for s in snapshots if from_future(max(s.as_of, s.arrived_at), scene.now)]
    if ahead:
        return (
            "clock",
            f"snapshot {ahead[0].id[:8]} is dated {minute(ahead[0].as_of)}, more than {format_duration(CLOCK_TOLERANCE)} ahead",
        )
    unsettled = suspect_snapshots(scene, system)
    if unsettled:
        return "suspect", f"{counted(len(unsettled), 'snapshot')} must be looked at first, the newest is {unsettled[0].id[:8]}"
    if _verification_declared(system) and not any(s.good and s.marked(MarkKind.VERIFIED) for s in snapshots):
        return "verification", f"verification is declared and no good snapshot in {repository} is verified yet"
    return None


def suspect_snapshots(scene: Scene, system: DesiredSystem) -> tuple[Snapshot, ...]:
    """Those that nobody has accepted yet, in any of its repositories, newest first, each once."""
    suspects = [s for name in system.repositories for s in marked(scene.snapshots(system.name, name), MarkKind.SUSPECT)]
    return newest_first({s.id: s for s in suspects}.values()) if suspects else ()


def suspicion(snapshot: Snapshot) -> str:
    """What its newest mark says."""
    return max((mark for mark in snapshot.marks if mark.kind is MarkKind.SUSPECT), key=lambda mark: mark.at).note


def _verification_declared(system: DesiredSystem) -> bool:
    return system.verification.deep is not None or system.verification.quick is not None


def _tightened(scene: Scene, system: DesiredSystem, snapshots: Sequence[Snapshot], unwanted: frozenset[str]) -> AbstractSet[str]:
    """What only goes because the retention became tighter, when that is too much to pass unseen; else nothing.

    Without an accepted retention (a new catalog) there is nothing to compare with: then everything counts as tightened.
    """
    known, former = scene.observed.accepted_retention, scene.former_names.get(system.name)
    accepted = known.get(former) if former is not None else None
    if accepted is None:  # else a name that comes back would be measured against what it was under in its earlier life
        accepted = known.get(system.name)
    if accepted is not None and retention_digest(accepted) == retention_digest(system.retention):
        return set()
    before = let_go(snapshots, accepted, scene.now) if accepted is not None else frozenset()
    tightened = unwanted - before
    return tightened if _is_much(system, len(tightened), len(snapshots)) else set()


def _is_much(system: DesiredSystem, count: int, total: int) -> bool:
    percent = system.guard.max_forget_percent or FORGET_PERCENT_MAX
    most = system.guard.max_forget_count or FORGET_COUNT_MAX
    return count > most or (total >= SMALL and count * 100 > percent * total)


def _tightening_sentence(system: DesiredSystem, count: int, total: int) -> str:
    percent = system.guard.max_forget_percent or FORGET_PERCENT_MAX
    most = system.guard.max_forget_count or FORGET_COUNT_MAX
    return (
        f"the retention lets {count} of {counted(total, 'snapshot')} go that the last accepted one kept; "
        f"a change of more than {percent} % or {counted(most, 'snapshot')} is held"
    )


def _hold(system: DesiredSystem, repository: str, snapshots: Sequence[Snapshot], ids: AbstractSet[str], guard: str, why: str) -> Held:
    return Held(
        system.name, repository, guard, tuple(sorted(ids)), len(snapshots), why, change_digest(system, repository, ids), system.place
    )


def _unmarked(leaving: Sequence[Snapshot]) -> list[Snapshot]:
    return [s for s in leaving if s.marked(MarkKind.REMOVE) is None]


def _rested(leaving: Sequence[Snapshot], scene: Scene, repository: str) -> list[Snapshot]:
    """Marked long enough ago, and not locked by its bucket any more. A mark from the future has not rested at all."""
    rested = [s for s in leaving if (marked_at := s.marked(MarkKind.REMOVE)) is not None and scene.now - marked_at >= REST]
    declared = scene.desired.repository(repository) if rested else None
    if declared is None or declared.object_lock is None:
        return rested
    locked = declared.object_lock.retain + declared.object_lock.slack
    return [s for s in rested if scene.now - s.arrived_at >= locked]


def _ids(snapshots: Iterable[Snapshot]) -> tuple[str, ...]:
    return tuple(sorted(s.id for s in snapshots))
