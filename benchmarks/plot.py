"""Stored results as a picture: one line per piece of work, one dot per tool, on a logarithmic scale of time as a share of restic's.

Written as SVG by hand, so that the benchmark needs no drawing library. Colours are told apart by people who see fewer of them, and each
tool has a shape, too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from html import escape

from benchmarks.peers import ALL, BASE
from benchmarks.results import Results, Row, ratios
from benchmarks.table import CORPORA, _order

_LOOK = {  # colours of Okabe and Ito
    "reconciler": ("#d55e00", "circle"),
    "restic": ("#444444", "bar"),
    "rustic": ("#0072b2", "square"),
    "kopia": ("#009e73", "diamond"),
    "borg": ("#cc79a7", "up"),
    "tar+zstd": ("#8c6d00", "cross"),
    "cp -a": ("#56b4e9", "plus"),
}
_LEFT, _RIGHT, _WIDTH, _LINE, _TOP = 330, 30, 980, 26, 92
_TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50)


def svg(results: Results) -> str:
    """The picture. Rows without restic have no place in it."""
    rows = sorted(results.rows(), key=_order)
    compared = {key: wall for key, (wall, _) in ratios(rows, BASE).items() if wall is not None}
    works = list(dict.fromkeys((row.corpus, row.work) for row in rows if (row.corpus, row.work, BASE) in compared))
    scale = _Scale(compared.values())
    height = _TOP + _LINE * len(works) + 44
    body = [_text(_LEFT, 26, "Wall time as a share of restic's, median: further left is faster", 17, weight="bold"), *_legend(rows)]
    body += [_grid(scale, height, tick) for tick in _TICKS if scale.low <= tick <= scale.high]
    for number, (corpus, work) in enumerate(works):
        y = _TOP + _LINE * number + _LINE / 2
        if number and works[number - 1][0] != corpus:
            body.append(f'<line x1="12" x2="{_WIDTH - 12}" y1="{y - _LINE / 2}" y2="{y - _LINE / 2}" stroke="#bbb"/>')
        body.append(_text(12, y + 4, f"{CORPORA[corpus]}: {work}", 13))
        body += [_dot(peer, scale.x(compared[corpus, work, peer]), y) for peer in reversed(_LOOK) if (corpus, work, peer) in compared]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="{_WIDTH}" height="{height}" '
        f'font-family="sans-serif"><rect width="100%" height="100%" fill="#ffffff"/>\n' + "\n".join(body) + "\n</svg>\n"
    )


class _Scale:
    def __init__(self, values: Iterable[float]) -> None:
        values = list(values) or [1.0]
        self.low = max(t for t in (0.01, *_TICKS) if t <= min(0.9, *values) or t == 0.01)
        self.high = min((t for t in _TICKS if t >= max(1.1, *values)), default=_TICKS[-1])

    def x(self, value: float) -> float:
        share = (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return _LEFT + max(0.0, min(1.0, share)) * (_WIDTH - _LEFT - _RIGHT)


def _legend(rows: list[Row]) -> list[str]:
    shown = [peer.name for peer in ALL if any(row.peer == peer.name for row in rows)]
    x, drawn = float(_LEFT), []
    for name in shown:
        drawn += [_dot(name, x + 6, 52), _text(x + 18, 56, name, 13)]
        x += 34 + 8 * len(name)
    return drawn


def _grid(scale: _Scale, height: int, tick: float) -> str:
    x, strong = scale.x(tick), tick == 1
    line = f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP - 6}" y2="{height - 34}" stroke="{"#444" if strong else "#e2e2e2"}"/>'
    return line + _text(x, height - 16, f"{tick:g} ×", 12, anchor="middle")


def _dot(peer: str, x: float, y: float) -> str:
    colour, shape = _LOOK[peer]
    match shape:
        case "circle":
            return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6.5" fill="{colour}"/>'
        case "bar":
            return f'<rect x="{x - 2:.1f}" y="{y - 8:.1f}" width="4" height="16" fill="{colour}"/>'
        case "square":
            return f'<rect x="{x - 4.5:.1f}" y="{y - 4.5:.1f}" width="9" height="9" fill="{colour}"/>'
        case "diamond":
            return f'<path d="M{x:.1f} {y - 6:.1f}l6 6l-6 6l-6 -6z" fill="{colour}"/>'
        case "up":
            return f'<path d="M{x:.1f} {y - 6:.1f}l6 11h-12z" fill="{colour}"/>'
        case "cross":
            return f'<path d="M{x - 5:.1f} {y - 5:.1f}l10 10m0 -10l-10 10" stroke="{colour}" stroke-width="2.5"/>'
        case "plus":
            return f'<path d="M{x - 6:.1f} {y:.1f}h12m-6 -6v12" stroke="{colour}" stroke-width="2.5"/>'
        case _:
            raise AssertionError(shape)


def _text(x: float, y: float, words: str, size: int, *, anchor: str = "start", weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" fill="#222">{escape(words)}</text>'
    )
