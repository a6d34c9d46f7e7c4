"""The list that the builders of vectors write into, and the one repository that all vectors belong to."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any

from reconciler.repository.seal import Seals

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
