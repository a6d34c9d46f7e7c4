"""A clean-up of the model, a machine of single steps: a survey, a record of what goes, a second survey, and only then the deletions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from tests.faults.deletion_model import NONE, Actor, Names, Step, Store, World, condemned, described, held


class Look(NamedTuple):
    """What a clean-up knows."""

    after: bool = False
    """The second survey, behind the record."""
    records: frozenset[tuple[str, Names, Names]] = frozenset()
    pending: frozenset[tuple[str, Names, Names]] = frozenset()
    snapshots: frozenset[tuple[str, Names]] = frozenset()
    index: frozenset[tuple[str, Names]] = frozenset()
    walked: Names = NONE
    """Roots whose chunks are in ``live``: the second survey does not walk them again."""
    live: Names = NONE
    page: str = ""
    moved: Names = NONE
    """Chunks to copy; then packs that they are copied from."""
    sources: Names = NONE
    going: Names = NONE
    replaced: Names = NONE
    kept: Names = NONE
    count: int = 0


class Cleaner(NamedTuple):
    """``look``: what its present survey has read so far."""

    pc: str
    name: str
    look: Look = Look()

    def at(self, pc: str, look: Look | None = None) -> Cleaner:
        """Where it goes next, and what it knows then."""
        return self._replace(pc=pc, look=self.look if look is None else look)


def clean_up(name: str) -> Actor:
    return Cleaner("records", name)


def expiry(name: str) -> Actor:
    """The last part of a clean-up alone: it gives up pending roots."""
    return Cleaner("expire", name)


def collect(world: World, store: Store, actor: Actor) -> Iterator[Step]:
    assert isinstance(actor, Cleaner)
    match actor.pc:
        case "records" | "pending" | "contents" | "snapshots" | "index" | "packs":
            return _survey(world, store, actor)
        case "copy" | "rescue" | "describe" | "describe rescued" | "record":
            return _condemn(world, store, actor)
        case "unindex" | "delete" | "forget record":
            return _delete(world, store, actor)
        case _:
            return _expire(store, actor)


def _survey(world: World, store: Store, actor: Cleaner) -> Iterator[Step]:
    """What is there, and what of it is needed."""
    look, at = actor.look, actor.at
    match actor.pc:
        case "records":
            first = "pending" if world.rules.pending_before_snapshots else "snapshots"
            yield "reads the records", store, at(first, look._replace(records=store.records))
        case "pending":
            yield from _list_pending(world, store, actor)
        case "contents":
            there = frozenset(root for root in look.pending if any(root[0] == other[0] for other in store.pending))
            yield "reads pending roots late", store, at("index", look._replace(pending=there))
        case "snapshots":
            found = look._replace(snapshots=store.snapshots)
            after = "pending" if not world.rules.pending_before_snapshots else "index" if world.rules.pending_read_at_once else "contents"
            yield "lists snapshots", store, at(after, found)
        case "index":
            yield "reads the index", store, at("packs", look._replace(index=store.index))
        case "packs":
            label, told = _judge(world, store, look)
            yield f"lists packs: {label}", store, at(label, told)


def _condemn(world: World, store: Store, actor: Cleaner) -> Iterator[Step]:
    """What stays is copied and described; then a record says what goes."""
    pc, name, look = actor
    at = actor.at
    match pc:
        case "copy" | "rescue" if look.sources <= store.packs:
            pack = f"{name}.{look.count}:{''.join(sorted(look.moved))}"
            after = look._replace(kept=look.kept | {pack}, count=look.count + 1)
            changed = store._replace(packs=store.packs | {pack})
            yield f"copies {pack}", changed, at("describe" if pc == "copy" else "describe rescued", after)
        case "copy" | "rescue":
            yield "finds its source gone, ends", store, at("end", Look())
        case "describe" | "describe rescued":
            kept = look.kept if world.rules.kept_packs_described_again else frozenset(p for p in look.kept if p.startswith(f"{name}."))
            changed = store._replace(index=store.index | {(f"{name}.{look.count}", kept)}) if kept else store
            after = look._replace(kept=NONE, count=look.count + 1)
            yield "describes what stays", changed, at("record" if pc == "describe" else "unindex", after)
        case "record":
            record = (f"{name}.{look.count}", look.going, look.replaced)
            after = Look(after=True, walked=look.walked, live=look.live, count=look.count + 1)
            if not world.rules.survey_after_record:
                after = look._replace(after=True, records=look.records | {record})
            changed = store._replace(records=store.records | {record})
            going = ", ".join(sorted(look.going)) or "nothing"
            yield f"CONDEMNS {going}", changed, at("records" if world.rules.survey_after_record else "unindex", after)


def _delete(world: World, store: Store, actor: Cleaner) -> Iterator[Step]:
    """Index objects that were replaced, then condemned packs; the record stays."""
    pc, name, look = actor
    at = actor.at
    match pc:
        case "unindex":
            named = frozenset(index for _, _, indexes in look.records for index in indexes)
            changed = store._replace(index=frozenset(e for e in store.index if e[0] not in named))
            yield "removes replaced index objects", changed, at("delete")
        case "delete":
            doomed = sorted(condemned(look.records) & store.packs)
            if doomed:
                changed = store._replace(packs=store.packs - {doomed[0]}, marks=store.marks - {doomed[0]})
                yield f"deletes {doomed[0]}", changed, at("delete")
            else:
                yield "has deleted", store, at("forget record" if not world.rules.records_stay else "expire" if world.expiry else "end")
        case "forget record":
            own = frozenset(r for r in store.records if r[0].partition(".")[0] != name)
            yield "removes its record", store._replace(records=own), at("end", Look())


def _expire(store: Store, actor: Cleaner) -> Iterator[Step]:
    """Pending roots that are given up: a tombstone first, then a look whether they were published meanwhile."""
    look, at = actor.look, actor.at
    match actor.pc:
        case "expire":
            names = sorted(root[0] for root in store.pending if root[0] > look.page)
            if not names:
                yield "has nothing more to give up", store, at("end", Look())
            elif any(names[0].partition("-")[0] == root for root, _ in store.snapshots):
                yield f"drops {names[0]}, which was published", _drop(store, names[0]), at("expire", look._replace(page=names[0]))
            else:
                tomb = names[0].partition("-")[0]
                changed = store._replace(expired=store.expired | {tomb})
                yield f"puts the tombstone of {tomb}", changed, at("expired", look._replace(page=names[0]))
        case "expired":
            tomb = look.page.partition("-")[0]
            if any(tomb == root for root, _ in store.snapshots):
                yield f"sees that {tomb} was published", store._replace(expired=store.expired - {tomb}), at("expire")
            else:
                yield f"sees that {tomb} was not published", store, at("drop")
        case "drop":
            yield f"drops {look.page}", _drop(store, look.page), at("expire")


def _drop(store: Store, name: str) -> Store:
    return store._replace(pending=frozenset(root for root in store.pending if root[0] != name))


def _list_pending(world: World, store: Store, actor: Cleaner) -> Iterator[Step]:
    look, at = actor.look, actor.at
    after = "snapshots" if world.rules.pending_before_snapshots else "index"
    if not world.pages:
        yield "lists pending", store, at(after, look._replace(pending=store.pending))
        return
    later = sorted(root for root in store.pending if root[0] > look.page)
    if later:
        yield (
            f"lists a page of pending: {later[0][0]}",
            store,
            at("pending", look._replace(page=later[0][0], pending=look.pending | {later[0]})),
        )
    else:
        yield "lists the last page of pending", store, at(after, look._replace(page=""))


def _judge(world: World, store: Store, look: Look) -> tuple[str, Look]:
    """From a survey to what comes next. ``end``: a refusal, or nothing to do."""
    old = condemned(look.records)
    known = described(look.index) if world.rules.indexed_copies_only else described(look.index) | store.packs
    usable = sorted((known & store.packs) - (old if world.rules.condemned_for_ever or not look.after else look.going))
    doomed = sorted(old & store.packs)
    there = held(usable) | held(doomed)
    live, walked = set(look.live), set(look.walked)
    roots = [(f"snapshots/{name}", needs, False) for name, needs in look.snapshots]
    roots += [(f"pending/{name}", needs, not {r[0] for r in look.records} <= then) for name, needs, then in look.pending]
    if not look.snapshots:
        return "end", Look()
    for name, needs, withdrawn in sorted(roots, key=lambda root: root[0]):
        if name in walked:
            continue
        if not needs <= there and not withdrawn:
            return "end", Look()
        live |= needs & there
        if needs <= there or not world.rules.incomplete_walked_again:
            walked.add(name)
    look = look._replace(live=frozenset(live), walked=frozenset(walked))
    homes: dict[str, str] = {}
    for pack in sorted(usable, key=lambda p: (p in store.marks, p not in world.rotten, p)):  # unmarked first; the rotten one is tried first
        for chunk in held([pack]) & live:
            homes.setdefault(chunk, pack)
    return _after_record(world, store, look, homes) if look.after else _plan(look, store, usable, homes)


def _plan(look: Look, store: Store, usable: list[str], homes: dict[str, str]) -> tuple[str, Look]:
    """Packs without a live chunk go, and those of which only a part lives are written again."""
    old = condemned(look.records)
    wanted = {pack: frozenset(chunk for chunk, home in homes.items() if home == pack) for pack in usable}
    sparse = frozenset(pack for pack in usable if wanted[pack] and wanted[pack] != held([pack]))
    going = (frozenset(pack for pack in store.packs if not wanted.get(pack)) | sparse) - old
    named = frozenset(index for _, _, indexes in look.records for index in indexes)
    replaced = frozenset(name for name, packs in look.index if packs & (going | old) or name in named)
    kept = described(entry for entry in look.index if entry[0] in replaced) & frozenset(usable) - going
    moved = frozenset(chunk for pack in sparse for chunk in wanted[pack])
    if not going and not replaced and not old & store.packs:
        return "end", Look()
    told = look._replace(going=going, replaced=replaced, kept=kept, moved=moved, sources=sparse)
    return "copy" if moved else "describe", told


def _after_record(world: World, store: Store, look: Look, homes: dict[str, str]) -> tuple[str, Look]:
    """What only condemned packs hold sound is copied before anything goes."""
    doomed = condemned(look.records) & store.packs
    own = {pack for pack in homes.values() if pack.partition(".")[0] == look.page}
    rotten = (
        {chunk for chunk, home in homes.items() if home in world.rotten - own and chunk in held(doomed)}
        if world.rules.twin_verified
        else set()
    )
    wanted = frozenset((look.live - homes.keys()) | rotten)
    if not wanted:
        return "unindex", look
    if not world.rules.condemned_for_ever:
        return "unindex", look._replace(records=frozenset())  # un-condemns: deletes nothing, and the packs are used as before
    sources = frozenset(pack for pack in doomed - world.rotten if held([pack]) & wanted)
    if not wanted <= held(sources):
        return "end", Look()
    return "rescue", look._replace(moved=wanted, sources=sources, kept=NONE)
