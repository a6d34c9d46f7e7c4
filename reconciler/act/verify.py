"""Reads snapshots again and writes down in the repository what was learned. Quick: the structure. Deep: every byte, decrypted and hashed.

A deep one begins with the newest good snapshot and goes on to all others of the system, so that old data is read, too. What was read
lately counts, whoever read it for whichever system; the proof is as old as the oldest reading in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from reconciler.act.context import Amount, Context, Done
from reconciler.act.errors import DamageFound, NothingToVerify
from reconciler.act.facts import open_repository, own_roots, readable_roots, still_there
from reconciler.act.words import REQUESTED, counted
from reconciler.base.units import format_size
from reconciler.catalog.records import RunOutcome
from reconciler.model.plan import Action
from reconciler.model.snapshot import BackupKind, MarkKind
from reconciler.repository import Affected, Repository, RepositoryError, Root, RootListing, Verified, owner

_NAMED = 3  # findings and snapshots in the sentence; the marks and the result hold all


def run(action: Action, context: Context) -> Done:
    """Verify the snapshots that ``action`` names and, when it is deep, the others of its system.

    A root or mark of the repository that cannot be read is damage, too, whosever it is: nobody knows what it said.
    """
    with open_repository(action, context) as repository:
        listing = repository.listing()
        findings: list[RepositoryError] = [error for _, error in listing.damaged]
        own = own_roots(action, context, listing)
        if not findings:
            still_there(action, own)
            if not action.snapshots:
                raise NothingToVerify(f"system {action.system} has no good snapshot in repository {action.repository}")
        named = [snapshot for snapshot in action.snapshots if snapshot in own]
        others = [] if action.quick else [root.id for root in _further(action, own.values(), listing) if root.id not in named]
        verified = repository.examine(
            [*named, *others],
            deep=not action.quick,
            scope=action.system,
            fresh_for=_counts_for(action, context),
            stop=context.stop,
            progress=_reporter(action, context),
        )
        findings += verified.damaged
        _write_down(action, context, repository, listing, named, verified)
    if findings:
        raise _damage(action, findings, verified.snapshots)
    return Done(RunOutcome.SUCCEEDED, _summary(action, verified), snapshot_id=action.snapshots[-1], bytes=verified.bytes)


def _further(action: Action, roots: Iterable[Root], listing: RootListing) -> list[Root]:
    """What a deep one reads beside the snapshots that it is about: those of which nothing bad is known.

    Also those known as damaged, when a person asks, or when a full backup came after the remark: it stored anew what was damaged.
    """
    every = sorted(roots, key=lambda root: (root.as_of, root.id), reverse=True)
    readable = readable_roots(every, listing)
    fulls = [root.ended_at for root in readable if root.kind == BackupKind.FULL]
    healed_at = max(fulls, default=None)
    known = {root.id for root in readable}

    def may_be_whole(root: Root) -> bool:
        remarks = [mark.at for mark in listing.marks.get(root.id, ()) if mark.kind == MarkKind.DAMAGED]
        return bool(remarks) and (action.reason == REQUESTED or (healed_at is not None and max(remarks) < healed_at))

    return [root for root in every if root.id in known or may_be_whole(root)]


def _counts_for(action: Action, context: Context) -> timedelta | None:
    """How long a reading counts: half the period, so that the rest of it is time for the next one. Who asks, wants all read now."""
    system = context.desired.system(action.system)
    if action.reason == REQUESTED or system is None or system.verification.deep is None:
        return None
    return system.verification.deep / 2


def _write_down(
    action: Action, context: Context, repository: Repository, listing: RootListing, named: Sequence[str], verified: Verified
) -> None:
    now: datetime = context.clock.now()
    realms = {root.id: owner(root, listing.marks.get(root.id, ()))[0] for root in listing.roots}
    for each in verified.snapshots:
        known = any(mark.kind == MarkKind.DAMAGED for mark in listing.marks.get(each.snapshot, ()))
        if not known and realms.get(each.snapshot) == context.desired.realm:  # those of others are named, never marked
            repository.mark(each.snapshot, MarkKind.DAMAGED.value, now, "; ".join(error.message for error in verified.damaged[:10]))
    repository.distrust(verified.bad_packs, now, f"verification of {action.system}")
    if not action.quick:
        _take_back(repository, listing, realms.get, context.desired.realm, verified)
    kind, proven_at = (MarkKind.CHECKED, now) if action.quick else (MarkKind.VERIFIED, min(verified.proven.values(), default=now))
    for snapshot in named:
        if snapshot in verified.proven:
            repository.mark(snapshot, kind.value, proven_at, "quick" if action.quick else "deep", sole=True)


def _take_back(repository: Repository, listing: RootListing, realm_of: Callable[[str], str | None], realm: str, verified: Verified) -> None:
    """A snapshot of which every byte was read since its damage was found is whole again: stored anew, repaired, or on another disk."""
    for snapshot, proven_at in verified.proven.items():
        remarks = [mark.at for mark in listing.marks.get(snapshot, ()) if mark.kind == MarkKind.DAMAGED]
        if remarks and max(remarks) < proven_at and realm_of(snapshot) == realm:
            repository.unmark(snapshot, MarkKind.DAMAGED.value)


def _reporter(action: Action, context: Context) -> Callable[[int], None] | None:
    watcher = context.progress
    return None if watcher is None else lambda content: watcher(action, Amount(0, content))


def _summary(action: Action, verified: Verified) -> str:
    if action.quick:
        return f"structure of {counted(verified.packs, 'pack')} found whole"
    recalled = f"; {counted(verified.recalled, 'pack')} of {verified.packs} read lately" if verified.recalled else ""
    return f"{counted(verified.chunks, 'chunk')}, {format_size(verified.bytes)} read and found good{recalled}"


def _damage(action: Action, findings: Sequence[RepositoryError], affected: Sequence[Affected]) -> DamageFound:
    where = f"repository {action.repository} is damaged, found while verifying system {action.system}"
    named = _listed([error.message for error in findings])
    error = DamageFound(f"{where}: {named}. {_consequence(affected)}")
    error.affected = tuple(affected)
    return error


def _consequence(affected: Sequence[Affected]) -> str:
    """Which snapshots cannot be restored whole."""
    if not affected:
        return "every snapshot can still be restored whole"
    files = [f"{each.snapshot[:8]} of {each.system} ({_extent(each)})" for each in affected]
    return f"{counted(len(affected), 'snapshot')} cannot be restored whole: {_listed(files, ', ')}"


def _extent(each: Affected) -> str:
    if each.manifest:
        return f"{counted(each.files, 'file')} and part of the list of files" if each.files else "part of the list of files"
    return counted(each.files, "file")


def _listed(texts: Sequence[str], between: str = "; ") -> str:
    more = f"{between}and {len(texts) - _NAMED} more" if len(texts) > _NAMED else ""
    return between.join(texts[:_NAMED]) + more
