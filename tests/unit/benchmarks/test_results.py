"""Stored figures: medians, ratios, going on after an interruption, and the pages made from them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from benchmarks import table
from benchmarks.plot import svg
from benchmarks.results import Results, Sample, ratios
from benchmarks.works import CHANGED, FIRST, LIST, REREAD, RESTORE, WORKS, works_for

VERSIONS = {"reconciler": "1", "restic": "2", "cp -a": "3"}


def _results(**changes: object) -> Results:
    plain: dict[str, object] = {
        "machine": {"cores": 2},
        "versions": dict(VERSIONS),
        "share": 1.0,
        "restored_to": "tmpfs",
        "began_at": "2026-03-01T00:00:00+00:00",
    }
    return Results(**(plain | changes))  # type: ignore[arg-type]


def _sample(peer: str, wall: float, *, run: int = 1, work: str = FIRST, stored: int | None = None, corpus: str = "small") -> Sample:
    return Sample(corpus, work, peer, run, wall, wall / 2, int(wall) * 2**20, stored)


def test_a_figure_is_the_median_of_its_runs_and_the_worst_memory() -> None:
    results = _results()
    results.add(_sample("restic", wall, run=run, stored=100 * run) for run, wall in enumerate((3.0, 9.0, 4.0), 1))
    (row,) = results.rows()
    assert (row.wall_seconds, row.cpu_seconds, row.stored_bytes, row.runs) == (4.0, 2.0, 200, 3)
    assert row.memory_bytes == 9 * 2**20


def test_ratios_are_to_restic_in_the_same_row_only() -> None:
    results = _results()
    results.add([_sample("restic", 4.0, stored=200), _sample("reconciler", 1.0, stored=100), _sample("reconciler", 2.0, work=RESTORE)])
    found = ratios(results.rows(), "restic")
    assert found["small", FIRST, "reconciler"] == (0.25, 0.5)
    assert found["small", FIRST, "restic"] == (1.0, 1.0)
    assert found["small", RESTORE, "reconciler"] == (None, None)


def test_a_run_goes_on_where_it_was_interrupted_and_a_row_measured_again_replaces_the_older_one(tmp_path: Path) -> None:
    file = tmp_path / "results" / "today.json"
    results = _results()
    results.add([_sample("restic", 4.0), _sample("restic", 5.0, work=RESTORE)])
    results.save(file)
    again = Results.load(file)
    assert again.has("small", [FIRST, RESTORE], "restic", 1)
    assert not again.has("small", [FIRST, RESTORE, CHANGED], "restic", 1)
    assert not again.has("small", [FIRST], "restic", 2)
    again.add([_sample("restic", 2.0)])
    again.save(file)
    assert [row.wall_seconds for row in Results.load(file).rows()] == [2.0, 5.0]


@pytest.mark.parametrize(
    "changes",
    [{"machine": {"cores": 4}}, {"versions": {"restic": "3"}}, {"share": 0.1}, {"restored_to": "ext4"}],
    ids=["machine", "version", "size", "target"],
)
def test_figures_of_other_circumstances_do_not_stand_in_one_table(changes: dict[str, object]) -> None:
    assert not _results().comparable(_results(**changes))


def test_a_tool_that_was_missing_before_may_join() -> None:
    assert _results().comparable(_results(versions=VERSIONS | {"borg": "1.4"}))


def test_figures_of_an_unknown_version_are_refused(tmp_path: Path) -> None:
    (tmp_path / "old.json").write_text('{"format": 0}')
    with pytest.raises(SystemExit, match="another version"):
        Results.load(tmp_path / "old.json")


def test_the_table_shows_every_row_with_its_ratio_and_says_the_versions() -> None:
    results = _results(many={"objects read": "12"})
    results.add([_sample("restic", 4.0, stored=2_000_000), _sample("reconciler", 1.0, stored=1_900_000), _sample("cp -a", 8.0)])
    text = table.markdown(results)
    assert "| many small files | first backup | **reconciler** | 0.25 | 1.00 | 0.50 | 1 | 1.9 | 0.950 | 1 |" in text
    assert "| many small files | first backup | cp -a | 2.00 | 8.00 | 4.00 | 8 |  |  | 1 |" in text
    assert "restic: 2" in text
    assert "| objects read | 12 |" in text


def test_the_page_keeps_what_people_wrote_around_the_figures(tmp_path: Path) -> None:
    page = tmp_path / "performance.md"
    page.write_text(f"# Speed\n\n{table.BEGIN}\nold\n{table.END}\n\nHow it was measured.\n")
    results = _results()
    results.add([_sample("restic", 4.0)])
    table.write_page(results, page)
    table.write_page(results, page)
    text = page.read_text()
    assert text.startswith("# Speed\n")
    assert text.endswith("\n\nHow it was measured.\n")
    assert "old" not in text
    assert text.count("| restic |") == 1


def test_the_plot_has_one_mark_per_tool_and_work_that_restic_did_too() -> None:
    results = _results()
    results.add([_sample("restic", 4.0), _sample("reconciler", 1.0), _sample("reconciler", 2.0, work=RESTORE), _sample("cp -a", 9000.0)])
    picture = ET.fromstring(svg(results))
    words = [text.text or "" for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert sum("many small files" in each for each in words) == 1
    circles = [float(c.get("cx", "0")) for c in picture.iter("{http://www.w3.org/2000/svg}circle")]
    assert len(circles) == 2  # in the legend, and in the row
    assert max(circles) <= 980


def test_slow_tools_and_plain_copies_do_less() -> None:
    from benchmarks.peers import ALL

    kinds = {kind.name: kind for kind in ALL}
    assert REREAD in works_for("small", kinds["reconciler"])
    assert works_for("packed", kinds["borg"]) == (FIRST,)
    assert works_for("small", kinds["cp -a"]) == (FIRST, RESTORE)
    assert works_for("list", kinds["restic"]) == (LIST,)
    assert works_for("small", kinds["restic"], (CHANGED,)) == (CHANGED,)
    assert set(works_for("small", kinds["restic"])) < set(WORKS)
