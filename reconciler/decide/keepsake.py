"""What a loop remembers of its answers, in a form that the next process can judge.

In one process an answer rests on things that are the same objects as before. Here each of them stands with the digest of its content: the
tree, a system's own things, and what else an answer looked at. What differs from the world that the next process finds is asked anew, and
so is everything an hour after it was asked, in however many processes.

An answer that removes something is never kept: of what another process believed nothing is deleted.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace
from pydantic import BaseModel

from reconciler.decide.reads import Read, looked_at, own
from reconciler.decide.scene import Scene
from reconciler.model.desired import Desired

T = TypeVar("T")
_DIGEST_SIZE = 16
_NONE, _UNSAYABLE = b"-", b""
_NOT_SAID = (msgspec.MsgspecError, NotImplementedError, TypeError)


class Answered(Struct, Generic[T], frozen=True, gc=False):
    """About one system."""

    answer: T
    until: datetime | None
    """The first moment at which it may be another; None: never."""
    read: frozenset[Read]
    given: Any
    """What else it was made from; None: nothing."""


class _Kept(Struct, array_like=True, gc=False):
    answer: Raw
    until: datetime | None
    reads: int
    """Which of the sets of reads."""
    given: bytes


class _Reading(Struct, array_like=True):
    field: str
    key: str | tuple[str, ...]
    content: bytes


class Keepsake(Struct, array_like=True):
    """Of one loop, when it ended."""

    program: str
    """Which code has answered."""
    tree: bytes
    at: datetime
    begun: datetime
    """When everything was last asked anew."""
    own: dict[str, bytes]
    """By system: of all that is its own."""
    readings: list[_Reading]
    sets: list[list[int]]
    """Of what answers looked at beside that: positions in ``readings``."""
    answers: dict[str, dict[str, _Kept]]
    """By question and system."""

    @classmethod
    def read(cls, data: memoryview, program: str) -> Keepsake | None:
        """What ``program`` has written; None: something else."""
        try:
            found = msgspec.msgpack.decode(data, type=cls)
        except msgspec.DecodeError:
            return None
        return found if found.program == program else None

    @classmethod
    def write(cls, program: str, scene: Scene, begun: datetime, answers: Mapping[str, Mapping[str, Answered[Any]]]) -> bytes:
        """``answers``: by question and system; all hold in ``scene``. Nothing is kept of a tree with errors: what stands for what
        is broken there is no content of it."""
        if not scene.desired.clean:
            return b""
        contents = _Contents()
        sets = list({one.read for about in answers.values() for one in about.values()})
        reads = sorted({read for each in sets for read in each}, key=repr)
        positions, places = {read: at for at, read in enumerate(reads)}, {each: at for at, each in enumerate(sets)}
        encode = msgspec.msgpack.Encoder(enc_hook=_blank).encode

        def kept(one: Answered[Any]) -> _Kept:
            return _Kept(Raw(encode(one.answer)), one.until, places[one.read], contents.of(one.given))

        return msgspec.msgpack.encode(
            cls(
                program=program,
                tree=contents.of(_tree(scene.desired)),
                at=scene.now,
                begun=begun,
                own={name: contents.of(said) for name, said in own(scene).items()},
                readings=[_Reading(str(read[0]), _key(read), contents.of(looked_at(scene, read))) for read in reads],
                sets=[sorted(positions[read] for read in each) for each in sets],
                answers={question: {name: kept(one) for name, one in about.items()} for question, about in answers.items()},
            )
        )

    def holding(self, scene: Scene, renewed: timedelta) -> Holding | None:
        """What of it holds in ``scene``. ``renewed``: how long after everything was asked it is asked anew."""
        if scene.now < self.at or scene.now - self.begun >= renewed:
            return None
        contents = _Contents()
        if not contents.are(self.tree, _tree(scene.desired)):
            return None
        found, nothing = own(scene), contents.of([])
        names = (system.name for system in scene.desired.systems)
        same = {name for name in names if contents.are(self.own.get(name, nothing), found.get(name, []))}
        reads: list[Read] = [(each.field, each.key) for each in self.readings]
        holds = [contents.are(each.content, looked_at(scene, read)) for read, each in zip(reads, self.readings, strict=True)]
        sets = [frozenset(reads[at] for at in each) if all(holds[at] for at in each) else None for each in self.sets]
        return Holding(self, same, sets, contents)


class Holding:
    """What of a keepsake holds in one scene."""

    def __init__(self, keepsake: Keepsake, same: set[str], sets: list[frozenset[Read] | None], contents: _Contents) -> None:
        self.begun = keepsake.begun
        self._keepsake, self._same, self._sets, self._contents = keepsake, same, sets, contents

    def answers(self, question: str, kind: Any, given: Mapping[str, Any] | None, now: datetime) -> Iterator[tuple[str, Answered[Any]]]:
        """By system. ``kind``: the type of an answer. ``given``: what else it is made from, by system."""
        decode = msgspec.msgpack.Decoder(kind, dec_hook=_filled_in_later).decode
        for name, kept in self._keepsake.answers.get(question, {}).items():
            read = self._sets[kept.reads]
            if name not in self._same or read is None or (kept.until is not None and kept.until <= now):
                continue
            more = given[name] if given is not None else None
            if self._contents.are(kept.given, more):
                with contextlib.suppress(msgspec.ValidationError):  # then it is asked anew
                    yield name, Answered(decode(kept.answer), kept.until, read, more)


class _Contents:
    """Digests of values: two with one digest are equal. A declared block that thousands of systems share is put into words once."""

    def __init__(self) -> None:
        self._blocks: dict[int, tuple[BaseModel, Raw]] = {}
        """By identity, which lasts while they are held here."""
        self._encode = msgspec.msgpack.Encoder(enc_hook=self._block, order="deterministic").encode

    def of(self, value: object) -> bytes:
        """Of what has no content to go by, the digest of nothing at all: it equals none."""
        if value is None:
            return _NONE
        try:
            return hashlib.blake2b(self._encode(value), digest_size=_DIGEST_SIZE).digest()
        except _NOT_SAID:
            return _UNSAYABLE

    def are(self, content: bytes, value: object) -> bool:
        """Whether ``value`` is what ``content`` is of."""
        return content != _UNSAYABLE and content == self.of(value)

    def _block(self, value: object) -> Raw:
        if not isinstance(value, BaseModel):
            raise NotImplementedError(f"{type(value).__name__} has no content to go by")
        known = self._blocks.get(id(value))
        if known is None:
            said = [type(value).__name__, sorted(value.model_fields_set), dict(value)]
            known = self._blocks[id(value)] = (value, Raw(self._encode(said)))
        return known[1]


def _blank(value: object) -> None:
    """A declared block in an answer is one that says nothing yet: what is declared stands in the tree, and is no answer."""
    if not isinstance(value, BaseModel) or value != type(value)():
        raise NotImplementedError(f"{type(value).__name__} cannot be part of an answer")


def _filled_in_later(kind: type[T], _: None) -> T:
    return kind()


def _tree(desired: Desired) -> Desired:
    """All that is wanted; the revision alone changes nothing."""
    return replace(desired, revision=None)


def _key(read: Read) -> str | tuple[str, ...]:
    key = read[1]
    return tuple(map(str, key)) if isinstance(key, tuple) else str(key)
