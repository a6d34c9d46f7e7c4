"""The root of a snapshot: one small encrypted object that says what it is and lists its blocks. It is the commit point."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from msgspec import Struct

from reconciler.base.wire import UNREADABLE
from reconciler.repository.entries import BlockRef
from reconciler.repository.errors import Damaged, NewerFormat
from reconciler.repository.format import FORMAT, Raw, Type
from reconciler.repository.seal import Seals
from reconciler.repository.turnover import Turnover

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class RootRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The root as stored. Times are microseconds since 1970, UTC; fields are only ever added."""

    format: int = FORMAT
    id: str
    realm: str
    system: str
    host: str
    user: str
    kind: str
    parent: str | None
    as_of: int
    ended: int
    grade: str
    defects: list[str]
    """`kind path: message`, at most 10,000; `defect_count` is the truth."""
    defect_count: int
    generation: str
    specs: Raw
    """The normalised specs it was taken under."""
    paths: list[str]
    writer: str
    sequence: int
    """Counts the snapshots of this writer; with `previous` a missing one shows."""
    previous: str | None
    chunker: dict[str, int]
    checksums: list[str]
    devices: list[int]
    users: dict[int, str]
    groups: dict[int, str]
    files: int
    folders: int
    others: int
    bytes: int
    added_bytes: int
    read_bytes: int
    new_chunks: int
    blocks: list[BlockRef]
    """Empty when `lists` is used."""
    lists: list[BlockRef]
    """Above 4,096 blocks: each names a chunk of type BLOCKS that holds so many references."""
    gc_seen: list[str]
    """Deletion records that the writer knew."""
    checkpoint: int = 0
    """Number of a checkpoint; 0: the whole snapshot."""
    turnover: Turnover | None = None
    """None: there was nothing to compare with."""


class Root(Struct, frozen=True, array_like=True):
    """A snapshot as a listing shows it."""

    id: str
    realm: str
    system: str
    host: str
    kind: str
    parent: str | None
    as_of: datetime
    ended_at: datetime
    arrived_at: datetime
    """By the store's clock."""
    grade: str
    files: int
    bytes: int
    added_bytes: int
    defects: tuple[str, ...]
    defect_count: int
    user: str
    paths: tuple[str, ...]
    generation: str
    specs: Raw
    writer: str
    sequence: int
    turnover: Turnover | None = None


def to_micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(value: int) -> datetime:
    return _EPOCH + timedelta(microseconds=value)


def seal_root(seals: Seals, record: RootRecord) -> bytes:
    return seals.seal_object(Type.ROOT, root_name(record), msgspec.msgpack.encode(record))


def root_name(record: RootRecord) -> str:
    """What the root is bound to: the same bytes stand first in pending/ and then in snapshots/."""
    return f"root {record.id} {record.checkpoint}"


def unseal_root(seals: Seals, name: str, data: bytes) -> RootRecord:
    """The root stored as ``name`` (`snapshots/<id>`, `pending/<id>` or `pending/<id>-<n>`). Raises Damaged naming it."""
    identity, _, checkpoint = name.rsplit("/", 1)[-1].partition("-")
    plain = seals.unseal_object(Type.ROOT, f"root {identity} {checkpoint or 0}", data, shown=name)
    try:
        record = msgspec.msgpack.decode(plain, type=RootRecord)
    except UNREADABLE as error:
        raise Damaged(f"{name} cannot be read", object=name) from error
    if record.format != FORMAT:
        raise NewerFormat(f"{name} has format {record.format}")
    if record.id != identity:
        raise Damaged(f"{name} holds another snapshot", object=name)
    return record


def shown_root(record: RootRecord, arrived_at: datetime) -> Root:
    try:
        as_of, ended = from_micros(record.as_of), from_micros(record.ended)
    except OverflowError:
        raise Damaged(f"snapshots/{record.id} claims an impossible time", object=f"snapshots/{record.id}") from None
    return Root(
        id=record.id,
        realm=record.realm,
        system=record.system,
        host=record.host,
        kind=record.kind,
        parent=record.parent,
        as_of=as_of,
        ended_at=ended,
        arrived_at=arrived_at,
        grade=record.grade,
        files=record.files,
        bytes=record.bytes,
        added_bytes=record.added_bytes,
        defects=tuple(record.defects),
        defect_count=record.defect_count,
        user=record.user,
        paths=tuple(record.paths),
        generation=record.generation,
        specs=record.specs,
        writer=record.writer,
        sequence=record.sequence,
        turnover=record.turnover,
    )
