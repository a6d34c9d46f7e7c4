"""Whether a repository went back in time: a disk restored from an older image, a bucket reset, a replica that lags.

Each writer counts its snapshots, so the newest of each is remembered. When it is gone, nothing newer of that writer is there, and it was
not on its way out when it was last seen, then somebody took the repository back. What else it lost nobody knows: nothing is removed
from it until a person has looked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from reconciler.model.observed import Head, RepositoryState


def lost_heads(known: Mapping[str, Head], missed: Collection[str], state: RepositoryState) -> tuple[str, ...]:
    """Ids of newest snapshots that vanished. ``known``: by writer, as last remembered; ``state``: a complete listing.

    ``missed``: those that an earlier listing lacked. They stay lost however far their writer has gone on since: that says nothing of what
    else went.
    """
    there = {snapshot.id for snapshot in state.snapshots}
    vanished = {head.snapshot for writer, head in known.items() if _is_gone(head, writer, state)}
    return tuple(sorted((vanished | set(missed)) - there))


def lost_sentence(state: RepositoryState) -> str:
    """What is missing, for people."""
    first, more = state.lost[0][:8], len(state.lost) - 1
    others = f" and of {more} other writers" if more > 1 else " and of another writer" if more else ""
    return f"snapshot {first}, the newest of its writer{others}, is gone and nobody marked it for removal"


def _is_gone(head: Head, writer: str, state: RepositoryState) -> bool:
    now = state.heads.get(writer)
    return not head.leaving and (now is None or now.sequence <= head.sequence)
