"""Which snapshot is meant, for whoever reads one: by the beginning of its id, or the newest good one not after a moment; with the reason.

The same rules with specs and without, for restoring and for looking.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from reconciler.app.errors import Ambiguous, NotFound, NothingToRestore
from reconciler.app.names import by_id
from reconciler.app.scene import Scene
from reconciler.base.errors import Usage
from reconciler.base.moments import EXAMPLES, parse_moment
from reconciler.decide.choose import Choice, choose, fault, reason
from reconciler.decide.scene import Scene as Decision
from reconciler.model.observed import RepositoryState
from reconciler.model.records import is_records
from reconciler.model.snapshot import MarkKind, Snapshot

LATEST, LAST_VERIFIED = "latest", "last-verified"


class Wanted(Struct, frozen=True):
    """Which snapshot of which system. With ``snapshot``, the others only say where it must be found."""

    system: str | None = None
    snapshot: str | None = None
    """An id or the beginning of one; any grade, because it is named."""
    at: datetime | None = None
    """The newest good one not after this moment; None: the newest."""
    verified: bool = False
    """Only one of which every byte was read and found good."""
    repository: str | None = None
    """Read from this one; None: the primary first."""
    last: frozenset[str] = frozenset()
    """Repositories that are read only where no other has it."""


class Chosen(Struct, frozen=True):
    """The snapshot, as one repository holds it."""

    snapshot: Snapshot
    why: str
    notes: tuple[str, ...] = ()
    """What could not be seen."""
    at: datetime | None = None
    """The moment that was asked for."""


def moment_said(text: str | None, now: datetime) -> tuple[datetime | None, bool]:
    """(``at``, ``verified``) of what a person says: a moment, `latest` or `last-verified`. Raises Usage with examples."""
    if text in {None, LATEST, LAST_VERIFIED}:
        return None, text == LAST_VERIFIED
    assert text is not None
    try:
        return parse_moment(text, now), False
    except ValueError:
        raise Usage(f"'{text}' is not a moment", hint=f"Write {EXAMPLES}; or {LATEST}, or {LAST_VERIFIED}.") from None


def chosen(scene: Scene, wanted: Wanted) -> Chosen:
    """Among all that the declared repositories hold. Raises NotFound, Ambiguous, NothingToRestore, Usage."""
    unseen = failures(scene.observed.repositories)
    if wanted.snapshot is not None:
        copies = [s for s in find(scene, wanted.snapshot) if wanted.system in (None, s.system)]
        if not copies:
            raise NotFound(f"snapshot {wanted.snapshot} is not one of system {wanted.system}")
        copy = nearest(scene, copies, wanted.repository, wanted.last)
        why = named(copy)
    elif wanted.system is not None:
        candidates = of_system(scene, wanted.system)
        picked, choice = pick(candidates, wanted.at, unseen, system=wanted.system, verified=wanted.verified)
        copy = nearest(scene, [s for s in candidates if s.id == picked.id], wanted.repository, wanted.last)
        why = reason(copy, wanted.at, choice.passed_over)
    else:
        raise Usage("neither a system nor a snapshot is named", hint="Name a system, or --snapshot ID.")
    notes = tuple(f"repository {name}: {failure}" for name, failure in sorted(unseen.items()))
    return Chosen(copy, why, notes, wanted.at)


def chosen_bare(snapshots: Sequence[Snapshot], url: str, wanted: Wanted) -> Chosen:
    """Among all that one repository holds, of every realm."""
    if wanted.snapshot is not None:
        (found,) = by_id(snapshots, wanted.snapshot)
        if wanted.system not in (None, found.system):
            raise NotFound(f"snapshot {wanted.snapshot} is not one of system {wanted.system}")
        return Chosen(found, named(found))
    system = wanted.system or _only_system(snapshots)
    candidates = [s for s in snapshots if s.system == system]
    realms = sorted({s.realm for s in candidates})
    if not candidates:
        raise NotFound(f"no snapshot of system '{system}' is in {url}", systems=", ".join(sorted({s.system for s in snapshots})))
    if len(realms) > 1:
        raise Ambiguous(
            f"{len(realms)} realms have a system '{system}' in {url}",
            hint="Name the snapshot with --snapshot; `reconcile snapshots --repository` lists them.",
            realms=", ".join(realms),
        )
    picked, choice = pick(candidates, wanted.at, {}, system=system, verified=wanted.verified)
    return Chosen(picked, choice.why, (), wanted.at)


def find(scene: Scene, prefix: str) -> tuple[Snapshot, ...]:
    """The one snapshot whose id begins so, once per repository that holds it, in the order of the declaration."""
    every = [s for r in scene.desired.repositories for s in scene.observed.repositories[r.name].snapshots]
    return by_id(every, prefix, failures(scene.observed.repositories))


def failures(repositories: Mapping[str, RepositoryState]) -> dict[str, str]:
    """What could not be seen, by repository."""
    return {name: state.failure.message for name, state in repositories.items() if state.failure is not None}


def pick(
    candidates: Sequence[Snapshot], at: datetime | None, unseen: Mapping[str, str], *, system: str, verified: bool = False
) -> tuple[Snapshot, Choice]:
    """The snapshot that answers ``at``, with all that was considered; NothingToRestore with what there is instead."""
    choice = choose(candidates, at, verified=verified)
    if choice.snapshot is None:
        raise NothingToRestore(f"system {system} cannot be restored: {choice.why}", **unseen)
    return choice.snapshot, choice


def named(snapshot: Snapshot) -> str:
    """Why this one, when it was asked for by its id."""
    wrong = fault(snapshot)
    return f"snapshot {snapshot.id[:8]} was asked for by its id{f'; beware: it is {wrong}' if wrong else ''}"


def of_system(scene: Scene, system: str) -> list[Snapshot]:
    """Those of the system in every repository, also when it is declared no longer. NotFound when there are none and nobody declares it."""
    decision = Decision.of(scene.desired, scene.observed, scene.now)
    every = [s for r in scene.desired.repositories for s in decision.snapshots(system, r.name)]
    if not every and scene.desired.system(system) is None:
        unseen = failures(scene.observed.repositories)
        raise NotFound(f"no system '{system}' is declared, and no snapshot bears that name", **unseen)
    return every


def nearest(scene: Scene, copies: Sequence[Snapshot], wanted: str | None, last: frozenset[str] = frozenset()) -> Snapshot:
    """The copy to read: from where it was asked for, else the first of :func:`by_nearness`."""
    if wanted is not None:
        for copy in copies:
            if copy.repository == wanted:
                return copy
        raise NotFound(f"repository {wanted} does not hold snapshot {copies[0].id}", held_by=", ".join(c.repository for c in copies))
    return by_nearness(scene, copies, last)[0]


def by_nearness(scene: Scene, copies: Sequence[Snapshot], last: frozenset[str] = frozenset()) -> list[Snapshot]:
    """Copies of one snapshot: those that can be reached first, undamaged before damaged, then as the system lists its repositories.

    ``last``: repositories to be asked after the others that can give as much.
    """
    declared = scene.desired.system(copies[0].system)
    order = {name: place for place, name in enumerate(declared.repositories)} if declared is not None else {}

    def cost(copy: Snapshot) -> tuple[bool, bool, bool, int]:
        reachable = scene.observed.repositories[copy.repository].reachable
        damaged = copy.marked(MarkKind.DAMAGED) is not None
        return not reachable, damaged, copy.repository in last, order.get(copy.repository, len(order))

    return sorted(copies, key=cost)


def _only_system(snapshots: Sequence[Snapshot]) -> str:
    systems = sorted({s.system for s in snapshots if not is_records(s.system)})
    if len(systems) != 1:
        raise Usage(
            "neither a system nor a snapshot is named",
            hint="Name one of the systems in this repository." if systems else "The repository holds no snapshot.",
            systems=", ".join(systems),
        )
    return systems[0]
