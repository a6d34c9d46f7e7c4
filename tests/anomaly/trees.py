"""A system as a dictionary from paths to contents, and its turnover counted the plain way.

The plain count knows nothing of folders that are kept, of blocks or cursors: a test holds it against what real backups of such trees say.
"""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from pathlib import PurePosixPath

from msgspec import Struct

from reconciler.model.turnover import Turnover
from reconciler.repository.noise import Noise
from reconciler.repository.renaming import akin, beside
from reconciler.repository.turning import LOOSE, relabelled


class Content(Struct, frozen=True, eq=False):
    """What a file holds, and what it is known by."""

    data: bytes
    key: bytes

    @classmethod
    def of(cls, data: bytes) -> Content:
        return cls(data, blake2b(data, digest_size=32).digest() if data else b"")


Tree = dict[str, Content]
EMPTY = Content(b"", b"")


def turnover(before: Tree, after: Tree, stored: set[bytes]) -> Turnover:
    """What a backup of ``after`` says that is compared with ``before``; ``stored``: what the repository holds, brought up to date."""
    noise = Noise()
    noise.wanted = True
    counts = dict.fromkeys(("changed", "added", "gone", "moved", "renamed", "ruined_changed", "ruined_added", "emptied"), 0)
    came: dict[str, list[bytes]] = {}
    went: dict[str, list[bytes]] = {}
    returned: dict[bytes | str, list[str]] = {}
    packed_in: set[str] = set()
    for path in sorted(after):
        now, old = after[path], before.get(path)
        if old is not None and old.key == now.key:
            continue
        noise.begin(path.encode(), old.key if old is not None else b"")
        if now.data:
            noise.see(now.key, memoryview(now.data), first=True, fresh=now.key not in stored)
            stored.add(now.key)
        if old is not None:
            counts["changed"] += 1
            counts["ruined_changed"] += noise.ruined
            counts["emptied"] += (noise.blank or not now.data) and not path.endswith(".log")
        else:
            counts["added"] += 1
            if re.search("objects/pack/[^/]*[.]pack$", path) and not noise.ruined:
                packed_in.add(folder(path).removesuffix("objects/pack"))
            came.setdefault(folder(path), []).append(path.encode())
            counts["ruined_added"] += noise.ruined
            if not noise.fresh:
                counts["moved"] += bool(now.data)
                returned.setdefault(now.key or folder(path), []).append(path.rpartition("/")[2])
    for path in before.keys() - after.keys():
        loose = LOOSE.search(folder(path).encode())
        counts["gone"] += loose is None or loose[1].decode() not in packed_in
        went.setdefault(folder(path), []).append(path.encode())
    counts["renamed"] = sum(relabelled(gone, came.get(name, [])) for name, gone in went.items())
    left: dict[bytes | str, list[tuple[str, str]]] = {}
    for path in sorted(before.keys() - after.keys()):
        left.setdefault(before[path].key or folder(path), []).append((path.rpartition("/")[2], folder(path)))
    around: dict[str, list[bytes]] = {}
    for path in sorted(before) if left else ():
        around.setdefault(folder(path), []).append(path.rpartition("/")[2].encode())
    unnamed = sum(_unnamed(names, returned.get(key, []), around) for key, names in left.items())
    return Turnover(len(before), **counts, fresh_bytes=noise.fresh_bytes, noise_bytes=noise.noise_bytes, unnamed=unnamed)


def _unnamed(left: list[tuple[str, str]], returned: list[str], around: Mapping[str, list[bytes]]) -> int:
    """Names of one content, then (each with its folder) and now: equal ones are pairs, then those that have something in common."""
    for name, where in sorted(left):
        if name in returned:
            left.remove((name, where))
            returned.remove(name)
    left.sort(key=lambda each: (each[0], beside(around[each[1]])))
    count = 0
    for name in sorted(returned)[: len(left)]:
        like = [old for old in left[:8] if akin(old[0].encode(), name.encode(), beside(around[old[1]]))]
        count += not like
        left.remove(like[0] if like else left[0])
    return count


def folder(path: str) -> str:
    return path.rpartition("/")[0]


def sizes(tree: Tree) -> int:
    return sum(len(content.data) for content in tree.values())


WORDS = ("order", "invoice", "customer", "delivery", "street", "number", "payment", "date", "total", "amount", "received", "with", "please")


def prose(rng: random.Random, size: int) -> bytes:
    line = " ".join(rng.choice(WORDS) for _ in range(12))
    lines = [f"{rng.randrange(10**6)} {line}" for _ in range(max(1, size // (len(line) + 8)))]
    return "\n".join(lines).encode()


def jpeg(rng: random.Random, size: int) -> bytes:
    return b"\xff\xd8\xff\xe0\x00\x10JFIF" + rng.randbytes(size)


def office(rng: random.Random, size: int) -> bytes:
    """A document as office programs write it: a ZIP."""
    return b"PK\x03\x04\x14\x00\x06\x00\x08\x00" + rng.randbytes(size)


def pages(rng: random.Random, count: int) -> bytes:
    """A database file."""
    head = b"SQLite format 3\x00".ljust(4096, b"\0")
    return head + b"".join(prose(rng, 2500).ljust(4096, b"\0")[:4096] for _ in range(count))


def packed(data: bytes) -> bytes:
    return gzip.compress(data, 1)


def with_suffix(path: str, suffix: str) -> str:
    return str(PurePosixPath(path)) + suffix


def some(rng: random.Random, paths: Iterable[str], share: float) -> list[str]:
    """A share of them, at random, at least one."""
    ordered = sorted(paths)
    return rng.sample(ordered, max(1, round(share * len(ordered)))) if ordered else []
