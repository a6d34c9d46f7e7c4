"""Looks again when a clean-up removed, during the look, what was being read: it stands elsewhere by then, and nothing is damaged."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from reconciler.repository.deletion import condemned_packs, legible_records
from reconciler.repository.errors import ObjectMissing
from reconciler.repository.pack import pack_name
from reconciler.repository.seal import Seals
from reconciler.repository.store import Store
from reconciler.repository.verify import Verified

_LOOKS = 3


def settled(store: Store, seals: Seals, look: Callable[[], Verified]) -> Verified:
    """What ``look`` finds with everything in its place. It loads the index anew each time."""
    for _ in range(_LOOKS - 1):
        before = legible_records(store, seals)[0].keys()
        verified = look()
        if not _overtaken(store, seals, verified, before):
            return verified
    return look()


def _overtaken(store: Store, seals: Seals, verified: Verified, before: AbstractSet[str]) -> bool:
    missing = {str(error.context.get("object", "")) for error in verified.damaged if isinstance(error, ObjectMissing)}
    if not missing:
        return False
    records, _ = legible_records(store, seals)
    condemned = {pack_name(pack) for pack in condemned_packs(records)}
    return records.keys() != before or any(name in condemned or name.startswith("index/") for name in missing)
