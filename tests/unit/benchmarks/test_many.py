"""The figures of many snapshots, on few."""

from __future__ import annotations

from pathlib import Path

from benchmarks import many


def test_many_snapshots_are_measured_and_nothing_stays(tmp_path: Path) -> None:
    figures = many.measure(tmp_path / "many", 0.002)
    reads = int(figures["objects read by a cold look with 20 snapshots"])
    assert 39 <= reads <= 45, "20 roots, 19 marks, and the few small objects of an opening"
    assert all(value[0].isdigit() for value in figures.values())
    assert not (tmp_path / "many").exists()
