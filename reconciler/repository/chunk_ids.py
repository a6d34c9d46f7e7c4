"""Ids of chunks: a keyed BLAKE3-256 over type and content, so that equal content has equal ids in one repository and nowhere else."""

from __future__ import annotations

from blake3 import blake3

from reconciler.base.files import Buffer
from reconciler.repository.format import Type


class ChunkIds:
    """Of one type. Threads may share it, and so may another process that gets the key of the ids and no other."""

    def __init__(self, key: bytes, kind: Type) -> None:
        self._hasher = blake3(bytes([kind]), key=key)

    def of(self, plain: Buffer) -> bytes:
        """The id of this content."""
        return self._hasher.copy().update(plain).digest()
