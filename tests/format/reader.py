"""A second reader, written from docs/repository-format.md alone: `python reader.py REPOSITORY KEY-FILE SNAPSHOT TARGET`."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import importlib
import io
import json
import os
import re
import stat
import struct
import sys
import unicodedata
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from blake3 import blake3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

zstd = importlib.import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
DATA, ENTRIES, BLOCKS, DIRECTORY, INDEX, ROOT, CONFIG, MARK, DELETION = 1, 2, 3, 16, 17, 18, 19, 20, 21
DAMAGED, MISSING, NEWER = "repository-damaged", "repository-object-missing", "repository-newer-format"
WRONG_KEY, UNSUITABLE, UNREAD, UNSAFE = "repository-wrong-key", "repository-key-unsuitable", "repository-content-unread", "tree-unsafe-name"
OBJECT_MAX, SLOT_MAX, PACK_MAX, SEGMENT_MAX, DIRECTORY_MAX, PACK_HEAD, PACK_TAIL = 2**28, 2**14, 2**29, 17 * 2**20, 2**26, 42, 12


class Refused(Exception):
    code = property(lambda self: self.args[0])  # the word of the page for what a reader must not take


def demand(condition: object, what: str, code: str = DAMAGED) -> None:
    if not condition:
        raise Refused(code, what)


def shape(name: str, fields: dict[str, Any], *, array: bool = False) -> Any:
    """A MessagePack structure. A tuple is (type, default) of a field that may be missing; unknown fields are ignored."""
    listed = [(field, *(kind if isinstance(kind, tuple) else (kind,))) for field, kind in fields.items()]
    return msgspec.defstruct(name, listed, array_like=array)


Segment = shape("Segment", {"type": int, "compression": int, "stored": int, "plain": int, "ids": bytes, "lengths": bytes}, array=True)
PackEntry = shape("PackEntry", {"pack": bytes, "size": int, "segments": list[Segment]}, array=True)
IndexObject = shape("IndexObject", {"packs": list[PackEntry], "supersedes": list[str]}, array=True)
Ref = shape("Ref", {"folder": bytes, "name": bytes, "id": bytes}, array=True)
Piece = shape("Piece", {"folder": bytes, "device": int, "hot": bytes, "cold": bytes}, array=True)
Row = NamedTuple("Row", [("name", bytes), *((it, int) for it in ("mode", "size", "mtime", "ctime", "inode", "uid", "gid", "links"))])
_MAYBE = dict.fromkeys(("sha256", "md5", "link"), (bytes | None, None)) | {"extents": (list[tuple[int, int]] | None, None)}
_MAYBE |= {"attributes": (dict[bytes, bytes] | None, None), "rdev": (int, 0), "flags": (int, 0)}
Entry = shape("Entry", {"path": bytes, "device": int, "row": Any, "cold": Any})
Cold = shape("Cold", {"chunks": (bytes, b"")} | _MAYBE, array=True)
Mark = shape("Mark", {"kind": str, "at": int, "note": str})
Deletion = shape("Deletion", {"format": int, "packs": list[bytes], "indexes": list[str]})
_FIELDS: dict[Any, str] = {str: "id realm system host user kind grade generation writer", str | None: "parent previous", bytes: "specs"}
_FIELDS |= {int: "as_of ended defect_count sequence files folders others bytes added_bytes read_bytes new_chunks", list[int]: "devices"}
_FIELDS |= {
    list[str]: "defects paths checksums gc_seen",
    list[Ref]: "blocks lists",
    dict[str, int]: "chunker",
    dict[int, str]: "users groups",
}
_FIELDS |= {(int, 1): "format", (int, 0): "checkpoint"}
Root = shape("Root", {name: kind for kind, names in _FIELDS.items() for name in names.split()})


def decoded(data: bytes, kind: Any, shown: str) -> Any:
    try:
        return msgspec.msgpack.decode(data, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        raise Refused(DAMAGED, f"{shown}: {error}") from error


def open_xaes(key: bytes, sealed: bytes, associated: bytes, shown: str = "") -> bytes:
    """XAES-256-GCM: AES-256-GCM under a key that AES-CMAC derives for the first half of the nonce."""
    demand(len(sealed) >= 40, f"{shown} is too short")
    aes = Cipher(algorithms.AES(key), modes.ECB()).encryptor()
    doubled = int.from_bytes(aes.update(bytes(16)), "big") << 1
    mask = doubled ^ (1 << 128 | 0x87) if doubled >> 128 else doubled
    counters = (int.from_bytes(bytes([0, number, 0x58, 0]) + sealed[:12], "big") for number in (1, 2))
    derived = b"".join(aes.update((counter ^ mask).to_bytes(16, "big")) for counter in counters)
    try:
        return AESGCM(derived).decrypt(sealed[12:24], sealed[24:], associated)
    except InvalidTag:
        raise Refused(DAMAGED, f"{shown} fails its authentication") from None


def decompress(compression: int, data: bytes, plain: int, shown: str = "") -> bytes:
    """Exactly ``plain`` bytes out of one frame or member, and never more memory than that."""
    demand(compression in {0, 1, 2}, f"{shown}: compression {compression}")
    if compression:
        decoder: Any = zstd.ZstdDecompressor() if compression == 1 else zlib.decompressobj(wbits=31)
        try:
            data = decoder.decompress(data, plain + 1)
        except (zstd.ZstdError, zlib.error) as error:
            raise Refused(DAMAGED, f"{shown}: {error}") from error
        demand(decoder.eof and not decoder.unused_data, f"{shown} does not end where it should")
    demand(len(data) == plain, f"{shown} has {len(data)} bytes instead of {plain}")
    return data


def subkey(master: bytes, repository: bytes, label: str, length: int = 32) -> bytes:
    return HKDF(SHA256(), length, salt=repository, info=b"reconciler 1 " + label.encode()).derive(master)


def canonical(fields: dict[str, Any]) -> bytes:
    return json.dumps(fields, sort_keys=True, separators=(",", ":")).encode("ascii")


def plain_object(data: bytes, shown: str) -> dict[str, Any]:
    """The fields of a JSON object whose own digest is right, without the digest."""
    with contextlib.suppress(ValueError, KeyError, AttributeError, TypeError, RecursionError):
        fields = json.loads(data)
        if fields.pop("sha256") == hashlib.sha256(canonical(fields)).hexdigest():
            return dict(fields)
    raise Refused(DAMAGED, f"{shown} is not what was written")


def read_header(data: bytes, master: bytes | None = None) -> str:
    """The id of the repository; without a key it is not proven."""
    fields = plain_object(data, "header")
    try:
        features = {name for names in fields["features"].values() for name in names}
        demand(fields["kind"] == "reconciler repository" and re.fullmatch("[0-9a-f]{32}", fields["id"]), "header is of something else")
        demand(fields["format"] == 1 and fields["suite"] == 1 and not features, "header", NEWER)
    except (KeyError, TypeError, AttributeError):
        raise Refused(DAMAGED, "header lacks a field") from None
    if master is not None:
        mac, key = fields.pop("mac", None), subkey(master, bytes.fromhex(fields["id"]), "header")
        demand(hmac.compare_digest(hmac.new(key, canonical(fields), "sha256").hexdigest(), str(mac)), "header was changed")
    return str(fields["id"])


def raw_key(text: bytes) -> bytes:
    demand(re.fullmatch(rb"[0-9a-fA-F]{64}", text.strip()), "a raw key is 64 hex digits", UNSUITABLE)
    return bytes.fromhex(text.strip().decode())


def open_slot(slot: dict[str, Any], key: bytes, repository: str) -> bytes | None:
    """The master key, or None when this key does not open this slot."""
    head = {name: value for name, value in slot.items() if name not in {"wrapped", "commit"}}
    with contextlib.suppress(KeyError, TypeError, ValueError):
        wrapped, salt = bytes.fromhex(slot["wrapped"]), bytes.fromhex(head["salt"])
        if head["repository"] != repository:
            return None
        if head["kind"] == "raw":
            material = HKDF(SHA256(), 64, salt=salt, info=b"reconciler 1 raw slot").derive(key)
        else:
            time, memory, lanes = (int(head["argon2id"][name]) for name in ("time", "memory", "lanes"))
            fit = 3 <= time <= 16 and 2**16 <= memory <= 2**20 and 1 <= lanes <= 16
            demand(fit, f"a slot asks for {time} passes over {memory} KiB in {lanes} lanes", UNSUITABLE)
            words = unicodedata.normalize("NFC", key.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
            material = Argon2id(salt=salt, length=64, iterations=time, lanes=lanes, memory_cost=memory).derive(words)
        commit = hmac.new(material[32:], b"slot-commit" + canonical(head) + wrapped, "sha256").hexdigest()
        return open_xaes(material[:32], wrapped, canonical(head)) if hmac.compare_digest(commit, slot["commit"]) else None
    return None


def open_slots(slots: dict[str, bytes], key: bytes, kind: str, repository: str) -> bytes:
    demand(len(slots) <= 32, f"{len(slots)} key slots", UNSUITABLE)
    failure = Refused(WRONG_KEY, "no slot opens")
    for name in sorted(slots):
        try:
            slot = plain_object(slots[name], name)
        except Refused as error:
            failure = error
            continue
        master = open_slot(slot, key, repository) if slot.get("kind") == kind else None
        if master is not None:
            return master
    raise failure


def chunks_of(segment: Any) -> Iterator[tuple[bytes, int, int]]:
    """(id, offset, length) of each chunk inside the decoded segment."""
    offset = 0
    for number, (length,) in enumerate(struct.iter_unpack("<I", segment.lengths)):
        yield segment.ids[32 * number : 32 * number + 32], offset, length
        offset += length


def check_pack(entry: Any, shown: str) -> int:
    """Where the last segment ends."""
    for segment in entry.segments:
        whole = len(segment.ids) % 32 == 0 and len(segment.ids) == 8 * len(segment.lengths)
        known = segment.type in {DATA, ENTRIES, BLOCKS} and segment.compression in {0, 1, 2}
        demand(whole and known and 0 < segment.stored <= SEGMENT_MAX and segment.plain <= SEGMENT_MAX, f"{shown}: impossible segment")
        demand(sum(length for _, _, length in chunks_of(segment)) == segment.plain, f"{shown}: impossible lengths")
    end = PACK_HEAD + sum(segment.stored for segment in entry.segments)
    demand(end <= entry.size <= PACK_MAX and len(entry.pack) == 32, f"{shown}: impossible pack")
    return end


class Keys:
    def __init__(self, master: bytes, repository: str) -> None:
        self.repository = bytes.fromhex(repository)
        self.ids, self.data, self.meta = (subkey(master, self.repository, label) for label in ("chunk id", "data", "meta"))

    def chunk_id(self, kind: int, content: bytes) -> bytes:
        return blake3(bytes([kind]) + content, key=self.ids).digest()

    def segment_id(self, ids: bytes, lengths: bytes) -> bytes:
        return blake3(b"segment" + ids + lengths, key=self.ids).digest()

    def associated(self, kind: int, context: bytes, compression: int, plain: int) -> bytes:
        return struct.pack(">4sBH16sB32sBQ", b"RCAD", 1, 1, self.repository, kind, context, compression, plain)

    def control(self, kind: int, name: str, data: bytes, shown: str) -> bytes:
        """The content of a control object."""
        demand(len(data) >= 14, f"{shown} is too short")
        magic, found, compression, plain = struct.unpack_from(">4sBBQ", data)
        demand(magic == b"RCO1" and found == kind and plain <= OBJECT_MAX, f"{shown} is something else")
        context = blake3(name.encode()).digest() if name else bytes(32)
        small = open_xaes(self.meta, data[14:], self.associated(kind, context, compression, plain), shown)
        return decompress(compression, small, plain, shown)

    def segment(self, segment: Any, sealed: bytes, shown: str) -> bytes:
        associated = self.associated(segment.type, self.segment_id(segment.ids, segment.lengths), segment.compression, segment.plain)
        small = open_xaes(self.data if segment.type == DATA else self.meta, sealed, associated, shown)
        return decompress(segment.compression, small, segment.plain, shown)

    def directory(self, name: str, pack: bytes) -> Any:
        """The directory at the end of a pack; ``pack``: all of it."""
        demand(PACK_HEAD + PACK_TAIL <= len(pack) <= PACK_MAX, f"{name} has an impossible size")
        length, end = struct.unpack(">I8s", pack[-PACK_TAIL:])
        demand(pack[:10] == b"RCPACK\x01\n\x00\x01" and end == b"\nRCPEND\x01", f"{name} does not begin and end like a pack")
        demand(length <= min(DIRECTORY_MAX, len(pack) - PACK_HEAD - PACK_TAIL), f"{name} has an impossible directory")
        plain = self.control(DIRECTORY, pack[10:42].hex(), pack[len(pack) - PACK_TAIL - length : -PACK_TAIL], name)
        entry = PackEntry(bytes.fromhex(name[-64:]), len(pack), decoded(plain, list[Segment], name))
        demand(check_pack(entry, name) + length + PACK_TAIL == len(pack), f"the directory of {name} does not fit")
        return entry

    def index(self, name: str, data: bytes) -> Any:
        demand(hashlib.sha256(data).hexdigest() == name.rpartition("/")[2], f"{name} does not match its name")
        found = decoded(self.control(INDEX, "", data, name), IndexObject, name)
        for entry in found.packs:
            check_pack(entry, name)
        return found

    def root(self, name: str, data: bytes) -> Any:
        identity, _, number = name.rpartition("/")[2].partition("-")
        root = decoded(self.control(ROOT, f"root {identity} {number or 0}", data, name), Root, name)
        demand(root.format == 1, name, NEWER)
        demand(root.id == identity, f"{name} is another snapshot")
        return root

    def entries(self, block: bytes, shown: str) -> Iterator[Entry]:
        for piece in decoded(block, list[Piece], shown):
            rows, colds = decoded(piece.hot, list[Row], shown), decoded(piece.cold, list[Cold], shown)
            demand(len(rows) == len(colds), f"{shown} is not consistent in itself")
            above = piece.folder + b"/" if piece.folder else b""
            yield from (Entry(above + row.name, piece.device, row, cold) for row, cold in zip(rows, colds, strict=True))


class Reader:
    """An open repository. ``key``: what stands in the key file, or the passphrase."""

    def __init__(self, place: Path, key: bytes, kind: str = "raw") -> None:
        self.place = place
        demand((place / "header").exists(), str(place), "repository-not-initialised")
        header = self.get("header", 2**16)
        slots = {name: self.get(name, SLOT_MAX) for name in self.names("keys")}
        master = open_slots(slots, raw_key(key) if kind == "raw" else key.rstrip(b"\r\n"), kind, read_header(header))
        self.keys = Keys(master, read_header(header, master))
        self._places: dict[bytes, list[tuple[str, int, Any, int, int]]] = {}
        self._segment: tuple[str, int, bytes] = ("", 0, b"")

    def names(self, folder: str) -> list[str]:
        return sorted(path.relative_to(self.place).as_posix() for path in (self.place / folder).rglob("*") if path.is_file())

    def get(self, name: str, limit: int, offset: int = 0) -> bytes:
        try:
            with open(os.open(self.place / name, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
                file.seek(offset)
                return file.read(limit)
        except FileNotFoundError:
            raise Refused(MISSING, name) from None

    def places(self) -> dict[bytes, list[tuple[str, int, Any, int, int]]]:
        """Where each chunk stands: (pack, offset of the segment, segment, offset inside it, length), every copy of it."""
        known: dict[bytes, Any] = {}
        for name in [] if self._places else self.names("index"):
            with contextlib.suppress(Refused):
                known |= {entry.pack: entry for entry in self.keys.index(name, self.get(name, OBJECT_MAX)).packs}
        for name in [] if self._places else self.names("packs"):  # what no readable index object describes
            with contextlib.suppress(Refused, ValueError):
                known |= {
                    bytes.fromhex(name[-64:]): known.get(bytes.fromhex(name[-64:])) or self.keys.directory(name, self.get(name, PACK_MAX))
                }
        for entry in known.values():
            name, offset = f"packs/{entry.pack.hex()[:2]}/{entry.pack.hex()}", PACK_HEAD
            for segment in entry.segments:
                for chunk, inside, length in chunks_of(segment):
                    self._places.setdefault(chunk, []).append((name, offset, segment, inside, length))
                offset += segment.stored
        return self._places

    def chunk(self, kind: int, chunk: bytes) -> bytes:
        """The first copy that is what its id says."""
        failure = Refused(MISSING, f"chunk {chunk.hex()}")
        for name, offset, segment, inside, length in self.places().get(chunk, ()):
            try:
                if self._segment[:2] != (name, offset):
                    self._segment = (name, offset, self.keys.segment(segment, self.get(name, segment.stored, offset), name))
                content = self._segment[2][inside : inside + length]
                demand(self.keys.chunk_id(kind, content) == chunk, f"chunk {chunk.hex()} in {name}")
                return content
            except Refused as error:
                failure = error
        raise failure

    def entries(self, snapshot: str) -> Iterator[Entry]:
        root = self.keys.root(f"snapshots/{snapshot}", self.get(f"snapshots/{snapshot}", OBJECT_MAX))
        refs = [*root.blocks]
        for outer in root.lists:
            refs += decoded(self.chunk(BLOCKS, outer.id), list[Ref], "a block list")
        for ref in refs:
            yield from self.keys.entries(self.chunk(ENTRIES, ref.id), "an entry block")

    def content(self, entry: Entry) -> list[tuple[int, bytes]]:
        """(offset, bytes) of each run of data of a regular file."""
        size, ids = entry.row.size, entry.cold.chunks
        demand(not entry.cold.flags & 1, repr(entry.path), UNREAD)
        stream = io.BytesIO(b"".join(self.chunk(DATA, ids[start : start + 32]) for start in range(0, len(ids), 32)))
        extents = [(0, size)] if entry.cold.extents is None else entry.cold.extents
        ends = [0, *(offset + length for offset, length in extents)]
        fine = all(length >= 0 and offset >= end for end, (offset, length) in zip(ends, extents, strict=False)) and max(ends) <= size
        demand(fine and sum(length for _, length in extents) == len(stream.getbuffer()), f"{entry.path!r} does not add up")
        return [(offset, stream.read(length)) for offset, length in extents]

    def restore(self, snapshot: str, target: Path) -> dict[bytes, str]:
        """Write a snapshot into the new folder ``target``; returns path and code of what could not be restored."""
        target.mkdir()
        failures: dict[bytes, str] = {}
        first: dict[tuple[int, int], Entry] = {}
        entries = sorted(self.entries(snapshot), key=lambda entry: {stat.S_IFDIR: 0, stat.S_IFREG: 1}.get(stat.S_IFMT(entry.row.mode), 2))
        for entry in entries:  # folders, files, then links: nothing is ever written through a link
            try:
                make(self, os.fsencode(target), entry, first)
            except (Refused, OSError) as error:
                failures[entry.path] = getattr(error, "code", "tree-failed")
        for entry in sorted(entries, key=lambda entry: entry.path, reverse=True):  # each new entry would move the time of its folder
            if stat.S_ISDIR(entry.row.mode) and entry.path not in failures:
                set_metadata(os.path.join(os.fsencode(target), entry.path), entry)
        return failures


def make(reader: Reader, target: bytes, entry: Entry, first: dict[tuple[int, int], Entry]) -> None:
    parts = entry.path.split(b"/")
    fine = all(part not in {b"", b".", b".."} and b"\0" not in part and len(part) <= 255 for part in parts)
    demand(fine and parts[-1] == entry.row.name, repr(entry.path), UNSAFE)
    path, kind = os.path.join(target, entry.path), stat.S_IFMT(entry.row.mode)
    os.makedirs(path if kind == stat.S_IFDIR else os.path.dirname(path), exist_ok=True)
    other = first.setdefault((entry.device, entry.row.inode), entry) if entry.row.links > 1 else entry
    if other is not entry and other.cold == entry.cold:
        os.link(os.path.join(target, other.path), path)
    elif kind == stat.S_IFREG:
        content = reader.content(entry)
        with open(path, "xb") as file:
            for offset, data in content:
                file.seek(offset)
                file.write(data)
            file.truncate(entry.row.size)
    elif kind == stat.S_IFLNK:
        demand(entry.cold.link and b"\0" not in entry.cold.link, f"the text of {entry.path!r}", UNSAFE)
        os.symlink(entry.cold.link, path)
    elif kind != stat.S_IFDIR:
        demand(kind in {stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK}, f"{entry.path!r} is of an unknown kind", UNSAFE)
        os.mknod(path, entry.row.mode, entry.cold.rdev)
    if kind != stat.S_IFDIR:
        set_metadata(path, entry)


def set_metadata(path: bytes, entry: Entry) -> None:
    row = entry.row
    with contextlib.suppress(OSError, OverflowError):
        os.chown(path, row.uid, row.gid, follow_symlinks=False)
        for name, value in (entry.cold.attributes or {}).items():
            os.setxattr(path, name, value, follow_symlinks=False)
    if not stat.S_ISLNK(row.mode):
        os.chmod(path, stat.S_IMODE(row.mode) & (0o7777 if os.geteuid() == 0 else 0o1777))
    if row.mtime or row.ctime:
        os.utime(path, ns=(row.mtime, row.mtime), follow_symlinks=False)


if __name__ == "__main__":
    lost = Reader(Path(sys.argv[1]), Path(sys.argv[2]).read_bytes()).restore(sys.argv[3], Path(sys.argv[4]))
    sys.exit("\n".join(f"{path!r}: {code}" for path, code in lost.items()) or 0)
