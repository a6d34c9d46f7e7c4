"""Reading a snapshot whole, decrypting and hashing every byte again, and writing down in the repository what was learned."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from reconciler.act.context import Amount, Context, Done
from reconciler.act.errors import DamageFound, NothingToVerify
from reconciler.act.facts import open_repository, own_roots, still_there
from reconciler.act.words import counted
from reconciler.base.units import format_size
from reconciler.catalog.records import RunOutcome
from reconciler.model.plan import Action
from reconciler.model.snapshot import MarkKind
from reconciler.repository import Repository, RepositoryError

_NAMED = 3  # findings in the sentence; the mark and the context hold more


def run(action: Action, context: Context) -> Done:
    """Verify the snapshots that ``action`` names, all of them, even after the first damage.

    A root or mark of the repository that cannot be read is damage, too, whosever it is: nobody knows what it said.
    """
    with open_repository(action, context) as repository:
        listing = repository.listing()
        findings: list[RepositoryError] = [error for _, error in listing.damaged]
        if not findings:
            still_there(action, own_roots(action, context, listing))
            if not action.snapshots:
                raise NothingToVerify(f"system {action.system} has no good snapshot in repository {action.repository}")
        chunks = content = 0
        for snapshot in action.snapshots:
            verified = repository.verify(snapshot, stop=context.stop, progress=_reporter(action, context, content))
            chunks, content = chunks + verified.chunks, content + verified.bytes
            findings += verified.damaged
            _mark(repository, snapshot, context, verified.damaged)
            repository.distrust(verified.bad_packs, context.clock.now(), f"verification of {snapshot}")
    if findings:
        raise _damage(action, findings)
    sentence = f"{counted(chunks, 'chunk')}, {format_size(content)} read and found good"
    return Done(RunOutcome.SUCCEEDED, sentence, snapshot_id=action.snapshots[-1], bytes=content)


def _reporter(action: Action, context: Context, before: int) -> Callable[[int], None] | None:
    watcher = context.progress
    return None if watcher is None else lambda content: watcher(action, Amount(0, before + content))


def _mark(repository: Repository, snapshot: str, context: Context, damaged: Sequence[RepositoryError]) -> None:
    kind = MarkKind.DAMAGED if damaged else MarkKind.VERIFIED
    repository.mark(snapshot, kind.value, context.clock.now(), "; ".join(error.message for error in damaged[:10]) or "deep")


def _damage(action: Action, findings: Sequence[RepositoryError]) -> DamageFound:
    named = "; ".join(error.message for error in findings[:_NAMED])
    more = f"; and {len(findings) - _NAMED} more" if len(findings) > _NAMED else ""
    return DamageFound(f"repository {action.repository} is damaged, found while verifying system {action.system}: {named}{more}")
