"""A forecast as one SVG file: snapshots on an axis of time, bytes over time, ages against the RPO. Nothing is loaded, light and dark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from html import escape as escape_html
from math import log1p
from typing import TYPE_CHECKING

from reconciler.base.printable import escape
from reconciler.base.units import format_duration, format_size
from reconciler.cli.render import when
from reconciler.model.forecast import Forecast, SystemForecast

if TYPE_CHECKING:
    from reconciler.app.simulate import SimulationReport

_WIDTH, _LEFT, _RIGHT = 960, 190, 40
_PLOT = _WIDTH - _LEFT - _RIGHT
_ROW, _CHART = 18, 120
_BINS = 240
"""Marks on an axis of time at most: more would touch each other."""
_TICKS = 5
_PROMISE, _MOST = 0.55, 1.35
"""Where the RPO stands on its axis, and how many of them are drawn at most: beside a longer bar there would be no room for words."""
_STYLE = """
svg{--ground:#fff;--ink:#1b1f24;--faint:#59636e;--line:#d4dae1;--one:#0969da;--two:#bc4c00;--bad:#b3261e;color-scheme:light dark}
@media(prefers-color-scheme:dark){
svg{--ground:#0d1117;--ink:#e6edf3;--faint:#9198a1;--line:#3d444d;--one:#58a6ff;--two:#f0883e;--bad:#ff7b72}}
text{font:12px system-ui,sans-serif;fill:var(--ink)}.title{font-size:17px;font-weight:600}.head{font-size:13px;font-weight:600}
.faint{fill:var(--faint)}.ground{fill:var(--ground)}.axis{stroke:var(--line);fill:none}.bad{fill:var(--bad)}
.one{fill:var(--one)}.two{fill:var(--two)}.line{fill:none;stroke-width:2}
.line.one{fill:none;stroke:var(--one)}.line.two{fill:none;stroke:var(--two);stroke-dasharray:6 3}
"""


def simulation_svg(found: SimulationReport) -> str:
    """The whole file. With another policy both forecasts are in it, today's in blue, the edited one in orange and dashed."""
    series = [("one", found.today)] if found.edited is None else [("one", found.today), ("two", found.edited)]
    canvas = _Canvas()
    days = (found.today.ends - found.today.begins).days
    canvas.title(f"{when.count(days, 'simulated day')}, {when.moment(found.today.begins)[:10]} to {when.moment(found.today.ends)[:10]}")
    if found.edited is not None:
        canvas.legend((("one", "today's specs"), ("two", "with the edit")))
    _snapshots(canvas, series)
    _storage(canvas, series)
    _ages(canvas, series)
    return canvas.whole(f"Forecast of {when.count(days, 'day')}")


class _Canvas:
    """Parts of a picture, from the top to the bottom."""

    def __init__(self) -> None:
        self.y = 16
        self._parts: list[str] = []

    def whole(self, name: str) -> str:
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {self.y}" width="{_WIDTH}" height="{self.y}" role="img">'
        ground = f'<rect class="ground" width="{_WIDTH}" height="{self.y}"/>'
        return "\n".join([head, f"<title>{_safe(name)}</title>", f"<style>{_STYLE}</style>", ground, *self._parts, "</svg>\n"])

    def put(self, part: str) -> None:
        self._parts.append(part)

    def text(self, x: float, y: float, words: str, style: str = "", anchor: str = "start") -> None:
        self.put(f'<text x="{x:.1f}" y="{y:.1f}" class="{style}" text-anchor="{anchor}">{_safe(words)}</text>')

    def line(self, x: float, y: float, to_x: float, to_y: float) -> None:
        self.put(f'<path class="axis" d="M{x:.1f} {y:.1f}L{to_x:.1f} {to_y:.1f}"/>')

    def title(self, words: str) -> None:
        self.y += 14
        self.text(16, self.y, words, "title")
        self.y += 10

    def head(self, words: str) -> None:
        self.y += 34
        self.text(16, self.y, words, "head")
        self.y += 12

    def legend(self, entries: Iterable[tuple[str, str]]) -> None:
        self.y += 14
        x = 16
        for style, words in entries:
            self.put(f'<rect class="{style}" x="{x}" y="{self.y - 9}" width="18" height="9" rx="2"/>')
            self.text(x + 24, self.y, words)
            x += 150

    def time_axis(self, begin: datetime, end: datetime) -> None:
        """Below what was drawn: a line with dates."""
        self.line(_LEFT, self.y, _LEFT + _PLOT, self.y)
        for number in range(_TICKS):
            x = _LEFT + _PLOT * number / (_TICKS - 1)
            self.line(x, self.y, x, self.y + 4)
            self.text(x, self.y + 17, when.moment(begin + (end - begin) * number / (_TICKS - 1))[:10], "faint", "middle")
        self.y += 20


def _snapshots(canvas: _Canvas, series: Sequence[tuple[str, Forecast]]) -> None:
    """A row for each system and forecast; the darker a mark, the more snapshots are in it."""
    end = series[0][1].ends
    begin = min((s.oldest for _, forecast in series for s in forecast.systems if s.oldest is not None), default=series[0][1].begins)
    canvas.head("Snapshots that exist at the end")
    for name in _names(series):
        canvas.text(_LEFT - 10, canvas.y + 13, _short(name), anchor="end")
        for style, system in _of(series, name):
            for x, width, shade in _marks(system.moments, begin, end):
                canvas.put(
                    f'<rect class="{style}" x="{x:.1f}" y="{canvas.y + 3}" width="{width:.1f}" height="12" fill-opacity="{shade:.2f}"/>'
                )
            canvas.text(_LEFT + _PLOT + 6, canvas.y + 13, f"{system.snapshots:,}", "faint")
            canvas.y += _ROW
    canvas.time_axis(begin, end)


def _marks(moments: Iterable[datetime], begin: datetime, end: datetime) -> Iterator[tuple[float, float, float]]:
    """(x, width, opacity) of each bin that holds any."""
    width = max((end - begin) / _BINS, timedelta(seconds=1))
    counts: dict[int, int] = {}
    for moment in moments:
        place = min(max(int((moment - begin) / width), 0), _BINS - 1)
        counts[place] = counts.get(place, 0) + 1
    top = log1p(max(counts.values(), default=1))
    for place, count in sorted(counts.items()):
        yield _LEFT + _PLOT * place / _BINS, _PLOT / _BINS - 0.5, 0.35 + 0.65 * log1p(count) / top


def _storage(canvas: _Canvas, series: Sequence[tuple[str, Forecast]]) -> None:
    """A chart for each repository, all from zero; the step down is a clean-up."""
    begin, end = series[0][1].begins, series[0][1].ends
    for name in sorted({r.repository for _, forecast in series for r in forecast.repositories}):
        curves = [(style, r.bytes) for style, forecast in series for r in forecast.repositories if r.repository == name]
        top = max((size for _, sampled in curves for _, size in sampled), default=0) or 1
        canvas.head(f"Stored in {name}")
        low = canvas.y + _CHART
        for part in (0, 0.5, 1):
            canvas.line(_LEFT, low - _CHART * part, _LEFT + _PLOT, low - _CHART * part)
            canvas.text(_LEFT - 10, low - _CHART * part + 4, format_size(top * part), "faint", "end")
        for style, sampled in curves:
            points = [f"{_LEFT + _PLOT * ((at - begin) / (end - begin)):.1f} {low - _CHART * size / top:.1f}" for at, size in sampled]
            canvas.put(f'<path class="line {style}" d="M{"L".join(points)}"/>')
        canvas.y = low
        canvas.time_axis(begin, end)


def _ages(canvas: _Canvas, series: Sequence[tuple[str, Forecast]]) -> None:
    """The longest age as a share of the RPO: the line is the promise, what reaches beyond it breaks it."""
    canvas.head("Longest age of the newest good state, against the RPO")
    promise, top = _LEFT + _PLOT * _PROMISE, canvas.y
    for name in _names(series):
        canvas.text(_LEFT - 10, canvas.y + 13, _short(name), anchor="end")
        for style, system in _of(series, name):
            if system.rpo is None:
                canvas.text(_LEFT + 6, canvas.y + 13, "no RPO is declared", "faint")
            else:
                share = system.longest_age / system.rpo if system.longest_age_at is not None else _MOST
                width = min(share, _MOST) * (promise - _LEFT)
                shown = "bad" if system.at_risk else style
                canvas.put(f'<rect class="{shown}" x="{_LEFT}" y="{canvas.y + 3}" width="{width:.1f}" height="12" rx="2"/>')
                canvas.text(max(_LEFT + width, promise) + 8, canvas.y + 13, _age(system), "bad" if system.at_risk else "faint")
            canvas.y += _ROW
    canvas.line(promise, top, promise, canvas.y + 4)
    canvas.text(promise, canvas.y + 18, "RPO", "faint", "middle")
    canvas.y += 34


def _age(system: SystemForecast) -> str:
    assert system.rpo is not None, "asked only where there is one"
    promise = format_duration(system.rpo)
    if system.longest_age_at is None:
        return f"never backed up, RPO {promise}"
    return f"{when.span(system.longest_age)} of {promise}{': at risk' if system.at_risk else ''}"


def _names(series: Sequence[tuple[str, Forecast]]) -> list[str]:
    return sorted({system.system for _, forecast in series for system in forecast.systems})


def _of(series: Sequence[tuple[str, Forecast]], name: str) -> Iterator[tuple[str, SystemForecast]]:
    return ((style, system) for style, forecast in series for system in forecast.systems if system.system == name)


def _short(name: str) -> str:
    return name if len(name) <= 24 else f"{name[:23]}…"


def _safe(words: str) -> str:
    return escape_html(escape(words))
