"""The page and /metrics about disasters: the heat map of a board, the proofs of drills, the counts."""

from __future__ import annotations

import json
import re
from contextlib import closing

from msgspec.structs import replace

from reconciler.decide.impact.report import impact
from reconciler.metrics import names
from reconciler.metrics.collect import samples as collected
from reconciler.metrics.exposition import Exposition
from reconciler.model.board import Board
from reconciler.model.impact import Impact, Verdict
from reconciler.web.server import serve
from reconciler.web.view import SYSTEMS_SHOWN, view
from tests.fakes.statuses import NOON, board, pulse
from tests.fakes.worlds import NOW
from tests.unit.decide.test_impact import FAR, NAS, orders, seen, tree
from tests.unit.web.test_web_page import World
from tests.unit.web.test_web_server import ask


def foreseen(*names: str) -> Impact:
    """Of these systems the first has no copy elsewhere."""
    first, *rest = names
    systems = [orders(name=first, repositories=("main",)), *(orders(name=name) for name in rest)]
    have = seen(*names)
    alone = tuple(s for s in have.repositories["far"].snapshots if s.system != first)
    have = replace(have, repositories={**have.repositories, "far": replace(have.repositories["far"], snapshots=alone)})
    return impact(tree(*systems, NAS, FAR), have, NOW)


def shown(found: Board) -> str:
    world = World()
    world.board = found
    server = serve(lambda: world.board, listen="127.0.0.1:0", pulse=world.pulse, clock=world)
    try:
        return ask(server, "/")[2].decode()
    finally:
        server.close()


def test_the_heat_map_shows_a_letter_for_each_disaster_the_worst_system_first() -> None:
    found = foreseen("lonely", "orders")
    page = shown(replace(board(), impact=found))
    heat = page[page.index('id="impact"') : page.index('id="next"')]
    rows = re.findall(r"<tr><th class=\"name\">(.*?)</th>(.*?)</tr>", heat)
    assert [name for name, _ in rows] == ["lonely", "orders"]
    letters = {name: re.findall(r">([^<]+)</td>", cells) for name, cells in rows}
    asked = {s: [e.verdict.letter for e in found.systems if e.system == s] for s in ("lonely", "orders")}
    assert letters == asked
    assert letters["lonely"][5] == "L"
    assert "natural disaster</th>" in heat
    assert 'title="natural_disaster, site office: lost; nothing survives: main: it is at site office"' in heat
    assert "<script" not in page


def test_without_an_answer_there_is_no_heat_map() -> None:
    assert 'id="impact"' not in shown(board())


def test_no_more_rows_than_systems() -> None:
    many = replace(board(), impact=foreseen(*(f"s{n}" for n in range(SYSTEMS_SHOWN + 5))))
    assert len(view(many, pulse(), NOON).heat) == SYSTEMS_SHOWN
    assert len(view(many, pulse(), NOON, all_systems=True).heat) == SYSTEMS_SHOWN + 5


def test_each_system_says_what_its_drills_have_proven() -> None:
    page = shown(board())
    told = re.findall(r'<p class="rehearsed">(.*?)</p>', page)
    assert len(told) == len(board().status.systems)
    assert any("Recovery proven until" in each for each in told)
    assert any("Nothing proves its recovery" in each for each in told)
    assert any("No drills are declared" in each for each in told)


def test_programs_get_what_the_page_shows_and_it_is_written_once() -> None:
    world = World()
    world.board = replace(board(), impact=foreseen("lonely", "orders"))
    with closing(serve(lambda: world.board, listen="127.0.0.1:0", pulse=world.pulse, clock=world)) as server:
        first, again = (ask(server, "/api/impact")[2] for _ in range(2))
        assert first == again
        found = json.loads(first)
        assert found["kind"] == "impact"
        assert {(s["system"], s["scenario"]): s["verdict"] for s in found["impact"]["systems"]} == {
            (s.system, s.scenario): s.verdict.value for s in world.board.impact.systems
        }
        world.board = replace(world.board, impact=foreseen("orders"))
        assert {s["system"] for s in json.loads(ask(server, "/api/impact")[2])["impact"]["systems"]} == {"orders"}
        world.board = replace(world.board, impact=None)
        assert json.loads(ask(server, "/api/impact")[2])["impact"] is None


def test_only_what_is_threatened_is_a_metric_of_its_own() -> None:
    found = foreseen("lonely", "orders")
    status = replace(board().status, impact=found.tallies())
    samples = {(labels, value) for metric, labels, value in collected(status) if metric is names.IMPACT_VERDICT}
    numbers = {Verdict.LOST: 4, Verdict.BREACHED: 3, Verdict.EXPOSED: 2, Verdict.UNKNOWN: 1}
    assert samples == {((s.scenario, s.system), numbers[s.verdict]) for s in found.systems if not s.verdict.well}
    assert {value for metric, _, value in collected(status) if metric is names.IMPACT_LEFT_OUT} == {0}


def test_of_too_many_the_worst_are_named_and_the_others_counted() -> None:
    found = foreseen("lonely", "orders")
    tallies = found.tallies(named=3)
    threatened = sorted(s.verdict.rank for s in found.systems if not s.verdict.well)
    named = [Verdict(word).rank for tally in tallies for word in tally.threatened.values()]
    assert sorted(named) == threatened[:3]
    assert sum(tally.left_out for tally in tallies) == len(threatened) - 3


def test_the_counts_are_metrics() -> None:
    found = foreseen("lonely", "orders")
    status = replace(board().status, impact=found.tallies())
    text = Exposition(lambda: status, pulse)().decode()
    lines = [line for line in text.splitlines() if line.startswith("reconciler_impact_systems{")]
    assert len(lines) == 10 * len(Verdict)
    assert 'reconciler_impact_systems{scenario="natural_disaster",verdict="lost"} 1.0' in lines
    assert 'reconciler_impact_systems{scenario="natural_disaster",verdict="met"} 1.0' in lines
    assert not any("system=" in line for line in lines)
