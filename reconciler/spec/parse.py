"""From text to nodes, on the parser's event stream: depth, size, aliases, tags and repeated keys are judged before anything is built.

Faults inside a document are collected and reading goes on; a fault of syntax ends the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct, field

from reconciler.model.problem import Problem
from reconciler.spec.node import Layout, ListNode, MapNode, Node, Scalar, Spot
from reconciler.spec.scalar import AmbiguousScalar, NumberOutOfRange, resolve
from reconciler.spec.source import Source, visible

DEPTH_MAX = 32
ALIASES_MAX = 100  # per document
NODES_MAX = 100_000  # per document, aliases counted as often as they are used: some two thousand systems
_HALF = re.compile("[\ud800-\udfff]")
_QUOTES = "Write it in quotes when it is text."


class Parsed(Struct):
    """One document, and what is wrong with it."""

    layout: Layout
    problems: list[Problem] = field(default_factory=list)


class _Unreadable(Exception):
    """Reading cannot go on; carries the Problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def parse(source: Source, text: str) -> tuple[list[Parsed], Problem | None]:
    """The documents of one file; the Problem says why reading ended before the end of the file."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError
    from ruamel.yaml.reader import ReaderError

    documents: list[Parsed] = []
    try:
        events = YAML(typ="safe", pure=True).parse(text)
        for event in events:
            if type(event).__name__ == "DocumentStartEvent":
                parsed = _Builder(source).document(event, events)
                if parsed.layout.value is not None or parsed.problems:
                    documents.append(parsed)
    except _Unreadable as end:
        return documents, end.problem
    except MarkedYAMLError as error:
        return documents, _syntax(source, error)
    except (ReaderError, ValueError, RecursionError) as error:
        return documents, source.problem("yaml-syntax", Spot(1, 1, 2), f"the text is not YAML ({visible(str(error).splitlines()[0])})")
    return documents, None


def _syntax(source: Source, error: Any) -> Problem:
    mark = error.problem_mark or error.context_mark
    spot = Spot(mark.line + 1, mark.column + 1, mark.column + 2) if mark else Spot(1, 1, 2)
    line = source.lines[spot.line - 1] if spot.line <= len(source.lines) else ""
    message, hint = str(error.problem or error.context or "the text is not YAML"), ""
    if error.context_mark and ("end of stream" in message or "<stream end>" in message):
        begin = error.context_mark
        spot = Spot(begin.line + 1, begin.column + 1, begin.column + 2)
        what = str(error.context).removeprefix("while ").removeprefix("scanning a ").removeprefix("parsing a ")
        message = f"the {what} that begins here has no end"
    elif "\t" in line[: len(line) - len(line.lstrip())] or "'\\t'" in message:
        message, hint = "a tab stands where YAML needs spaces", "Indent with spaces."
    elif "mapping values are not allowed" in message:
        hint = "Is the line indented like its neighbours? Text that holds `: ` needs quotes."
    elif "cannot start any token" in message:
        hint = "Text that begins with one of @ ` % & * ! | > needs quotes."
    elif error.context and error.context_mark and error.context_mark.line + 1 != spot.line:
        hint = f"It began {error.context} in line {error.context_mark.line + 1}."
    return source.problem("yaml-syntax", spot, visible(message), hint=hint)


class _Builder:
    """Builds one document; a stack instead of recursion."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._problems: list[Problem] = []
        self._anchors: dict[str, Node | None] = {}  # None: still being built
        self._stack: list[tuple[MapNode | ListNode, str | None]] = []  # with the anchor of each
        self._keys: list[tuple[str, Spot] | None] = []  # of each open mapping: the key whose value comes next
        self._root: Node | None = None
        self._aliases = 0
        self._size = 0

    def document(self, start: Any, events: Iterator[Any]) -> Parsed:
        if start.version or start.tags:
            raise self._stop("yaml-directive", Spot(start.start_mark.line, 1, 2), "a YAML directive is not part of specs")
        for event in events:
            match type(event).__name__:
                case "ScalarEvent":
                    self._scalar(event)
                case "MappingStartEvent":
                    self._open(MapNode(_spot(event)), event)
                case "SequenceStartEvent":
                    self._open(ListNode(_spot(event)), event)
                case "MappingEndEvent" | "SequenceEndEvent":
                    self._close()
                case "AliasEvent":
                    self._alias(event)
                case "DocumentEndEvent":
                    break
                case other:
                    raise AssertionError(other)
        assert self._root is not None
        return Parsed(Layout.of(self._root), self._problems)

    def _report(self, code: str, spot: Spot, message: str, hint: str = "") -> None:
        self._problems.append(self._source.problem(code, spot, message, hint=hint))

    def _stop(self, code: str, spot: Spot, message: str, hint: str = "") -> _Unreadable:
        return _Unreadable(self._source.problem(code, spot, message, hint=hint))

    def _scalar(self, event: Any) -> None:
        spot = _spot(event)
        if event.tag is not None:
            self._report("yaml-tag", spot, f"the tag `{visible(str(event.tag))[:60]}` is not part of specs", "Remove the tag.")
        value: Any = event.value
        if event.style is None and event.tag is None:
            try:
                value = resolve(event.value)
            except AmbiguousScalar as error:
                self._report("ambiguous-scalar", spot, str(error), _QUOTES)
            except NumberOutOfRange as error:
                self._report("number-range", spot, str(error), _QUOTES)
        elif _HALF.search(value) is not None:
            self._report("encoding", spot, "an escape stands for half a character", "Write the character itself.")
            value = visible(value)  # no file and no message could hold the half
        self._add(Scalar(value, spot), event.anchor)

    def _open(self, node: MapNode | ListNode, event: Any) -> None:
        if event.tag is not None:
            self._report("yaml-tag", node.spot, f"the tag `{visible(str(event.tag))[:60]}` is not part of specs", "Remove the tag.")
        if len(self._stack) >= DEPTH_MAX:
            raise self._stop("yaml-too-deep", node.spot, f"values are nested deeper than {DEPTH_MAX} levels")
        if self._awaits_key():
            raise self._stop("key-not-text", node.spot, "a key must be text, not a mapping or a list")
        self._count(1, node.spot)
        self._stack.append((node, event.anchor))
        self._keys.append(None)
        if event.anchor is not None:
            self._anchors[event.anchor] = None

    def _close(self) -> None:
        node, anchor = self._stack.pop()
        self._keys.pop()
        children = node.children.values() if isinstance(node, MapNode) else node.children
        node.size = 1 + sum(child.size for child in children)
        self._add(node, anchor, counted=True)

    def _alias(self, event: Any) -> None:
        spot = _spot(event)
        self._aliases += 1
        target = self._anchors.get(event.anchor)
        if target is None:
            known = event.anchor in self._anchors
            message = f"the alias `*{event.anchor}` stands inside what it names" if known else f"the alias `*{event.anchor}` names nothing"
            self._report("yaml-alias", spot, message)
            target = Scalar(None, spot)
        if self._aliases > ALIASES_MAX:
            raise self._stop("yaml-too-big", spot, f"more than {ALIASES_MAX} aliases stand in one document")
        self._count(target.size, spot)
        self._add(target, None, counted=True, spot=spot)

    def _count(self, size: int, spot: Spot) -> None:
        self._size += size
        if self._size > NODES_MAX:
            raise self._stop("yaml-too-big", spot, f"the document holds more than {NODES_MAX} values", "Split it into several files.")

    def _awaits_key(self) -> bool:
        return bool(self._stack) and isinstance(self._stack[-1][0], MapNode) and self._keys[-1] is None

    def _add(self, node: Node, anchor: str | None, *, counted: bool = False, spot: Spot | None = None) -> None:
        if not counted:
            self._count(1, node.spot)
        if anchor is not None:
            self._anchors[anchor] = node
        if not self._stack:
            self._root = node
            return
        parent = self._stack[-1][0]
        if isinstance(parent, ListNode):
            parent.children.append(node)
        elif (key := self._keys[-1]) is None:
            self._key(parent, node, spot or node.spot)
        else:
            self._keys[-1] = None
            if key[0] not in parent.children:  # the first one stays; the repetition was reported
                parent.children[key[0]] = node
                parent.keys[key[0]] = key[1]

    def _key(self, parent: MapNode, node: Node, spot: Spot) -> None:
        if not isinstance(node, Scalar):
            raise self._stop("key-not-text", spot, "a key must be text, not a mapping or a list")
        if node.value == "<<":
            self._report(
                "yaml-merge-key", spot, "the merge key `<<` is not part of specs", "Put what is shared into a Tier or a BackupPolicy."
            )
        elif not isinstance(node.value, str):
            self._report("key-not-text", spot, f"the key `{show(node.value)}` is not text", "Write it in quotes.")
        key = node.value if isinstance(node.value, str) else show(node.value)
        if key in parent.children:
            self._report("duplicate-key", spot, f"the key `{visible(key)}` stands twice; the first is in line {parent.keys[key].line}")
        self._keys[-1] = (key, spot)


def show(value: object) -> str:
    """A plain value as YAML would write it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    return visible(str(value))


def _spot(event: Any) -> Spot:
    start, end = event.start_mark, event.end_mark
    same_line = end.line == start.line and end.column > start.column
    return Spot(start.line + 1, start.column + 1, end.column + 1 if same_line else start.column + 2)
