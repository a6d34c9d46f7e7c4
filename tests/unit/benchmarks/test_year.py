"""Upkeep through a small part of a year: real backups, the real decision, real clean-ups; only the hours pass faster."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from benchmarks.year import EVERY, RUNS, Year
from reconciler.decide import maintenance
from reconciler.repository.format import INDEX_CHUNKS_SMALL

INDEX_OBJECTS_MAX = 200
"""What a first look from a new machine has to read of a year of backups each quarter of an hour."""


@pytest.mark.slow
def test_backups_each_quarter_of_an_hour_leave_few_index_objects(tmp_path: Path) -> None:
    runs = 420
    year = Year(tmp_path, begins=datetime.now(UTC) - EVERY * runs)
    counted = year.run(runs)
    assert counted.runs == runs
    assert counted.index_objects_max <= 110, "a hundred, and what comes until somebody looks"
    assert len(counted.clean_ups) == 4
    assert set(counted.clean_ups) == {"index-crowded"}, "long before the seven days that are declared"
    assert counted.index_objects < 30
    assert counted.packs < 60, "small packs are merged, too"
    assert year.restores()


@pytest.mark.slow
def test_without_upkeep_each_backup_leaves_its_index_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The decoy: the year counts what is there, and nothing else keeps it low."""
    monkeypatch.setattr(maintenance, "_CROWDED_FROM", 10**9)
    counted = Year(tmp_path, begins=datetime.now(UTC) - EVERY * 130).run(130)
    assert (counted.index_objects_max, counted.clean_ups) == (130, [])


def test_what_a_year_leaves_is_bounded_by_when_upkeep_comes_and_not_by_the_runs() -> None:
    """Between two looks an hour apart four runs come; a clean-up leaves one small object and the full ones."""
    small = maintenance._CROWDED_FROM + 4 + 1
    chunks = (INDEX_OBJECTS_MAX - small) * INDEX_CHUNKS_SMALL
    assert small < INDEX_OBJECTS_MAX < RUNS
    assert chunks > 2_000_000, "so many distinct chunks fit before the full ones alone are too many"
