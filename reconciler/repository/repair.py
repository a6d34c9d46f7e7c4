"""Repair in two halves: a plan that can be printed and refused, and an apply that does exactly that plan. Nothing is ever deleted.

What is still good of a damaged pack moves byte for byte into a new one; lost chunks come back from other repositories where these hold the
same files; new index objects describe what is there; and only then damaged objects are *set aside* into ``quarantine/``. A crash between
any two steps leaves a repository that the next plan continues with.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from reconciler.repository.donor import Donor, Healing
from reconciler.repository.errors import Damaged, Locked, RepairChanged
from reconciler.repository.format import OBJECT_BYTES_MAX, Type
from reconciler.repository.header import new_config, new_header
from reconciler.repository.index import places_of, write_index_objects
from reconciler.repository.inventory import Fault, Inventory, Part
from reconciler.repository.marks import MarkRecord, is_about_pack, write_mark
from reconciler.repository.pack import PackEntry, PackWriter, pack_name
from reconciler.repository.seal import Seals
from reconciler.repository.store import Store
from reconciler.repository.survey import Affected

QUARANTINE = "quarantine"
_READ_BYTES = 4 * 2**20


class StepKind(StrEnum):
    """What a step does."""

    MOVE = "move what is good of"
    DESCRIBE = "describe again"
    SET_ASIDE = "set aside"
    HOLD = "hold"
    RENEW = "write anew"


class Step(Struct, frozen=True):
    """One thing that a repair would do."""

    kind: StepKind
    name: str
    """Of the object."""
    reason: str


class RepairPlan(Struct, frozen=True):
    """What a repair would do, and what it would be good for."""

    steps: tuple[Step, ...]
    affected: tuple[Affected, ...]
    """Snapshots with files that cannot be read now; other repositories are asked for them when the plan is carried out."""
    deep: bool
    digest: str


class Repaired(Struct, frozen=True):
    """What a repair did."""

    plan: RepairPlan
    moved: int
    """Segments that were still good."""
    healed: int
    """Chunks that came back from other repositories."""
    set_aside: tuple[str, ...]
    """New names of the objects that were set aside."""
    affected: tuple[Affected, ...]
    """Snapshots with files that are still lost."""
    locked: tuple[str, ...] = ()
    """Objects that had to stay because the place locks them; a pack among them is remarked as damaged, so that nobody relies on it."""


def plan(seen: Inventory, repository_id: str, *, deep: bool) -> RepairPlan:
    """The same state gives the same plan and digest. Empty steps: nothing to do."""
    steps = list(_steps(seen))
    text = "\n".join([repository_id, *(f"{step.kind} {step.name}" for step in steps)])
    return RepairPlan(tuple(steps), seen.affected, deep, hashlib.sha256(text.encode()).hexdigest()[:16])


def _steps(seen: Inventory) -> Iterator[Step]:
    for pack in sorted(seen.bad):
        if pack in seen.packs:
            total, bad = len(seen.packs[pack].segments), len(seen.bad[pack])
            yield Step(StepKind.MOVE, pack_name(pack), f"{total - bad} of {total} segments can be read")
    for name in sorted(_rewritten(seen)):
        yield Step(StepKind.DESCRIBE, name, "it names packs that are damaged or gone")
    if _is_index_lost(seen):
        for pack in sorted(seen.unindexed - seen.bad.keys()):
            yield Step(StepKind.DESCRIBE, pack_name(pack), "no readable index object names it")
    for fault in sorted(seen.faults, key=lambda each: each.name):
        if fault.part is Part.MARK and fault.name.split("/")[1] != "read":
            yield Step(StepKind.HOLD, fault.name.split("/")[1], "a mark of it cannot be read and may have said so")
        if _can_go(fault, seen):
            yield Step(StepKind.SET_ASIDE, fault.name, _why(fault))
    yield from _renewed(seen)


def _renewed(seen: Inventory) -> Iterator[Step]:
    """What a repository must have, and of which nothing is left that can be read: its content is known to whoever holds a key."""
    for fault in seen.faults:
        if fault.part is Part.HEADER:
            yield Step(StepKind.RENEW, "header", fault.error.message)
    if seen.configs <= {fault.name for fault in seen.faults if fault.part is Part.CONFIG}:
        name = f"config/{1 + max(map(_number, seen.configs), default=-1)}"
        yield Step(StepKind.RENEW, name, "no configuration can be read; files are cut as this program cuts them")


def _number(name: str) -> int:
    digits = name.rsplit("/", 1)[-1]
    return int(digits) if digits.isdecimal() and len(digits) < 10 else 0


def _why(fault: Fault) -> str:
    if fault.part is Part.RECORD:
        return f"{fault.error.message}; apply this only while no clean-up of this repository is running anywhere"
    return fault.error.message


def _can_go(fault: Fault, seen: Inventory) -> bool:
    """Whether there is something to set aside, and another way to what it said."""
    if fault.part in {Part.CONFIG, Part.HEADER}:
        return isinstance(fault.error, Damaged)
    return fault.part is not Part.PACK or bytes.fromhex(fault.name.rsplit("/", 1)[-1]) in seen.bad


def _rewritten(seen: Inventory) -> set[str]:
    """Readable index objects that name a pack which is damaged or gone."""
    gone = {fault.name for fault in seen.faults if fault.part is Part.PACK}
    return {name for name, described in seen.indexes.items() if any(entry.name in gone for entry in described.packs)}


def _is_index_lost(seen: Inventory) -> bool:
    """An index object that is gone leaves no trace but packs that nobody names, and chunks that somebody misses."""
    return any(fault.part is Part.INDEX for fault in seen.faults) or bool(seen.unindexed and _needed(seen))


def _needed(seen: Inventory) -> bool:
    """Whether any readable root was written with packs that are unindexed now: without them it would miss its blocks."""
    described = {entry.pack for index in seen.indexes.values() for entry in index.packs}
    known = {
        segment.ids[start : start + 32]
        for pack in described & seen.packs.keys()
        for segment in seen.packs[pack].segments
        if segment.kind != Type.DATA
        for start in range(0, len(segment.ids), 32)
    }
    return any(ref.id not in known for record in seen.roots.values() for ref in (*record.blocks, *record.lists))


class Repair:
    """One apply of one plan."""

    def __init__(self, store: Store, seals: Seals, seen: Inventory, now: datetime, donors: Sequence[Donor] = ()) -> None:
        self._store = store
        self._seals = seals
        self._seen = seen
        self._now = now
        self._donors = donors
        self._locked: list[str] = []

    def run(self, made: RepairPlan, digest: str) -> Repaired:
        """Carry out ``made``. Raises RepairChanged when it is not the plan that was agreed to."""
        if made.digest != digest:
            raise RepairChanged(f"the repository needs another repair than the one with the digest {digest}; now it would be {made.digest}")
        packs = PackWriter(self._store, self._seals)
        try:
            moved = self._move(packs)
            healing = Healing(self._store, self._seals, self._seen, packs)
            for donor in self._donors:
                healing.ask(donor)
            healing.finish()
            left = healing.left()
            entries = packs.flush()
            self._store.barrier()
        except BaseException:
            packs.abort()
            raise
        packs.close()
        for entry in entries:
            self._read_back(entry)
        self._describe(made, entries)
        aside = tuple(self._set_aside(made))
        self._renew(made)
        return Repaired(made, moved, healing.healed, aside, left, tuple(self._locked))

    def _move(self, packs: PackWriter) -> int:
        moved = 0
        for pack in sorted(self._seen.bad.keys() & self._seen.packs.keys()):
            entry, bad = self._seen.packs[pack], self._seen.bad[pack]
            for number, (segment, place) in enumerate(zip(entry.segments, places_of(entry, self._seals), strict=True)):
                if number not in bad:
                    sealed = memoryview(self._store.get_range(entry.name, place.offset, place.stored_bytes))
                    packs.append(Type(segment.kind), segment.packed, segment.plain_bytes, segment.ids, segment.lengths, sealed)
                    moved += 1
        return moved

    def _describe(self, made: RepairPlan, fresh: Iterable[PackEntry]) -> None:
        """New index objects for everything that the old ones said of good packs, for packs that nobody names, and for the new ones."""
        again = {step.name for step in made.steps if step.kind is StepKind.DESCRIBE}
        entries = {entry.pack: entry for name in again & self._seen.indexes.keys() for entry in self._seen.indexes[name].packs}
        entries |= {pack: entry for pack, entry in self._seen.packs.items() if entry.name in again}
        entries = {pack: entry for pack, entry in entries.items() if pack in self._seen.packs and pack not in self._seen.bad}
        written = write_index_objects(self._store, self._seals, [*entries.values(), *fresh])
        self._store.barrier()
        for name, data in written:
            if self._store.get(name, OBJECT_BYTES_MAX) != data:
                raise Damaged(f"{name} reads back other bytes than were written", object=name, hint="Is the disk of the repository sound?")

    def _set_aside(self, made: RepairPlan) -> Iterator[str]:
        for step in made.steps:
            if step.kind is StepKind.HOLD:
                kind = "damaged" if is_about_pack(f"marks/{step.name}/") else "held"
                write_mark(self._store, self._seals, step.name, MarkRecord(kind, self._now, "a mark of it could not be read"))
        old = [step.name for step in made.steps if step.kind is StepKind.DESCRIBE and step.name in self._seen.indexes]
        for name in (*old, *(step.name for step in made.steps if step.kind is StepKind.SET_ASIDE)):
            goal = f"{QUARANTINE}/{name.replace('/', '-')}-{os.urandom(4).hex()}"
            try:
                self._store.move(name, goal)
            except Locked:
                self._leave(name)
                continue
            yield goal
        self._store.barrier()

    def _renew(self, made: RepairPlan) -> None:
        for step in made.steps:
            if step.kind is StepKind.RENEW and step.name not in self._locked:
                if step.name == "header":
                    data = new_header(self._seals.repository.hex(), self._seals.header_key, self._now.isoformat())
                else:
                    data = new_config(self._seals, step.name)
                self._store.put(step.name, data)
        self._store.barrier()

    def _leave(self, name: str) -> None:
        self._locked.append(name)
        if name.startswith("packs/"):
            write_mark(self._store, self._seals, name.rsplit("/", 1)[-1], MarkRecord("damaged", self._now, "locked, so a repair left it"))

    def _read_back(self, entry: PackEntry) -> None:
        digest = hashlib.sha256()
        for start in range(0, entry.size, _READ_BYTES):
            digest.update(self._store.get_range(entry.name, start, min(_READ_BYTES, entry.size - start)))
        if digest.digest() != entry.pack:
            hint = "Is the disk of the repository sound?"
            raise Damaged(f"{entry.name} reads back other bytes than were written", object=entry.name, hint=hint)
