"""The same questions to two readers: each kind of vector has a function that asks the program, and one that asks the second reader.

Both answer in the same words: bytes as hex, structures as lists. A refusal is an exception with an attribute ``code``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from blake3 import blake3

from reconciler.base.secret import Secret
from reconciler.repository.aead import InvalidTag, Xaes
from reconciler.repository.codec import decompress
from reconciler.repository.deletion import DeletionRecord, deletion_records
from reconciler.repository.entries import Cuts, decode_block, decode_list, entries_of
from reconciler.repository.errors import Damaged, ObjectMissing
from reconciler.repository.fetch import Fetcher
from reconciler.repository.format import Type
from reconciler.repository.header import check_header, read_header
from reconciler.repository.index import ChunkIndex, read_index_object
from reconciler.repository.keys import open_slots, parse_raw
from reconciler.repository.marks import read_mark
from reconciler.repository.pack import HEAD_BYTES, PackEntry, Segment, check_entry, read_directory
from reconciler.repository.readings import _read
from reconciler.repository.root import to_micros, unseal_root
from reconciler.repository.seal import Seals, subkey
from reconciler.repository.store import Found
from reconciler.tree.entry import MTIME, SIZE
from tests.format import reader

Given = dict[str, Any]
Ask = Callable[[Given], Any]
READINGS = reader.shape("Readings", {"kind": str, "at": int, "note": str, "begun": int, "done": bool, "packs": list[tuple[bytes, int]]})
hexed = bytes.fromhex


class Shelf:
    """A store in memory, as far as reading goes."""

    url = "a shelf"
    at_once = 1

    def __init__(self, objects: dict[str, bytes]) -> None:
        self._objects = objects

    def get(self, name: str, limit: int) -> bytes:
        if name not in self._objects:
            raise ObjectMissing(f"{name} is missing", object=name)
        if len(self._objects[name]) > limit:
            raise Damaged(f"{name} is too large", object=name)
        return self._objects[name]

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        data = self._objects[name][offset : offset + length]
        if len(data) != length:
            raise Damaged(f"{name} is cut short", object=name)
        return data

    def list(self, prefix: str) -> Iterator[Found]:
        for name, data in sorted(self._objects.items()):
            if name.startswith(prefix + "/"):
                yield Found(name, len(data), datetime(2026, 3, 1, tzinfo=UTC))


def _segments(listed: list[Any]) -> list[list[Any]]:
    """Both readers keep the fields of a segment in the order of the format."""
    return [[*(getattr(each, name) for name in each.__struct_fields__[:4]), each.ids.hex(), each.lengths.hex()] for each in listed]


def _refs(listed: list[Any]) -> list[list[str]]:
    return [[each.folder.hex(), each.name.hex(), each.id.hex()] for each in listed]


def _hex(data: bytes | None) -> str | None:
    return None if data is None else data.hex()


class Program:
    """What the program answers."""

    def __init__(self, master: bytes, repository: str) -> None:
        self.master = master
        self.seals = Seals(master, repository)
        self.repository = repository

    def ask(self, kind: str, given: Given) -> Any:
        return getattr(self, kind.replace("-", "_"))(given)

    def subkey(self, given: Given) -> str:
        return subkey(self.master, given["label"], hexed(given["repository"])).hex()

    def seed(self, _: Given) -> int:
        return self.seals.chunker_seed

    def cut(self, given: Given) -> bool:
        return Cuts(self.seals.cut_key).after(hexed(given["folder"]), hexed(given["name"]))

    def chunk_id(self, given: Given) -> str:
        return self.seals.chunk_id(Type(given["type"]), hexed(given["content"])).hex()

    def segment_id(self, given: Given) -> str:
        return self.seals.segment_id(hexed(given["ids"]), hexed(given["lengths"])).hex()

    def associated(self, given: Given) -> str:
        return self.seals.associated(given["type"], hexed(given["context"]), given["compression"], given["plain"]).hex()

    def xaes(self, given: Given) -> str:
        try:
            return Xaes(hexed(given["key"])).unseal(hexed(given["sealed"]), hexed(given["associated"])).hex()
        except InvalidTag:
            raise Damaged("fails its authentication") from None

    def decompress(self, given: Given) -> str:
        try:
            return bytes(decompress(given["compression"], hexed(given["data"]), given["plain"])).hex()
        except ValueError as error:
            raise Damaged(str(error)) from error

    def object(self, given: Given) -> str:
        return self.seals.unseal_object(Type(given["type"]), given["name"], hexed(given["data"])).hex()

    def header(self, given: Given) -> str:
        fields = read_header(Shelf({"header": given["data"].encode()}))  # type: ignore[arg-type]
        check_header(fields, Seals(self.master, fields["id"]).header_key)
        return str(fields["id"])

    def slots(self, given: Given) -> str:
        slots = {name: text.encode() for name, text in given["slots"].items()}
        return open_slots(slots, Secret(hexed(given["key"])), given["type"], self.repository).hex()

    def raw_key(self, given: Given) -> str:
        return parse_raw(given["text"].encode()).reveal().hex()

    def segment(self, given: Given) -> list[str]:
        fields = [hexed(value) if isinstance(value, str) else value for value in given["segment"]]
        sealed = hexed(given["sealed"])
        entry = PackEntry(bytes(32), HEAD_BYTES + len(sealed), [Segment(*fields)])
        check_entry(entry, entry.name)
        index = ChunkIndex()
        index.add(entry, self.seals)
        fetcher = Fetcher(Shelf({entry.name: bytes(HEAD_BYTES) + sealed}), self.seals, index)  # type: ignore[arg-type]
        ids = fields[4]
        return [fetcher.chunk(Type(fields[0]), ids[start : start + 32]).hex() for start in range(0, len(ids), 32)]

    def directory(self, given: Given) -> list[list[Any]]:
        pack = hexed(given["pack"])
        store = Shelf({given["name"]: pack})
        return _segments(read_directory(store, self.seals, given["name"], len(pack)).segments)  # type: ignore[arg-type]

    def index(self, given: Given) -> list[list[Any]]:
        found = read_index_object(Shelf({given["name"]: hexed(given["data"])}), self.seals, given["name"])  # type: ignore[arg-type]
        return [[entry.pack.hex(), entry.size, _segments(entry.segments)] for entry in found.packs]

    def root(self, given: Given) -> list[Any]:
        root = unseal_root(self.seals, given["name"], hexed(given["data"]))
        return [root.id, root.system, root.as_of, _refs(root.blocks), _refs(root.lists), root.checkpoint]

    def mark(self, given: Given) -> list[Any]:
        mark = read_mark(Shelf({given["name"]: hexed(given["data"])}), self.seals, given["name"])  # type: ignore[arg-type]
        return [mark.kind, to_micros(mark.at), mark.note]

    def deletion(self, given: Given) -> list[Any]:
        records: dict[str, Any] = dict(deletion_records(Shelf({given["name"]: hexed(given["data"])}), self.seals))  # type: ignore[arg-type]
        found = records[given["name"]]
        packs = found.packs if isinstance(found, DeletionRecord) else found
        return sorted(pack.hex() for pack in packs)

    def readings(self, given: Given) -> list[Any]:
        read = _read(Shelf({given["name"]: hexed(given["data"])}), self.seals, given["name"])  # type: ignore[arg-type]
        return [read.note, read.begun, read.done, [[pack.hex(), at] for pack, at in read.packs]]

    def block(self, given: Given) -> list[list[Any]]:
        entries = [entry for piece in decode_block(hexed(given["data"]), "a block") for entry in entries_of(piece)]
        return [
            [each.path.hex(), each.device, each.row[SIZE], each.row[MTIME], each.cold.chunks.hex(), _hex(each.cold.link)]
            for each in entries
        ]

    def block_list(self, given: Given) -> list[list[str]]:
        return _refs(decode_list(hexed(given["data"]), "a block list"))


class Second:
    """What the second reader answers."""

    def __init__(self, master: bytes, repository: str) -> None:
        self.master = master
        self.keys = reader.Keys(master, repository)
        self.repository = repository

    def ask(self, kind: str, given: Given) -> Any:
        return getattr(self, kind.replace("-", "_"))(given)

    def subkey(self, given: Given) -> str:
        return reader.subkey(self.master, hexed(given["repository"]), given["label"]).hex()

    def seed(self, _: Given) -> int:
        return int.from_bytes(reader.subkey(self.master, self.keys.repository, "chunker", 8), "big") >> 1

    def cut(self, given: Given) -> bool:
        """Only a writer cuts blocks: the page's sentence, word for word."""
        key = reader.subkey(self.master, self.keys.repository, "block cut")
        digest = blake3(hexed(given["folder"]) + b"/" + hexed(given["name"]), key=key).digest()
        return int.from_bytes(digest[:4], "big") % 1024 == 0

    def chunk_id(self, given: Given) -> str:
        return self.keys.chunk_id(given["type"], hexed(given["content"])).hex()

    def segment_id(self, given: Given) -> str:
        return self.keys.segment_id(hexed(given["ids"]), hexed(given["lengths"])).hex()

    def associated(self, given: Given) -> str:
        return self.keys.associated(given["type"], hexed(given["context"]), given["compression"], given["plain"]).hex()

    def xaes(self, given: Given) -> str:
        return reader.open_xaes(hexed(given["key"]), hexed(given["sealed"]), hexed(given["associated"])).hex()

    def decompress(self, given: Given) -> str:
        return reader.decompress(given["compression"], hexed(given["data"]), given["plain"]).hex()

    def object(self, given: Given) -> str:
        return self.keys.control(given["type"], given["name"], hexed(given["data"]), given["name"]).hex()

    def header(self, given: Given) -> str:
        return reader.read_header(given["data"].encode(), self.master)

    def slots(self, given: Given) -> str:
        slots = {name: text.encode() for name, text in given["slots"].items()}
        return reader.open_slots(slots, hexed(given["key"]), given["type"], self.repository).hex()

    def raw_key(self, given: Given) -> str:
        return reader.raw_key(given["text"].encode()).hex()

    def segment(self, given: Given) -> list[str]:
        segment = reader.Segment(*(hexed(value) if isinstance(value, str) else value for value in given["segment"]))
        sealed = hexed(given["sealed"])
        reader.check_pack(reader.PackEntry(bytes(32), reader.PACK_HEAD + len(sealed), [segment]), "a pack")
        plain = self.keys.segment(segment, sealed, "a segment")
        chunks = [(chunk, plain[offset : offset + length]) for chunk, offset, length in reader.chunks_of(segment)]
        for chunk, content in chunks:
            reader.demand(self.keys.chunk_id(segment.type, content) == chunk, "a chunk is not what its id says")
        return [content.hex() for _, content in chunks]

    def directory(self, given: Given) -> list[list[Any]]:
        return _segments(self.keys.directory(given["name"], hexed(given["pack"])).segments)

    def index(self, given: Given) -> list[list[Any]]:
        found = self.keys.index(given["name"], hexed(given["data"]))
        return [[entry.pack.hex(), entry.size, _segments(entry.segments)] for entry in found.packs]

    def root(self, given: Given) -> list[Any]:
        root = self.keys.root(given["name"], hexed(given["data"]))
        return [root.id, root.system, root.as_of, _refs(root.blocks), _refs(root.lists), root.checkpoint]

    def mark(self, given: Given) -> list[Any]:
        name = given["name"]
        mark = reader.decoded(self.keys.control(reader.MARK, name, hexed(given["data"]), name), reader.Mark, name)
        return [mark.kind, mark.at, mark.note]

    def deletion(self, given: Given) -> list[Any]:
        name = given["name"]
        record = reader.decoded(self.keys.control(reader.DELETION, name, hexed(given["data"]), name), reader.Deletion, name)
        return sorted(pack.hex() for pack in record.packs)

    def readings(self, given: Given) -> list[Any]:
        name = given["name"]
        read = reader.decoded(self.keys.control(reader.MARK, name, hexed(given["data"]), name), READINGS, name)
        return [read.note, read.begun, read.done, [[pack.hex(), at] for pack, at in read.packs]]

    def block(self, given: Given) -> list[list[Any]]:
        return [
            [each.path.hex(), each.device, each.row.size, each.row.mtime, each.cold.chunks.hex(), _hex(each.cold.link)]
            for each in self.keys.entries(hexed(given["data"]), "a block")
        ]

    def block_list(self, given: Given) -> list[list[str]]:
        return _refs(reader.decoded(hexed(given["data"]), list[reader.Ref], "a block list"))
