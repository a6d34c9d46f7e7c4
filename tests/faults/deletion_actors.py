"""The actors of the model: a writer, a clean-up, somebody who forgets and somebody who verifies, each a machine of single steps.

An actor is a tuple that begins with its place in the program; a program yields the steps that are possible now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from tests.faults.deletion_model import NONE, Actor, Names, Step, Store, World, condemned, described, held

# A writer: (pc, name, needs, known records, packs relied on, own packs so far)


def writer(name: str, needs: str) -> Actor:
    return ("begin", name, frozenset(needs), NONE, NONE, 0)


def write(world: World, store: Store, actor: Actor) -> Iterator[Step]:
    pc, name, needs, known, relied, count = actor
    assert isinstance(name, str)
    assert isinstance(needs, frozenset)
    assert isinstance(known, frozenset)
    assert isinstance(relied, frozenset)
    assert isinstance(count, int)
    rules = world.rules

    def at(label: str, **changes: object) -> Actor:
        fields = {"known": known, "relied": relied, "count": count, **changes}
        return (label, name, needs, fields["known"], fields["relied"], fields["count"])

    match pc:
        case "begin":
            yield "reads the records", store, at("index", known=frozenset(r[0] for r in store.records))
        case "index":
            old = condemned(r for r in store.records if r[0] in known)
            left = store.packs - described(store.index) - old if world.adopt else NONE
            usable = (described(store.index) - old) | left
            lacking = needs - held(usable)
            if left:
                yield "adopts what a killed run left", store, at("describe adopted", relied=usable)
            elif world.checkpoints and len(lacking) > 1:
                yield "reads the index", store, at("first pack", relied=usable)
            else:
                yield "reads the index", store, at("pack" if lacking else "pend", relied=usable)
        case "describe adopted":
            left = relied - described(store.index)
            changed = store._replace(index=store.index | {(f"{name}.adopted", left)})
            yield "describes what it adopted", changed, at("pack" if needs - held(relied) else "pend")
        case "first pack" | "pack" | "second pack" | "copy":
            lacking = needs - held(relied)
            stored = frozenset(sorted(lacking)[:1]) if pc == "first pack" else lacking
            pack = f"{name}.{count}:{''.join(sorted(stored))}"
            after = {"first pack": "describe first", "copy": "describe rescued"}.get(str(pc), "describe")
            yield f"stores {pack}", store._replace(packs=store.packs | {pack}), at(after, relied=relied | {pack}, count=count + 1)
        case "describe first" | "describe" | "describe rescued":
            own = next(pack for pack in relied if pack.startswith(f"{name}.{count - 1}:"))
            after = {"describe first": "checkpoint", "describe": "pend", "describe rescued": "look"}
            changed = store._replace(index=store.index | {(f"{name}.{count - 1}", frozenset({own}))})
            yield f"describes {own}", changed, at(after[str(pc)])
        case "checkpoint":
            root = (f"{name}-1", needs & held(relied), known)
            yield "leaves a checkpoint", store._replace(pending=store.pending | {root}), at("second pack")
        case "pend":
            changed = store._replace(pending=store.pending | {(name, needs, known)})
            yield "puts its pending root", changed, at("look" if rules.look_again else "promote")
        case "look":
            fresh = condemned(r for r in store.records if r[0] not in known)
            if fresh & relied:
                yield "sees its packs condemned", store, at("reload", known=frozenset(r[0] for r in store.records))
            else:
                yield "sees nothing that concerns it", store, at("promote")
        case "reload":
            usable = described(store.index) - condemned(r for r in store.records if r[0] in known)
            lacking = needs - held(usable)
            if not lacking:
                yield "finds everything elsewhere", store, at("promote", relied=usable)
            elif world.rescue and lacking <= held(store.packs):
                yield "reads what was condemned", store, at("copy", relied=usable)
            else:
                yield "gives up", _without_pending(store, name), at("end")
        case "promote":
            published = store._replace(snapshots=store.snapshots | {(name, needs)})
            if rules.pending_until_published:
                yield "publishes", published, at("confirm")
            elif (name, needs) not in store.snapshots and any(root[0] == name for root in store.pending):
                yield "drops its pending root too early", _without_pending(store, name), at("promote")
            else:
                yield "publishes", published, at("confirm")
        case "confirm":
            if rules.tombstone_checked and name in store.expired:
                yield "was given up, withdraws", store._replace(snapshots=store.snapshots - {(name, needs)}), at("end")
            else:
                yield "ACKNOWLEDGES", store._replace(acknowledged=store.acknowledged | {name}), at("clear")
        case "clear":
            yield "removes its pending roots", _without_pending(store, name), at("end")


def _without_pending(store: Store, name: str) -> Store:
    return store._replace(pending=frozenset(root for root in store.pending if root[0].partition("-")[0] != name))


# A clean-up: (pc, name, look). The look is what its present survey has read so far.


At = Callable[..., Actor]
"""Where the clean-up goes next, and what it knows then."""


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


def clean_up(name: str) -> Actor:
    return ("records", name, Look())


def expiry(name: str) -> Actor:
    """The last part of a clean-up alone: it gives up pending roots."""
    return ("expire", name, Look())


def collect(world: World, store: Store, actor: Actor) -> Iterator[Step]:
    pc, name, look = actor
    assert isinstance(name, str)
    assert isinstance(look, Look)

    def at(label: str, changed: Look = look) -> Actor:
        return (label, name, changed)

    match pc:
        case "records":
            first = "pending" if world.rules.pending_before_snapshots else "snapshots"
            yield "reads the records", store, at(first, look._replace(records=store.records))
        case "pending":
            yield from _list_pending(world, store, look, at)
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
        case "copy" | "rescue":
            if look.sources <= store.packs:
                pack = f"{name}.{look.count}:{''.join(sorted(look.moved))}"
                after = look._replace(kept=look.kept | {pack}, count=look.count + 1)
                yield (
                    f"copies {pack}",
                    store._replace(packs=store.packs | {pack}),
                    at("describe" if pc == "copy" else "describe rescued", after),
                )
            else:
                yield "finds its source gone, ends", store, at("end", Look())
        case "describe" | "describe rescued":
            kept = look.kept if world.rules.kept_packs_described_again else frozenset(p for p in look.kept if p.startswith(f"{name}."))
            changed = store._replace(index=store.index | {(f"{name}.{look.count}", kept)}) if kept else store
            yield (
                "describes what stays",
                changed,
                at("record" if pc == "describe" else "unindex", look._replace(kept=NONE, count=look.count + 1)),
            )
        case "record":
            record = (f"{name}.{look.count}", look.going, look.replaced)
            after = Look(after=True, walked=look.walked, live=look.live, count=look.count + 1)
            if not world.rules.survey_after_record:
                after = look._replace(after=True, records=look.records | {record})
            changed = store._replace(records=store.records | {record})
            yield (
                f"CONDEMNS {', '.join(sorted(look.going)) or 'nothing'}",
                changed,
                at("records" if world.rules.survey_after_record else "unindex", after),
            )
        case "unindex":
            named = frozenset(index for _, _, indexes in look.records for index in indexes)
            yield (
                "removes replaced index objects",
                store._replace(index=frozenset(e for e in store.index if e[0] not in named)),
                at("delete"),
            )
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
        case "expire":
            names = sorted(root[0] for root in store.pending if root[0] > look.page)
            if not names:
                yield "has nothing more to give up", store, at("end", Look())
            elif any(names[0].partition("-")[0] == root for root, _ in store.snapshots):
                yield f"drops {names[0]}, which was published", _drop(store, names[0]), at("expire", look._replace(page=names[0]))
            else:
                tomb = names[0].partition("-")[0]
                yield (
                    f"puts the tombstone of {tomb}",
                    store._replace(expired=store.expired | {tomb}),
                    at("expired", look._replace(page=names[0])),
                )
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


def _list_pending(world: World, store: Store, look: Look, at: At) -> Iterator[Step]:
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


def forget(world: World, store: Store, actor: Actor) -> Iterator[Step]:
    """A person lets one snapshot go."""
    _, name = actor
    root = next((found for found in store.snapshots if found[0] == name), None)
    if root is not None:
        changed = store._replace(snapshots=store.snapshots - {root}, acknowledged=store.acknowledged - {name})
        yield f"forgets {name}", changed, ("end", name)


def verify(world: World, store: Store, actor: Actor) -> Iterator[Step]:
    """A reader finds a rotten pack and marks it."""
    for pack in sorted(world.rotten & store.packs - store.marks):
        yield f"marks {pack}", store._replace(marks=store.marks | {pack}), ("verify", "v")


PROGRAMS = {"w": write, "g": collect, "f": forget, "v": verify}
"""By the first letter of the name of an actor."""
