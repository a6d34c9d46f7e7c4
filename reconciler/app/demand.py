"""What a person asks for beside the loop: backup, copy, verify, forget. It waits for whoever works on the same thing, and says so.

Everything that was asked for gets a result, also what cannot be done at all: silence would read like success.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.act.context import Done, Patience, Result, Watcher, no_patience
from reconciler.act.run import run as act
from reconciler.act.words import REQUESTED
from reconciler.app.acting import close_interrupted, make_context
from reconciler.app.choice import find
from reconciler.app.errors import NotFound, NotPlanned
from reconciler.app.host_watch import HostWatch
from reconciler.app.house import House
from reconciler.app.names import repository_named, require_systems
from reconciler.app.recording import record
from reconciler.app.scene import Scene, load, look, remember_repositories, remember_specs
from reconciler.base.errors import Cancelled, Fate, Usage
from reconciler.base.log import get
from reconciler.catalog.records import Holder, RunOutcome
from reconciler.decide.backups import Request
from reconciler.decide.plan import plan as decide_plan
from reconciler.decide.plan import plan_copy
from reconciler.decide.proofs import next_proof
from reconciler.decide.scene import Scene as Decision
from reconciler.model.desired import DesiredSystem
from reconciler.model.observed import Failure
from reconciler.model.plan import Action, ActionKind, Gap, Lane
from reconciler.model.snapshot import BackupKind

if TYPE_CHECKING:
    from reconciler.catalog.catalog import Catalog

PRIORITY = 100  # asked for by a person
_WAIT_SECONDS = 1.0
_log = get("app")


def backup(
    house: House, systems: Sequence[str], kind: BackupKind | None, *, stop: threading.Event, progress: Watcher | None
) -> tuple[Result, ...]:
    """Back up now; see :meth:`Session.backup`."""
    catalog, scene = _begin(house)
    require_systems(scene.desired, systems)
    request = Request(systems=tuple(systems), kind=kind)
    plan = decide_plan(scene.desired, scene.observed, scene.now, request=request)
    done = _carry_out(house, catalog, scene, plan.actions, stop=stop, progress=progress)
    planned = {action.system for action in plan.actions}
    asked = systems or [s.name for s in scene.desired.systems if s.runs_on(house.agent)]
    return done + tuple(_not_possible(scene, name, plan.gaps) for name in asked if name not in planned)


def verify(house: House, systems: Sequence[str], *, deep: bool, stop: threading.Event, progress: Watcher | None) -> tuple[Result, ...]:
    """Prove that snapshots are intact; see :meth:`Session.verify`."""
    catalog, scene = _begin(house)
    require_systems(scene.desired, systems)
    wanted = [system for system in scene.desired.systems if not systems or system.name in systems]
    actions = [action for system in wanted for action in _verifications(scene, system, deep=deep)]
    return _carry_out(house, catalog, scene, actions, stop=stop, progress=progress)


def copy(house: House, systems: Sequence[str], target: str, *, stop: threading.Event, progress: Watcher | None) -> tuple[Result, ...]:
    """Bring what ``target`` lacks into it; see :meth:`Session.copy`."""
    catalog, scene = _begin(house)
    require_systems(scene.desired, systems)
    repository_named(scene.desired, target)
    plan = plan_copy(scene.desired, scene.observed, scene.now, systems, target)
    return _carry_out(house, catalog, scene, plan.actions, stop=stop, progress=progress)


def forget(house: House, ids: Sequence[str], reason: str) -> tuple[Result, ...]:
    """Remove snapshots because a person says so; see :meth:`Session.forget`."""
    if not reason.strip():
        raise Usage("a reason must be given for forgetting a snapshot", hint="--reason says in the audit log why it went.")
    catalog, scene = _begin(house)
    wanted: dict[tuple[str, str], set[str]] = {}
    for prefix in ids:
        for snapshot in find(scene, prefix):
            if snapshot.realm != scene.desired.realm:
                raise NotFound(f"snapshot {snapshot.id} belongs to realm {snapshot.realm}, not to {scene.desired.realm}")
            wanted.setdefault((snapshot.system, snapshot.repository), set()).add(snapshot.id)
    actions = [
        Action(
            kind=ActionKind.FORGET,
            system=_owner(scene, system),
            repository=repository,
            lane=Lane.UPKEEP,
            reason=REQUESTED,
            why=reason,
            priority=PRIORITY,
            snapshots=tuple(sorted(found)),
        )
        for (system, repository), found in sorted(wanted.items())
    ]
    return _carry_out(house, catalog, scene, actions, stop=threading.Event(), progress=None)


def carry_out(
    house: House, actions: Callable[[Scene], Sequence[Action]], *, stop: threading.Event, progress: Watcher | None
) -> tuple[Result, ...]:
    """What ``actions`` makes of what is declared and stored, recorded like everything else."""
    catalog, scene = _begin(house)
    return _carry_out(house, catalog, scene, actions(scene), stop=stop, progress=progress)


def _begin(house: House) -> tuple[Catalog, Scene]:
    catalog = house.memory.writing()
    close_interrupted(house, catalog)
    loaded = load(house, catalog)
    remember_specs(house, catalog, loaded)
    scene = look(house, catalog, loaded)
    remember_repositories(catalog, scene)
    return catalog, scene


def _carry_out(
    house: House, catalog: Catalog, scene: Scene, actions: Sequence[Action], *, stop: threading.Event, progress: Watcher | None
) -> tuple[Result, ...]:
    context = make_context(
        house, scene, actor="cli", stop=stop, progress=progress, patience=_patience(stop) if house.waits else no_patience
    )
    results = tuple(_stopped(action) if stop.is_set() else act(action, context) for action in actions)
    touched = frozenset(result.action.repository for result in results if result.run_id)
    if touched:
        after = look(house, catalog, scene.loaded, refresh=touched)
        remember_repositories(catalog, after, touched)
        record(catalog, after, decide_plan(after.desired, after.observed, after.now), HostWatch(house), settled=False)
    return results


def _patience(stop: threading.Event) -> Patience:
    """Wait for the other one, naming it once."""
    told: set[str] = set()

    def wait(holder: Holder) -> bool:
        if str(holder) not in told:
            told.add(str(holder))
            _log.warning("waiting for another process", holder=str(holder))
        return not stop.wait(_WAIT_SECONDS)

    return wait


def _owner(scene: Scene, system: str) -> str:
    """The declared system that inherited a former name, else the name itself."""
    heirs = Decision.of(scene.desired, scene.observed, scene.now).former_names
    return next((new for new, old in heirs.items() if old == system), system)


def _verifications(scene: Scene, system: DesiredSystem, *, deep: bool) -> list[Action]:
    """One for each repository that holds a good snapshot or cannot be read; at least one, which then says what is wrong."""
    decision = Decision.of(scene.desired, scene.observed, scene.now)
    actions = []
    for repository in system.repositories:
        good = next((s.id for s in decision.snapshots(system.name, repository) if s.good), None)
        state = scene.observed.repositories[repository]
        if good is not None or state.failure is not None:
            quick = not deep and good is not None and _is_quick_enough(decision, system, repository)
            actions.append(_verification(system, repository, good, quick=quick))
    return actions or [_verification(system, system.repositories[0], None, quick=False)]


def _is_quick_enough(decision: Decision, system: DesiredSystem, repository: str) -> bool:
    """Whether all content was read within the declared period, or nobody wants it read."""
    if system.verification.deep is None:
        return system.verification.quick is not None
    proof = next_proof(decision, system, repository)
    return proof is None or proof.quick


def _verification(system: DesiredSystem, repository: str, snapshot: str | None, *, quick: bool) -> Action:
    return Action(
        kind=ActionKind.VERIFY,
        system=system.name,
        repository=repository,
        lane=Lane.UPKEEP,
        reason=REQUESTED,
        why="asked for",
        priority=PRIORITY,
        generation=system.generation,
        snapshots=(snapshot,) if snapshot is not None else (),
        quick=quick,
    )


def _not_possible(scene: Scene, system: str, gaps: Sequence[Gap]) -> Result:
    """Why nothing was planned for a system that was asked for."""
    action = _shell(scene, system, ActionKind.BACKUP)
    reasons: Mapping[str, Gap] = {(gap.system or gap.repository): gap for gap in reversed(gaps)}
    gap = reasons.get(system) or reasons.get(action.repository)
    if gap is None:
        return _failed(action, Failure.of(NotPlanned(f"system {system} cannot be backed up now")))
    return _failed(action, Failure(gap.code, f"system {system} cannot be backed up: {gap.why}", f"{gap.person}."))


def _shell(scene: Scene, system: str, kind: ActionKind) -> Action:
    declared = scene.desired.system(system)
    repository = declared.repositories[0] if declared is not None and declared.repositories else ""
    return Action(kind, system, repository, Lane.OBJECTIVE, REQUESTED, "asked for", PRIORITY)


def _stopped(action: Action) -> Result:
    error = Cancelled(f"{action.kind} of system {action.system} was not begun: stopped before")
    return Result(action, "", Done(RunOutcome.CANCELLED, error.message), 0.0, Failure.of(error), error.fate)


def _failed(action: Action, failure: Failure) -> Result:
    refused = failure.code in {"suspended", "other-host"}
    return Result(action, "", Done(RunOutcome.FAILED, failure.message), 0.0, failure, Fate.REFUSED if refused else Fate.FAILED)
