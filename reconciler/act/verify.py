"""Reading a snapshot whole, decrypting and hashing every byte again, and writing down in the repository what was learned."""

from __future__ import annotations

from reconciler.act.context import Context, Done
from reconciler.act.errors import DamageFound
from reconciler.act.facts import open_repository, own_roots, still_there
from reconciler.act.words import counted
from reconciler.base.units import format_size
from reconciler.catalog.records import RunOutcome
from reconciler.model.plan import Action
from reconciler.model.snapshot import MarkKind
from reconciler.repository import Repository


def run(action: Action, context: Context) -> Done:
    """Verify the snapshots that ``action`` names; all of them, even after the first damage."""
    chunks = content = 0
    damaged: list[str] = []
    with open_repository(action, context) as repository:
        still_there(action, own_roots(action, context, repository.listing()))
        for snapshot in action.snapshots:
            verified = repository.verify(snapshot, stop=context.stop)
            chunks += verified.chunks
            content += verified.bytes
            if verified.damaged:
                damaged.append(snapshot)
            _mark(repository, snapshot, context, [str(part) for part in verified.damaged])
    if damaged:
        raise DamageFound(
            f"{len(damaged)} of {len(action.snapshots)} snapshots of system {action.system} in repository {action.repository} are damaged",
            snapshots=", ".join(damaged),
        )
    return Done(
        RunOutcome.SUCCEEDED,
        f"{counted(chunks, 'chunk')}, {format_size(content)} read and found good",
        snapshot_id=action.snapshots[-1],
        bytes=content,
    )


def _mark(repository: Repository, snapshot: str, context: Context, damage: list[str]) -> None:
    kind = MarkKind.DAMAGED if damage else MarkKind.VERIFIED
    repository.mark(snapshot, kind.value, context.clock.now(), "; ".join(damage[:10]) or "deep")
