"""The newest snapshot of each writer in each repository, as it was last listed: what must still be there the next time."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.model.observed import Head

if TYPE_CHECKING:
    from reconciler.catalog.catalog import Catalog

_KEY = "heads.{}"


class Heads(Struct, frozen=True):
    """Of one repository."""

    by_writer: Mapping[str, Head] = field(default_factory=dict)
    lost: tuple[str, ...] = ()
    """Those that had vanished when it was last listed."""


def read(catalog: Catalog, repository: str) -> Heads:
    kept = json.loads(catalog.get_value(_KEY.format(repository)) or "{}")
    return Heads({writer: Head(*values) for writer, values in kept.get("heads", {}).items()}, tuple(kept.get("lost", ())))


def write(catalog: Catalog, repository: str, heads: Heads) -> None:
    """Writes only what changed."""
    if heads != read(catalog, repository):
        rows = {writer: [head.sequence, head.snapshot, head.leaving] for writer, head in sorted(heads.by_writer.items())}
        catalog.put_value(_KEY.format(repository), json.dumps({"heads": rows, "lost": list(heads.lost)}))


def let_go(catalog: Catalog, repository: str, snapshots: Collection[str]) -> None:
    """These are removed on purpose: nobody needs to miss them."""
    known = read(catalog, repository)
    kept = {w: replace(head, leaving=True) if head.snapshot in snapshots else head for w, head in known.by_writer.items()}
    write(catalog, repository, replace(known, by_writer=kept))
