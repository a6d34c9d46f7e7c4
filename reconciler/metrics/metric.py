"""What a metric is, and the four ways of declaring one."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from msgspec import Struct

PREFIX: Final = "reconciler_"


class MetricType(StrEnum):
    """As in the text exposition; an info metric is 1, its labels are what it says."""

    GAUGE = "gauge"
    COUNTER = "counter"
    INFO = "info"
    HISTOGRAM = "histogram"


class Subject(StrEnum):
    """What a metric talks about; the sections of docs/metrics.md."""

    AGENT = "The agent and its loop"
    SPECS = "The specs"
    SYSTEMS = "Systems"
    RECOVERY = "Recoveries and drills"
    PROTECTION = "Systems in their repositories"
    RUNS = "Backups"
    REPOSITORIES = "Repositories"
    CONDITIONS = "Conditions"
    ALERTS = "Alerts"
    HOST = "The host"


class Metric(Struct, frozen=True):
    """One metric as a scraper sees it: ``name`` is complete, with prefix and suffix."""

    name: str
    type: MetricType
    subject: Subject
    help: str
    labels: tuple[str, ...] = ()
    note: str = ""
    """For docs/metrics.md: what the help line has no room for."""
    live: bool = False
    """Whether it is read anew at each scrape, from the process, instead of from the status that the last pass published."""

    @property
    def family(self) -> str:
        """The name without the suffix that the exposition adds by itself."""
        return self.name.removesuffix({MetricType.COUNTER: "_total", MetricType.INFO: "_info"}.get(self.type, ""))

    @property
    def series(self) -> dict[str, tuple[str, ...]]:
        """The names under which Prometheus knows it, each with its labels."""
        if self.type is not MetricType.HISTOGRAM:
            return {self.name: self.labels}
        return {f"{self.name}_bucket": (*self.labels, "le"), f"{self.name}_sum": self.labels, f"{self.name}_count": self.labels}


Sample = tuple[Metric, tuple[str, ...], float]
"""A metric, its label values in the order of its labels, the value."""


def gauge(name: str, subject: Subject, text: str, labels: tuple[str, ...] = (), note: str = "") -> Metric:
    """A value that goes up and down; ``name`` without the prefix."""
    return Metric(PREFIX + name, MetricType.GAUGE, subject, text, labels, note)


def counter(name: str, subject: Subject, text: str, labels: tuple[str, ...] = (), note: str = "") -> Metric:
    """A value that only grows; ``name`` without prefix and suffix."""
    return Metric(f"{PREFIX}{name}_total", MetricType.COUNTER, subject, text, labels, note)


def info(name: str, subject: Subject, text: str, labels: tuple[str, ...], note: str = "") -> Metric:
    """Labels that say something about another series; ``name`` without prefix and suffix."""
    return Metric(f"{PREFIX}{name}_info", MetricType.INFO, subject, text, labels, note)


def histogram(name: str, subject: Subject, text: str, labels: tuple[str, ...], note: str = "") -> Metric:
    """How many were up to each of a few bounds; ``name`` without the prefix."""
    return Metric(PREFIX + name, MetricType.HISTOGRAM, subject, text, labels, note)
