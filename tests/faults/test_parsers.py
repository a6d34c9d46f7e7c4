"""Every parser of the format takes any bytes at all: it gives a value or a typed error, in bounded time and memory.

What is encrypted cannot be forged without the key, so the mutated plaintext is sealed again: the hostile party here has the key, or a
program with a bug has written it.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from reconciler.base.secret import Secret
from reconciler.repository import RepositoryError
from reconciler.repository.codec import decompress
from reconciler.repository.deletion import deletion_records
from reconciler.repository.entries import Cold, Piece, decode_block, decode_list, encode_block, encode_colds, entries_of
from reconciler.repository.errors import Damaged
from reconciler.repository.format import PACK_END, Type
from reconciler.repository.header import read_config, read_header
from reconciler.repository.index import ChunkIndex, read_index_object
from reconciler.repository.keys import open_slots, with_digest
from reconciler.repository.marks import read_mark
from reconciler.repository.pack import read_directory
from reconciler.repository.root import shown_root, unseal_root
from reconciler.repository.seal import Seals
from reconciler.tree.entry import encode_rows
from tests.faults.world import TIMES, Corpus, Memory, deadline, fold
from tests.unit.repository.conftest import CREATED, KEY

pytestmark = pytest.mark.faults
TRIES = 2000 * TIMES
NUMBERS = (-(2**63), -(2**31), -1, 0, 1, 255, 2**16, 2**31, 2**32 - 1, 2**53, 2**60, 2**63 - 1, 2**64 - 1)
NASTY: tuple[Any, ...] = (None, True, "", "..", "/", "\0", "x" * 5000, b"", b"..", b"\0", [], {}, 1.5, float("nan"), *NUMBERS)


class Lab(Struct):
    """The reference repository opened as its owner could: with the keys."""

    corpus: Corpus
    seals: Seals

    def only(self, folder: str) -> str:
        return next(name for name in sorted(self.corpus.objects) if fold(name) == folder)

    def store(self, **changed: bytes) -> Memory:
        return Memory(self.corpus.objects | changed)


@pytest.fixture(scope="module")
def lab(corpus: Corpus) -> Lab:
    slots = {name: data for name, data in corpus.objects.items() if fold(name) == "keys"}
    repository_id = json.loads(corpus.objects["header"])["id"]
    return Lab(corpus, Seals(open_slots(slots, Secret(bytes.fromhex(KEY.decode())), "raw", repository_id), repository_id))


def bent(data: bytes, chance: random.Random) -> bytes:
    """One to four changes of bytes: flip, remove, insert, repeat, an extreme number, another order."""
    changed = bytearray(data)
    for _ in range(chance.randrange(1, 5)):
        if not changed:
            return bytes(changed)
        at = chance.randrange(len(changed))
        how = chance.randrange(7)
        if how == 0:
            changed[at] ^= 1 << chance.randrange(8)
        elif how == 1:
            del changed[at : at + chance.randrange(1, 9)]
        elif how == 2:
            changed[at:at] = chance.randbytes(chance.randrange(1, 9))
        elif how == 3:
            changed[at:at] = changed[at : at + 40] * chance.randrange(1, 4)
        elif how == 4:
            changed[at : at + 9] = chance.choice([b"\xcf", b"\xd3", b"\xcb"]) + chance.choice(NUMBERS).to_bytes(9, "big", signed=True)[-8:]
        elif how == 5:
            changed[at] = chance.choice(b"\x00\x80\x90\xa0\xc0\xc1\xc4\xc6\xdb\xdc\xdd\xde\xdf\xff")
        else:
            del changed[at:]
    return bytes(changed)


def warped(value: Any, chance: random.Random) -> Any:
    """The same structure with one place changed: another type, an extreme number, something missing or doubled."""
    if isinstance(value, dict) and value and chance.random() < 0.9:
        key = chance.choice(list(value))
        if chance.random() < 0.15:
            return {each: inner for each, inner in value.items() if each != key}
        return value | {key: warped(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.9:
        at = chance.randrange(len(value))
        if chance.random() < 0.2:
            return value[:at] + value[at + 1 :] if chance.random() < 0.5 else value + value[at:]
        return [*value[:at], warped(value[at], chance), *value[at + 1 :]]
    if isinstance(value, int) and chance.random() < 0.7:
        return chance.choice([*NUMBERS, value + 1, -value])
    if isinstance(value, bytes) and chance.random() < 0.7:
        return bent(value, chance)
    return chance.choice(NASTY)


def warped_msgpack(data: bytes, chance: random.Random) -> bytes:
    """Half of the time another structure, half of the time other bytes."""
    if chance.random() < 0.5:
        return bent(data, chance)
    try:
        return msgspec.msgpack.encode(warped(msgspec.msgpack.decode(data), chance))
    except (OverflowError, ValueError):
        return bent(data, chance)


def warped_json(data: bytes, chance: random.Random) -> bytes:
    """With a digest that fits, so that the fields themselves are met."""
    if chance.random() < 0.3:
        return bent(data, chance)
    body = json.loads(data)
    del body["sha256"]
    changed = warped(body, chance)
    try:
        return json.dumps(with_digest(changed) if isinstance(changed, dict) else changed).encode()
    except TypeError:  # bytes have no form in JSON
        return bent(data, chance)


def parse_header(lab: Lab, chance: random.Random) -> None:
    read_header(lab.store(header=warped_json(lab.corpus.objects["header"], chance)))


def parse_slots(lab: Lab, chance: random.Random) -> None:
    name = lab.only("keys")
    body = json.loads(lab.corpus.objects[name])
    if chance.random() < 0.3:
        body |= {"kind": "passphrase", "argon2id": {"time": chance.choice(NUMBERS), "memory": chance.choice(NUMBERS), "lanes": 1}}
        del body["sha256"]
        body = with_digest(body)
    open_slots({name: warped_json(json.dumps(body).encode(), chance)}, Secret(b"no such words"), body["kind"], lab.seals.repository.hex())


def parse_config(lab: Lab, chance: random.Random) -> None:
    plain = lab.seals.unseal_object(Type.CONFIG, "config/0", lab.corpus.objects["config/0"])
    changed = bent(plain, chance)
    if chance.random() < 0.7:
        try:
            changed = json.dumps(warped(json.loads(plain), chance)).encode()
        except TypeError:
            changed = bent(plain, chance)
    chunker = read_config(Memory({"config/0": lab.seals.seal_object(Type.CONFIG, "config/0", changed)}), lab.seals)
    assert 0 < chunker.bytes_min <= chunker.bytes_average <= chunker.bytes_max < 2**25


def parse_object(lab: Lab, chance: random.Random) -> None:
    kind, folder = chance.choice([(Type.CONFIG, "config"), (Type.INDEX, "index"), (Type.MARK, "marks")])
    name = lab.only(folder)
    lab.seals.unseal_object(kind, "" if folder == "index" else name, bent(lab.corpus.objects[name], chance), shown=name)


def parse_directory(lab: Lab, chance: random.Random) -> None:
    data = lab.corpus.objects[lab.only("packs")]
    salt, length = data[10:42], int.from_bytes(data[-12:-8], "big")
    plain = lab.seals.unseal_object(Type.DIRECTORY, salt.hex(), data[-12 - length : -12])
    sealed = lab.seals.seal_object(Type.DIRECTORY, salt.hex(), warped_msgpack(plain, chance))
    changed = data[: -12 - length] + sealed + len(sealed).to_bytes(4, "big") + PACK_END
    if chance.random() < 0.2:
        changed = bent(changed, chance)
    name = f"packs/00/{hashlib.sha256(changed).hexdigest()}"
    ChunkIndex().add(read_directory(Memory({name: changed}), lab.seals, name, len(changed)), lab.seals)


def parse_index(lab: Lab, chance: random.Random) -> None:
    plain = lab.seals.unseal_object(Type.INDEX, "", lab.corpus.objects[lab.only("index")])
    sealed = lab.seals.seal_object(Type.INDEX, "", warped_msgpack(plain, chance))
    name = f"index/{hashlib.sha256(sealed).hexdigest()}"
    index = ChunkIndex()
    for entry in read_index_object(Memory({name: sealed}), lab.seals, name).packs:
        index.add(entry, lab.seals)


def parse_root(lab: Lab, chance: random.Random) -> None:
    name = lab.only("snapshots")
    bound = f"root {name.rsplit('/', 1)[-1]} 0"
    plain = lab.seals.unseal_object(Type.ROOT, bound, lab.corpus.objects[name])
    sealed = lab.seals.seal_object(Type.ROOT, bound, warped_msgpack(plain, chance))
    shown_root(unseal_root(lab.seals, name, sealed), CREATED)


def parse_mark(lab: Lab, chance: random.Random) -> None:
    name = lab.only("marks")
    plain = lab.seals.unseal_object(Type.MARK, name, lab.corpus.objects[name])
    read_mark(Memory({name: lab.seals.seal_object(Type.MARK, name, warped_msgpack(plain, chance))}), lab.seals, name)


def parse_deletion(lab: Lab, chance: random.Random) -> None:
    plain = msgspec.msgpack.encode({"format": 1, "packs": [bytes(32), bytes(32)], "indexes": ["index/" + "0" * 64]})
    deletion_records(Memory({"gc/1-a": lab.seals.seal_object(Type.DELETION, "gc/1-a", warped_msgpack(plain, chance))}), lab.seals)


def parse_block(lab: Lab, chance: random.Random) -> None:
    rows = [(b"name%d" % number, 0o100644, 5, 1, 1, 1, 0, 0, 1) for number in range(3)]
    hot, cold = encode_rows(rows), encode_colds([Cold(bytes(32), bytes(32), xattrs={b"user.a": b"b"}, extents=[(0, 5)])] * 3)
    if chance.random() < 0.5:
        hot = warped_msgpack(hot, chance)
    else:
        cold = warped_msgpack(cold, chance)
    block = encode_block([Piece(b"folder", 0, hot, cold)])
    for piece in decode_block(warped_msgpack(block, chance) if chance.random() < 0.5 else block, "a block"):
        for entry in entries_of(piece):
            assert isinstance(entry.path, bytes)


def parse_list(lab: Lab, chance: random.Random) -> None:
    decode_list(warped_msgpack(msgspec.msgpack.encode([[b"folder", b"name", bytes(32)]] * 3), chance), "a list")


def parse_compressed(lab: Lab, chance: random.Random) -> None:
    """Called for segments behind the authentication; a wrong length never allocates more than was promised."""
    import zlib

    packed, data = chance.choice([(1, _ZSTD), (2, zlib.compress(bytes(5000), wbits=31))])
    try:
        assert len(decompress(packed, bent(data, chance), chance.choice([0, 1, 4999, 5000, 5001, 2**20]))) <= 2**20
    except ValueError as error:
        raise Damaged(str(error)) from error


def _zstd(data: bytes) -> bytes:
    from reconciler.repository.codec import Codec

    return bytes(Codec().compress(memoryview(data))[1])


_ZSTD = _zstd(bytes(5000))
PARSERS = [value for name, value in sorted(globals().items()) if name.startswith("parse_")]


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.__name__)
def test_any_bytes_give_a_value_or_a_typed_error(lab: Lab, parser: Callable[[Lab, random.Random], None], faults: Callable) -> None:
    accepted = 0
    with deadline(60 * TIMES, "the whole part"):
        for number in range(TRIES):
            try:
                parser(lab, random.Random(f"{parser.__name__} {number}"))
                accepted += 1
            except RepositoryError:
                continue
            except Exception as error:
                raise AssertionError(f"{parser.__name__} {number} ends with {error!r}") from error
    assert accepted < TRIES, "nothing was refused: is anything changed at all?"
    faults("parser fuzz", TRIES)
