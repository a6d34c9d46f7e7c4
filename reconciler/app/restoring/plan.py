"""The plan of a restore once the snapshot is chosen: compared with what is there, decided, counted, weighed and named. Reads only."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from reconciler.app.errors import DoesNotFit, MirrorUnconfirmed, MirrorUnsafe, RestoreConflicts
from reconciler.app.reports import Conflict, Outlook, RestorePlan, RestoreRequest, Room
from reconciler.app.restoring.refusals import Refusals
from reconciler.app.restoring.room import Needs
from reconciler.app.restoring.scope import Scope, scope_of
from reconciler.app.restoring.since import Changed, changed, earlier
from reconciler.app.restoring.steps import Digest, Do, Policy, Steps
from reconciler.base.units import format_size
from reconciler.decide.expect import Measured, expect
from reconciler.repository import Beyond, Comparison, Entry, NoSuchPath, Repository, Root, Selection
from reconciler.sources.reading import STREAMS
from reconciler.tree.standing import Seen, Standing

SHOWN_MAX = 1000
"""Conflicts and removals that a plan lists one by one; the digest covers all."""


class Weighing(Struct, frozen=True):
    """What planning needs to know beside the snapshot."""

    skip: frozenset[tuple[int, int]] = frozenset()
    """(st_dev, st_ino) of repositories and our own memory: never removed."""
    forbidden: Sequence[str] = ()
    """Real paths of the same: nothing is ever written into them, whatever a snapshot holds."""
    measured: Sequence[Measured] = ()
    stop: threading.Event | None = None


class Choice:
    """Which entries of the snapshot are meant: paths and patterns, only what changed since another snapshot, and what a disk can take."""

    def __init__(self, paths: Sequence[bytes], since: Changed | None, forbidden: Sequence[bytes] = (), *, in_place: bool) -> None:
        self._paths = Selection(paths)
        self._since = since
        self._forbidden = (*forbidden, STREAMS) if in_place else tuple(forbidden)
        self.prefix = self._paths.prefix
        self.everything = self._paths.everything and since is None and not self._forbidden

    def __contains__(self, entry: Entry) -> bool:
        if entry not in self._paths:
            return False
        if self._forbidden and any(entry.path == place or entry.path.startswith(place + b"/") for place in self._forbidden):
            return False
        return self._since is None or entry.path in self._since.changed or entry.path in self._since.removed


class Weighed(Struct, frozen=True):
    """The plan to show, and the steps to carry out."""

    plan: RestorePlan
    root: Root
    steps: Steps
    choice: Choice


def weigh(repository: Repository, made: RestorePlan, paths: Sequence[bytes], request: RestoreRequest, how: Weighing) -> Weighed:
    """Compare and decide. Raises NoSuchPath, MirrorUnsafe, NotFound for what the request names, Cancelled."""
    root = next(root for root in repository.listing().roots if root.id == made.snapshot.id)
    policy = Policy(request.on_conflict)
    since_root = earlier(repository, root.id, request.changed_since) if request.changed_since is not None else None
    since = changed(repository, since_root.id, root.id) if since_root is not None else None
    place = "/" if request.in_place else made.target
    choice = Choice(paths, since, below(place, how.forbidden), in_place=request.in_place)
    steps, needs = Steps(policy, covering=since is None), Needs(place)
    digest = Digest(root.id, place, policy.value, *sorted(request.paths), since_root.id if since_root is not None else "")
    found, refusals = 0, Refusals(choice)
    with Standing(place) as standing:
        scope = scope_of(root, standing, how.skip, mirror=policy is Policy.MIRROR)
        beyond = _beyond(scope, policy, since)
        entries = repository.entries(root.id, choice.prefix, refusals)
        for finding in Comparison(standing, choice, beyond, how.stop).run(entries):
            found += 1
            step = steps.take(finding)
            if step is not None and step.do is Do.DELETE and scope.is_log(finding.path):
                step = steps.removals[finding.path] = replace(step, do=Do.CLEAR, why="it belongs to the database that is replaced")
            if step is not None:
                digest.add(finding.path, step)
                if finding.entry is not None:
                    needs.add(finding.device, finding.entry, step)
    steps.refused = refusals.found
    if policy is Policy.MIRROR and steps.refused:
        path, why = steps.refused[0]
        raise MirrorUnsafe(f"snapshot {root.id[:8]} does not give all that it should hold: /{os.fsdecode(path)}: {why}")
    if not found and paths and not steps.refused:
        shown = ", ".join(request.paths)
        raise NoSuchPath(f"nothing in snapshot {root.id[:12]} matches {shown}")
    outlook = outlook_of(steps, needs.rooms(), digest.hexdigest(), root.system, how.measured)
    notes = (*made.notes, *_notes(root, steps, scope, request, since))
    plan = replace(made, outlook=outlook, changed_since=since_root.id if since_root is not None else None, notes=notes)
    return Weighed(plan, root, steps, choice)


def admit(weighed: Weighed, request: RestoreRequest) -> None:
    """Refuse what must not begin: conflicts, an unconfirmed mirror, too little room."""
    outlook = weighed.plan.outlook
    assert outlook is not None, "a weighed plan has an outlook"
    if weighed.steps.conflicts:
        path, why = weighed.steps.conflicts[0]
        count = len(weighed.steps.conflicts)
        more = f", and {count - 1} more" if count > 1 else ""
        raise RestoreConflicts(f"/{os.fsdecode(path)} is in conflict with the snapshot: {why}{more}; nothing was written", conflicts=count)
    for room in outlook.rooms:
        if not room.fits:
            raise DoesNotFit(_too_small(room), place=room.place)
    if request.on_conflict == Policy.MIRROR and request.confirm != outlook.digest:
        given = f"'{request.confirm}' is not its digest" if request.confirm else "it was not confirmed"
        count = outlook.delete
        raise MirrorUnconfirmed(
            f"this mirror would remove {count} {'entry' if count == 1 else 'entries'} and replace {outlook.replace}; {given}",
            hint=f"If that is what you want: --confirm {outlook.digest}",
            digest=outlook.digest,
        )


def below(place: str, forbidden: Sequence[str]) -> tuple[bytes, ...]:
    """Those of the real paths that lie below a target, counted from it."""
    real = os.path.realpath(place).rstrip("/") + "/"
    return tuple(os.fsencode(path[len(real) :]) for path in forbidden if path.startswith(real) and path != real)


def _beyond(scope: Scope, policy: Policy, since: Changed | None) -> Beyond | None:
    if not policy.replaces:
        return None
    if policy is Policy.OVERWRITE:
        return lambda path, _seen: scope.is_log(path)

    def is_extra(path: bytes, seen: Seen) -> bool:
        return (since is None or path in since.removed) and scope.is_extra(path, seen)

    return is_extra


def outlook_of(steps: Steps, rooms: tuple[Room, ...], digest: str, system: str, measured: Sequence[Measured]) -> Outlook:
    """What the steps amount to."""
    tally = steps.tally
    expected = expect(system, tally.files, tally.bytes, measured)
    removals = [os.fsdecode(path) for path, _ in zip(steps.removals, range(SHOWN_MAX), strict=False)]
    conflicts = [Conflict(os.fsdecode(path), why) for path, why in steps.conflicts[:SHOWN_MAX]]
    replaced = [Conflict(os.fsdecode(p), s.why) for p, s in steps.writes.items() if s.do is Do.REPLACE][:SHOWN_MAX]
    return Outlook(
        create=tally.create,
        replace=tally.replace,
        metadata=tally.metadata,
        delete=tally.delete,
        same=tally.same,
        kept=tally.kept,
        files=tally.files,
        bytes=tally.bytes,
        replaced_bytes=tally.replaced_bytes,
        deleted_bytes=tally.deleted_bytes,
        conflicts=tuple(conflicts),
        conflict_count=len(steps.conflicts),
        replacements=tuple(replaced),
        removals=tuple(removals),
        unread=tuple((os.fsdecode(path), why) for path, why in (*steps.unread, *steps.refused)),
        rooms=rooms,
        expected=expected.seconds,
        expected_from=expected.source,
        digest=digest,
    )


def _notes(root: Root, steps: Steps, scope: Scope, request: RestoreRequest, since: Changed | None) -> list[str]:
    notes = []
    written = [path for path in scope.databases if path in steps.writes or steps.is_created(path.rpartition(b"/")[0])]
    if request.in_place and written:
        notes.append(f"stop every program that uses the database /{os.fsdecode(written[0])}: it is replaced under its feet")
    if request.in_place and any(path.startswith(f"/{os.fsdecode(STREAMS)}/") for path in root.paths):
        notes.append("what commands printed is not restored in place: restore it with --target and hand it to its own program")
    if since is not None and since.removed:
        first = os.fsdecode(min(since.removed))
        fate = "removed" if request.on_conflict == Policy.MIRROR else "left (--on-conflict mirror removes them)"
        notes.append(f"gone since then: {len(since.removed)}, such as /{first}; those that are there are {fate}")
    if not request.in_place and request.on_conflict in {Policy.OVERWRITE, Policy.MIRROR} and (steps.tally.replace or steps.removals):
        notes.append("what is replaced in a target folder is not kept: only a restore in place can be rolled back")
    return notes


def _too_small(room: Room) -> str:
    if room.needed_bytes > room.free_bytes:
        return f"{room.place} has {format_size(room.free_bytes)} free, and this restore needs {format_size(room.needed_bytes)}"
    return f"{room.place} has {room.free_inodes:,} free inodes, and this restore needs {room.needed_inodes:,}"
