"""What the process is at while somebody scrapes: a pulse as samples, read anew each time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from prometheus_client.metrics_core import Metric as Family

from reconciler.metrics import names
from reconciler.metrics.collect import family
from reconciler.metrics.metric import Sample
from reconciler.model.pulse import Pulse


def live_families(pulse: Pulse, now: datetime, said: Mapping[str, int], collected: timedelta | None) -> Iterator[Family]:
    """Every live metric of names.ALL, in that order.

    ``said``: log lines by level. ``collected``: how long writing the newest status took; None: none was written.
    """
    told = [metric for metric in names.ALL if metric.live]
    values: dict[str, dict[tuple[str, ...], float]] = {metric.name: {} for metric in told}
    for metric, labels, value in (*_of_pulse(pulse, now), *_of_process(said, collected)):
        values[metric.name][labels] = value
    for metric in told:
        yield family(metric, values[metric.name])


def _of_pulse(pulse: Pulse, now: datetime) -> Iterator[Sample]:
    for lane in pulse.lanes:
        name = (lane.lane,)
        yield names.QUEUED, name, lane.queued
        yield names.QUEUE_OLDEST, name, _begin(now, lane.waits) if lane.queued else 0
        yield names.UNDER_WAY, name, lane.under_way
        yield names.UNDER_WAY_OLDEST, name, _begin(now, lane.takes) if lane.under_way else 0
    yield names.OVERDUE, (), pulse.overdue
    yield names.PASSES, (), pulse.looks
    yield names.PASSES_FAILED, (), pulse.failed_looks
    if pulse.look_took is not None:
        yield names.PASS_DURATION, (), pulse.look_took.total_seconds()


def _of_process(said: Mapping[str, int], collected: timedelta | None) -> Iterator[Sample]:
    for level, lines in said.items():
        yield names.LOG_LINES, (level,), lines
    if collected is not None:
        yield names.COLLECTED, (), collected.total_seconds()


def _begin(now: datetime, ago: timedelta) -> float:
    """To the whole second: two clocks are in it, and nobody wants to see them tremble."""
    return round((now - ago).timestamp())
