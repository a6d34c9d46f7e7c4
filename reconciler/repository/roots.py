"""The one place that lists roots. Order matters: ``pending/`` to its last page, each of them read, then ``snapshots/``.

A root moves from the first folder to the second while its writer works, and may stand there under another id. Whoever lists them the
other way round, or reads a pending root after both listings, can miss it in both, and a clean-up would remove the data of an
acknowledged snapshot.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from reconciler.repository.errors import ObjectMissing
from reconciler.repository.format import OBJECT_BYTES_MAX
from reconciler.repository.store import Found, Store


class RootNames(Struct, frozen=True):
    """Every root at one instant. A root that was promoted between the two listings stands in both."""

    pending: tuple[Found, ...]
    """Being published, left behind by a killed run, or checkpoints."""
    contents: Mapping[str, bytes]
    """Of each pending root what is stored."""
    acknowledged: tuple[Found, ...]


def list_roots(store: Store) -> RootNames:
    """Both folders, each to its end. An error of the store is an error, never an empty list."""
    pending = []
    contents = {}
    for found in tuple(store.list("pending")):
        try:
            contents[found.name] = store.get(found.name, OBJECT_BYTES_MAX)
        except ObjectMissing:
            if store.find(found.name) is not None:
                raise
            continue  # acknowledged, then the listing below shows it; or withdrawn
        pending.append(found)
    return RootNames(tuple(pending), contents, tuple(store.list("snapshots")))


def snapshot_of(name: str) -> str:
    """The snapshot id in the name of a root: `pending/<id>-<n>` is a checkpoint of `<id>`."""
    return name.rsplit("/", 1)[-1].partition("-")[0]
