"""Writes vectors.json: `python -m tests.format.build_vectors`. Later runs may only add: what stands there is fixed.

Everything random comes from a seed, so the same libraries write the same file. A negative vector is a good one with exactly one defect.
"""

from __future__ import annotations

import json
import os
import random
import struct
import zlib
from array import array
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from reconciler.base.secret import Secret
from reconciler.repository.aead import Xaes
from reconciler.repository.codec import Codec
from reconciler.repository.entries import Cuts
from reconciler.repository.format import Type
from reconciler.repository.header import new_config, new_header
from reconciler.repository.keys import Work, new_slot, with_digest
from reconciler.repository.seal import Seals, lengths_packed, subkey
from tests.format.build_stored import blocks, packs, roots, segments, small_objects
from tests.format.vector_list import (
    AT,
    DAMAGED,
    MASTER,
    NEWER,
    OTHER,
    REPOSITORY,
    SEALS,
    SNAPSHOT,
    UNSUITABLE,
    WRONG_KEY,
    bad,
    flipped,
    good,
    vectors,
)

OUT = Path(__file__).with_name("vectors.json")


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
