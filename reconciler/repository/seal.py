"""The keys of one repository at work: ids of chunks, sealed segments, sealed control objects.

Everything is bound to its meaning: suite, format, repository, type and name are authenticated with the bytes, so that no object can
pass as another one, of another repository, or under another name.
"""

from __future__ import annotations

import struct
from array import array

from blake3 import blake3
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from reconciler.base.files import Buffer
from reconciler.repository.aead import InvalidTag, Xaes
from reconciler.repository.chunk_ids import ChunkIds
from reconciler.repository.codec import Codec, decompress
from reconciler.repository.errors import Damaged
from reconciler.repository.format import FORMAT, NONCE_BYTES, OBJECT_BYTES_MAX, OBJECT_MAGIC, SUITE, TAG_BYTES, Packed, Type

_OBJECT_HEAD = struct.Struct(">4sBBQ")  # magic, type, compression, plain length
_ASSOCIATED = struct.Struct(">4sBH16sB32sBQ")  # "RCAD", suite, format, repository, type, context, compression, plain length
SEAL_BYTES = NONCE_BYTES + TAG_BYTES
_CONTROL = Codec("zstd", 3)


def subkey(master: bytes, label: str, repository: bytes, length: int = 32) -> bytes:
    """One key per purpose, HKDF-SHA256 from the master key, bound to the repository id."""
    return HKDF(SHA256(), length, salt=repository, info=b"reconciler 1 " + label.encode()).derive(master)


class Seals:
    """Derived keys of one repository. Threads may share an instance."""

    def __init__(self, master: bytes, repository_id: str) -> None:
        self.repository = bytes.fromhex(repository_id)
        self.master = master
        """For another process of this program that must make the same keys; it goes nowhere else."""
        key = subkey(master, "chunk id", self.repository)
        self.ids_key = key
        """Of the ids of chunks: all that a process needs which reads and hashes."""
        self._ids = {kind: ChunkIds(key, kind).of for kind in (Type.DATA, Type.ENTRIES, Type.BLOCKS)}
        self._segment_hasher = blake3(b"segment", key=key)
        self.cut_key = subkey(master, "block cut", self.repository)
        self.header_key = subkey(master, "header", self.repository)
        # pyfastcdc takes a signed 64-bit seed
        self.chunker_seed = int.from_bytes(subkey(master, "chunker", self.repository, 8), "big") >> 1
        self._data = Xaes(subkey(master, "data", self.repository))
        self._meta = Xaes(subkey(master, "meta", self.repository))

    def chunk_id(self, kind: Type, plain: Buffer) -> bytes:
        """Keyed BLAKE3-256 over type and content: equal content has equal ids here and nowhere else."""
        return self._ids[kind](plain)

    def segment_id(self, ids: Buffer, lengths: Buffer) -> bytes:
        """Identity of a segment: its ordered chunk ids and lengths (u32, little endian)."""
        return self._segment_hasher.copy().update(ids).update(lengths).digest()

    def cipher(self, kind: int) -> Xaes:
        return self._data if kind == Type.DATA else self._meta

    def associated(self, kind: int, context: bytes, packed: int, plain_bytes: int) -> bytes:
        return _ASSOCIATED.pack(b"RCAD", SUITE, FORMAT, self.repository, kind, context, packed, plain_bytes)

    def seal_object(self, kind: Type, name: str, plain: bytes) -> bytes:
        """A control object. ``name``: what it is called in the repository; empty for content-named ones."""
        packed, small = _CONTROL.compress(memoryview(plain))
        head = _OBJECT_HEAD.pack(OBJECT_MAGIC, kind, packed, len(plain))
        sealed = head + self._meta.seal(small, self.associated(kind, _context(name), packed, len(plain)))
        if self.unseal_object(kind, name, sealed) != plain:  # verify before write: bad memory and library bugs stop here
            raise Damaged(
                f"{name or kind.name.lower()} does not decrypt to what was sealed; nothing was written",
                hint="Is the memory of this machine sound?",
            )
        return sealed

    def unseal_object(self, kind: Type, name: str, sealed: bytes, shown: str | None = None) -> bytes:
        """The plaintext of :meth:`seal_object`. Raises Damaged naming ``shown`` (default: ``name``)."""
        shown = shown or name
        try:
            magic, found, packed, plain_bytes = _OBJECT_HEAD.unpack_from(sealed)
            if magic != OBJECT_MAGIC or found != kind or plain_bytes > OBJECT_BYTES_MAX:
                raise ValueError("is not what its name says")
            body = self._meta.unseal(memoryview(sealed)[_OBJECT_HEAD.size :], self.associated(kind, _context(name), packed, plain_bytes))
            return bytes(decompress(packed, body, plain_bytes))
        except InvalidTag:
            raise Damaged(f"{shown} fails its authentication", object=shown) from None
        except (ValueError, struct.error) as error:
            raise Damaged(f"{shown} cannot be read: {error}", object=shown) from None


def _context(name: str) -> bytes:
    return blake3(name.encode()).digest() if name else bytes(32)


class SegmentSealer:
    """Compress, encrypt, then decrypt, decompress and hash again before anything is written. One per thread: it reuses its buffers."""

    def __init__(self, seals: Seals, codec: Codec) -> None:
        self._seals = seals
        self._codec = codec
        self._sealed = bytearray()
        self._back = bytearray()

    def seal(self, kind: Type, plain: memoryview, ids: bytes, lengths: bytes, room: memoryview | None = None) -> tuple[Packed, memoryview]:
        """The sealed form, in ``room`` if that is given, else valid until the next call. Raises Damaged when it does not decode to the
        same chunks."""
        packed, small = self._codec.compress(plain)
        need = len(small) + SEAL_BYTES
        if len(self._back) < need:
            self._sealed = bytearray(need if room is None else 0)
            self._back = bytearray(need)
        room = memoryview(self._sealed) if room is None else room
        associated = self._seals.associated(kind, self._seals.segment_id(ids, lengths), packed, len(plain))
        cipher = self._seals.cipher(kind)
        sealed = room[: cipher.seal_into(small, associated, room)]
        size = cipher.unseal_into(sealed, associated, memoryview(self._back))
        self._check(kind, decompress(packed, memoryview(self._back)[:size], len(plain)), ids, lengths)
        return packed, sealed

    def _check(self, kind: Type, plain: Buffer, ids: bytes, lengths: bytes) -> None:
        offset = 0
        view = memoryview(plain)
        for position, length in enumerate(lengths_of(lengths)):
            if self._seals.chunk_id(kind, view[offset : offset + length]) != ids[32 * position : 32 * position + 32]:
                raise Damaged(
                    "a segment does not decode to what was read; nothing of it was written", hint="Is the memory of this machine sound?"
                )
            offset += length


def lengths_of(packed: bytes) -> array[int]:
    """Chunk lengths from their stored form, u32 little endian."""
    import sys

    lengths = array("I")
    lengths.frombytes(packed)
    if sys.byteorder == "big":
        lengths.byteswap()
    return lengths


def lengths_packed(lengths: array[int]) -> bytes:
    """The stored form of chunk lengths."""
    import sys

    if sys.byteorder == "big":
        lengths = array("I", lengths)
        lengths.byteswap()
    return lengths.tobytes()
