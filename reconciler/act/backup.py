"""Taking a backup: look at the sources and at the space, choose what to compare with, store, and say what became of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from reconciler.act.context import Amount, Context, Done
from reconciler.act.errors import NoRoom, SourceSuddenlyEmpty
from reconciler.act.facts import declared_system, open_repository, own_roots
from reconciler.base.units import format_size
from reconciler.catalog.records import RunOutcome
from reconciler.model.desired import DesiredSystem
from reconciler.model.observed import SourceState
from reconciler.model.plan import Action
from reconciler.model.snapshot import BackupKind, Grade, MarkKind
from reconciler.repository import Progress, Repository, Root, RootListing, Taken, TakeRequest
from reconciler.sources.files import judge_defects, require_sources, scan_roots
from reconciler.tree.entry import SIZE, Defect
from reconciler.tree.scan import Scan

_FIRST_SHARE = 0.5  # of the source's bytes: text and code take less, what takes more ends in repository-no-space with nothing lost


def run(action: Action, context: Context) -> Done:
    """Take the backup that ``action`` names."""
    system = declared_system(action, context)
    states = require_sources(system.sources)
    with open_repository(action, context) as repository:
        listing = repository.listing()
        good = good_roots(own_roots(action, context, listing).values(), listing)
        _not_suddenly_empty(states, repository, good)
        base, kind = choose_base(action.backup_kind or BackupKind.INCREMENTAL, good)
        estimate = None if good else _size_of_source(system, context)
        _enough_room(action, context, repository.free_bytes(), estimate)
        as_of = context.clock.now()
        taken = repository.take(
            Scan(scan_roots(system.sources), skip=context.skip),
            _request(context, system, kind, as_of),
            base=base,
            clock=context.clock,
            stop=context.stop,
            progress=_reporter(action, context, good[0].files if good else estimate.files if estimate else None),
            judge=lambda defects: judge_defects(defects, system.sources)[0],
        )
    return _done(taken, kind, as_of, system)


def good_roots(roots: Iterable[Root], listing: RootListing) -> list[Root]:
    """Those that later work may build on: complete, and nothing bad was learned since. Newest first."""
    bad = {MarkKind.DAMAGED.value, MarkKind.SUSPECT.value}
    good = [r for r in roots if r.grade == Grade.COMPLETE and not any(m.kind in bad for m in listing.marks.get(r.id, ()))]
    return sorted(good, key=lambda r: (r.as_of, r.id), reverse=True)


def choose_base(kind: BackupKind, good: Sequence[Root]) -> tuple[str | None, BackupKind]:
    """The snapshot to compare with, and the kind that it really becomes.

    Only a good snapshot is a base: were it a partial one, "nothing changed" would confirm what was never whole.
    """
    match kind:
        case BackupKind.FULL:
            base = None
        case BackupKind.INCREMENTAL:
            base = good[0] if good else None
        case BackupKind.DIFFERENTIAL:
            base = next((root for root in good if root.kind == BackupKind.FULL), None)
    return (base.id, kind) if base is not None else (None, BackupKind.FULL)


def _not_suddenly_empty(states: Sequence[SourceState], repository: Repository, good: Sequence[Root]) -> None:
    if not good:
        return
    for state in states:
        if state.empty and _had_content(repository, good[0].id, os.fsencode(state.path).strip(b"/")):
            raise SourceSuddenlyEmpty(
                f"the source {state.path} is empty, but the previous snapshot has files below it", snapshot=good[0].id
            )


def _had_content(repository: Repository, snapshot: str, path: bytes) -> bool:
    return any(entry.path.startswith(path + b"/") for entry in repository.entries(snapshot, path))


@dataclass(frozen=True, slots=True)
class _Size:
    files: int
    bytes: int


def _size_of_source(system: DesiredSystem, context: Context) -> _Size:
    files = content = 0
    for listing in Scan(scan_roots(system.sources), skip=context.skip):
        files += len(listing.rows)
        content += sum(row[SIZE] for row in listing.rows)
    return _Size(files, content)


def _enough_room(action: Action, context: Context, free: int | None, first: _Size | None) -> None:
    """Refuse before the work what can be foreseen: a full disk stops everything else that lives on it, too."""
    history = context.observed.runs.get((action.system, action.repository))
    expected = first.bytes * _FIRST_SHARE if first else (history.last_added_bytes if history else None) or 0
    if free is not None and free < expected:
        raise NoRoom(
            f"repository {action.repository} has {format_size(free)} free, "
            f"this backup of system {action.system} needs about {format_size(expected)}"
        )


def _reporter(action: Action, context: Context, total_files: int | None) -> Callable[[Progress], None] | None:
    watcher = context.progress
    if watcher is None:
        return None
    return lambda now: watcher(action, Amount(now.files, now.bytes, now.stored_bytes, total_files))


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
        paths=tuple(source.path for source in system.sources),
        user=_user(),
    )


def specs_of(system: DesiredSystem) -> bytes:
    """The declaration that the snapshot is taken under, as JSON: a recovery years later can read what was meant."""
    import json

    blocks = ("objectives", "copies", "verification", "drill", "schedule", "retention", "compression", "guard")
    fields: dict[str, object] = {name: getattr(system, name).model_dump(mode="json", by_alias=True, exclude_none=True) for name in blocks}
    fields |= {
        "name": system.name,
        "tier": system.tier,
        "policy": system.policy,
        "owner": system.owner,
        "host": system.host,
        "generation": system.generation,
        "dependsOn": list(system.depends_on),
        "failureDomain": dict(system.failure_domain),
        "repositories": list(system.repositories),
        "checksums": list(system.checksums),
        "sources": [source.model_dump(mode="json", by_alias=True, exclude_none=True) for source in system.sources],
    }
    return json.dumps(fields, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user id without an entry, as in containers
        return str(os.getuid()) if hasattr(os, "getuid") else ""


def _done(taken: Taken, asked: BackupKind, as_of: datetime, system: DesiredSystem) -> Done:
    if taken.root is None:
        return Done(
            RunOutcome.UNCHANGED,
            "nothing changed: the newest snapshot still describes the source",
            snapshot_id=taken.base,
            backup_kind=asked,
            as_of=as_of,
            files=taken.files,
            bytes=taken.bytes,
        )
    partial_one = taken.root.grade != Grade.COMPLETE
    return Done(
        RunOutcome.PARTIAL if partial_one else RunOutcome.SUCCEEDED,
        _sentence(taken, system, taken.defects if partial_one else ()),
        snapshot_id=taken.root.id,
        backup_kind=BackupKind(taken.root.kind),
        as_of=taken.root.as_of,
        files=taken.files,
        bytes=taken.bytes,
        added_bytes=taken.added_bytes,
        defects=taken.defects,
    )


def _sentence(taken: Taken, system: DesiredSystem, defects: Sequence[Defect]) -> str:
    stored = f"{taken.files} files, {format_size(taken.bytes)}, {format_size(taken.added_bytes)} stored anew"
    if not defects:
        return stored
    counted = judge_defects(defects, system.sources)[2]
    return f"{stored}; partial: {len(counted)} defects, first: {counted[0].message if counted else defects[0].message}"
