"""Writes vectors.json: `python -m tests.format.build_vectors`. Later runs may only add: what stands there is fixed.

Everything random comes from a seed, so the same libraries write the same file. A negative vector is a good one with exactly one defect.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import struct
import zlib
from array import array
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec

from reconciler.base.secret import Secret
from reconciler.repository.aead import Xaes
from reconciler.repository.codec import Codec
from reconciler.repository.entries import BlockRef, Cold, Cuts, Piece, encode_block, encode_colds, encode_list, encode_rows
from reconciler.repository.format import Type
from reconciler.repository.header import new_config, new_header
from reconciler.repository.keys import Work, new_slot, with_digest
from reconciler.repository.pack import PackEntry, Segment
from reconciler.repository.root import RootRecord
from reconciler.repository.seal import Seals, SegmentSealer, lengths_packed, subkey

OUT = Path(__file__).with_name("vectors.json")
MASTER = bytes(range(32))
REPOSITORY = "00112233445566778899aabbccddeeff"
OTHER = "ff" * 16
AT = datetime(2026, 3, 1, tzinfo=UTC)
DAMAGED, NEWER = "repository-damaged", "repository-newer-format"
WRONG_KEY, UNSUITABLE = "repository-wrong-key", "repository-key-unsuitable"
SEALS = Seals(MASTER, REPOSITORY)
PACK = hashlib.sha256(b"a pack").digest()
SNAPSHOT = "5a" * 16

vectors: list[dict[str, Any]] = []


def good(kind: str, about: str, expect: Any, **given: Any) -> dict[str, Any]:
    vectors.append({"kind": kind, "about": about, "given": given, "expect": expect})
    return given


def bad(kind: str, about: str, error: str, **given: Any) -> None:
    vectors.append({"kind": kind, "about": about, "given": given, "error": error})


def flipped(data: bytes, position: int) -> str:
    changed = bytearray(data)
    changed[position] ^= 0x01
    return changed.hex()


def primitives(rng: random.Random) -> None:
    for repository in (REPOSITORY, OTHER):
        for label in ("chunk id", "data", "meta", "header", "block cut"):
            expect = subkey(MASTER, label, bytes.fromhex(repository)).hex()
            good("subkey", f"{label} of {repository[:4]}", expect, label=label, repository=repository)
    good("seed", "the chunker's seed is a positive number of 63 bits", SEALS.chunker_seed)
    for folder, name in ((b"", b"etc"), (b"a/b", b"c"), (b"a", b"b/c"), *((b"folder", b"%d" % number) for number in (1316, 2, 3))):
        good("cut", f"{folder!r} {name!r}", Cuts(SEALS.cut_key).after(folder, name), folder=folder.hex(), name=name.hex())
    for kind in (Type.DATA, Type.ENTRIES, Type.BLOCKS):
        for content in (b"", b"a", rng.randbytes(2000)):
            good("chunk-id", f"type {kind}, {len(content)} bytes", SEALS.chunk_id(kind, content).hex(), type=kind, content=content.hex())
    for count in (1, 3):
        ids, lengths = rng.randbytes(32 * count), lengths_packed(array("I", [rng.randrange(2**24) for _ in range(count)]))
        expect = SEALS.segment_id(ids, lengths).hex()
        good("segment-id", f"{count} chunks", expect, ids=ids.hex(), lengths=lengths.hex())
    for kind, packed, plain in ((1, 0, 0), (1, 1, 2**20), (18, 2, 77)):
        context = rng.randbytes(32)
        expect = SEALS.associated(kind, context, packed, plain).hex()
        good("associated", f"type {kind}, compression {packed}", expect, type=kind, context=context.hex(), compression=packed, plain=plain)


def sealing(rng: random.Random) -> None:
    published = "XAES-256-GCM, published by C2SP"
    nonce, plain = b"ABCDEFGHIJKLMNOPQRSTUVWX", b"XAES-256-GCM"
    sealed = nonce + bytes.fromhex("ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271")
    good("xaes", f"{published}: first", plain.hex(), key="01" * 32, sealed=sealed.hex(), associated="")
    sealed = nonce + bytes.fromhex("986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d")
    associated = b"c2sp.org/XAES-256-GCM".hex()
    good("xaes", f"{published}: second", plain.hex(), key="03" * 32, sealed=sealed.hex(), associated=associated)
    for about, position in (("nonce, first half", 0), ("nonce, second half", 13), ("ciphertext", 24), ("tag", -1)):
        bad("xaes", f"a flipped bit in the {about}", DAMAGED, key="03" * 32, sealed=flipped(sealed, position), associated=associated)
    bad("xaes", "another key", DAMAGED, key="02" * 32, sealed=sealed.hex(), associated=associated)
    bad("xaes", "other associated data", DAMAGED, key="03" * 32, sealed=sealed.hex(), associated=associated[2:])
    for length in (0, 23, 39):
        bad("xaes", f"cut to {length} bytes", DAMAGED, key="03" * 32, sealed=sealed[:length].hex(), associated=associated)
    for length in (0, 1, 1000):
        plain, key = rng.randbytes(length), rng.randbytes(32)
        good("xaes", f"{length} bytes", plain.hex(), key=key.hex(), sealed=Xaes(key).seal(plain, b"x").hex(), associated=b"x".hex())


def compression() -> None:
    plain = b"the same words again and again, " * 40
    for number, name in enumerate(("none", "zstd", "gzip")):
        packed, small = Codec(name).compress(memoryview(plain))
        assert packed == number
        small = bytes(small)
        good("decompress", name, plain.hex(), compression=number, data=small.hex(), plain=len(plain))
        bad("decompress", f"{name}: longer than it says", DAMAGED, compression=number, data=small.hex(), plain=len(plain) - 1)
        bad("decompress", f"{name}: shorter than it says", DAMAGED, compression=number, data=small.hex(), plain=len(plain) + 1)
        bad("decompress", f"{name}: something after the end", DAMAGED, compression=number, data=small.hex() + "00", plain=len(plain))
        bad("decompress", f"{name}: cut", DAMAGED, compression=number, data=small[:-3].hex(), plain=len(plain))
        if number:
            bad("decompress", f"{name}: of something else", DAMAGED, compression=number, data=plain.hex(), plain=len(plain))
            bomb = bytes(Codec(name).compress(memoryview(bytes(2**22)))[1])
            bad("decompress", f"{name}: 4 MiB that claim to be 100 bytes", DAMAGED, compression=number, data=bomb.hex(), plain=100)
    bad("decompress", "an unknown number", DAMAGED, compression=3, data=plain.hex(), plain=len(plain))
    twice = (zlib.compress(plain, wbits=31) * 2).hex()
    bad("decompress", "gzip: two members", DAMAGED, compression=2, data=twice, plain=len(plain))


def control_objects() -> None:
    content = b'{"chunker": {"min": 1}}'
    name = "marks/" + SNAPSHOT + "/" + "01" * 16
    for kind, bound in ((Type.MARK, name), (Type.INDEX, ""), (Type.DIRECTORY, "ab" * 32)):
        for plain in (content, b"", b"x" * 3000):
            data = SEALS.seal_object(kind, bound, plain)
            good("object", f"type {kind}, {len(plain)} bytes", plain.hex(), type=kind, name=bound, data=data.hex())
    data = SEALS.seal_object(Type.MARK, name, content)

    def defect(about: str, data: str, *, kind: int = Type.MARK, bound: str = name) -> None:
        bad("object", about, DAMAGED, type=kind, name=bound, data=data)

    for about, position in (
        ("magic", 0), ("type", 4), ("compression", 5), ("plain length", 13), ("nonce", 14), ("ciphertext", 38), ("tag", -1),
    ):  # fmt: skip
        defect(f"a flipped bit in the {about}", flipped(data, position))
    defect("under another name", data.hex(), bound=name[:-1] + "2")
    defect("under the empty name", data.hex(), bound="")
    for kind in (Type.ROOT, Type.CONFIG, Type.DELETION, Type.INDEX):
        defect(f"taken for type {kind}", data.hex(), kind=kind)
        defect(f"retyped to {kind}", (data[:4] + bytes([kind]) + data[5:]).hex(), kind=kind)
    for length in (0, 3, 13, 14, 53, len(data) - 1):
        defect(f"cut to {length} bytes", data[:length].hex())
    defect("with a byte more", data.hex() + "00")
    defect("claims 1 EiB", (data[:6] + struct.pack(">Q", 2**60) + data[14:]).hex())
    defect("claims 257 MiB", (data[:6] + struct.pack(">Q", 257 * 2**20) + data[14:]).hex())
    defect("of another repository", Seals(MASTER, OTHER).seal_object(Type.MARK, name, content).hex())
    defect("under another master key", Seals(bytes(32), REPOSITORY).seal_object(Type.MARK, name, content).hex())
    good(
        "object", "the configuration", "7b", type=Type.CONFIG, name="config/0", data=SEALS.seal_object(Type.CONFIG, "config/0", b"{").hex()
    )
    defect("the configuration under the next number", new_config(SEALS).hex(), kind=Type.CONFIG, bound="config/1")


def headers() -> None:
    text = new_header(REPOSITORY, SEALS.header_key, AT.isoformat()).decode()
    good("header", "format 1", REPOSITORY, data=text)
    fields = json.loads(text)
    del fields["sha256"]

    def defect(about: str, error: str, **changed: Any) -> None:
        body = {name: value for name, value in {**fields, **changed}.items() if value is not None}
        bad("header", about, error, data=json.dumps(with_digest(body)))

    defect("a newer format", NEWER, format=2)
    defect("another suite", NEWER, suite=2)
    for folder in ("read", "write", "gc"):
        defect(f"an unknown feature to {folder}", NEWER, features=fields["features"] | {folder: ["later"]})
    defect("of another program", DAMAGED, kind="another repository")
    defect("another id", DAMAGED, id=OTHER)
    defect("an id in capitals", DAMAGED, id=REPOSITORY.upper())
    defect("a short id", DAMAGED, id=REPOSITORY[:30])
    defect("another time", DAMAGED, created="2020-01-01T00:00:00+00:00")
    defect("a feature list less", DAMAGED, features={"read": [], "write": []})
    defect("an added field", DAMAGED, added="x")
    defect("no MAC", DAMAGED, mac=None)
    defect("another MAC", DAMAGED, mac="00" * 32)
    for field in ("id", "kind", "format", "suite", "features"):
        defect(f"no {field}", DAMAGED, **{field: None})
    for about, data in (
        ("a flipped letter", text.replace("reconciler", "reconcilfr")), ("no digest", json.dumps(fields)), ("empty", ""),
        ("half", text[:90]),
        ("a list", "[]"), ("a number", "1"), ("very deep", "[" * 20_000),
    ):  # fmt: skip
        bad("header", about, DAMAGED, data=data)


def slots() -> None:
    raw, words = "a7" * 32, "correct horse"
    raw_name, raw_slot = new_slot(MASTER, Secret(bytes.fromhex(raw)), "raw", REPOSITORY, AT)
    words_name, words_slot = new_slot(MASTER, Secret("Zürich ist schön".encode()), "passphrase", REPOSITORY, AT, Work(3, 2**16, 2))
    both = {f"keys/{raw_name}": raw_slot.decode(), f"keys/{words_name}": words_slot.decode()}
    only = {f"keys/{raw_name}": raw_slot.decode()}
    said = {f"keys/{words_name}": words_slot.decode()}
    good("slots", "a raw key", MASTER.hex(), slots=both, key=raw, type="raw")
    good("slots", "a passphrase", MASTER.hex(), slots=both, key="Zürich ist schön".encode().hex(), type="passphrase")
    good(
        "slots",
        "a passphrase with combining letters",
        MASTER.hex(),
        slots=said,
        key="Zu\u0308rich ist scho\u0308n".encode().hex(),
        type="passphrase",
    )
    bad("slots", "another raw key", WRONG_KEY, slots=only, key="a8" * 32, type="raw")
    bad("slots", "another passphrase", WRONG_KEY, slots=said, key=words.encode().hex(), type="passphrase")
    bad("slots", "a raw key where only a passphrase opens", WRONG_KEY, slots=said, key=raw, type="raw")
    bad("slots", "no slot at all", WRONG_KEY, slots={}, key=raw, type="raw")
    bad("slots", "33 slots", UNSUITABLE, slots={f"keys/{n:032x}": raw_slot.decode() for n in range(33)}, key=raw, type="raw")
    body = json.loads(raw_slot)
    del body["sha256"]

    def changed(about: str, error: str, **fields: Any) -> None:
        remade = {name: value for name, value in {**body, **fields}.items() if value is not None}
        bad("slots", about, error, slots={f"keys/{raw_name}": json.dumps(with_digest(remade))}, key=raw, type="raw")

    changed("the slot of another repository", WRONG_KEY, repository=OTHER)
    changed("another salt", WRONG_KEY, salt="00" * 32)
    changed("another time", WRONG_KEY, created="2020-01-01T00:00:00+00:00")
    changed("another commitment", WRONG_KEY, commit="00" * 32)
    changed("another wrapped key", WRONG_KEY, wrapped="00" * 72)
    changed("an added field", WRONG_KEY, added=1)
    for field in ("wrapped", "commit", "salt", "repository"):
        changed(f"no {field}", WRONG_KEY, **{field: None})
    bad("slots", "a flipped letter", DAMAGED, slots={f"keys/{raw_name}": raw_slot.decode().replace("raw", "rbw")}, key=raw, type="raw")
    bad("slots", "an empty slot", DAMAGED, slots={f"keys/{raw_name}": ""}, key=raw, type="raw")
    body = json.loads(words_slot)
    del body["sha256"]
    for about, factors in (
        ("two passes", {"time": 2}), ("63 MiB", {"memory": 63 * 1024}), ("no lanes", {"lanes": 0}), ("17 passes", {"time": 17}),
        ("2 GiB", {"memory": 2**21}), ("17 lanes", {"lanes": 17}),
    ):  # fmt: skip
        remade = with_digest(body | {"argon2id": body["argon2id"] | factors})
        bad("slots", f"Argon2id with {about}", UNSUITABLE, slots={f"keys/{words_name}": json.dumps(remade)}, key="77", type="passphrase")
    good("raw-key", "64 digits and a line end", "ab" * 32, text="ab" * 32 + "\n")
    good("raw-key", "capitals", "ab" * 32, text="AB" * 32)
    for about, text in (("empty", ""), ("63 digits", "a" * 63), ("66 digits", "ab" * 33), ("no digits", "zz" * 32), ("letters", "ä" * 32)):
        bad("raw-key", about, UNSUITABLE, text=text)


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


def build() -> list[dict[str, Any]]:
    rng = random.Random(20260301)
    vectors.clear()
    parts: list[Callable[[], None]] = [lambda: primitives(rng), lambda: sealing(rng), compression, control_objects, headers, slots]
    parts += [segments, packs, roots, small_objects, blocks]
    with patch.object(os, "urandom", rng.randbytes):
        for part in parts:
            part()
    return [{"number": number, **vector} for number, vector in enumerate(vectors, 1)]


if __name__ == "__main__":
    made = build()
    head = {"format": 1, "master": MASTER.hex(), "repository": REPOSITORY}
    lines = ",\n".join("  " + json.dumps(vector, ensure_ascii=True) for vector in made)
    OUT.write_text(json.dumps(head)[:-1] + ', "vectors": [\n' + lines + "\n]}\n", encoding="ascii")
    positive = sum("expect" in vector for vector in made)
    print(f"{len(made)} vectors: {positive} good ones, {len(made) - positive} with one defect")
