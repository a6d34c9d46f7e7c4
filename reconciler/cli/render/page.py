"""A page of text: lines of styled spans and aligned tables, and the one place where foreign text becomes safe to print.

Names of files, snapshots and systems come from disks and repositories that others write. A terminal obeys control characters, so every
span is escaped here; no screen can forget to. Colour is added after alignment and never when the output is not a terminal.
"""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence
from enum import Enum

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


def width_of(text: str) -> int:
    """Columns on a terminal: wide East Asian characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


class Page:
    """Lines collected in order, turned into text at the end."""

    def __init__(self) -> None:
        self._lines: list[tuple[tuple[Span, ...], int | None]] = []

    def line(self, *spans: Span, hang: int | None = None) -> None:
        """One line. ``hang``: columns that its continuation is indented by when it must be wrapped; None: never wrapped."""
        self._lines.append((spans, hang))

    def blank(self) -> None:
        """An empty line, unless the page is empty or the last one is empty already."""
        if self._lines and self._lines[-1][0]:
            self._lines.append(((), None))

    def pairs(self, rows: Sequence[tuple[str, Cell]], *, indent: int = 0) -> None:
        """Keys and values, the values aligned."""
        key_width = max((width_of(escape(key)) for key, _ in rows), default=0)
        for key, value in rows:
            pad = " " * (indent + key_width - width_of(escape(key)) + 2)
            self.line((" " * indent + key, Style.FAINT), pad[indent:], value, hang=indent + key_width + 2)

    def table(self, header: Sequence[str], rows: Sequence[Sequence[Cell]], *, right: str = "", indent: int = 0) -> None:
        """Aligned columns. ``right``: one character per column, ``r`` for numbers. Columns that are empty in every row are left out."""
        if not rows:
            return
        texts = [list(header), *([_plain(cell) for cell in row] for row in rows)]
        used = [i for i in range(len(header)) if any(text[i] for text in texts[1:])]
        widths = [[width_of(text[i]) for i in used] for text in texts]
        columns = [max(column) for column in zip(*widths, strict=True)]
        last = None if right[used[-1] : used[-1] + 1] == "r" else indent + sum(column + 2 for column in columns[:-1])
        to_right = [right[i : i + 1] == "r" for i in used]
        for row, text, own in zip([[(name, Style.FAINT) for name in header], *rows], texts, widths, strict=True):
            spans: list[Span] = []
            plain = " " * indent  # neighbours without style are one span: of 10,000 rows with 11 cells most are
            for i, column, width, flush in zip(used, columns, own, to_right, strict=True):
                cell, gap = row[i], " " * (column - width)
                if flush:
                    plain += gap
                if isinstance(cell, str):
                    plain += text[i]
                else:
                    spans += [plain, cell] if plain else [cell]
                    plain = ""
                plain += "  " if flush else gap + "  "
            if plain := plain.rstrip():
                spans.append(plain)
            self.line(*spans, hang=last)

    def render(self, *, colour: bool = False, width: int | None = None) -> str:
        """The text, ending with a line feed. ``width``: where long lines wrap; None (a pipe): they do not."""
        lines = self._lines[:-1] if self._lines and not self._lines[-1][0] else self._lines
        return "".join(_line(spans, hang, colour, width) + "\n" for spans, hang in lines)


def _plain(cell: Cell) -> str:
    return escape(cell if isinstance(cell, str) else cell[0])


def _line(spans: tuple[Span, ...], hang: int | None, colour: bool, width: int | None) -> str:
    if width is not None and hang is not None:
        plain = "".join(_plain(span) for span in spans).rstrip()
        if width_of(plain) > width > hang + 20:
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
