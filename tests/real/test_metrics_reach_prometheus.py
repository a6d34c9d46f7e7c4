"""A real Prometheus scrapes a served status: the values arrive, removals too, and the figures on the boards are right."""

from __future__ import annotations

import subprocess
import urllib.request
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.base.clock import SystemClock
from reconciler.model.status import Status
from reconciler.web.server import Server, serve
from tests.fakes.dashboards import boards, documented_queries, panels, queries_of
from tests.fakes.statuses import board, company, pulse
from tests.real.conftest import Prometheus

pytestmark = pytest.mark.real

StartPrometheus = Callable[[str], Prometheus]


class Loop:
    """Publishes a company whose last complete pass is ten minutes ago: even the query for a late loop has something to find."""

    def __init__(self) -> None:
        now = SystemClock().now()
        status = company(now)
        self.whole = replace(status, loop=replace(status.loop, last_success_at=now - timedelta(minutes=10)))
        self.status: Status | None = self.whole


@pytest.fixture(scope="module")
def loop() -> Loop:
    return Loop()


@pytest.fixture(scope="module")
def served(loop: Loop) -> Iterator[Server]:
    server = serve(lambda: board(loop.status) if loop.status is not None else None, listen="127.0.0.1:0", pulse=pulse)
    yield server
    server.close()


@pytest.fixture(scope="module")
def running(served: Server, prometheus: StartPrometheus) -> Prometheus:
    """After three scrapes, so that a rate has something to compare."""
    started = prometheus(f"{served.host}:{served.port}")
    started.until("count_over_time(up[1m])", lambda answer: bool(answer) and answer[0][1] >= 3)
    return started


@pytest.fixture
def scraped(running: Prometheus, loop: Loop) -> Prometheus:
    """With the whole company in the newest scrape, whatever the test before left behind."""
    loop.status = loop.whole
    running.until("count(reconciler_system_info)", lambda answer: answer == [({}, len(loop.whole.systems))])
    return running


def _exposition(server: Server) -> str:
    with urllib.request.urlopen(f"{server.url}/metrics", timeout=10) as response:
        text: str = response.read().decode()
        return text


@pytest.mark.parametrize("observed", [True, False], ids=["a company", "nothing observed"])
def test_promtool_finds_nothing_to_say_about_the_exposition(served: Server, loop: Loop, promtool: str, observed: bool) -> None:
    loop.status = loop.whole if observed else None
    check = subprocess.run([promtool, "check", "metrics"], input=_exposition(served), capture_output=True, text=True, check=False)
    assert (check.returncode, check.stdout, check.stderr) == (0, "", "")


def test_the_exposition_arrives_whole(scraped: Prometheus, served: Server) -> None:
    lines = [line for line in _exposition(served).splitlines() if line.startswith("reconciler_")]
    assert scraped.ask('count({__name__=~"reconciler_.+"})') == [({}, float(len(lines)))]
    orders = {"system": "orders", "repository": "main", "job": "reconciler", "instance": f"{served.host}:{served.port}"}
    assert (
        scraped.ask('reconciler_backup_last_bytes{system="orders"} == 4e6')[0][0] == {"__name__": "reconciler_backup_last_bytes"} | orders
    )


def test_a_removed_system_is_gone_with_the_next_scrape(scraped: Prometheus, loop: Loop) -> None:
    assert scraped.ask('count({system="ledger"})')
    loop.status = replace(loop.whole, systems=tuple(system for system in loop.whole.systems if system.name != "ledger"))
    scraped.until('count({system="ledger"})', lambda answer: answer == [], seconds=10)
    assert scraped.ask('count({system="orders"})')


def test_every_query_in_the_documents_is_answered(scraped: Prometheus) -> None:
    assert [query.where for query in documented_queries() if not scraped.ask(query.filled())] == []


def _figures(scraped: Prometheus, board: str) -> dict[str, float]:
    stats = [panel for panel in panels(boards()[board]) if panel["type"] == "stat"]
    return {panel["title"]: scraped.ask(query.filled())[0][1] for panel in stats for query in queries_of(boards()[board], panel)}


def test_the_figures_at_the_top_are_right(scraped: Prometheus) -> None:
    """Five systems: orders and elsewhere are fresh, ledger and archive (suspended) late, billing was never backed up."""
    figures = _figures(scraped, "overview.json")
    late_by = figures.pop("Intervals since the last pass")
    assert 20 <= late_by < 25
    assert figures == {
        "Inside their RPO": 0.4,
        "RPO breached": 3,
        "Never backed up": 1,
        "Not ready": 2,
        "Unknown": 1,
        "Suspended": 1,
        "Specs": 1,
        "RPO at risk": 0,
        "Alerts": 3,
        "Held for a person": 0,
        "Unreachable": 1,
    }


def test_the_figures_of_recoveries_are_right(scraped: Prometheus) -> None:
    """Orders: proven, back within its RTO, one copy and one site too few. Ledger: failed, and foreseen to take twice its RTO."""
    assert _figures(scraped, "recovery.json") == {
        "Recovery proven": 0.5,
        "Drill failed": 1,
        "Proof expired": 0,
        "Never proven": 1,
        "Without drills": 3,
        "Expire within a week": 0,
        "Longer than the RTO": 1,
        "Longer than the MTD": 0,
        "Time unknown": 3,
        "Too few copies": 1,
        "Too few at another site": 1,
        "Verdicts left out": 0,
        "Never read whole": 1,
    }
