"""A YAML document as a tree that remembers where everything stands.

Values are plain (text, whole number, decimal, boolean, nothing); :func:`plain` gives what pydantic validates, :func:`find` leads from
the location of an error back to a line and column. A node that an alias names is shared, so ``size`` counts it each time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct, field

PlainScalar = str | int | float | bool | None


class Spot(NamedTuple):
    """Line and first column from 1; ``end`` is the column behind the last character, on the same line."""

    line: int
    column: int
    end: int


class Scalar(Struct, array_like=True, tag="value"):
    """A single value."""

    value: PlainScalar
    spot: Spot
    size: int = 1


class MapNode(Struct, array_like=True, tag="map"):
    """A mapping; ``keys`` says where each key stands."""

    spot: Spot
    children: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Spot] = field(default_factory=dict)
    size: int = 1


class ListNode(Struct, array_like=True, tag="list"):
    """A list."""

    spot: Spot
    children: list[Node] = field(default_factory=list)
    size: int = 1


Node = Scalar | MapNode | ListNode


class Layout(Struct, frozen=True, array_like=True):
    """One document: its plain value and, packed, where everything stands in it.

    Of thousands of documents few are asked where something stands, those with a problem, and as nodes they take nine times the memory.
    """

    value: Any
    spot: Spot
    packed: bytes

    @classmethod
    def of(cls, node: Node) -> Layout:
        """That of a document that was just parsed."""
        return cls(plain(node), node.spot, msgspec.msgpack.encode(node))

    def node(self) -> Node:
        """The whole document with all its places, made anew each time."""
        return _unpack(self.packed)


class Found(Struct, frozen=True):
    """Where the location of an error led."""

    node: Node
    spot: Spot
    """Of the value when it is a scalar, else of the key that introduces it."""
    key_spot: Spot
    path: tuple[str | int, ...]
    """The parts of the location that exist in the document."""


def plain(node: Node) -> Any:
    """The value without positions. The reader bounds depth and size, so neither recursion nor aliases can explode here."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, MapNode):
        return {key: plain(child) for key, child in node.children.items()}
    return [plain(child) for child in node.children]


def find(root: Node, location: Sequence[str | int]) -> Found:
    """Walk ``location`` as far as the document goes; parts that it does not have are skipped (validators add words of their own)."""
    node, key_spot = root, root.spot
    path: list[str | int] = []
    for part in location:
        if isinstance(node, MapNode) and isinstance(part, str) and part in node.children:
            key_spot, node = node.keys[part], node.children[part]
            path.append(part)
        elif isinstance(node, ListNode) and isinstance(part, int) and 0 <= part < len(node.children):
            node = node.children[part]
            key_spot = node.spot
            path.append(part)
    return Found(node, node.spot if isinstance(node, Scalar) else key_spot, key_spot, tuple(path))


def pointer(location: Sequence[str | int]) -> str:
    """A JSON pointer (RFC 6901): ``/spec/sources/0/path``."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


_unpack: Callable[[bytes], Node] = msgspec.msgpack.Decoder(Node).decode
