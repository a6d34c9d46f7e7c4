"""What a clean-up would do: the fate of every pack with its reason, the bytes that come free, and a digest that names exactly this plan.

Pure: from what was surveyed to what is to be done. The same for the dry run and for the run itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from reconciler.repository.format import PACK_CHUNKS
from reconciler.repository.pack import pack_name

SMALL_BYTES = 8 * 2**20
_MERGED_FROM = 8  # fewer small packs than this are left alone: merging two again and again would write more than it saves
_DENSE = 0.7  # below this share of live bytes a pack is written again
FRESH = timedelta(hours=1)  # a running backup names its packs by a checkpoint every five minutes: older ones belong to nobody
ABANDONED = timedelta(days=30)


class PackFate(StrEnum):
    """What becomes of a pack, and why."""

    USED = "used"
    """Stays: snapshots need most of it."""
    FRESH = "fresh"
    """Stays: nothing names it yet, but a backup may be about to."""
    HELD = "held"
    """Stays: an object in `holds/` names it."""
    DOUBTED = "doubted"
    """Stays: damage was found in it, and something of it is needed; repair decides about it, not a clean-up."""
    LOCKED = "locked"
    """Stays: nobody needs it as it is, and the place does not let it go yet. Looked at again by each clean-up."""
    DEFERRED = "deferred"
    """Stays until the next clean-up: this one would remove more than half of all bytes, and nobody is there to agree."""
    UNUSED = "unused"
    """Goes: no snapshot needs anything of it."""
    ORPHAN = "orphan"
    """Goes: in no index, left behind by a killed run."""
    CONDEMNED = "condemned"
    """Goes: an earlier clean-up condemned it and did not come to its end."""
    SPARSE = "sparse"
    """Written again without what nobody needs."""
    SMALL = "small"
    """Merged with other small ones."""
    MISSING = "missing"
    """Only its index entry goes: the pack is not there, and nothing needs it."""

    @property
    def stays(self) -> bool:
        return self in _STAYING

    @property
    def rewritten(self) -> bool:
        return self in (PackFate.SPARSE, PackFate.SMALL)


_STAYING = frozenset({PackFate.USED, PackFate.FRESH, PackFate.HELD, PackFate.DOUBTED, PackFate.LOCKED, PackFate.DEFERRED})


class SurveyedPack(Struct, frozen=True):
    """What is known of one pack."""

    pack: bytes
    size: int
    live_bytes: int
    """About: of each stored segment the share that snapshots need."""
    age: timedelta
    exists: bool = True
    indexed: bool = True
    condemned: bool = False
    doubted: bool = False
    held: bool = False
    stored_bytes: int = 0
    """All its segments together. Beginning and directory do not count: of a small pack they are a third, and stay with any pack."""
    chunks: int = 0


class PlannedPack(Struct, frozen=True):
    """One line of the plan."""

    name: str
    size: int
    live_bytes: int
    fate: PackFate
    locked_until: datetime | None = None
    """As the place says; only of one that would go."""


class PrunePlan(Struct, frozen=True):
    """What a clean-up will do. Its digest is the same as long as the plan is."""

    packs: tuple[PlannedPack, ...]
    indexes: tuple[str, ...]
    """Index objects that are replaced or left over."""
    expired: tuple[str, ...]
    """Roots in `pending/` that nobody published for 30 days, or that were published and left behind."""
    total_bytes: int
    freed_bytes: int
    """About: what goes, less what is written again."""

    @property
    def digest(self) -> str:
        lines = [f"{pack.name} {pack.fate}" for pack in self.packs]
        return hashlib.sha256("\n".join([*lines, *self.indexes, *self.expired]).encode()).hexdigest()[:16]

    @property
    def needs_confirmation(self) -> bool:
        """Whether more than half of all stored bytes would go: that is rarely what somebody wants.

        What an earlier run condemned was decided then.
        """
        return 2 * freed_bytes(pack for pack in self.packs if pack.fate is not PackFate.CONDEMNED) > self.total_bytes

    @property
    def empty(self) -> bool:
        return not self.indexes and not self.expired and all(pack.fate.stays for pack in self.packs)

    @property
    def locked_until(self) -> datetime | None:
        """When the last of the packs that would go now may go."""
        return max((pack.locked_until for pack in self.packs if pack.locked_until is not None), default=None)

    def count(self, fate: PackFate) -> int:
        return sum(pack.fate is fate for pack in self.packs)


def decide_fates(packs: Iterable[SurveyedPack]) -> tuple[PlannedPack, ...]:
    """Sorted by name. Doubt keeps."""
    judged = [(pack, _fate(pack)) for pack in sorted(packs, key=lambda each: each.pack)]
    if sum(fate is PackFate.SMALL for _, fate in judged) < _MERGED_FROM:
        judged = [(pack, PackFate.USED if fate is PackFate.SMALL else fate) for pack, fate in judged]
    return tuple(PlannedPack(pack_name(pack.pack), pack.size, pack.live_bytes, fate) for pack, fate in judged)


def but_locked(packs: Iterable[PlannedPack], dates: Mapping[str, datetime]) -> tuple[PlannedPack, ...]:
    """The same fates, but what is locked stays: also what would only be written again, for then it would be there twice."""
    return tuple(
        replace(pack, fate=PackFate.LOCKED, locked_until=dates[pack.name]) if not pack.fate.stays and pack.name in dates else pack
        for pack in packs
    )


def within_half(packs: Iterable[PlannedPack], total_bytes: int) -> tuple[PlannedPack, ...]:
    """The same fates as far as no more than half of all bytes goes; what would be too much is deferred, the largest first.

    For a clean-up without a person: it comes to the same end in some more runs, and a mistake shows before everything is gone.
    """
    left = total_bytes // 2
    chosen = []
    for pack in sorted(packs, key=lambda each: (freed_bytes([each]), each.name)):
        freed = freed_bytes([pack]) if pack.fate is not PackFate.CONDEMNED else 0
        if freed > left:
            pack = replace(pack, fate=PackFate.DEFERRED)
        else:
            left -= freed
        chosen.append(pack)
    return tuple(sorted(chosen, key=lambda each: each.name))


def freed_bytes(packs: Iterable[PlannedPack]) -> int:
    return sum(
        pack.size - (pack.live_bytes if pack.fate.rewritten else 0)
        for pack in packs
        if not pack.fate.stays and pack.fate is not PackFate.MISSING
    )


def _fate(pack: SurveyedPack) -> PackFate:
    if pack.condemned:  # for ever: neither a hold nor a later use brings it back; what is needed of it is copied out
        return PackFate.CONDEMNED
    if not pack.exists:
        return PackFate.MISSING
    if pack.held:
        return PackFate.HELD
    if not pack.live_bytes:
        if pack.age < FRESH:
            return PackFate.FRESH
        return PackFate.UNUSED if pack.indexed else PackFate.ORPHAN
    if pack.doubted:
        return PackFate.DOUBTED
    if pack.live_bytes < _DENSE * (pack.stored_bytes or pack.size):
        return PackFate.SPARSE
    return PackFate.SMALL if pack.size < SMALL_BYTES and pack.chunks < PACK_CHUNKS else PackFate.USED
