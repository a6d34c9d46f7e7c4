"""Small curves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reconciler.cli.render.spark import COLUMNS, spark

BEGIN = datetime(2026, 5, 1, tzinfo=UTC)
END = BEGIN + timedelta(days=COLUMNS)


def curve(*values: float | None) -> str:
    """One value a day."""
    return spark([(BEGIN + timedelta(days=number, hours=1), value) for number, value in enumerate(values)], BEGIN, END)


def test_from_the_least_to_the_most() -> None:
    assert curve(*range(8)).rstrip() == "▁▂▃▄▅▆▇█"


def test_nothing_seen_is_blank_and_nothing_at_all_is_nothing() -> None:
    assert curve(1, None, 3).rstrip() == "▁ █"
    assert curve(None, None) == ""


def test_what_never_changes_is_flat() -> None:
    assert curve(*[5.0] * COLUMNS) == "▁" * COLUMNS


def test_what_lies_outside_is_not_drawn_and_the_end_belongs_to_the_last_column() -> None:
    assert spark([(BEGIN - timedelta(days=1), 9.0), (END, 1.0)], BEGIN, END) == " " * (COLUMNS - 1) + "▁"
