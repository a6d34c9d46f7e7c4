"""Disasters on a screen: a matrix of letters that needs no colour, and each answer in full when it is asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from reconciler.cli.render import when
from reconciler.cli.render.page import Cell, Page, Style
from reconciler.model.disaster import DisasterType
from reconciler.model.impact import Copy, Impact, ScenarioOutlook, SinglePoint, Survival, SystemImpact, Verdict

_STYLES = {
    Verdict.LOST: Style.BAD, Verdict.BREACHED: Style.BAD, Verdict.EXPOSED: Style.WARN,
    Verdict.UNKNOWN: Style.WARN, Verdict.MET: Style.GOOD, Verdict.UNTOUCHED: Style.FAINT,
}  # fmt: skip
_SURVIVAL = {Survival.SURVIVES: Style.GOOD, Survival.TAKEN: Style.BAD, Survival.UNKNOWN: Style.WARN}
_HEADS = {
    DisasterType.HARDWARE_FAILURE: "HW", DisasterType.SOFTWARE_CORRUPTION: "SW", DisasterType.DATA_CORRUPTION: "DATA",
    DisasterType.SECURITY_BREACH: "SEC", DisasterType.NETWORK_OUTAGE: "NET", DisasterType.NATURAL_DISASTER: "SITE",
    DisasterType.HUMAN_ERROR: "HUM", DisasterType.CYBER_ATTACK: "CYB", DisasterType.POWER_OUTAGE: "PWR",
    DisasterType.SYSTEM_OVERLOAD: "LOAD",
}  # fmt: skip
_POINTS_SHOWN = 5
_NAME_WIDTH = 24
"""Columns of a name in the matrix: with ten scenarios it then fits a hundred."""


def scenarios_page(found: Sequence[ScenarioOutlook]) -> Page:
    """One paragraph each."""
    page = Page()
    for each in found:
        page.blank()
        page.line((each.name, Style.STRONG), f"  {each.description}")
        rows: list[tuple[str, Cell]] = [("takes", "; ".join(each.takes) or "nothing")]
        rows += [("type", each.type.value)] if each.type.value != each.name else []
        rows += [("lasts", "until it is over: what it takes comes back by itself")] if each.temporary else []
        rows += [("here", f"{when.count(each.incidents, 'incident')}, {when.count(each.systems, 'system')}; most: {each.worst}")]
        rows += [("declared", each.declared)] if each.declared else []
        page.pairs(rows, indent=2)
    return page


def impact_page(found: Impact, *, full: bool) -> Page:
    """The matrix, or with ``full`` each answer with its reasons."""
    page = Page()
    if not found.systems:
        page.line("The specs declare no system.")
        return page
    if full:
        for each in found.systems:
            page.blank()
            _answer(page, each, found)
    else:
        _matrix(page, found)
    page.blank()
    page.line((_summary(found), Style.STRONG))
    return page


def _matrix(page: Page, found: Impact) -> None:
    heads = _heads(found.scenarios)
    rows: dict[str, dict[str, SystemImpact]] = {}
    for each in found.systems:
        rows.setdefault(each.system, {})[each.scenario] = each
    names = [scenario.name for scenario in found.scenarios]
    table: list[list[Cell]] = [
        [_short(system), next(iter(cells.values())).tier, *(_letter(cells.get(name)) for name in names)] for system, cells in rows.items()
    ]
    page.table(["SYSTEM", "TIER", *heads], table)
    page.blank()
    page.line(("ok promises kept   L lost   B a promise broken   e exposed while it lasts   ? not known   · untouched", Style.FAINT))
    page.blank()
    lines: list[list[Cell]] = [[head, each.name, _counts(found, each.name)] for head, each in zip(heads, found.scenarios, strict=True)]
    page.table(["", "SCENARIO", "SYSTEMS"], lines)
    if found.single_points:
        page.blank()
        _single_points(page, found.single_points)
    page.blank()
    page.line(("`--scenario NAME` or `--system NAME` says why, and what would mend it.", Style.FAINT))


def _heads(scenarios: Sequence[ScenarioOutlook]) -> list[str]:
    """A short word for each of the ten types, a number for what the specs add."""
    added = (f"+{number}" for number in range(1, len(scenarios) + 1))
    return [_HEADS[each.type] if each.name == each.type.value else next(added) for each in scenarios]


def _letter(each: SystemImpact | None) -> Cell:
    return "" if each is None else (each.verdict.letter, _STYLES[each.verdict])


def _counts(found: Impact, scenario: str) -> str:
    tally = Counter(each.verdict for each in found.systems if each.scenario == scenario)
    return ", ".join(f"{tally[verdict]} {verdict.value}" for verdict in Verdict if tally[verdict])


def _single_points(page: Page, points: Sequence[SinglePoint]) -> None:
    page.line(("Single points of failure", Style.FAINT))
    page.pairs([(f"{p.kind} {p.name}", _point(p)) for p in points[:_POINTS_SHOWN]], indent=2)
    if len(points) > _POINTS_SHOWN:
        page.line(f"  and {len(points) - _POINTS_SHOWN} more: -o json lists them")


def _point(point: SinglePoint) -> str:
    parts = [f"nothing is left of {_names(point.gone)}"] if point.gone else []
    others = [name for name in point.last_copies if name not in point.gone]
    parts += [f"the last copy of {_names(others)}"] if others else []
    parts += [f"the data of {when.count(len(point.systems), 'system')}"] if point.systems else []
    return "; ".join(parts)


def _answer(page: Page, each: SystemImpact, found: Impact) -> None:
    page.line((each.system, Style.STRONG), f" under {each.scenario}, {each.incident}: ", (each.verdict.value, _STYLES[each.verdict]))
    rows: list[tuple[str, Cell]] = [("why", each.why)]
    rows += [("copy", _copy(copy, found)) for copy in each.copies]
    if each.loss is not None:
        rows.append(("loss", f"{when.span(each.loss)}{_target('RPO', each.rpo)}"))
    if each.recovery is not None:
        rows.append(("back in", f"{when.span(each.recovery)}{_target('RTO', each.rto)}{_source(each)}"))
    rows += [("path", " → ".join(each.path))] if len(each.path) > 1 else []
    rows += [("hits", _hits(each))] if each.users or each.cost else []
    rows += [("mends", (f"{r.what} → {r.verdict.value}", _STYLES[r.verdict])) for r in each.remedies]
    rows += [("unknown", (unknown, Style.WARN)) for unknown in each.unknowns]
    page.pairs(rows, indent=2)


def _copy(copy: Copy, found: Impact) -> Cell:
    held = f", {when.short(copy.snapshot_id)} as of {when.ago(copy.point_at, found.at)}" if copy.snapshot_id is not None else ""
    why = f": {copy.why}" if copy.why else ""
    return f"{copy.repository} {copy.survival.value}{held}{why}", _SURVIVAL[copy.survival]


def _source(each: SystemImpact) -> str:
    return f", {each.recovery_from}" if each.recovery_from else ""


def _target(name: str, target: timedelta | None) -> str:
    return f" of {name} {when.span(target)}" if target is not None else ""


def _hits(each: SystemImpact) -> str:
    parts = [when.count(each.users, "user")] if each.users else []
    parts += [f"{each.cost:,.0f} of cost until it is back"] if each.cost else []
    return ", ".join(parts)


def _summary(found: Impact) -> str:
    tally = Counter(each.verdict for each in found.systems)
    total = len(found.systems)
    well = tally[Verdict.MET] + tally[Verdict.UNTOUCHED]
    bad = ", ".join(f"{tally[verdict]} {verdict.value}" for verdict in Verdict if not verdict.well and tally[verdict])
    return f"{well} of {total} well{f': {bad}' if bad else ''}."


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 4 else f"{', '.join(names[:3])} and {len(names) - 3} more"


def _short(name: str) -> str:
    return name if len(name) <= _NAME_WIDTH else f"{name[: _NAME_WIDTH - 1]}…"
