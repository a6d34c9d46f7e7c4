"""What an attacker does to a tree, some files at a time."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from pathlib import PurePosixPath

from tests.anomaly.trees import WORDS, Content, Tree, with_suffix

Attack = Callable[[random.Random, Tree, Sequence[str]], None]


def _each(change: Callable[[random.Random, bytes], bytes], suffix: str = "") -> Attack:
    def attack(rng: random.Random, tree: Tree, paths: Sequence[str]) -> None:
        for path in paths:
            content = Content.of(change(rng, tree.pop(path).data))
            tree[with_suffix(path, suffix) if suffix else path] = content

    return attack


def _beside(path: str, name: str) -> str:
    return str(PurePosixPath(path).with_name(name))


def whole(rng: random.Random, data: bytes) -> bytes:
    return rng.randbytes(max(len(data), 16))


def _blocks(size: int, every: int) -> Callable[[random.Random, bytes], bytes]:
    def change(rng: random.Random, data: bytes) -> bytes:
        changed = bytearray(data)
        for start in range(0, len(data), size * every):
            length = len(changed[start : start + size])
            changed[start : start + size] = rng.randbytes(length)
        return bytes(changed)

    return change


def head(rng: random.Random, data: bytes) -> bytes:
    return rng.randbytes(min(len(data), 1024)) + data[1024:]


def elsewhere(rng: random.Random, tree: Tree, paths: Sequence[str]) -> None:
    """Encrypted under names that say nothing, the originals removed."""
    for path in paths:
        data = tree.pop(path).data
        tree[_beside(path, f"{rng.getrandbits(64):x}")] = Content.of(whole(rng, data))


def renames(rng: random.Random, tree: Tree, paths: Sequence[str]) -> None:
    for path in paths:
        tree[_beside(path, f"{rng.getrandbits(64):x}.locked")] = tree.pop(path)


def same_endings(rng: random.Random, tree: Tree, paths: Sequence[str]) -> None:
    for path in paths:
        tree[_beside(path, f"{rng.getrandbits(64):x}{PurePosixPath(path).suffix}")] = tree.pop(path)


def words(rng: random.Random, tree: Tree, paths: Sequence[str]) -> None:
    for number, path in enumerate(paths):
        name = " ".join(rng.choice(WORDS) for _ in range(2))
        tree[_beside(path, f"{name} {number + rng.randrange(10**6)}{PurePosixPath(path).suffix}")] = tree.pop(path)


def scattered(rng: random.Random, tree: Tree, paths: Sequence[str]) -> None:
    for path in paths:
        tree[f"{rng.getrandbits(32):x}/{rng.getrandbits(32):x}{PurePosixPath(path).suffix}"] = tree.pop(path)


def word_kept(rng: random.Random, tree: Tree, paths: Sequence[str]) -> None:
    for path in paths:
        tree[_beside(path, f"{rng.getrandbits(64):x}-{PurePosixPath(path).name}")] = tree.pop(path)


def folders(rng: random.Random, tree: Tree, paths: Sequence[str]) -> None:
    for path in paths:
        folder, _, name = path.rpartition("/")
        tree[f"{blake2b(folder.encode(), digest_size=6).hexdigest()}/{rng.randrange(3)}/{name}"] = tree.pop(path)


def exchanged(_rng: random.Random, tree: Tree, paths: Sequence[str]) -> None:
    by_ending: dict[str, list[str]] = {}
    for path in paths:
        by_ending.setdefault(PurePosixPath(path).suffix, []).append(path)
    for each in by_ending.values():
        contents = [tree[path] for path in each]
        tree |= dict(zip(each, contents[1:] + contents[:1], strict=True))


def behind_its_head(rng: random.Random, data: bytes) -> bytes:
    return data[:64] + rng.randbytes(max(0, len(data) - 64))


def deletes(_rng: random.Random, tree: Tree, paths: Sequence[str]) -> None:
    for path in paths:
        del tree[path]


ATTACKS: Mapping[str, Attack] = {
    "encrypted in place": _each(whole),
    "encrypted, name extended": _each(whole, ".locked"),
    "encrypted, other name": elsewhere,
    "head only": _each(head),
    "every other 16 bytes": _each(_blocks(16, 2)),
    "every 4th block of 256 bytes": _each(_blocks(256, 4)),
    "renamed only": renames,
    "overwritten with zeros": _each(lambda _rng, data: bytes(len(data))),
    "truncated": _each(lambda _rng, _data: b""),
    "deleted": deletes,
}
EVASIVE: Mapping[str, Attack] = {
    "encrypted, then base64": _each(lambda rng, data: base64.b64encode(whole(rng, data))),
    "encrypted, with the head of an archive": _each(lambda rng, data: b"\x1f\x8b\x08" + whole(rng, data)),
    "every 64th block of 16 bytes": _each(_blocks(16, 64)),
    "renamed only, endings kept": same_endings,
    "renamed only, to words and numbers": words,
    "renamed only, into other folders": scattered,
}
"""Made to pass for something else."""
BEYOND: Mapping[str, Attack] = {
    "all but the first 64 bytes": _each(behind_its_head),
    "encrypted, then written as hex": _each(lambda rng, data: whole(rng, data).hex().encode()),
    "encrypted, with the head of a picture": _each(lambda rng, data: b"\xff\xd8\xff\xe0" + whole(rng, data)),
    "renamed only, the old name in the new": word_kept,
    "only the folders renamed": folders,
    "contents exchanged": exchanged,
}
"""What is not looked for, because ordinary lives do it too, or because nothing is lost by it; counted apart."""
