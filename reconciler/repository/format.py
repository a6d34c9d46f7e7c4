"""Names, numbers and limits of the repository format; docs/repository-format.md explains them.

Everything here is fixed from the first version: changing a value means a new format version.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Final

Raw = bytes  # for classes that have a field named bytes

FORMAT: Final = 1
SUITE: Final = 1  # XAES-256-GCM, keyed BLAKE3-256, HKDF-SHA256
FEATURES: Final = frozenset[str]()  # features of this version beyond the base; unknown ones in a header are refused

FOLDERS: Final = ("keys", "config", "packs", "index", "pending", "expired", "snapshots", "marks", "holds", "gc", "tmp")

PACK_MAGIC: Final = b"RCPACK\x01\n"
PACK_END: Final = b"\nRCPEND\x01"
OBJECT_MAGIC: Final = b"RCO1"

NONCE_BYTES: Final = 24
TAG_BYTES: Final = 16

SEGMENT_BYTES: Final = 2**20  # closed at about 1 MiB: smaller stores more, larger costs more to read one file
CHUNK_BYTES_MIN: Final = 2**19
CHUNK_BYTES_AVERAGE: Final = 2**20
CHUNK_BYTES_MAX: Final = 2**22
WHOLE_FILE_BYTES: Final = 2**20  # a file up to this is one chunk
PACK_BYTES: Final = 48 * 2**20
SEGMENT_CHUNKS: Final = 2**14  # of less than 64 bytes each: their ids take as much as they do
PACK_CHUNKS: Final = 2**16
"""A pack is closed with so many, too: its directory is in memory several times while it is written or read. Then it is full, not small."""
PACK_BYTES_MAX: Final = 512 * 2**20
DIRECTORY_BYTES_MAX: Final = 64 * 2**20
SEGMENT_BYTES_MAX: Final = 17 * 2**20
OBJECT_BYTES_MAX: Final = 256 * 2**20
INDEX_CHUNKS_MAX: Final = 50_000
INDEX_CHUNKS_SMALL: Final = INDEX_CHUNKS_MAX // 2
"""With fewer an index object is small: a clean-up merges it with others, which leaves at most one such."""
INDEX_BYTES_SMALL: Final = 36 * INDEX_CHUNKS_SMALL
"""Every other one is at least so large: an id and a length for each chunk. So a listing alone tells them."""
BLOCK_ENTRIES: Final = 1024  # a cut after each name whose keyed hash is a multiple: about 150 KiB a block
BLOCK_ENTRIES_MAX: Final = 4 * BLOCK_ENTRIES
BLOCK_BYTES_MAX: Final = 2**19  # one changed file touches two blocks at most: under 1 MB, all objects counted
BLOCKS_PER_LIST: Final = 4096
CHECKPOINT_SECONDS: Final = 300.0
CHECKPOINT_BYTES: Final = 4 * 2**30
CHECKPOINT_CHUNKS: Final = 2**18  # 36 bytes wait in memory for each that no index object names yet


class Type(IntEnum):
    """What a sealed thing is; part of its id and of its associated data, so nothing can pass as another."""

    DATA = 1
    ENTRIES = 2
    BLOCKS = 3
    DIRECTORY = 16
    INDEX = 17
    ROOT = 18
    CONFIG = 19
    MARK = 20
    DELETION = 21


class Packed(IntEnum):
    """How a segment or object was compressed."""

    NONE = 0
    ZSTD = 1
    GZIP = 2
