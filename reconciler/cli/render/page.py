"""A page of text: lines of styled spans and aligned tables, and the one place where foreign text becomes safe to print.

Names of files, snapshots and systems come from disks and repositories that others write. A terminal obeys control characters, so every
span is escaped here; no screen can forget to. Colour is added after alignment and never when the output is not a terminal.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from reconciler.base.printable import escape


class Style(Enum):
    """What a span means; the value is its ANSI code."""

    STRONG = "1"
    FAINT = "2"
    GOOD = "32"
    WARN = "33"
    BAD = "31"
    NAME = "1;36"


Span = str | tuple[str, Style]
Cell = Span
_Line = tuple[tuple[Span, ...], int | None]
_BLANK: _Line = ((), None)
_FOLD = 4
"""Columns that the lower lines of a folded row are indented by."""
_WRAPPED_MIN = 21
"""Columns that text at the end of a row gets at least before it moves to a line of its own."""


def width_of(text: str) -> int:
    """Columns on a terminal: wide East Asian characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


class Page:
    """Lines and tables collected in order, turned into text at the end."""

    def __init__(self) -> None:
        self._parts: list[_Line | _Table] = []

    def line(self, *spans: Span, hang: int | None = None) -> None:
        """One line. ``hang``: columns that its continuation is indented by when it must be wrapped; None: never wrapped."""
        self._parts.append((spans, hang))

    def blank(self) -> None:
        """An empty line, unless the page is empty or the last one is empty already."""
        if self._parts and self._parts[-1] != _BLANK:
            self._parts.append(_BLANK)

    def pairs(self, rows: Sequence[tuple[str, Cell]], *, indent: int = 0) -> None:
        """Keys and values, the values aligned."""
        key_width = max((width_of(escape(key)) for key, _ in rows), default=0)
        for key, value in rows:
            pad = " " * (indent + key_width - width_of(escape(key)) + 2)
            self.line((" " * indent + key, Style.FAINT), pad[indent:], value, hang=indent + key_width + 2)

    def table(self, header: Sequence[str], rows: Sequence[Sequence[Cell]], *, right: str = "", indent: int = 0) -> None:
        """Aligned columns. ``right``: one character per column, ``r`` for numbers. Columns that are empty in every row are left out.

        Where a terminal is too narrow for all columns, those that do not fit stand below the others, in each row and in the header.
        """
        if rows:
            self._parts.append(_Table(header, rows, right, indent))

    def render(self, *, colour: bool = False, width: int | None = None) -> str:
        """The text, ending with a line feed. ``width``: where long lines wrap; None (a pipe): they do not."""
        parts = self._parts[:-1] if self._parts and self._parts[-1] == _BLANK else self._parts
        lines = (line for part in parts for line in (part.lines(width) if isinstance(part, _Table) else (part,)))
        return "".join(_line(spans, hang, colour, width) + "\n" for spans, hang in lines)


class _Table:
    """Rows below a header, and how wide each of their columns is."""

    def __init__(self, header: Sequence[str], rows: Sequence[Sequence[Cell]], right: str, indent: int) -> None:
        texts = [list(header), *([_plain(cell) for cell in row] for row in rows)]
        used = [i for i in range(len(header)) if any(text[i] for text in texts[1:])]
        own = [[width_of(text[i]) for i in used] for text in texts]
        self._rows = list(zip([[(name, Style.FAINT) for name in header], *rows], texts, own, strict=True))
        widths = [max(column) for column in zip(*own, strict=True)]
        self._columns = [_Column(i, n, widths[n], right[i : i + 1] == "r") for n, i in enumerate(used)]
        self._indent = indent

    def lines(self, width: int | None) -> Iterator[_Line]:
        """Of a row as many as there are tiers: one, where the terminal is wide enough."""
        tiers = [(tier, indent, self._hang(tier, indent)) for tier, indent in self._tiers(width) if tier]
        for row, text, own in self._rows:
            for tier, indent, hang in tiers:
                if tier[0].number == 0 or any(text[column.cell] for column in tier):
                    yield _spans(tier, row, text, own, indent), hang

    def _tiers(self, width: int | None) -> list[tuple[list[_Column], int]]:
        """The columns that stand beside each other, with their indentation. Text at the end of a row needs little: it wraps."""
        tiers: list[tuple[list[_Column], int]] = [([], self._indent)]
        end = self._indent
        for column in self._columns:
            wraps = column is self._columns[-1] and not column.to_right
            needed = min(column.width, _WRAPPED_MIN) if wraps else column.width
            if width is not None and tiers[-1][0] and end + needed > width:
                tiers.append(([], self._indent + _FOLD))
                end = self._indent + _FOLD
            tiers[-1][0].append(column)
            end += column.width + 2
        return tiers

    def _hang(self, tier: Sequence[_Column], indent: int) -> int | None:
        return None if tier[-1].to_right else indent + sum(column.width + 2 for column in tier[:-1])


class _Column(NamedTuple):
    cell: int
    """Its place among the cells of a row."""
    number: int
    """Its place among the columns that are shown."""
    width: int
    to_right: bool


def _spans(columns: Sequence[_Column], row: Sequence[Cell], text: Sequence[str], own: Sequence[int], indent: int) -> tuple[Span, ...]:
    spans: list[Span] = []
    plain = " " * indent  # neighbours without style are one span: of 10,000 rows with 11 cells most are
    for i, number, width, to_right in columns:
        cell, gap = row[i], " " * (width - own[number])
        if to_right:
            plain += gap
        if isinstance(cell, str):
            plain += text[i]
        else:
            spans += [plain, cell] if plain else [cell]
            plain = ""
        plain += "  " if to_right else gap + "  "
    if plain := plain.rstrip():
        spans.append(plain)
    return tuple(spans)


def _plain(cell: Cell) -> str:
    return escape(cell if isinstance(cell, str) else cell[0])


def _line(spans: tuple[Span, ...], hang: int | None, colour: bool, width: int | None) -> str:
    if width is not None and hang is not None:
        plain = "".join(_plain(span) for span in spans).rstrip()
        if width_of(plain) > width >= hang + _WRAPPED_MIN:
            return _wrapped(spans, plain, hang, colour, width)
    return "".join(_painted(span, colour) for span in spans).rstrip()


def _wrapped(spans: tuple[Span, ...], plain: str, hang: int, colour: bool, width: int) -> str:
    """The start of the line keeps its styles as far as it reaches; the rest continues in the style of its last span."""
    lead = len(plain) - len(plain.lstrip(" "))
    pieces = textwrap.wrap(
        plain.lstrip(" "),
        width,
        initial_indent=" " * lead,
        subsequent_indent=" " * hang,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
    )
    first = _cut(spans, len(pieces[0]), colour)
    last = spans[-1]
    rest = [piece if isinstance(last, str) else _painted((piece, last[1]), colour) for piece in pieces[1:]]
    return "\n".join([first, *rest])


def _cut(spans: tuple[Span, ...], length: int, colour: bool) -> str:
    done: list[str] = []
    for span in spans:
        text = _plain(span)[:length]
        length -= len(text)
        done.append(text if isinstance(span, str) else _painted((text, span[1]), colour))
    return "".join(done).rstrip()


def _painted(span: Span, colour: bool) -> str:
    text = _plain(span)
    if isinstance(span, str) or not colour or not text.strip():
        return text
    return f"\x1b[{span[1].value}m{text}\x1b[0m"
