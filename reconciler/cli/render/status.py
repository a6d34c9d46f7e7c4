"""How things stand: one line per system and repository, then only what is not well, then one sentence."""

from __future__ import annotations

from datetime import datetime, timedelta

from reconciler.base.units import format_duration, format_size
from reconciler.cli.render import when
from reconciler.cli.render.as_json import document
from reconciler.cli.render.copies import add_copies
from reconciler.cli.render.health import STATE_STYLES
from reconciler.cli.render.page import Cell, Page, Style
from reconciler.cli.render.steer import pause_sentence
from reconciler.model.objective import ObjectiveStatus, Verdict
from reconciler.model.standing import breaches, repository_standing, standing, unwell, verdict
from reconciler.model.status import Condition, ProtectionStatus, RepositoryStatus, Status, SystemStatus, Truth

_VERDICTS = {Verdict.MET: Style.GOOD, Verdict.AT_RISK: Style.WARN, Verdict.BREACHED: Style.BAD, Verdict.UNKNOWN: Style.WARN}


def status_page(status: Status, *, promises: bool = False) -> Page:
    """The whole screen. ``promises``: with each of them in full, and the copies number by number."""
    page = Page()
    add_systems(page, status)
    if promises:
        _promises(page, status)
        for system in status.systems:
            add_copies(page, system)
    _foreseen(page, status)
    _unwell(page, status)
    _repositories(page, status)
    page.blank()
    _tree_and_loop(page, status)
    found = verdict(status)
    page.line((found.words, STATE_STYLES[found.state]), hang=2)
    return page


def status_json(status: Status) -> str:
    """`reconcile status -o json`."""
    return document("status", protected=not breaches(status), status=status)


def add_systems(page: Page, status: Status) -> None:
    """One line per system and repository."""
    if not status.systems:
        page.line("No systems are declared.")
        return
    header = ["SYSTEM", "TIER", "STATE", "NEWEST GOOD", f"AS OF ({when.zone(status.at)})", "AGE", "RPO", "REPOSITORY", "NEXT BACKUP"]
    rows: list[list[Cell]] = []
    for system in status.systems:
        parts = system.protection or (None,)
        rows += [_row(system, part, status.at, first=part is parts[0]) for part in parts]
    page.table(header, rows, right=".....rr")


def _row(system: SystemStatus, part: ProtectionStatus | None, now: datetime, *, first: bool) -> list[Cell]:
    point = part.recovery_point_at if part else None
    snapshot = when.short(part.newest_good_id) if part and part.newest_good_id else "none"
    return [
        (system.name, Style.NAME) if first else "",
        system.tier if first else "",
        _state(system) if first else "",
        snapshot,
        when.moment(point),
        _age(point, system.rpo, now),
        (format_duration(system.rpo) if system.rpo else "-") if first else "",
        part.repository if part else "-",
        _next(system, now) if first else "",
    ]


def _age(point: datetime | None, rpo: timedelta | None, now: datetime) -> Cell:
    if point is None or rpo is None:
        return when.age(point, now)
    return (when.age(point, now), Style.BAD if now - point > rpo else Style.GOOD)


def _state(system: SystemStatus) -> Cell:
    found = standing(system)
    return (found.words, STATE_STYLES[found.state])


def _next(system: SystemStatus, now: datetime) -> str:
    if not system.here:
        return f"on {system.host}"
    if system.suspended:
        return "-"
    return when.until(system.next_due_at, now) if system.next_due_at else "-"


def _promises(page: Page, status: Status) -> None:
    """Target, measurement, prediction and verdict of every promise."""
    rows = [_promise(system, each) for system in status.systems for each in system.objectives]
    if rows:
        page.blank()
        page.line(("Promises", Style.STRONG))
        page.table(["SYSTEM", "PROMISE", "TARGET", "NOW", "FORESEEN", "VERDICT", "WHY", "EVIDENCE"], rows, right="..rrr", indent=2)


def _promise(system: SystemStatus, each: ObjectiveStatus) -> list[Cell]:
    return [
        (system.name, Style.NAME),
        each.objective.upper() + (f" after {each.disaster}" if each.disaster else ""),
        format_duration(each.target),
        _length(each.current),
        _length(each.predicted),
        (each.verdict.value, _VERDICTS[each.verdict]),
        each.reason,
        each.evidence or "-",
    ]


def _length(value: timedelta | None) -> str:
    if value is None:
        return "-"
    return "<1s" if timedelta(0) < value < timedelta(seconds=1) else when.span(value)


def _foreseen(page: Page, status: Status) -> None:
    """Promises that hold now and are seen to break."""
    found = [s for s in status.systems if s.rpo_breach_at is not None and s.rpo_breach_at > status.at]
    if not found:
        return
    page.blank()
    page.line(("Foreseen", Style.STRONG))
    page.table(["SYSTEM", "WHAT"], [[(s.name, Style.NAME), (s.rpo_breach_why, Style.WARN)] for s in found], indent=2)


def _unwell(page: Page, status: Status) -> None:
    """Every condition that is not as it should be, with its sentence."""
    found = [c for s in status.systems for c in s.conditions if unwell(c)]
    found += [c for r in status.repositories for c in r.conditions if unwell(c)]
    found += [c for c in status.conditions if unwell(c)]
    if not found:
        return
    page.blank()
    page.line(("Not well", Style.STRONG))
    page.table(["OBJECT", "CONDITION", "SINCE", "WHY"], [_complaint(c, status.at) for c in found], indent=2)


def _complaint(condition: Condition, now: datetime) -> list[Cell]:
    kind = f"{condition.kind.lower()} " if condition.kind == "Repository" else ""
    style = Style.BAD if condition.status is Truth.FALSE else Style.WARN
    since = when.ago(condition.since, now) if condition.since else ""
    return [f"{kind}{condition.name}", (f"{condition.type} {condition.status}", style), since, condition.message]


def _repositories(page: Page, status: Status) -> None:
    if not status.repositories:
        return
    page.blank()
    rows = [_repository(repository, status.at) for repository in status.repositories]
    page.table(["REPOSITORY", "STATE", "SNAPSHOTS", "ORPHANED", "FOREIGN", "FREE", "LISTED"], rows, right="..rrrr")


def _repository(repository: RepositoryStatus, now: datetime) -> list[Cell]:
    found = repository_standing(repository)
    return [
        (repository.name, Style.NAME),
        (found.words, STATE_STYLES[found.state]),
        f"{repository.snapshots:,}",
        f"{repository.orphaned:,}" if repository.orphaned else "",
        f"{repository.foreign:,}" if repository.foreign else "",
        format_size(repository.free_bytes) if repository.free_bytes is not None else "",
        when.ago(repository.listed_at, now),
    ]


def _tree_and_loop(page: Page, status: Status) -> None:
    spec, loop = status.spec, status.loop
    state = "clean" if spec.clean and not spec.errors else f"{when.count(spec.errors, 'error')}: see `reconcile validate`"
    warnings = f", {when.count(spec.warnings, 'warning')}" if spec.warnings else ""
    commit = f", commit {spec.revision}" if spec.revision is not None else ""
    rows: list[tuple[str, Cell]] = [
        ("Specs", (f"{when.count(spec.objects, 'object')}, {state}{warnings}{commit}", Style.STRONG if spec.errors else Style.FAINT)),
        ("Loop", (f"last complete pass {when.ago(loop.last_success_at, status.at)}", Style.FAINT)),
    ]
    rows += _alerts(status)
    if loop.pause is not None:
        rows.append(("Paused", (f"{pause_sentence(loop.pause)}; nothing is begun", Style.WARN)))
    page.pairs(rows)


def _alerts(status: Status) -> list[tuple[str, Cell]]:
    """Only when there are any: how many fire, and how many of them somebody has seen."""
    firing = [f"{count:,} {severity.value}" for severity, count in status.alerts.firing.items() if count]
    seen = sum(status.alerts.acknowledged.values())
    said = [f"firing: {', '.join(firing)}"] if firing else []
    said += [f"{when.count(seen, 'alert')} acknowledged"] if seen else []
    return [("Alerts", (f"{'; '.join(said)}: see `reconcile alerts`", Style.WARN if firing else Style.FAINT))] if said else []
