"""What an attacker does to a tree, some files at a time."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath

from tests.anomaly.trees import Content, Tree, with_suffix

Attack = Callable[[random.Random, Tree, Sequence[str]], None]


def _each(change: Callable[[random.Random, bytes], bytes], suffix: str = "") -> Attack:
    def attack(rng: random.Random, tree: Tree, paths: Sequence[str]) -> None:
        for path in paths:
            content = Content.of(change(rng, tree.pop(path).data))
            tree[with_suffix(path, suffix) if suffix else path] = content

    return attack


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
        tree[f"{path.rpartition('/')[0]}/{rng.getrandbits(64):x}"] = Content.of(whole(rng, data))


def renames(rng: random.Random, tree: Tree, paths: Sequence[str]) -> None:
    for path in paths:
        tree[f"{path.rpartition('/')[0]}/{rng.getrandbits(64):x}.locked"] = tree.pop(path)


def same_endings(rng: random.Random, tree: Tree, paths: Sequence[str]) -> None:
    for path in paths:
        tree[f"{path.rpartition('/')[0]}/{rng.getrandbits(64):x}{PurePosixPath(path).suffix}"] = tree.pop(path)


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
    "renamed only, endings kept": same_endings,
    "every 64th block of 16 bytes": _each(_blocks(16, 64)),
}
"""Made to pass for something else; what is found of them is luck, and told so."""
