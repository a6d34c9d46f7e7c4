"""Which metrics and labels a PromQL expression talks about, by reading it: whether it is PromQL at all is asked of a real Prometheus."""

from __future__ import annotations

import re

from msgspec import Struct

_STRING = r'"(?:[^"\\]|\\.)*"'
_SELECTOR = re.compile(rf"\b([a-z_]+)\s*\{{((?:[^{{}}\"]|{_STRING})*)\}}")
_MATCHER = re.compile(rf"([a-z_]+)\s*(?:=~|!~|!=|=)\s*{_STRING}")
_GROUPING = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
_METRIC = re.compile(r"\b(?:reconciler|process|scrape)_[a-z_]+|\bup\b")


class Reading(Struct, frozen=True):
    """``selectors``: each metric with the labels it is selected by; ``grouped``: labels of by, on, group_left and their like."""

    selectors: tuple[tuple[str, frozenset[str]], ...]
    grouped: frozenset[str]

    @property
    def metrics(self) -> frozenset[str]:
        return frozenset(name for name, _ in self.selectors)


def read(expression: str) -> Reading:
    selected = [(name, frozenset(_MATCHER.findall(inside))) for name, inside in _SELECTOR.findall(expression)]
    bare = _METRIC.findall(re.sub(_STRING, '""', _SELECTOR.sub("", expression)))
    grouped = {label.strip() for labels in _GROUPING.findall(expression) for label in labels.split(",") if label.strip()}
    return Reading((*selected, *((name, frozenset()) for name in bare)), frozenset(grouped))
