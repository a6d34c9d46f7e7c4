"""A forecast on a screen: a line per system, the snapshots on an axis of time, the growth of each repository; with an edit, both."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from math import log1p
from typing import TYPE_CHECKING

from reconciler.base.units import format_duration, format_size
from reconciler.cli.render import when
from reconciler.cli.render.as_json import document
from reconciler.cli.render.page import Cell, Page, Style
from reconciler.model.forecast import Forecast, RepositoryForecast, SystemForecast

if TYPE_CHECKING:
    from reconciler.app.simulate import SimulationReport

_BLOCKS = "▁▂▃▄▅▆▇█"
_AXIS = 48
"""Columns of a plot."""


def simulation_page(found: SimulationReport) -> Page:
    """Everything in one screen."""
    page, today = Page(), found.today
    days = (today.ends - today.begins).days
    page.pairs(
        [("Simulated", f"{when.count(days, 'day')}, {when.moment(today.begins)} to {when.moment(today.ends)} {when.zone(today.ends)}")]
    )
    page.line(("A world in which nothing goes wrong: no outage, no restart, every reading finds the usual change.", Style.FAINT))
    page.blank()
    if found.edited is None:
        _one(page, today)
    else:
        _both(page, today, found.edited)
    _assumptions(page, found.edited or today)
    page.line((_summary(found.edited or today, edited=found.edited is not None), Style.STRONG))
    return page


def simulation_json(found: SimulationReport) -> str:
    """The same for programs; ``edited`` is null without another policy."""
    return document("simulation", today=found.today, edited=found.edited)


def bars(values: Sequence[int]) -> str:
    """A sparkline from zero: ``▁▃▆█``."""
    top = max(values, default=0)
    return "".join(_BLOCKS[min(len(_BLOCKS) - 1, value * len(_BLOCKS) // (top + 1))] for value in values) if top else "▁" * len(values)


def timeline(moments: Iterable[datetime], begin: datetime, end: datetime) -> str:
    """How dense the snapshots lie, oldest on the left: a dot where there is none, a higher block for more (on a scale of logarithms)."""
    counts, width = [0] * _AXIS, (end - begin) / _AXIS
    for moment in moments:
        counts[min(max(int((moment - begin) / width), 0), _AXIS - 1)] += 1
    top = log1p(max(counts, default=0))
    return "".join("·" if not count else _BLOCKS[min(len(_BLOCKS) - 1, int(log1p(count) / top * len(_BLOCKS)))] for count in counts)


def _one(page: Page, forecast: Forecast) -> None:
    rows: list[list[Cell]] = [
        [
            s.system,
            s.repository,
            f"{s.backups:,}",
            f"{s.removed:,}",
            f"{s.snapshots:,}",
            when.age(s.oldest, forecast.ends),
            _age(s),
            _rpo(s),
        ]
        for s in forecast.systems
    ]
    page.table(["SYSTEM", "REPOSITORY", "BACKUPS", "REMOVED", "SNAPSHOTS", "OLDEST", "LONGEST AGE", "RPO"], rows, right="  rrrrrr")
    page.blank()
    begin = min((s.oldest for s in forecast.systems if s.oldest is not None), default=forecast.begins)
    page.line((f"Snapshots at the end, {when.moment(begin)[:10]} to {when.moment(forecast.ends)[:10]}", Style.FAINT))
    page.table(["", "", ""], [[s.system, timeline(s.moments, begin, forecast.ends), _held(s)] for s in forecast.systems], indent=2)
    page.blank()
    page.line(("Storage", Style.FAINT))
    page.table(["", "", "", ""], [_growth(r) for r in forecast.repositories], indent=2)
    page.blank()


def _both(page: Page, today: Forecast, edited: Forecast) -> None:
    """Today's specs on the left of each arrow."""
    before, after = {s.system: s for s in today.systems}, {s.system: s for s in edited.systems}
    rows: list[list[Cell]] = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        rows.append(
            [
                name,
                _arrow(f"{old.snapshots:,}" if old else "-", f"{new.snapshots:,}" if new else "-"),
                _arrow(when.age(old.oldest, today.ends) if old else "-", when.age(new.oldest, edited.ends) if new else "-"),
                _arrow(_plain_age(old) if old else "-", _plain_age(new) if new else "-"),
                _rpo(new or old),
                f"{new.held} held for approval" if new is not None and new.held else "",
            ]
        )
    page.table(["SYSTEM", "SNAPSHOTS", "OLDEST", "LONGEST AGE", "RPO", ""], rows, right="    r")
    page.blank()
    page.line(("Storage, today's specs and the edited ones", Style.FAINT))
    stored = {r.repository: r for r in today.repositories}
    lines: list[list[Cell]] = []
    for repository in edited.repositories:
        if repository.repository in stored:
            lines.append([*_growth(stored[repository.repository])[:3], "today"])
        lines.append([*_growth(repository)[:3], "edited"])
    page.table(["", "", "", ""], lines, indent=2)
    page.blank()


def _growth(repository: RepositoryForecast) -> list[Cell]:
    values = [count for _, count in repository.bytes]
    sampled = [values[round(i * (len(values) - 1) / (_AXIS - 1))] for i in range(_AXIS)]
    note = "" if repository.pruned else "never cleaned up: no `maintenance.prune` is due, so nothing is given back"
    return [repository.repository, bars(sampled), f"{format_size(values[0])} to {format_size(values[-1])}", note]


def _assumptions(page: Page, forecast: Forecast) -> None:
    alike: dict[str, list[str]] = {}
    for system in forecast.systems:
        for text in system.rates.assumed:
            alike.setdefault(text, []).append(system.system)
    if alike:
        page.line(("Assumed", Style.FAINT))
        for text, names in alike.items():
            page.line(f"  {text} ({', '.join(names)})", hang=4)
        page.blank()


def _summary(forecast: Forecast, *, edited: bool) -> str:
    risky = [s.system for s in forecast.systems if s.at_risk]
    stored = sum(r.bytes[-1][1] for r in forecast.repositories)
    whose = "With the edit" if edited else "Forecast"
    kept = f"{when.count(sum(s.snapshots for s in forecast.systems), 'snapshot')}, {format_size(stored)}"
    promise = f"RPO at risk: {', '.join(risky)}" if risky else "every RPO is kept"
    return f"{whose}: {kept}; {promise}."


def _age(system: SystemForecast) -> Cell:
    return (_plain_age(system), Style.BAD) if system.at_risk else _plain_age(system)


def _plain_age(system: SystemForecast) -> str:
    return "never backed up" if system.longest_age_at is None else when.span(system.longest_age)


def _rpo(system: SystemForecast | None) -> str:
    return format_duration(system.rpo) if system is not None and system.rpo is not None else "-"


def _held(system: SystemForecast) -> str:
    return f"{system.held} held for approval" if system.held else ""


def _arrow(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"
