"""Patterns with the semantics of .gitignore, on raw bytes.

A walk asks about one entry after its folder was entered, so a pattern is tested against that entry alone: what lies in an excluded folder
is never asked about and cannot be brought back by a negation, as in git. The translation follows git's wildmatch, byte by byte; a test
compares it with ``git check-ignore``. One difference is meant: in ``a**/b`` git takes the stars for ``**/`` (it cuts the literal ``a`` off
first), its manual and we for an ordinary ``*``, which leaves out less.

Expressions are built so that matching stays linear in stars: each ``*`` and ``**`` but the last takes the leftmost fit and never tries
again (a glob has no use for more), so no pattern can stall a scan.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from msgspec import Struct

_SLASH, _STARS = b"/", b"**"  # token values; every other token is a piece of a regular expression for one byte, or _STAR
_STAR = b"*"
_CLASSES: dict[bytes, Callable[[int], bool]] = {
    b"alnum": lambda c: c < 128 and chr(c).isalnum(),
    b"alpha": lambda c: c < 128 and chr(c).isalpha(),
    b"blank": lambda c: c in b" \t",
    b"cntrl": lambda c: c < 32 or c == 127,
    b"digit": lambda c: c in b"0123456789",
    b"graph": lambda c: 32 < c < 127,
    b"lower": lambda c: c < 128 and chr(c).islower(),
    b"print": lambda c: 32 <= c < 127,
    b"punct": lambda c: 32 < c < 127 and not chr(c).isalnum(),
    b"space": lambda c: c in b" \t\n\r\f\v",
    b"upper": lambda c: c < 128 and chr(c).isupper(),
    b"xdigit": lambda c: c in b"0123456789abcdefABCDEF",
}


class _Rule(Struct, frozen=True):
    expression: bytes
    negated: bool
    folder_only: bool
    on_name: bool
    """Tested against the last component instead of the whole path."""


class _NeverMatchesError(ValueError):
    """git reads such a pattern without complaint and matches nothing."""


class Excludes:
    """A list of patterns, counted from one root; the last one that matches decides."""

    __slots__ = ("_decide", "patterns")

    def __init__(self, patterns: Sequence[str]) -> None:
        self.patterns = tuple(patterns)
        rules = [rule for pattern in patterns if (rule := _parse(pattern)) is not None]
        self._decide = _decision(rules) if rules else None

    def __bool__(self) -> bool:
        return self._decide is not None

    def match(self, relative: bytes, is_folder: bool) -> bool:
        """Whether this entry is excluded, given that its folder is not. ``relative``: path from the root, without slashes at its ends."""
        return self._decide is not None and self._decide(relative, is_folder)

    def covers(self, relative: bytes, is_folder: bool = False) -> bool:
        """Whether this entry or one of the folders above it is excluded."""
        if self._decide is None:
            return False
        end = relative.find(b"/")
        while end >= 0:
            if self._decide(relative[:end], True):
                return True
            end = relative.find(b"/", end + 1)
        return self._decide(relative, is_folder)


def _decision(rules: list[_Rule]) -> Callable[[bytes, bool], bool]:
    """The last matching rule decides; neighbours of the same sign are one expression each, for speed."""
    groups: list[tuple[bool, list[_Rule]]] = []
    for rule in reversed(rules):
        if not groups or groups[-1][0] != rule.negated:
            groups.append((rule.negated, []))
        groups[-1][1].append(rule)
    tests = [(not negated, _union(group, False), _union(group, True)) for negated, group in groups]

    def decide(relative: bytes, is_folder: bool) -> bool:
        for excluded, entry, folder in tests:
            names, paths = folder if is_folder else entry
            if names is not None and names(relative[relative.rfind(b"/") + 1 :]):
                return excluded
            if paths is not None and paths(relative):
                return excluded
        return False

    return decide


_Test = Callable[[bytes], object]


def _union(rules: list[_Rule], is_folder: bool) -> tuple[_Test | None, _Test | None]:
    """One test on the name and one on the path, for entries that are folders or that are not."""

    def compiled(on_name: bool) -> _Test | None:
        chosen = [rule.expression for rule in rules if rule.on_name is on_name and (is_folder or not rule.folder_only)]
        return re.compile(b"|".join(chosen), re.DOTALL).fullmatch if chosen else None

    return compiled(True), compiled(False)


def _parse(text: str) -> _Rule | None:
    """One line of a .gitignore; None for comments, blanks and what can never match."""
    pattern = _without_trailing_spaces(text.encode("utf-8", "surrogateescape"))
    if pattern.startswith(b"#"):
        return None
    negated = pattern.startswith(b"!")
    pattern = pattern[1:] if negated else pattern
    folder_only = pattern.endswith(b"/")
    pattern = pattern[:-1] if folder_only else pattern
    if not pattern or b"\0" in pattern:
        return None
    on_name = b"/" not in pattern
    try:
        components = _components(pattern[1:] if pattern.startswith(b"/") else pattern)
        expression = _component(components[0]) if on_name else _path(components)
    except _NeverMatchesError:
        return None
    return _Rule(expression, negated, folder_only, on_name)


def _without_trailing_spaces(line: bytes) -> bytes:
    """Trailing spaces go, unless a backslash keeps one."""
    end = kept = 0
    while end < len(line):
        step = 2 if line[end : end + 1] == b"\\" else 1
        if line[end : end + 1] != b" ":
            kept = end + step
        end += step
    return line[:kept]


def _components(pattern: bytes) -> list[list[bytes]]:
    """Tokens of each path component. A bracket may hold a slash, so this cannot be a split."""
    components: list[list[bytes]] = [[]]
    position = 0
    while position < len(pattern):
        token, position = _token(pattern, position)
        if token == _SLASH:
            components.append([])
        else:
            components[-1].append(token)
    if not all(components):
        raise _NeverMatchesError  # "a//b": no path holds an empty component
    return components


def _token(pattern: bytes, position: int) -> tuple[bytes, int]:
    character = pattern[position : position + 1]
    if character == b"\\":
        character = pattern[position + 1 : position + 2]
        if not character:
            raise _NeverMatchesError
        return (character if character == b"/" else re.escape(character)), position + 2
    if character == b"*":
        end = position + 1
        while pattern[end : end + 1] == b"*":
            end += 1
        return (_STARS if end - position > 1 else _STAR), end
    if character == b"?":
        return b"[^/]", position + 1
    if character == b"[":
        return _bracket(pattern, position + 1)
    return (character if character == b"/" else re.escape(character)), position + 1


def _bracket(pattern: bytes, position: int) -> tuple[bytes, int]:
    """The bytes that ``[...]`` matches, read as wildmatch reads them: also with "]" first, ranges, escapes and [:classes:]."""
    members: set[int] = set()
    negated = pattern[position : position + 1] in {b"!", b"^"}
    position += negated
    previous, first = -1, True
    while first or pattern[position : position + 1] != b"]":
        first = False
        following = pattern[position + 1 : position + 2]
        if pattern[position : position + 1] == b"-" and previous >= 0 and following not in {b"", b"]"}:
            last, position = _literal(pattern, position + 1)
            members.update(range(previous, last + 1))
            previous = -1
        elif pattern[position : position + 2] == b"[:" and (named := _named_class(pattern, position)) is not None:
            chosen, position = named
            members |= chosen
            previous = -1
        else:
            previous, position = _literal(pattern, position)
            members.add(previous)
    chosen = set(range(256)) - members if negated else members
    chosen.discard(ord("/"))
    if not chosen:
        raise _NeverMatchesError
    return b"[" + b"".join(b"\\x%02x" % value for value in sorted(chosen)) + b"]", position + 1


def _literal(pattern: bytes, position: int) -> tuple[int, int]:
    if pattern[position : position + 1] == b"\\":
        position += 1
    if position >= len(pattern):
        raise _NeverMatchesError
    return pattern[position], position + 1


def _named_class(pattern: bytes, position: int) -> tuple[set[int], int] | None:
    """``[:alpha:]`` at ``position``; None when it is an ordinary "[" after all."""
    end = pattern.find(b"]", position + 2)
    if end < 0:
        raise _NeverMatchesError
    if end < position + 3 or pattern[end - 1 : end] != b":":
        return None
    test = _CLASSES.get(pattern[position + 2 : end - 1])
    if test is None:
        raise _NeverMatchesError
    return {value for value in range(256) if test(value)}, end + 1


def _component(tokens: list[bytes]) -> bytes:
    """Stars inside a component: all but the last take the leftmost fit (atomic), the last one reaches to the component's end."""
    runs: list[list[bytes]] = [[]]
    for token in tokens:
        if token in {_STAR, _STARS}:
            runs.append([])
        else:
            runs[-1].append(token)
    head, *rest = [b"".join(run) for run in runs]
    if not rest:
        return head
    return head + b"".join(b"(?>[^/]*?" + run + b")" for run in rest[:-1] if run) + b"[^/]*" + rest[-1]


def _path(components: list[list[bytes]]) -> bytes:
    """``**`` as a whole component stands for any number of folders; at the end, for everything below."""
    runs: list[list[bytes]] = [[]]
    for component in components:
        if component == [_STARS]:
            runs.append([])
        else:
            runs[-1].append(_component(component))
    head, *rest = runs
    if not rest:
        return b"/".join(head)
    expression = b"".join(part + b"/" for part in head)
    for run in rest[:-1]:
        if run:
            expression += b"(?>(?:[^/]+/)*?" + b"".join(part + b"/" for part in run) + b")"
    last = b"/".join(rest[-1])
    return expression + (b"(?:[^/]+/)*" + last if last else b".+")
