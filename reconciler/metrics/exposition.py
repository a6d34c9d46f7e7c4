"""The metrics as text: for whoever scrapes, however often, and for a file.

What a Status says is written once. A pass publishes one each interval, and several scrapers (or one that was set to milliseconds) ask in
between: 2,000 systems take a quarter of a second to write, which the loop would miss. Only what tells of this process is read anew each
time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from functools import partial

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from reconciler.base.clock import Clock, SystemClock
from reconciler.base.log import said
from reconciler.metrics.collect import collected, families, histogram
from reconciler.metrics.live import live_families
from reconciler.metrics.metric import MetricType
from reconciler.metrics.text import Writing
from reconciler.model.pulse import Pulse
from reconciler.model.status import Status


class Exposition:
    """Call it for what /metrics shows: the published Status, what the loop is at, and on Linux this process. From any thread."""

    def __init__(self, published: Callable[[], Status | None], pulse: Callable[[], Pulse], *, clock: Clock | None = None) -> None:
        """``published``: an immutable value, the same object until another one is published; None until something was observed."""
        self._published = published
        self._pulse = pulse
        self._clock = clock or SystemClock()
        self._process = CollectorRegistry()
        self._process.register(_Families(self._live))
        ProcessCollector(registry=self._process)
        self._lock = threading.Lock()
        self._kept: tuple[Status | None, bytes] | None = None
        self._collected: timedelta | None = None

    def __call__(self) -> bytes:
        return self._of_status() + generate_latest(self._process)

    def _of_status(self) -> bytes:
        with self._lock:  # the others wait for the one that writes, instead of writing the same beside it
            status, kept = self._published(), self._kept
            if kept is None or kept[0] is not status:
                began = self._clock.monotonic()
                kept = self._kept = (status, written(status))
                self._collected = timedelta(seconds=self._clock.monotonic() - began)
            return kept[1]

    def _live(self) -> Iterable[Family]:
        return live_families(self._pulse(), self._clock.now(), said(), self._collected)


def written(status: Status | None) -> bytes:
    """In the Prometheus text format 0.0.4. Without a Status: build, heartbeat and the counters at 0."""
    writing, parts = Writing(), []
    for metric, values in collected(status):
        if metric.type is MetricType.HISTOGRAM:
            parts.append(_by_library(partial(_only, histogram(metric, status))).decode())
        else:
            parts += writing.lines(metric, values)
    return "".join(parts).encode()


def plainly_written(status: Status | None) -> bytes:
    """The same by the client library: what a test compares with."""
    return _by_library(lambda: families(status))


def _by_library(make: Callable[[], Iterable[Family]]) -> bytes:
    registry = CollectorRegistry()
    registry.register(_Families(make))
    return generate_latest(registry)


def _only(made: Family) -> Iterable[Family]:
    return (made,)


class _Families(Collector):
    """Instead of gauges that somebody must remember to set and to remove."""

    def __init__(self, make: Callable[[], Iterable[Family]]) -> None:
        self._make = make

    def describe(self) -> list[Family]:
        """Registering must not write anything."""
        return []

    def collect(self) -> Iterator[Family]:
        yield from self._make()
