"""Before the first pass: what is asked of memory has the answer of an empty catalog, without a database."""

from __future__ import annotations

import inspect
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.catalog.catalog import Catalog
from reconciler.catalog.errors import CatalogError
from reconciler.catalog.unwritten import Unwritten
from tests.fakes.clocks import FakeClock

NOW = datetime(2026, 11, 26, tzinfo=UTC)
QUESTIONS = {
    "repositories": (), "runs": (5,), "histories": (), "pruned": (), "counters": (), "restores": (5,),
    "measured_restores": ("orders", "main", NOW), "conditions": (), "events": (5,), "busy": (), "lease_holder": (), "wishes": (),
    "pause": (), "last_good": (), "accepted_retention": (), "get_value": ("writer",),
}  # fmt: skip


def test_what_is_not_there_answers_like_an_empty_catalog(tmp_path: Path) -> None:
    nothing = Catalog.peek(tmp_path / "missing.sqlite")
    with Catalog.open(tmp_path / "empty.sqlite", clock=FakeClock(NOW)) as empty:
        for question, words in QUESTIONS.items():
            assert getattr(nothing, question)(*words) == getattr(empty, question)(*words), question
    nothing.close()
    assert not (tmp_path / "missing.sqlite").exists()


def test_no_question_is_forgotten() -> None:
    """Whatever only reads in the catalog has an answer here; whatever writes must not."""
    source = {name: inspect.getsource(member) for name, member in vars(Catalog).items() if inspect.isfunction(member)}
    reads = {name for name, text in source.items() if "_store.reading()" in text and "_store.writing()" not in text}
    assert reads - {"check_lease", "newest_lease"} == set(QUESTIONS)  # these are asked by loops, and a loop has a catalog
    assert set(QUESTIONS) <= vars(Unwritten).keys()


def test_writing_where_there_is_nothing_is_refused(tmp_path: Path) -> None:
    nothing = Catalog.peek(tmp_path / "missing.sqlite")
    with pytest.raises(CatalogError, match="there is none yet"):
        nothing.put_value("writer", "x")
