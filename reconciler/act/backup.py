"""Taking a backup: look at the sources and at the space, choose what to compare with, store, and say what became of it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from reconciler.act import words
from reconciler.act.context import Amount, Context, Done
from reconciler.act.facts import declared_system, open_repository, own_roots, passed_over, readable_roots
from reconciler.act.hooks import around, permit
from reconciler.act.room import enough_room, expect
from reconciler.base.units import format_size
from reconciler.catalog.records import RunOutcome
from reconciler.model.desired import DesiredSystem
from reconciler.model.observed import SourceState
from reconciler.model.plan import Action
from reconciler.model.snapshot import BackupKind, Grade
from reconciler.repository import BaseUnusable, Collected, Progress, Repository, Root, Taken, TakeRequest
from reconciler.sources.errors import SourceEmpty
from reconciler.sources.files import judge_defects
from reconciler.sources.look import require_sources
from reconciler.sources.reading import Reading, frozen, places
from reconciler.sources.sqlite import Freezing, Frozen
from reconciler.sources.tolerance import tolerate_block
from reconciler.spec import effective
from reconciler.tree.entry import DefectKind

_TRIES = 4  # one more for a base that cannot be read, the others for clean-ups that came between


def run(action: Action, context: Context) -> Done:
    """Take the backup that ``action`` names."""
    system = declared_system(action, context)
    began_at = context.clock.now()
    return around(action, context, system, lambda: _between_hooks(action, context, system, began_at))


def _between_hooks(action: Action, context: Context, system: DesiredSystem, began_at: datetime) -> Done:
    states = require_sources(system.sources, allowed=context.allow_commands)
    with open_repository(action, context) as repository:
        listing = repository.listing()
        readable = [r for r in readable_roots(own_roots(action, context, listing).values(), listing) if r.id not in action.suspects]
        beside = readable[0] if readable else None
        good = [root for root in readable if root.grade == Grade.COMPLETE]
        _not_suddenly_empty(states, repository, readable)
        base, kind = choose_base(action.backup_kind or BackupKind.INCREMENTAL, readable)
        free = repository.free_bytes()
        expected = expect(system, context, good, free)
        enough_room(action, free, expected)
        with frozen(system.sources, Freezing(context.copies, context.clock, context.stop, context.beat)) as copies:
            work = _Work(system, action, context, repository, expected.files, copies, _as_of(system, context, copies, began_at), beside)
            return _with_warnings(work.persist(base, kind), system)


def _as_of(system: DesiredSystem, context: Context, copies: Mapping[bytes, Frozen], began_at: datetime) -> datetime:
    """The moment that everything in the snapshot is at least as new as: hooks may have dumped or frozen from their beginning on."""
    if system.hooks.before:
        return began_at
    return min([copy.frozen_at for copy in copies.values()], default=context.clock.now())


def _with_warnings(done: Done, system: DesiredSystem) -> Done:
    """Databases read as files and canaries that are not there stand in the sentence of the run: its event is where people look."""
    found = [defect.message for defect in done.defects if defect.kind is DefectKind.LIVE]
    found += [f"the canary {path} is not there" for path in system.guard.canaries or () if not os.path.lexists(path)]
    if not found:
        return done
    more = f" (and {words.counted(len(found) - 1, 'other')})" if len(found) > 1 else ""
    return replace(done, message=f"{done.message}; warning: {found[0]}{more}")


class _Work(Struct, frozen=True):
    system: DesiredSystem
    action: Action
    context: Context
    repository: Repository
    total_files: int | None
    copies: Mapping[bytes, Frozen]
    as_of: datetime
    beside: Root | None
    """The newest snapshot that is to be trusted: the turnover is told against it, whatever the base."""

    def persist(self, base: Root | None, kind: BackupKind) -> Done:
        """Take it, and again when a clean-up removed meanwhile what this one relied on: what was stored is found, the rest read anew."""
        for _ in range(_TRIES - 1):
            try:
                return self.take(base, kind)
            except BaseUnusable:
                base, kind = None, BackupKind.FULL  # what it would be compared with is damaged: read everything
            except Collected:
                continue  # as the docstring says: the next try stores what went
        return self.take(base, kind)

    def take(self, base: Root | None, kind: BackupKind) -> Done:
        taken = self.repository.take(
            Reading(self.system.sources, self.system.name, self.copies, permit(self.context), passed_over(self.context, self.system)),
            replace(_request(self.context, self.system, kind, self.as_of), redrawn=self._redrawn),
            base=base.id if base is not None else None,
            judge=lambda defects: judge_defects(defects, self.system.sources)[0],
            stop=self.context.stop,
            progress=self._reporter(),
            beside=self.beside.id if self.beside is not None else None,
        )
        return _done(taken, kind, self.as_of, self.system, base)

    @property
    def _redrawn(self) -> bool:
        """Whether the sources are declared otherwise than for the snapshot before. One without legible specs is taken for equal."""
        if self.beside is None:
            return False
        try:
            before = json.loads(self.beside.specs)["sources"]
        except (ValueError, KeyError, TypeError):
            return False
        return bool(before != json.loads(specs_of(self.system))["sources"])

    def _reporter(self) -> Callable[[Progress], None] | None:
        watcher = self.context.progress
        if watcher is None:
            return None
        return lambda now: watcher(self.action, Amount(now.files, now.bytes, now.stored_bytes, self.total_files))


def choose_base(kind: BackupKind, readable: Sequence[Root]) -> tuple[Root | None, BackupKind]:
    """The snapshot to compare with, and the kind that the backup really becomes.

    A partial snapshot serves, too: what it lacks has no content to compare with, so it is read again. Else one file that
    can never be read would make every backup a full one.
    """
    match kind:
        case BackupKind.FULL:
            base = None
        case BackupKind.INCREMENTAL:
            base = readable[0] if readable else None
        case BackupKind.DIFFERENTIAL:
            base = next((root for root in readable if root.kind == BackupKind.FULL), None)
    return (base, kind) if base is not None else (None, BackupKind.FULL)


def _not_suddenly_empty(states: Sequence[SourceState], repository: Repository, good: Sequence[Root]) -> None:
    if not good:
        return
    for state in states:
        if state.empty and _had_content(repository, good[0].id, os.fsencode(state.path).strip(b"/")):
            raise SourceEmpty(f"the source {state.path} is empty, but the previous snapshot has files below it", snapshot=good[0].id)


def _had_content(repository: Repository, snapshot: str, path: bytes) -> bool:
    return any(entry.path.startswith(path + b"/") for entry in repository.entries(snapshot, path))


def _request(context: Context, system: DesiredSystem, kind: BackupKind, as_of: datetime) -> TakeRequest:
    compression = system.compression
    return TakeRequest(
        realm=context.desired.realm,
        system=system.name,
        host=context.observed.agent,
        kind=kind.value,
        as_of=as_of,
        generation=system.generation,
        specs=specs_of(system),
        compression=(compression.algorithm or "zstd", compression.level),
        checksums=system.checksums,
        writer=context.writer,
        paths=places(system.sources, system.name),
        user=user_name(),
        canaries=tuple(os.fsencode(path).strip(b"/") for path in system.guard.canaries or ()),
    )


def specs_of(system: DesiredSystem) -> bytes:
    """The declaration that the snapshot is taken under, as JSON: a recovery years later can read what was meant."""
    return json.dumps(effective(system), sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str).encode()


def user_name() -> str:
    """Who runs this, by name where the system knows one."""
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # a user id without an entry, as in containers, or no such list at all
        return str(os.getuid()) if hasattr(os, "getuid") else ""


def _done(taken: Taken, asked: BackupKind, as_of: datetime, system: DesiredSystem, base: Root | None) -> Done:
    if taken.root is None and base is not None and base.grade != Grade.COMPLETE:
        return _still_partial(taken, asked, as_of, system)
    if taken.root is None:
        return Done(
            RunOutcome.UNCHANGED,
            "nothing changed: the newest snapshot still describes the source",
            snapshot_id=taken.base,
            backup_kind=asked,
            as_of=as_of,
            files=taken.files,
            bytes=taken.bytes,
            defects=taken.defects,
        )
    counted = judge_defects(taken.defects, system.sources)[2]
    sentence = f"{words.counted(taken.files, 'file')}, {format_size(taken.bytes)}, {format_size(taken.added_bytes)} stored anew"
    if taken.continued:
        sentence += "; continued from the checkpoint of an attempt that did not end"
    if counted:
        sentence += f"; partial: {words.counted(len(counted), 'defect')}, the first: {counted[0].message}"
    if taken.damage:
        sentence += f"; damage in the repository: {taken.damage[0].message}"
    return Done(
        RunOutcome.PARTIAL if counted else RunOutcome.SUCCEEDED,
        sentence,
        snapshot_id=taken.root.id,
        backup_kind=BackupKind(taken.root.kind),
        as_of=taken.root.as_of,
        files=taken.files,
        bytes=taken.bytes,
        added_bytes=taken.added_bytes,
        defects=taken.defects,
        advice=tolerate_block(counted, system.sources),
    )


def _still_partial(taken: Taken, asked: BackupKind, as_of: datetime, system: DesiredSystem) -> Done:
    """Nothing changed since a partial snapshot: that was an attempt, and it confirms nothing."""
    counted = judge_defects(taken.defects, system.sources)[2]
    sentence = "nothing changed since the newest snapshot, which is partial"
    return Done(
        RunOutcome.PARTIAL,
        sentence + (f": {words.counted(len(counted), 'defect')}, the first: {counted[0].message}" if counted else ""),
        snapshot_id=taken.base,
        backup_kind=asked,
        as_of=as_of,
        files=taken.files,
        bytes=taken.bytes,
        defects=taken.defects,
        advice=tolerate_block(counted, system.sources),
    )
