"""The page: alignment, wrapping, and that no name can command a terminal."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.base.printable import escape
from reconciler.cli.render.page import Page, Style, width_of


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain äöü 漢", "plain äöü 漢"),
        ("\x1b]0;owned\x07", "\\x1b]0;owned\\x07"),
        ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
        ("\x9b31m", "\\x9b31m"),
        ("txt.\u202eexe", "txt.\\u202eexe"),
        ("\u2028line", "\\u2028line"),
        (os.fsdecode(b"caf\xe9"), "caf\\xe9"),
        ("nul\x00", "nul\\x00"),
    ],
)
def test_control_characters_are_shown_not_sent(name: str, shown: str) -> None:
    assert escape(name) == shown
    page = Page()
    page.line((name, Style.BAD))
    page.table(["A"], [[name]])
    page.pairs([("key", name)])
    assert page.render().count(shown) == 3


def test_columns_align_when_letters_are_wide_or_combining() -> None:
    page = Page()
    page.table(["NAME", "N"], [["漢字", "1"], ["e\u0301te", "10"], ["plain", "100"]], right=".r")
    assert page.render() == "NAME     N\n漢字     1\ne\u0301te     10\nplain  100\n"


def test_a_column_that_says_nothing_is_left_out() -> None:
    page = Page()
    page.table(["ID", "MARKS", "SIZE"], [["a", "", "1 B"], ["b", "", "2 B"]])
    assert page.render() == "ID  SIZE\na   1 B\nb   2 B\n"


def test_a_long_reason_continues_under_its_own_column() -> None:
    page = Page()
    page.line("  + back up to main  ", ("because " * 12, Style.FAINT), hang=21)
    lines = page.render(width=60).splitlines()
    assert len(lines) > 2
    assert all(line.startswith(" " * 21 + "because") for line in lines[1:])
    assert max(map(len, lines)) <= 60


def test_columns_that_do_not_fit_stand_below_the_others() -> None:
    page = Page()
    page.table(
        ["NAME", "SIZE", "PLACE", "WHY"], [["first", "10 B", "p" * 20, "because " * 3], ["second", "7 B", "", ""]], right=".r..", indent=2
    )
    assert page.render(width=40).splitlines() == [
        "  NAME    SIZE  PLACE",
        "      WHY",
        "  first   10 B  " + "p" * 20,
        "      because because because",
        "  second   7 B",
    ]
    assert len(page.render().splitlines()) == 3, "in a pipe a row is a line"
    assert len(page.render(width=80).splitlines()) == 3


@given(st.lists(st.lists(st.text(alphabet="ab 漢", max_size=12), min_size=8, max_size=8), min_size=1, max_size=5), st.integers(40, 120))
def test_no_line_of_a_table_is_wider_than_the_terminal_and_no_cell_is_lost(rows: list[list[str]], width: int) -> None:
    page = Page()
    page.table(list("ABCDEFGH"), rows, right="r..r...")
    shown = page.render(width=width)
    assert all(width_of(line) <= width for line in shown.splitlines())
    assert "".join(sorted(shown.replace(" ", "").replace("\n", ""))) == "".join(sorted(page.render().replace(" ", "").replace("\n", "")))


def test_a_pipe_gets_one_line_per_fact_and_no_colour() -> None:
    page = Page()
    page.line(("x" * 50 + " ") * 5, hang=2)
    page.line(("red", Style.BAD))
    text = page.render()
    assert text.count("\n") == 2
    assert "\x1b" not in text
    assert "\x1b[31mred\x1b[0m" in page.render(colour=True)
