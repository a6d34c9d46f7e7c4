"""How it was, how the program is, and what the loop is at: against golden files, wide and on a narrow terminal."""

from __future__ import annotations

import json
from collections.abc import Callable

import cli_past as samples
import pytest

from reconciler.app.doctor import Diagnosis
from reconciler.app.loop_view import LoopView
from reconciler.app.past import Past
from reconciler.cli.render.doctor import doctor_json, doctor_page
from reconciler.cli.render.history import history_json, history_page
from reconciler.cli.render.loop import loop_json, loop_page
from reconciler.cli.render.page import Page

Golden = Callable[[str, str], None]
NARROW = 80


def both(golden: Golden, name: str, page: Page) -> None:
    """As in a pipe, and on a terminal of eighty columns."""
    golden(f"{name}.txt", page.render())
    text = page.render(width=NARROW)
    golden(f"{name}-narrow.txt", text)
    assert max(len(line) for line in text.splitlines()) <= NARROW


def test_the_history_has_a_curve_for_each_check_and_backup(golden: Golden) -> None:
    page = history_page(samples.past())
    golden("history.txt", page.render())
    golden("history-narrow.txt", page.render(width=NARROW))


def test_the_history_for_programs(golden: Golden) -> None:
    text = history_json(samples.past())
    golden("history.json", text)
    assert len(json.loads(text)["history"]["backups"][0]["runs"]) == 28


def test_a_history_of_nothing_is_a_sentence() -> None:
    past = samples.past()
    assert history_page(Past(past.at, past.since, (), (), ())).render().endswith("Nothing was kept of that time.\n")


def test_the_doctor_writes_one_page(golden: Golden) -> None:
    both(golden, "doctor", doctor_page(samples.diagnosis()))


def test_the_doctor_for_programs(golden: Golden) -> None:
    text = doctor_json(samples.diagnosis())
    golden("doctor.json", text)
    assert json.loads(text)["sections"]["Repositories"]["main: cleaned up"] == "never"


@pytest.mark.parametrize("view", [samples.at_work, samples.stuck, samples.absent])
def test_a_loop_at_work_one_that_is_stuck_and_none(golden: Golden, view: Callable[[], LoopView]) -> None:
    both(golden, f"loop-{view.__name__}", loop_page(view()))


def test_the_loop_for_programs(golden: Golden) -> None:
    golden("loop.json", loop_json(samples.at_work()))


def test_no_row_of_the_doctor_hides_another() -> None:
    """Titles are keys in JSON."""
    found: Diagnosis = samples.diagnosis()
    for section in found.sections:
        assert len({title for title, _ in section.rows}) == len(section.rows)
