"""However often it is asked for, a status is written once; and what is answered is one status, never half of two."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from itertools import count

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from reconciler.metrics import names
from reconciler.metrics.collect import family
from reconciler.metrics.exposition import Exposition, _Families, plainly_written, written
from reconciler.metrics.metric import MetricType
from reconciler.metrics.text import Writing
from reconciler.model.pulse import LanePulse
from reconciler.model.status import Status, SystemStatus
from tests.fakes.statuses import company, pulse


def crowd(systems: int, snapshots: int = 12) -> Status:
    """A company with so many systems that each have so many snapshots."""
    status = company()
    (orders,) = (system for system in status.systems if system.name == "orders")
    protection = tuple(replace(p, snapshots=snapshots) for p in orders.protection)
    named = tuple(replace(orders, name=f"orders-{number}", protection=protection) for number in range(systems))
    return replace(status, systems=named)


def told(text: bytes) -> set[float]:
    """Every number of snapshots that the text names."""
    families = text_string_to_metric_families(text.decode())
    return {sample.value for family in families if family.name == "reconciler_snapshots" for sample in family.samples}


class Counting(tuple[SystemStatus, ...]):  # noqa: SLOT001  # it has no values of its own
    """Systems that count how often somebody goes through them."""

    times = 0

    def __iter__(self) -> Iterator[SystemStatus]:
        Counting.times += 1
        return super().__iter__()


def test_a_hundred_scrapes_between_two_passes_write_the_status_once() -> None:
    status = crowd(10)
    counting = replace(status, systems=Counting(status.systems))
    exposition = Exposition(lambda: counting, pulse)
    first, times = exposition(), Counting.times
    assert times > 0
    for _ in range(100):
        assert exposition().startswith(written(status))
    assert Counting.times == times
    assert first.startswith(written(status))


def test_the_text_is_what_the_client_library_writes() -> None:
    status = company()
    (orders,) = (system for system in status.systems if system.name == "orders")
    odd = tuple(replace(orders, name=name, owner='a "quoted"\nname \\ with all') for name in ("ünï", "a{b}", 'x"y', "z\\n", "%s"))
    for each in (None, status, crowd(20), replace(status, systems=odd)):
        assert written(each) == plainly_written(each)


@given(
    st.dictionaries(st.tuples(st.text(max_size=5), st.text(max_size=5)), st.floats().map(lambda value: value + 0.0))
)  # of the two zeros one is enough
def test_every_number_and_every_label_is_written_as_the_library_does(values: dict[tuple[str, ...], float]) -> None:
    metric = next(each for each in names.ALL if len(each.labels) == 2 and each.type is MetricType.GAUGE)
    plain = CollectorRegistry()
    plain.register(_Families(lambda: [family(metric, values)]))
    assert "".join(Writing().lines(metric, values)).encode("utf-8") == generate_latest(plain)


def test_what_the_loop_is_at_is_read_anew_while_the_status_is_not_written_again() -> None:
    status, queued = company(), [3, 8]
    exposition = Exposition(lambda: status, lambda: replace(pulse(), lanes=(LanePulse("upkeep", queued=queued.pop()),)))
    first, second = exposition(), exposition()
    assert b'reconciler_queue_actions{lane="upkeep"} 8.0' in first
    assert b'reconciler_queue_actions{lane="upkeep"} 3.0' in second
    assert first.startswith(written(status))


def test_the_next_pass_is_seen_by_the_next_scrape() -> None:
    published: list[Status | None] = [None]
    exposition = Exposition(lambda: published[-1], pulse)
    assert told(exposition()) == set()
    for number in (1, 2, 3):
        published.append(crowd(2, snapshots=number))
        assert told(exposition()) == {number}


def test_an_equal_status_of_a_later_pass_is_written_again() -> None:
    """It is told apart by being another object: comparing thousands of systems would cost as much as writing them."""
    published = [crowd(2)]
    exposition = Exposition(lambda: published[-1], pulse)
    exposition()
    later = replace(published[0], loop=replace(published[0].loop, last_success_at=published[0].at + timedelta(minutes=1)))
    published.append(later)
    assert exposition().startswith(written(later))


def test_scrapers_in_several_threads_beside_a_loop_that_publishes_see_whole_statuses_in_order() -> None:
    published, numbers, over = [crowd(20, snapshots=0)], count(1), threading.Event()
    exposition = Exposition(lambda: published[-1], pulse)
    seen: dict[int, list[set[float]]] = {scraper: [] for scraper in range(3)}

    def scrape(scraper: int) -> None:
        while not over.is_set():
            seen[scraper].append(told(exposition()))

    threads = [threading.Thread(target=scrape, args=(scraper,)) for scraper in seen]
    for thread in threads:
        thread.start()
    for number, _ in zip(numbers, range(30), strict=False):
        published.append(crowd(20, snapshots=number))
        time.sleep(0.02)
    over.set()
    for thread in threads:
        thread.join()
    for answers in seen.values():
        assert all(len(numbers) == 1 for numbers in answers), "all of one status"
        told_in_order = [next(iter(numbers)) for numbers in answers]
        assert told_in_order == sorted(told_in_order)
    assert sum(map(len, seen.values())) > 10
