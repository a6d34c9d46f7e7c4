"""When the space of a repository ends, on a history whose answer is known: a forecast needs a day, which no test can wait for."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.fakes.dashboards import boards, panels, queries_of
from tests.real.conftest import Prometheus, free_port

pytestmark = pytest.mark.real

GIB = 2**30
HOUR = 3600
METRIC = "reconciler_repository_free_bytes"


def _history(free: dict[str, Callable[[float], float]], hours: float) -> str:
    """One sample a minute until now, as OpenMetrics. ``free``: by repository, what is left so many hours before now."""
    now = time.time()
    lines = [f"# TYPE {METRIC} gauge"]
    for repository, left in free.items():
        labels = f'repository="{repository}",job="reconciler",instance="shop1:9477"'
        minutes = range(int(hours * 60), -1, -1)
        lines += [f"{METRIC}{{{labels}}} {left(minute / 60):.0f} {now - minute * 60:.0f}" for minute in minutes]
    return "\n".join([*lines, "# EOF", ""])


def _answers(scraped: Prometheus, title: str, name: str = "A") -> dict[str, float]:
    board = boards()["repositories.json"]
    (panel,) = (panel for panel in panels(board) if panel["title"] == title)
    (query,) = (query for query in queries_of(board, panel) if query.where.endswith(f" {name}"))
    return {labels.get("repository", ""): value for labels, value in scraped.ask(query.filled())}


def test_the_first_one_that_is_full_is_named_in_time(prometheus: Callable[..., Prometheus]) -> None:
    """Main loses a gibibyte an hour and has 48; offsite grows; the third one shrank a little and has a month."""
    scraped = prometheus(
        f"127.0.0.1:{free_port()}",
        history=_history(
            {
                "main": lambda ago: (48 + ago) * GIB,
                "offsite": lambda ago: (500 - ago) * GIB,
                "vault": lambda ago: (720 + ago) * GIB,
            },
            hours=30,
        ),
    )
    lasts = _answers(scraped, "Repositories", "E")
    assert lasts["main"] == pytest.approx(48 * HOUR, rel=0.02)
    assert lasts["vault"] == pytest.approx(720 * HOUR, rel=0.02)
    assert lasts["offsite"] == 3650 * 86400
    assert _answers(scraped, "First one full")[""] == lasts["main"]
    in_a_month = _answers(scraped, "Free space in 30 days")
    assert in_a_month["main"] == 0
    assert in_a_month["vault"] == pytest.approx(0, abs=2 * GIB)
    assert in_a_month["offsite"] == pytest.approx(1220 * GIB, rel=0.02)


def test_an_hour_is_no_ground_for_a_forecast(prometheus: Callable[..., Prometheus]) -> None:
    scraped = prometheus(f"127.0.0.1:{free_port()}", history=_history({"main": lambda ago: (48 + ago) * GIB}, hours=1))
    assert _answers(scraped, "Least space")[""] == pytest.approx(48 * GIB, rel=0.01)
    assert [_answers(scraped, "Repositories", "E"), _answers(scraped, "First one full"), _answers(scraped, "Free space in 30 days")] == [
        {},
        {},
        {},
    ]
