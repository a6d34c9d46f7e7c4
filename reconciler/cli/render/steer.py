"""What the loop was told, and when it acts on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.base.units import format_duration
from reconciler.cli.render import when
from reconciler.cli.render.page import Page, Style
from reconciler.model.wishes import Pause

if TYPE_CHECKING:
    from reconciler.app.reports import PauseReport, TriggerReport


def trigger_page(report: TriggerReport) -> Page:
    """`reconcile trigger`."""
    page = Page()
    for wish in report.wishes:
        page.line(("asked for  ", Style.GOOD), (wish.system, Style.NAME), f": {wish.kind} backup", hang=11)
    if report.pause is not None:
        page.line(f"Process {report.loop.pid} is paused until {when.exact(report.pause.until)}: it begins then.", hang=2)
    else:
        page.line(
            f"Process {report.loop.pid} begins within {format_duration(report.interval)}; `reconcile events` tells how it ends.", hang=2
        )
    return page


def pause_page(report: PauseReport) -> Page:
    """`reconcile pause`."""
    page = Page()
    assert report.pause is not None, "a pause was just declared"
    page.line(("paused  ", Style.WARN), pause_sentence(report.pause), hang=8)
    if report.loop is not None:
        page.line(f"Process {report.loop.pid} begins nothing from its next look on; what is under way goes on.", hang=2)
    else:
        page.line("No loop runs now; the next one waits.", hang=2)
    page.line("Conditions and alerts go on telling the truth. `reconcile resume` ends the pause.", hang=2)
    return page


def resume_page(report: PauseReport) -> Page:
    """`reconcile resume`."""
    page = Page()
    if report.pause is None:
        page.line("Nothing was paused.")
    else:
        page.line(("resumed  ", Style.GOOD), f"the pause {pause_sentence(report.pause)}", hang=9)
    return page


def pause_sentence(pause: Pause) -> str:
    """``until 2026-11-23 14:02:07 +01:00, by maria (cli): moving the disks``."""
    return f"until {when.exact(pause.until)}, by {pause.by}: {pause.reason}"
