"""What a caller asks of a backup, and what its root will say."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct


class TakeRequest(Struct, frozen=True):
    """What is asked for and what the root will say."""

    realm: str
    system: str
    host: str
    kind: str
    """full, differential or incremental."""
    as_of: datetime
    """When the scan begins (or the source was frozen)."""
    generation: str
    specs: bytes
    writer: str
    paths: tuple[str, ...]
    """Absolute paths of the sources."""
    user: str = ""
    compression: tuple[str, int | None] = ("zstd", None)
    checksums: tuple[str, ...] = ("sha256",)
    canaries: tuple[bytes, ...] = ()
    """Paths, as a manifest has them, of files that must never change."""
    redrawn: bool = False
    """Other things are to be read than for the snapshot that the turnover is told against: what went says nothing about the source."""
