"""From the bytes of one file to its objects and problems: a pure function of name and content, so its result can be cached."""

from __future__ import annotations

import re

from msgspec import Struct, field

from reconciler.model.problem import Problem
from reconciler.spec.declare import Declared, declare
from reconciler.spec.node import Spot
from reconciler.spec.parse import Parsed, parse
from reconciler.spec.parses import Parses
from reconciler.spec.source import Source
from reconciler.spec.tree import SpecFile

_CONFLICT = re.compile(r"^(<{7}|={7}|>{7}|\|{7})( |$)")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_BYTE_ORDER_MARKS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")


class SpecText(Struct, frozen=True):
    """What one file says."""

    declared: tuple[Declared, ...]
    problems: tuple[Problem, ...]


class Cache(Struct):
    """What was read before, by name and content. :meth:`trim` after each load keeps it as small as the tree."""

    parses: Parses | None = None
    """What earlier processes have parsed."""
    texts: dict[tuple[str, str], SpecText] = field(default_factory=dict)
    used: set[tuple[str, str]] = field(default_factory=set)
    whole: tuple[object, object, object] | None = None
    """What the whole tree was loaded from last, beside which last good versions, and what came of it: nothing else can change that."""
    beside: tuple[object, object, object] | None = None
    """What was put beside which tree, and what came of it."""

    def read(self, file: SpecFile) -> SpecText:
        """As :func:`read_file`, at most once per content."""
        key = (file.name, file.digest)
        self.used.add(key)
        if key not in self.texts:
            self.texts[key] = read_file(file, self.parses)
        return self.texts[key]

    def trim(self) -> None:
        """Drop what was not read since the last trim."""
        self.texts = {key: text for key, text in self.texts.items() if key in self.used}
        self.used.clear()
        if self.parses is not None:
            self.parses.trim({digest for _, digest in self.texts})


def read_file(file: SpecFile, parses: Parses | None = None) -> SpecText:
    """The objects of a file. One that cannot be read to its end gives none: what it says before the fault may be half of it."""
    text, problem = _text(file)
    if text is None:
        assert problem is not None
        return SpecText((), (problem,))
    source = Source(file.name, tuple(text.splitlines()))
    documents, end = _documents(source, text, file, parses)
    results = [declare(source, parsed) for parsed in documents]
    problems = [problem for _, found in results for problem in found]
    if end is not None:
        return SpecText((), (*problems, end))
    return SpecText(tuple(declared for declared, _ in results if declared is not None), tuple(problems))


def _documents(source: Source, text: str, file: SpecFile, parses: Parses | None) -> tuple[list[Parsed], Problem | None]:
    known = parses.of(file) if parses is not None else None
    if known is not None:
        return [Parsed(layout) for layout in known], None
    problem = _faulty_text(source, text)
    if problem is not None:
        return [], problem
    documents, end = parse(source, text)
    if parses is not None and end is None and not any(parsed.problems for parsed in documents):
        parses.add(file, [parsed.layout for parsed in documents])
    return documents, end


def _text(file: SpecFile) -> tuple[str | None, Problem | None]:
    nowhere = Source(file.name, ())
    if file.data.startswith(_BYTE_ORDER_MARKS):
        message = "the file is UTF-16" if file.data[:2] in _BYTE_ORDER_MARKS else "the file begins with a byte order mark"
        return None, nowhere.problem("encoding", Spot(1, 1, 2), message, hint="Save it as UTF-8 without a byte order mark.")
    try:
        return file.data.decode("utf-8"), None
    except UnicodeDecodeError as error:
        before = file.data[: error.start]
        line, column = before.count(b"\n") + 1, len(before.rsplit(b"\n", 1)[-1].decode()) + 1
        message = f"the file is not UTF-8 (byte 0x{file.data[error.start]:02x})"
        return None, nowhere.problem("encoding", Spot(line, column, column + 1), message, hint="Save it as UTF-8.")


def _faulty_text(source: Source, text: str) -> Problem | None:
    if not text.strip():
        return source.problem("empty-file", Spot(1, 1, 2), "the file is empty", hint="Remove the file to remove its objects.")
    for number, line in enumerate(text.split("\n"), 1):
        if (found := _CONTROL.search(line)) is not None:
            spot = Spot(number, found.start() + 1, found.start() + 2)
            return Source(source.file, ()).problem(
                "control-character", spot, f"the file holds the control character U+{ord(found[0]):04X}", hint="Remove it."
            )
        if _CONFLICT.match(line):
            return source.problem(
                "conflict-marker", Spot(number, 1, 8), "the file holds the markers of an unfinished merge", hint="Finish the merge."
            )
    return None
