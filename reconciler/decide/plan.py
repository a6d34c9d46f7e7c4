"""The plan: one pure function from what is wanted, what was seen and the hour to what is to be done and why.

The same for ``--dry-run`` and for the loop. Nothing here reads a clock, a file or the environment; the order is stable, so that
two runs over the same world print the same lines.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from reconciler.decide.backups import Request, plan_backups, plan_requested
from reconciler.decide.drills import plan_drills
from reconciler.decide.estimate import estimated
from reconciler.decide.gaps import gaps_of_repositories, gaps_of_request, gaps_of_system
from reconciler.decide.maintenance import plan_maintenance
from reconciler.decide.proofs import plan_verification
from reconciler.decide.replicate import plan_copies, plan_requested_copies
from reconciler.decide.scene import Scene
from reconciler.decide.upkeep import plan_retention, plan_suspicion
from reconciler.model.desired import Desired, DesiredSystem
from reconciler.model.listing import Group, Listing, Owner
from reconciler.model.observed import Observed
from reconciler.model.plan import REMOVING, Action, ActionKind, Gap, Held, Plan, Waiting
from reconciler.model.records import is_records

if TYPE_CHECKING:
    from reconciler.decide.remembered import Remembered

_KIND_ORDER = {kind: position for position, kind in enumerate(ActionKind)}


class Portion(Struct, frozen=True):
    """The part of one system."""

    actions: tuple[Action, ...]
    held: tuple[Held, ...]
    waiting: tuple[Waiting, ...]
    gaps: tuple[Gap, ...]


def plan(
    desired: Desired, observed: Observed, now: datetime, *, request: Request | None = None, remembered: Remembered | None = None
) -> Plan:
    """What to do now. With ``request`` only what a person asked for, whatever the schedule or a pause says.

    ``remembered``: the same plan, made from what earlier ones have left in it.
    """
    if remembered is not None and request is None:
        scene = remembered.scene(desired, observed, now)
        return _whole(scene, remembered.each("plan", scene, _portion, kind=Portion, lasts=_removes_nothing), remembered)
    scene = Scene.of(desired, observed, now)
    if request is not None:
        asked = [s for s in desired.systems if s.name in request.systems or (not request.systems and scene.here(s))]
        requested = [action for system in asked for action in plan_requested(scene, system, request)]
        return _partial(scene, _estimated(scene, requested), gaps_of_request(scene, request.systems))
    return _whole(scene, [_portion(scene, system) for system in desired.systems])


def _plan_tests(scene: Scene) -> tuple[Action, ...]:
    if not scene.desired.recovery_plans:
        return ()
    from reconciler.decide.plan_tests import plan_tests

    return plan_tests(scene)


def plan_copy(desired: Desired, observed: Observed, now: datetime, systems: Sequence[str], target: str) -> Plan:
    """What a person asked for: bring what ``target`` lacks of these systems (none means all) into it."""
    scene = Scene.of(desired, observed, now)
    return _partial(scene, _estimated(scene, plan_requested_copies(scene, systems, target)), [])


def _portion(scene: Scene, system: DesiredSystem, _: None = None) -> Portion:
    backups, later = plan_backups(scene, system)
    upkeep, held = plan_retention(scene, system)
    care = [*plan_verification(scene, system), *plan_suspicion(scene, system), *plan_drills(scene, system), *upkeep]
    actions = _estimated(scene, [*backups, *plan_copies(scene, system), *care])
    return Portion(tuple(actions), held, later, tuple(gaps_of_system(scene, system, held)))


def _removes_nothing(portion: Portion) -> bool:
    """What removes snapshots is decided in the process that does it, whatever another one has believed."""
    return not any(action.kind in REMOVING for action in portion.actions)


def _whole(scene: Scene, portions: Sequence[Portion], remembered: Remembered | None = None) -> Plan:
    of_tree = _estimated(scene, [*plan_maintenance(scene), *_plan_tests(scene)])
    of_repositories = gaps_of_repositories(scene)

    def sorted_out() -> Portion:
        actions = [*of_tree, *(action for portion in portions for action in portion.actions)]
        gaps = [*of_repositories, *(gap for portion in portions for gap in portion.gaps)]
        held = [change for portion in portions for change in portion.held]
        return _sorted(actions, held, gaps, [one for portion in portions for one in portion.waiting])

    if remembered is None:
        return _assembled(scene, sorted_out(), *_strangers(scene))
    listed = tuple(state.snapshots for state in scene.observed.repositories.values())
    strangers = remembered.recall("strangers", listed, lambda: _strangers(scene))
    return _assembled(scene, remembered.recall("plan", (portions,), sorted_out, equal=(of_tree, of_repositories)), *strangers)


def _estimated(scene: Scene, actions: Iterable[Action]) -> list[Action]:
    return [estimated(scene, action) for action in actions]


def _partial(scene: Scene, actions: Iterable[Action], gaps: Iterable[Gap]) -> Plan:
    """Of what a person asked for; a pause of the loop is no matter of it."""
    return replace(_assembled(scene, _sorted(actions, [], gaps, []), *_strangers(scene)), pause=None)


def _sorted(actions: Iterable[Action], held: Iterable[Held], gaps: Iterable[Gap], waiting: Iterable[Waiting]) -> Portion:
    """Of all systems together, in the order of the plan."""
    return Portion(
        actions=tuple(sorted(actions, key=_action_order)),
        held=tuple(sorted(held, key=lambda h: (h.system, h.repository, h.guard))),
        gaps=tuple(sorted(gaps, key=lambda g: (g.system, g.repository, g.code))),
        waiting=tuple(sorted(waiting, key=lambda w: (w.system, w.repository, w.backup_kind))),
    )


def _assembled(scene: Scene, parts: Portion, orphans: Mapping[str, int], foreign: int) -> Plan:
    names = [repository.name for repository in scene.desired.repositories]
    return Plan(
        at=scene.now,
        spec_digest=scene.desired.digest,
        clean=scene.desired.clean,
        complete=all(scene.reachable(name) for name in names),
        observed_at={name: state.listed_at if (state := scene.state(name)) is not None else None for name in sorted(names)},
        actions=parts.actions,
        held=parts.held,
        gaps=parts.gaps,
        waiting=parts.waiting,
        orphans=orphans,
        revision=scene.desired.revision,
        foreign=foreign,
        pause=scene.pause,
    )


def _strangers(scene: Scene) -> tuple[Mapping[str, int], int]:
    """What no declared system explains: orphans by system, and how many snapshots belong to other realms."""
    return _orphans(scene), len({s.id for (realm, _, _), group in _groups(scene) if realm != scene.desired.realm for s in group})


def _action_order(action: Action) -> tuple[int, str, str, str, int, str]:
    return (-action.priority, action.system, action.repository, action.lane, _KIND_ORDER[action.kind], action.plan)


def _groups(scene: Scene) -> Iterable[tuple[Owner, Group]]:
    return (owned for state in scene.observed.repositories.values() for owned in Listing.of(state.snapshots).groups.items())


def _orphans(scene: Scene) -> dict[str, int]:
    """Snapshots of systems that are declared no longer. A broken tree proves no removal, so it shows none."""
    if not scene.desired.clean:
        return {}
    known = {system.name for system in scene.desired.systems} | {old for system in scene.desired.systems if (old := system.previous_name)}
    own = ((system, group) for (realm, system, _), group in _groups(scene) if realm == scene.desired.realm)
    gone = ((system, group) for system, group in own if system not in known and not is_records(system))  # of another host: in use there
    orphaned = {(system, s.id) for system, group in gone for s in group}
    return dict(sorted(Counter(system for system, _ in orphaned).items()))
