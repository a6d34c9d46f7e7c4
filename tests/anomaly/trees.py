"""A system as a dictionary from paths to contents, and its turnover counted the plain way.

The plain count knows nothing of folders that are kept, of blocks or cursors: a test holds it against what real backups of such trees say.
"""

from __future__ import annotations

import gzip
import random
import zipfile
from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path, PurePosixPath

from msgspec import Struct

from reconciler.model.turnover import Turnover
from reconciler.repository.noise import Noise
from reconciler.repository.renaming import akin
from reconciler.repository.turning import relabelled


class Content(Struct, frozen=True, eq=False):
    """What a file holds, and what it is known by."""

    data: bytes
    key: bytes

    @classmethod
    def of(cls, data: bytes) -> Content:
        return cls(data, blake2b(data, digest_size=32).digest())


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
            came.setdefault(folder(path), []).append(path.encode())
            counts["ruined_added"] += noise.ruined
            if not noise.fresh:
                counts["moved"] += bool(now.data)
                returned.setdefault(now.key or folder(path), []).append(path.rpartition("/")[2])
    for path in before.keys() - after.keys():
        counts["gone"] += 1
        went.setdefault(folder(path), []).append(path.encode())
    counts["renamed"] = sum(relabelled(gone, came.get(name, [])) for name, gone in went.items())
    left: dict[bytes | str, list[str]] = {}
    for path in sorted(before.keys() - after.keys()):
        left.setdefault(before[path].key or folder(path), []).append(path.rpartition("/")[2])
    unnamed = sum(_unnamed(names, returned.get(key, [])) for key, names in left.items())
    return Turnover(len(before), **counts, fresh_bytes=noise.fresh_bytes, noise_bytes=noise.noise_bytes, unnamed=unnamed)


def _unnamed(left: list[str], returned: list[str]) -> int:
    """Names of one content, then and now: pairs are made of equal ones first, then of those that have something in common."""
    for name in [*left]:
        if name in returned:
            left.remove(name)
            returned.remove(name)
    count = 0
    for name in returned[: len(left)]:
        match = next((old for old in left[:8] if akin(old.encode(), name.encode())), left[0])
        count += not akin(match.encode(), name.encode())
        left.remove(match)
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


def releases(folder_of_wheels: Path) -> dict[str, list[Tree]]:
    """Successive versions of real packages, by name, from their wheels. Equal files of two versions are one content."""
    known: dict[bytes, Content] = {}
    found: dict[str, list[tuple[tuple[int, ...], Tree]]] = {}
    for wheel in sorted(folder_of_wheels.glob("*.whl")):
        name, version, *_ = wheel.name.split("-")
        order = tuple(int(part) for part in version.split(".") if part.isdigit())
        found.setdefault(name, []).append((order, _unpacked(wheel, known)))
    return {name: [tree for _, tree in sorted(versions, key=lambda each: each[0])] for name, versions in found.items() if len(versions) > 2}


def _unpacked(wheel: Path, known: dict[bytes, Content]) -> Tree:
    tree: Tree = {}
    with zipfile.ZipFile(wheel) as archive:
        for info in archive.infolist():
            if not info.is_dir() and info.file_size < 2**20:
                data = archive.read(info)
                tree[info.filename] = known.setdefault(data, Content.of(data)) if data else EMPTY
    return tree


def with_suffix(path: str, suffix: str) -> str:
    return str(PurePosixPath(path)) + suffix


def some(rng: random.Random, paths: Iterable[str], share: float) -> list[str]:
    """A share of them, at random, at least one."""
    ordered = sorted(paths)
    return rng.sample(ordered, max(1, round(share * len(ordered)))) if ordered else []
