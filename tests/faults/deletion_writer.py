"""A writer of the model, a machine of single steps: from reading the records to a snapshot that is acknowledged."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tests.faults.deletion_model import NONE, Actor, Names, Step, Store, World, condemned, described, held


class Writer(NamedTuple):
    """``known``: records that it has read; ``relied``: packs that it names in its root; ``count``: packs of its own so far."""

    pc: str
    name: str
    needs: Names
    known: Names = NONE
    relied: Names = NONE
    count: int = 0


def writer(name: str, needs: str) -> Actor:
    return Writer("begin", name, frozenset(needs))


PUBLISHES = frozenset({"look", "reload", "promote", "confirm", "clear"})
"""Where a writer stands once its pending root is durable."""


def write(world: World, store: Store, actor: Actor) -> Iterator[Step]:
    assert isinstance(actor, Writer)
    return _publish(world, store, actor) if actor.pc in PUBLISHES else _store(world, store, actor)


def _store(world: World, store: Store, actor: Writer) -> Iterator[Step]:
    """From what is there to a pending root."""
    pc, name, needs, known, relied, count = actor
    at = actor._replace
    match pc:
        case "begin":
            yield "reads the records", store, at(pc="index", known=frozenset(r[0] for r in store.records))
        case "index":
            old = condemned(r for r in store.records if r[0] in known)
            left = store.packs - described(store.index) - old if world.adopt else NONE
            usable = (described(store.index) - old) | left
            lacking = needs - held(usable)
            if left:
                yield "adopts what a killed run left", store, at(pc="describe adopted", relied=usable)
            elif world.checkpoints and len(lacking) > 1:
                yield "reads the index", store, at(pc="first pack", relied=usable)
            else:
                yield "reads the index", store, at(pc="pack" if lacking else "pend", relied=usable)
        case "describe adopted":
            left = relied - described(store.index)
            changed = store._replace(index=store.index | {(f"{name}.adopted", left)})
            yield "describes what it adopted", changed, at(pc="pack" if needs - held(relied) else "pend")
        case "first pack" | "pack" | "second pack" | "copy":
            lacking = needs - held(relied)
            stored = frozenset(sorted(lacking)[:1]) if pc == "first pack" else lacking
            pack = f"{name}.{count}:{''.join(sorted(stored))}"
            after = {"first pack": "describe first", "copy": "describe rescued"}.get(pc, "describe")
            yield f"stores {pack}", store._replace(packs=store.packs | {pack}), at(pc=after, relied=relied | {pack}, count=count + 1)
        case "describe first" | "describe" | "describe rescued":
            own = next(pack for pack in relied if pack.startswith(f"{name}.{count - 1}:"))
            after = {"describe first": "checkpoint", "describe": "pend", "describe rescued": "look"}[pc]
            changed = store._replace(index=store.index | {(f"{name}.{count - 1}", frozenset({own}))})
            yield f"describes {own}", changed, at(pc=after)
        case "checkpoint":
            root = (f"{name}-1", needs & held(relied), known)
            yield "leaves a checkpoint", store._replace(pending=store.pending | {root}), at(pc="second pack")
        case "pend":
            changed = store._replace(pending=store.pending | {(name, needs, known)})
            yield "puts its pending root", changed, at(pc="look" if world.rules.look_again else "promote")


def _publish(world: World, store: Store, actor: Writer) -> Iterator[Step]:
    """From a pending root to a snapshot that is acknowledged. What was condemned meanwhile is stored again on the way."""
    pc, name, needs, known, relied, _ = actor
    at = actor._replace
    match pc:
        case "look":
            fresh = condemned(r for r in store.records if r[0] not in known)
            if fresh & relied:
                yield "sees its packs condemned", store, at(pc="reload", known=frozenset(r[0] for r in store.records))
            else:
                yield "sees nothing that concerns it", store, at(pc="promote")
        case "reload":
            usable = described(store.index) - condemned(r for r in store.records if r[0] in known)
            lacking = needs - held(usable)
            if not lacking:
                yield "finds everything elsewhere", store, at(pc="promote", relied=usable)
            elif world.rescue and lacking <= held(store.packs):
                yield "reads what was condemned", store, at(pc="copy", relied=usable)
            else:
                yield "gives up", _without_pending(store, name), at(pc="end")
        case "promote":
            published = store._replace(snapshots=store.snapshots | {(name, needs)})
            if world.rules.pending_until_published:
                yield "publishes", published, at(pc="confirm")
            elif (name, needs) not in store.snapshots and any(root[0] == name for root in store.pending):
                yield "drops its pending root too early", _without_pending(store, name), at(pc="promote")
            else:
                yield "publishes", published, at(pc="confirm")
        case "confirm":
            if world.rules.tombstone_checked and name in store.expired:
                yield "was given up, withdraws", store._replace(snapshots=store.snapshots - {(name, needs)}), at(pc="end")
            else:
                yield "ACKNOWLEDGES", store._replace(acknowledged=store.acknowledged | {name}), at(pc="clear")
        case "clear":
            yield "removes its pending roots", _without_pending(store, name), at(pc="end")


def _without_pending(store: Store, name: str) -> Store:
    return store._replace(pending=frozenset(root for root in store.pending if root[0].partition("-")[0] != name))
