"""Vectors of what is stored: segments, packs, index objects, roots, marks, deletion records, entry blocks."""

from __future__ import annotations

import hashlib
import struct
from array import array
from typing import Any
from unittest.mock import patch

import msgspec

from reconciler.repository.codec import Codec
from reconciler.repository.entries import BlockRef, Cold, Piece, encode_block, encode_colds, encode_list
from reconciler.repository.format import Type
from reconciler.repository.pack import PackEntry, Segment
from reconciler.repository.root import RootRecord
from reconciler.repository.seal import SegmentSealer, lengths_packed
from reconciler.tree.entry import encode_rows
from tests.format.vector_list import DAMAGED, NEWER, PACK, SEALS, SNAPSHOT, bad, flipped, good


def sealed_segment(kind: Type, contents: list[bytes], algorithm: str = "zstd") -> tuple[Segment, bytes]:
    ids = b"".join(SEALS.chunk_id(kind, content) for content in contents)
    lengths = lengths_packed(array("I", [len(content) for content in contents]))
    plain = b"".join(contents)
    packed, sealed = SegmentSealer(SEALS, Codec(algorithm)).seal(kind, memoryview(plain), ids, lengths)
    return Segment(kind, packed, len(sealed), len(plain), ids, lengths), bytes(sealed)


def fields_of(segment: Segment) -> list[Any]:
    return [segment.kind, segment.packed, segment.stored_bytes, segment.plain_bytes, segment.ids.hex(), segment.lengths.hex()]


def segments() -> None:
    contents = [b"one" * 50, b"", b"three" * 99]
    for kind in (Type.DATA, Type.ENTRIES, Type.BLOCKS):
        for algorithm in ("zstd", "gzip", "none"):
            segment, sealed = sealed_segment(kind, contents, algorithm)
            expect = [content.hex() for content in contents]
            good("segment", f"type {kind}, {algorithm}", expect, segment=fields_of(segment), sealed=sealed.hex())
    segment, sealed = sealed_segment(Type.DATA, contents)

    def defect(about: str, sealed: bytes | str, **changed: Any) -> None:
        fields = fields_of(msgspec.structs.replace(segment, **changed))
        bad("segment", about, DAMAGED, segment=fields, sealed=sealed if isinstance(sealed, str) else sealed.hex())

    defect("a flipped bit", flipped(sealed, 30))
    defect("ids in another order", sealed, ids=segment.ids[64:] + segment.ids[32:64] + segment.ids[:32])
    defect("another id", sealed, ids=bytes(32) + segment.ids[32:])
    defect("other lengths", sealed, lengths=lengths_packed(array("I", [149, 1, 495])))
    defect("another compression", sealed, packed=0)
    defect("taken for entries", sealed, kind=Type.ENTRIES)
    _, other = sealed_segment(Type.DATA, [b"one" * 50, b"", b"other" * 99])
    defect("another segment", other)
    wrong = SegmentSealer(SEALS, Codec("none"))
    with patch.object(SegmentSealer, "_check", lambda *_: None):
        _, poisoned = wrong.seal(Type.DATA, memoryview(b"x" * segment.plain_bytes), segment.ids, segment.lengths)
        defect("well sealed, but with other content than its ids say", bytes(poisoned), packed=0)


def pack_file(listed: list[Any], bodies: bytes, *, salt: bytes = b"s" * 32, name: bytes | None = None) -> bytes:
    directory = SEALS.seal_object(Type.DIRECTORY, (name or salt).hex(), msgspec.msgpack.encode(listed))
    return b"RCPACK\x01\n\x00\x01" + salt + bodies + directory + struct.pack(">I", len(directory)) + b"\nRCPEND\x01"


def packs() -> None:
    made = [sealed_segment(Type.DATA, [b"one" * 40, b"two"]), sealed_segment(Type.ENTRIES, [b"a block"], "none")]
    listed, bodies = [segment for segment, _ in made], b"".join(sealed for _, sealed in made)
    expect = [fields_of(segment) for segment in listed]

    def place(pack: bytes) -> dict[str, str]:
        digits = hashlib.sha256(pack).hexdigest()
        return {"name": f"packs/{digits[:2]}/{digits}", "pack": pack.hex()}

    pack = pack_file(listed, bodies)
    good("directory", "two segments", expect, **place(pack))
    good("directory", "no segments", [], **place(pack_file([], b"")))
    for about, position in (
        ("beginning", 0), ("version", 9), ("salt", 12), ("directory", -40), ("directory's tag", -13), ("directory's length", -9),
        ("end", -1),
    ):  # fmt: skip
        bad("directory", f"a flipped bit in the {about}", DAMAGED, **place(bytes.fromhex(flipped(pack, position))))
    for length in (0, 41, 53, len(pack) // 2, len(pack) - 1):
        bad("directory", f"cut to {length} bytes", DAMAGED, **place(pack[:length]))
    long = pack[:-12] + struct.pack(">I", 2**32 - 1) + pack[-8:]
    bad("directory", "a directory of 4 GiB", DAMAGED, **place(long))
    bad("directory", "the directory of another pack", DAMAGED, **place(pack_file(listed, bodies, name=b"t" * 32)))
    bad("directory", "a byte that no segment covers", DAMAGED, **place(pack_file(listed, bodies + b"x")))
    bad("directory", "more segments than fit", DAMAGED, **place(pack_file(listed + listed, bodies)))
    bad("directory", "not a list", DAMAGED, **place(pack_file({"a": 1}, bodies)))  # type: ignore[arg-type]
    first = listed[0]
    replaced = msgspec.structs.replace
    entry = PackEntry(PACK, 10_000, listed)

    def index(about: str, entry: PackEntry) -> None:
        data = SEALS.seal_object(Type.INDEX, "", msgspec.msgpack.encode([[entry], []]))
        bad("index", about, DAMAGED, name=f"index/{hashlib.sha256(data).hexdigest()}", data=data.hex())

    for about, fields in (
        ("half an id", {"ids": first.ids[:48]}), ("an id more than lengths", {"ids": first.ids + bytes(32)}),
        ("half a length", {"lengths": first.lengths[:6]}), ("lengths that do not add up", {"lengths": first.lengths[:4] + b"\xff" * 4}),
        ("nothing stored", {"stored_bytes": 0}), ("less than nothing stored", {"stored_bytes": -1}),
        ("18 MiB stored", {"stored_bytes": 18 * 2**20}), ("18 MiB plain", {"plain_bytes": 18 * 2**20}),
        ("less than nothing plain", {"plain_bytes": -1}), ("type 4", {"kind": 4}), ("type 300", {"kind": 300}),
        ("compression 3", {"packed": 3}), ("compression 256", {"packed": 256}),
    ):  # fmt: skip
        index(f"a segment with {about}", replaced(entry, segments=[replaced(first, **fields)]))
        if "stored" not in about:
            bad("directory", f"a segment with {about}", DAMAGED, **place(pack_file([replaced(first, **fields), listed[1]], bodies)))
    index("a pack smaller than its segments", replaced(entry, size=100))
    index("a pack of 1 EiB", replaced(entry, size=2**60))
    index("a pack with a short name", replaced(entry, pack=PACK[:31]))
    data = SEALS.seal_object(Type.INDEX, "", msgspec.msgpack.encode([[entry], ["index/" + "ab" * 32]]))
    name = f"index/{hashlib.sha256(data).hexdigest()}"
    good("index", "one pack", [[PACK.hex(), 10_000, expect]], name=name, data=data.hex())
    bad("index", "under another name", DAMAGED, name="index/" + "ab" * 32, data=data.hex())
    changed = bytes.fromhex(flipped(data, 60))
    bad("index", "changed, under the name that fits", DAMAGED, name=f"index/{hashlib.sha256(changed).hexdigest()}", data=changed.hex())
    for about, content in (("a list of one", [[entry]]), ("a map", {"packs": [], "supersedes": []}), ("text for packs", ["x", []])):
        data = SEALS.seal_object(Type.INDEX, "", msgspec.msgpack.encode(content))
        bad("index", about, DAMAGED, name=f"index/{hashlib.sha256(data).hexdigest()}", data=data.hex())


def roots() -> None:
    ref = BlockRef(b"home", b"file", b"\x07" * 32)
    record = RootRecord(
        id=SNAPSHOT, realm="house", system="documents", host="host", user="root", kind="full", parent=None, as_of=1_772_323_200_000_000,
        ended=1_772_323_260_000_000, grade="complete", defects=["vanished a: it was gone"], defect_count=1, generation="g", specs=b"{}",
        paths=["/home"], writer="c0" * 16, sequence=3, previous="ab" * 16, chunker={"min": 1, "average": 2, "max": 3}, checksums=["sha256"],
        devices=[64_768], users={0: "root"}, groups={0: "root"}, files=1, folders=2, others=0, bytes=10, added_bytes=20, read_bytes=10,
        new_chunks=1, blocks=[ref], lists=[], gc_seen=[],
    )  # fmt: skip
    fields: dict[str, Any] = msgspec.msgpack.decode(msgspec.msgpack.encode(record))

    def sealed(changed: dict[str, Any], bound: str = f"root {SNAPSHOT} 0") -> str:
        body = {name: value for name, value in {**fields, **changed}.items() if value is not ...}
        return SEALS.seal_object(Type.ROOT, bound, msgspec.msgpack.encode(body)).hex()

    expect = [SNAPSHOT, "documents", record.as_of, [[b"home".hex(), b"file".hex(), ref.id.hex()]], [], 0]
    good("root", "acknowledged", expect, name=f"snapshots/{SNAPSHOT}", data=sealed({}))
    good("root", "pending", expect, name=f"pending/{SNAPSHOT}", data=sealed({}))
    good("root", "with a field that is not known yet", expect, name=f"snapshots/{SNAPSHOT}", data=sealed({"later": 1}))
    checkpoint = sealed({"checkpoint": 2}, f"root {SNAPSHOT} 2")
    good("root", "a checkpoint", [*expect[:5], 2], name=f"pending/{SNAPSHOT}-2", data=checkpoint)
    bad("root", "a checkpoint in the place of the snapshot", DAMAGED, name=f"snapshots/{SNAPSHOT}", data=checkpoint)
    bad("root", "another checkpoint", DAMAGED, name=f"pending/{SNAPSHOT}-1", data=checkpoint)
    bad("root", "under another id", DAMAGED, name="snapshots/" + "00" * 16, data=sealed({}))
    bad("root", "another id inside", DAMAGED, name=f"snapshots/{SNAPSHOT}", data=sealed({"id": "00" * 16}))
    bad("root", "a newer format", NEWER, name=f"snapshots/{SNAPSHOT}", data=sealed({"format": 2}))
    for field in ("id", "as_of", "grade", "devices", "blocks", "lists", "users", "gc_seen"):
        bad("root", f"no {field}", DAMAGED, name=f"snapshots/{SNAPSHOT}", data=sealed({field: ...}))
    for field, value in (("blocks", [["home", "file"]]), ("as_of", "now"), ("users", {"root": 0}), ("specs", "text"), ("paths", [b"raw"])):
        bad("root", f"{field} of another type", DAMAGED, name=f"snapshots/{SNAPSHOT}", data=sealed({field: value}))
    bad("root", "empty", DAMAGED, name=f"snapshots/{SNAPSHOT}", data="")


def small_objects() -> None:
    def made(kind: Type, name: str, content: Any) -> dict[str, str]:
        return {"name": name, "data": SEALS.seal_object(kind, name, msgspec.msgpack.encode(content)).hex()}

    name = f"marks/{SNAPSHOT}/" + "0b" * 16
    good("mark", "verified", ["verified", 5, "note"], **made(Type.MARK, name, {"kind": "verified", "at": 5, "note": "note"}))
    good("mark", "of a kind to come", ["later", 5, ""], **made(Type.MARK, name, {"kind": "later", "at": 5, "note": "", "more": 1}))
    bad("mark", "no time", DAMAGED, **made(Type.MARK, name, {"kind": "verified", "note": ""}))
    bad("mark", "a number as kind", DAMAGED, **made(Type.MARK, name, {"kind": 1, "at": 5, "note": ""}))
    bad(
        "mark",
        "of another snapshot",
        DAMAGED,
        **(made(Type.MARK, name, {"kind": "held", "at": 5, "note": ""}) | {"name": name.replace("5a", "5b")}),
    )
    name = "marks/read/" + "0d" * 16
    read = {"kind": "read", "at": 7, "note": "somebody", "begun": 5, "done": False, "packs": [[PACK, 6]]}
    good("readings", "one pack", ["somebody", 5, False, [[PACK.hex(), 6]]], **made(Type.MARK, name, read))
    good("readings", "none", ["somebody", 5, True, []], **made(Type.MARK, name, read | {"packs": [], "done": True}))
    bad("readings", "no beginning", DAMAGED, **made(Type.MARK, name, {field: read[field] for field in read if field != "begun"}))
    bad("readings", "a pack without a time", DAMAGED, **made(Type.MARK, name, read | {"packs": [[PACK]]}))
    bad("readings", "under another name", DAMAGED, **(made(Type.MARK, name, read) | {"name": name.replace("0d", "0e")}))
    name = "gc/00000001-" + "0c" * 16
    record = {"format": 1, "packs": [PACK], "indexes": ["index/" + "ab" * 32]}
    good("deletion", "one pack", [PACK.hex()], **made(Type.DELETION, name, record))
    bad("deletion", "no packs", DAMAGED, **made(Type.DELETION, name, {"format": 1, "indexes": []}))
    bad("deletion", "text for packs", DAMAGED, **made(Type.DELETION, name, record | {"packs": "x"}))
    bad("deletion", "under another number", DAMAGED, **(made(Type.DELETION, name, record) | {"name": name.replace("1", "2", 1)}))


def blocks() -> None:
    row = (b"\xff name", 0o100644, 5, -7, 8, 9, 1000, 1000, 1)
    cold = Cold(b"\x01" * 32, b"\x02" * 32, None, None, [(0, 5)], {b"user.a": b"\0"}, 0, 0)
    link = (b"link", 0o120777, 0, 1, 2, 3, 0, 0, 0)
    piece = Piece(b"home/\xfe", 0, encode_rows([row, link]), encode_colds([cold, Cold(link=b"../x")]))
    empty = Piece(b"home/\xfe/empty", 1, encode_rows([]), encode_colds([]))
    expect = [
        [(b"home/\xfe/\xff name").hex(), 0, 5, -7, cold.chunks.hex(), None],
        [b"home/\xfe/link".hex(), 0, 0, 1, "", b"../x".hex()],
    ]
    good("block", "two entries and an empty folder", expect, data=encode_block([piece, empty]).hex())
    good("block", "nothing", [], data=encode_block([]).hex())
    short = msgspec.msgpack.encode([[b"", 0, encode_rows([row]), msgspec.msgpack.encode([[b"\x01" * 32]])]])
    good("block", "later fields left out", [[b"\xff name".hex(), 0, 5, -7, "01" * 32, None]], data=short.hex())

    def defect(about: str, data: bytes) -> None:
        bad("block", about, DAMAGED, data=data.hex())

    replaced = msgspec.structs.replace
    defect("fewer cold halves than rows", encode_block([replaced(piece, cold=encode_colds([cold]))]))
    defect("a row less one field", encode_block([replaced(piece, hot=msgspec.msgpack.encode([row[:8], link]))]))
    defect("a row with text for a name", encode_block([replaced(piece, hot=msgspec.msgpack.encode([("name", *row[1:]), link]))]))
    defect("a row with a fraction", encode_block([replaced(piece, hot=msgspec.msgpack.encode([(*row[:3], 0.5, *row[4:]), link]))]))
    defect("a number for the hot half", msgspec.msgpack.encode([[b"", 0, 1, b""]]))
    defect("a piece of three", msgspec.msgpack.encode([[b"", 0, b""]]))
    defect("chunks as text", encode_block([replaced(piece, cold=msgspec.msgpack.encode([["x"], []]))]))
    whole = encode_block([piece])
    defect("cut", whole[:-1])
    defect("one byte more", whole + b"\0")
    defect("very deep", b"\x91" * 20_000)
    defect("an array of four thousand million", b"\xdd\xff\xff\xff\xff")
    refs = [BlockRef(b"a", b"b", b"\x01" * 32), BlockRef(b"c", b"", b"\x02" * 32)]
    listed = encode_list(refs)
    good("block-list", "two blocks", [["61", "62", "01" * 32], ["63", "", "02" * 32]], data=listed.hex())
    bad("block-list", "cut", DAMAGED, data=listed[:-1].hex())
    bad("block-list", "a reference of two", DAMAGED, data=msgspec.msgpack.encode([[b"a", b"b"]]).hex())
