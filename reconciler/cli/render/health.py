"""How well host, repositories and backups are: one line per check, the worst first."""

from __future__ import annotations

from reconciler.cli.render.as_json import document
from reconciler.cli.render.page import Cell, Page, Style
from reconciler.model.health import Health, HealthCheck, HealthState

STATE_STYLES = {
    HealthState.BAD: Style.BAD,
    HealthState.UNKNOWN: Style.WARN,
    HealthState.WARNING: Style.WARN,
    HealthState.GOOD: Style.GOOD,
}


def health_page(found: Health) -> Page:
    """`reconcile health`."""
    page = Page()
    page.table(["STATE", "CHECK", "OF", "WHAT WAS FOUND"], [_row(check) for check in found.checks])
    return page


def health_json(found: Health) -> str:
    """`reconcile health -o json`."""
    return document("health", health=found, well=found.well)


def _row(check: HealthCheck) -> list[Cell]:
    return [(check.state.value, STATE_STYLES[check.state]), check.name.value, check.object, check.message]
