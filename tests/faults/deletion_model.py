"""The protocol of deletion as a small machine: what writers, clean-ups, a person who forgets and a verifier do to one store, step by step.

Two chunks, `A` and `B`. A pack is named after who wrote it and what it holds (``w0.1:AB``), so contents need no table. Every step is one
call of the store; an actor may stop for ever, or sleep as long as it likes, between any two. Nothing here knows a clock: a clean-up takes
whatever nothing names for old enough. The rules are those of docs/repository-format.md; each can be switched off, to show what it is for.

Left out: encryption, several segments in a pack, the confirmation of a plan, lists that are not consistent (the program demands lists that
show what was stored before they began).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct

Names = frozenset[str]
NONE: Names = frozenset()


class Rules(Struct, frozen=True):
    """Everything that the real protocol does; a weakened one leaves one thing out."""

    pending_before_snapshots: bool = True
    """A clean-up lists `pending/` to its end, then `snapshots/`."""
    pending_read_at_once: bool = True
    """It reads each pending root before it lists `snapshots/`."""
    look_again: bool = True
    """A writer looks at the deletion records after its pending root is durable."""
    survey_after_record: bool = True
    """A clean-up lists the roots again after its record is durable, and copies what they need of condemned packs."""
    records_stay: bool = True
    """A record outlives the clean-up that wrote it."""
    condemned_for_ever: bool = True
    """What is needed of a condemned pack is copied; the pack is not used again."""
    indexed_copies_only: bool = True
    """Only a pack that an index object describes counts as a copy that stays."""
    kept_packs_described_again: bool = True
    """Before an index object goes, another one describes its packs that stay."""
    tombstone_checked: bool = True
    """A writer that published looks whether its pending root was given up meanwhile."""
    pending_until_published: bool = True
    """The pending root goes after the snapshot is there."""
    incomplete_walked_again: bool = True
    """A root of which something was missing in the first survey is looked at anew in the second."""
    twin_verified: bool = True
    """Before one of two copies goes, the other one is read."""


class Store(NamedTuple):
    """Every object. Immutable, so that states can be compared."""

    packs: Names
    index: frozenset[tuple[str, Names]]
    """Index objects: name, packs."""
    pending: frozenset[tuple[str, Names, Names]]
    """Roots under way: name, chunks that it needs, deletion records that its writer knew at the beginning."""
    snapshots: frozenset[tuple[str, Names]]
    records: frozenset[tuple[str, Names, Names]]
    """Deletion records: name, condemned packs, replaced index objects."""
    expired: Names
    marks: Names
    """Packs that are marked as damaged."""
    acknowledged: Names
    """Not an object: what a person was told, and did not forget."""


class World(Struct, frozen=True):
    """What an exploration begins with."""

    rules: Rules
    store: Store
    rotten: Names = NONE
    """Packs whose bytes are not what they were."""
    checkpoints: bool = False
    adopt: bool = False
    """Writers use packs that a killed run left without an index object."""
    rescue: bool = True
    """Writers copy what a clean-up condemned and is still there."""
    pages: bool = False
    """Lists come in pages of one name."""
    expiry: bool = False
    """Clean-ups give up pending roots in the end, however young."""


Actor = tuple[object, ...]
Step = tuple[str, Store, Actor]
"""What happens, for reading; the store afterwards; the actor afterwards."""


def held(packs: Iterable[str]) -> Names:
    """The chunks in these packs."""
    return frozenset(chunk for pack in packs for chunk in pack.partition(":")[2])


def described(index: Iterable[tuple[str, Names]]) -> Names:
    return frozenset(pack for _, packs in index for pack in packs)


def condemned(records: Iterable[tuple[str, Names, Names]]) -> Names:
    return frozenset(pack for _, packs, _ in records for pack in packs)


def lost(world: World, store: Store) -> str | None:
    """The invariant: whatever was acknowledged and not forgotten is there, and every chunk of it stands in a sound pack that is found."""
    there = dict(store.snapshots)
    sound = held((store.packs & described(store.index)) - world.rotten)
    for name in sorted(store.acknowledged):
        if name not in there:
            return f"the root of {name} is gone"
        if gone := there[name] - sound:
            return f"{name} lost {', '.join(sorted(gone))}"
    return None
