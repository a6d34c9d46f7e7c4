"""One metric as lines of the Prometheus text format 0.0.4.

A status of 2,000 systems is 85,000 lines. The client library makes an object of each, looks at every label name of each, and writes it in
some five microseconds; here what is alike in all lines of a metric is made once. A test holds that both write the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.utils import floatToGoString

from reconciler.metrics.metric import Metric, MetricType


class Writing:
    """Of one status: values and labels that come again are written once."""

    def __init__(self) -> None:
        self._numbers: dict[float, str] = {}
        self._words: dict[str, str] = {}

    def lines(self, metric: Metric, values: Mapping[tuple[str, ...], float]) -> Iterator[str]:
        """Name and help, then one line per sample, labels sorted by name. Not for histograms."""
        said = metric.help.replace("\\", r"\\").replace("\n", r"\n")
        kind = MetricType.GAUGE if metric.type is MetricType.INFO else metric.type
        yield f"# HELP {metric.name} {said}\n# TYPE {metric.name} {kind.value}\n"
        order = sorted(range(len(metric.labels)), key=metric.labels.__getitem__)
        pattern = ",".join(f'{metric.labels[position]}="%s"' for position in order)
        line = f"{metric.name}{{{pattern}}} %s\n" if order else f"{metric.name} %s\n"
        number, word, is_info = self._number, self._word, metric.type is MetricType.INFO
        for labels, value in values.items():
            yield line % (*[word(labels[position]) for position in order], number(1.0 if is_info else value))

    def _number(self, value: float) -> str:
        text = self._numbers.get(value)
        if text is None:
            text = self._numbers[value] = str(floatToGoString(value))  # type: ignore[no-untyped-call]  # the library says no types
        return text

    def _word(self, label: str) -> str:
        text = self._words.get(label)
        if text is None:
            text = self._words[label] = label.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
        return text
