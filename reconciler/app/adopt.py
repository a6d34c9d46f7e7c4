"""Taking over what a repository holds: of another realm (another host's specs, or the ones before the fire), or after the memory was lost.

Snapshots of another realm are *foreign*: listed, never forgotten, never anybody's recovery point. Adopting them is a person's word: first
a plan with a digest, then exactly that plan. It is written as a mark beside each snapshot, so that the repository itself remembers it;
the catalog only caches it. A snapshot has one owner: whoever owned it before sees it as foreign from then on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import closing

from msgspec.structs import replace

from reconciler.app.bare import BareRepository, listed
from reconciler.app.choice import failures
from reconciler.app.errors import AdoptionUnconfirmed, NotFound
from reconciler.app.house import House
from reconciler.app.names import repository_named, require_systems
from reconciler.app.remarks import afterwards, begin, each
from reconciler.app.reports import Adoptable, AdoptionReport
from reconciler.app.scene import Scene, load, look
from reconciler.base.errors import Usage
from reconciler.model.records import is_records
from reconciler.model.snapshot import MarkKind, Snapshot
from reconciler.repository import Repository, WrongRepository, adoption_note


def plan(house: House, name: str, realm: str | None, renamed: Mapping[str, str]) -> AdoptionReport:
    """What would be adopted; changes nothing. ``renamed``: by the name of a system there, its name here."""
    with house.memory.reading() as catalog:
        known = catalog.repositories()
        scene = look(house, catalog, load(house, catalog), refresh=frozenset({name}))
    _require(house, scene, name, known[name].id if name in known else None)
    return _report(scene, name, realm, renamed)


def adopt(house: House, name: str, realm: str | None, renamed: Mapping[str, str], *, confirm: str, reason: str) -> AdoptionReport:
    """Carry out exactly the plan whose digest is ``confirm``; see :meth:`Session.adopt`."""
    if not reason.strip():
        raise Usage("a reason must be given for adopting snapshots", hint="--reason says beside each snapshot and in the audit log why.")
    with house.memory.reading() as before:
        known = before.repositories()
    catalog, scene = begin(house)
    _require(house, scene, name, known[name].id if name in known else None)
    made = _report(scene, name, realm, renamed)
    if not made.digest:
        raise AdoptionUnconfirmed(
            f"nothing in {name} can be adopted now", hint="Without --confirm the command shows what is there, and why."
        )
    if confirm != made.digest:
        message = f"'{confirm}' is not the digest of what would be adopted from {name} now"
        raise AdoptionUnconfirmed(message, hint=f"Look again without --confirm; now it is {made.digest}.", digest=made.digest)
    wanted = {one.source: one.system for one in made.found if one.system is not None}
    copies = [s for s in _foreign(scene, name, realm) if (s.realm, s.system) in wanted]
    notes = {s.id: adoption_note(scene.desired.realm, wanted[s.realm, s.system] or "", reason.strip()) for s in copies}

    def mark(repository: Repository, snapshot: str) -> None:
        repository.mark(snapshot, MarkKind.ADOPTED.value, house.clock.now(), notes[snapshot], sole=True)

    each(house, scene, copies, "adopt", mark, reason=reason.strip(), digest=made.digest)
    taken = afterwards(house, catalog, scene, copies)
    return replace(made, adopted=len([s for s in taken if s.realm == scene.desired.realm]))


def look_bare(where: BareRepository, house: House) -> AdoptionReport:
    """What a repository that nobody declares holds: all of it would have to be declared first."""
    with closing(where.open()) as repository:
        snapshots = listed(where, repository, house.clock)
        identity = repository.id
    groups = _groups(snapshots)
    found = tuple(Adoptable(source, None, len(group), group[0].as_of, group[-1].as_of, group[0].host) for source, group in groups.items())
    return AdoptionReport(where.url, identity, realm="", own=0, found=found, digest="", declared=False)


def _require(house: House, scene: Scene, name: str, known: str | None) -> None:
    """Raises what the repository itself says: wrong key, none there, another one than before."""
    with house.open_repository(repository_named(scene.desired, name)) as repository:
        if known is not None and known != repository.id:
            message = f"the place of repository {name} holds another repository than the one that is known"
            hint = "Is the right disk mounted? If the other one is meant, `reconcile catalog rebuild` takes it as it is."
            raise WrongRepository(message, hint=hint, known=known, found=repository.id)


def _report(scene: Scene, name: str, realm: str | None, renamed: Mapping[str, str]) -> AdoptionReport:
    state = scene.observed.repositories[name]
    if not state.reachable:
        raise NotFound(f"repository {name} cannot be listed: {failures({name: state}).get(name, 'it does not answer')}")
    require_systems(scene.desired, sorted(renamed.values()))
    groups = _groups(_foreign(scene, name, realm))
    if realm is not None and not groups:
        raise NotFound(f"no snapshot of realm '{realm}' can be adopted from {name}")
    strangers = sorted(set(renamed) - {system for _, system in groups})
    if strangers:
        raise NotFound(f"no foreign snapshot in {name} is of a system '{strangers[0]}'")
    found = []
    for source, group in groups.items():
        here = renamed.get(source[1], source[1])
        system = here if scene.desired.system(here) is not None else None
        found.append(Adoptable(source, system, len(group), group[0].as_of, group[-1].as_of, group[0].host))
    taken = {one.source: one.system for one in found if one.system is not None}
    ids = sorted(f"{s.id} {taken[s.realm, s.system]}" for group in groups.values() for s in group if (s.realm, s.system) in taken)
    digest = hashlib.sha256("\n".join([scene.desired.realm, state.id or "", *ids]).encode()).hexdigest()[:12] if ids else ""
    own = sum(s.realm == scene.desired.realm for s in state.snapshots)
    return AdoptionReport(name, state.id or "", scene.desired.realm, own, tuple(found), digest)


def _foreign(scene: Scene, name: str, realm: str | None) -> list[Snapshot]:
    """What may be adopted: no records of hosts, and nothing that only serves the rollback of somebody's restore."""
    found = (s for s in scene.observed.repositories[name].snapshots if s.realm != scene.desired.realm and realm in (None, s.realm))
    return [s for s in found if not s.safety and not is_records(s.system)]


def _groups(snapshots: list[Snapshot] | tuple[Snapshot, ...]) -> dict[tuple[str, str], list[Snapshot]]:
    """By realm and system, each newest first."""
    groups: dict[tuple[str, str], list[Snapshot]] = {}
    for one in sorted(snapshots, key=lambda s: (s.as_of, s.id), reverse=True):
        groups.setdefault((one.realm, one.system), []).append(one)
    return dict(sorted(groups.items()))
