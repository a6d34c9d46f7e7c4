"""The loop at one instant: dead, standing still, or at work on what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli.render import when
from reconciler.cli.render.as_json import document
from reconciler.cli.render.page import Cell, Page, Style

if TYPE_CHECKING:
    from reconciler.app.loop_view import LoopView


def loop_page(found: LoopView) -> Page:
    """`reconcile status --loop`."""
    page = Page()
    rows: list[tuple[str, Cell]] = [("loop", (found.state.value, Style.GOOD if found.well else Style.BAD))]
    if found.holder is not None:
        rows.append(("process", f"{found.holder.pid}, since {when.exact(found.holder.at)}"))
    if found.beat_age is not None:
        rows.append(("last sign of life", f"{when.span(found.beat_age)} ago"))
    if found.pulse is not None:
        pulse = found.pulse
        rows.append(("at", f"{pulse.doing.value}, silent for {when.span(pulse.silent)}"))
        rows.append(("actions", f"{pulse.under_way} under way, {pulse.queued} queued"))
    last = found.loop.last_success_at
    rows.append(("last complete pass", f"{when.exact(last)}, {when.ago(last, found.at)}" if last is not None else "never"))
    rows.append(("passes", f"{found.loop.passes:,}"))
    pause = found.loop.pause
    if pause is not None:
        rows.append(("paused", (f"until {when.exact(pause.until)} by {pause.by}: {pause.reason}", Style.WARN)))
    page.pairs(rows)
    page.blank()
    page.table(
        ["UNDER WAY", "SYSTEM", "REPOSITORY", "BEGAN", "PROCESS"],
        [[run.kind, run.system, run.repository, when.moment(run.started_at), str(run.pid)] for run in found.under_way],
    )
    return page


def loop_json(found: LoopView) -> str:
    """`reconcile status --loop -o json`."""
    return document("loop", loop=found)
