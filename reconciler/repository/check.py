"""The answer to "is this repository sound?": every object read, every reference followed; deep: every byte decrypted and hashed again."""

from __future__ import annotations

from msgspec import Struct

from reconciler.base.clock import Clock
from reconciler.repository.inventory import Fault, Look
from reconciler.repository.store import Locking, Store
from reconciler.repository.survey import Affected


class Checked(Struct, frozen=True):
    """How a repository is."""

    deep: bool
    objects: int
    snapshots: int
    packs: int
    bytes: int
    """Content that was read; 0 of a quick check unless packs are known to be damaged."""
    faults: tuple[Fault, ...]
    affected: tuple[Affected, ...]
    """Snapshots that cannot be restored whole, with their files."""
    unindexed: int
    """Packs that no index object names: left by a killed run or by one that is running; no damage."""
    seconds: float
    hidden: tuple[str, ...] = ()
    """In a bucket with object lock: what somebody removed or overwrote. It is read from the version below; no damage."""

    @property
    def intact(self) -> bool:
        return not self.faults and not self.affected


def check(look: Look, clock: Clock, store: Store, *, deep: bool) -> Checked:
    """Look at everything; change nothing."""
    started = clock.monotonic()
    seen = look.run()
    snapshots = sum(name.startswith("snapshots/") for name in seen.roots)
    return Checked(
        deep,
        seen.objects,
        snapshots,
        len(seen.packs),
        seen.bytes,
        tuple(seen.faults),
        seen.affected,
        len(seen.unindexed),
        clock.monotonic() - started,
        tuple(sorted(store.hidden)) if isinstance(store, Locking) else (),
    )
