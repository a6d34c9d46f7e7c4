"""The screens of trigger, pause and resume, and the pause wherever the loop is shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import cli_samples as samples
from msgspec.structs import replace

from reconciler.app.reports import PauseReport, TriggerReport
from reconciler.catalog.records import Holder
from reconciler.cli.render.as_json import document
from reconciler.cli.render.plan import plan_page
from reconciler.cli.render.plan_json import plan_markdown
from reconciler.cli.render.status import status_page
from reconciler.cli.render.steer import pause_page, resume_page, trigger_page
from reconciler.model.snapshot import BackupKind
from reconciler.model.wishes import Pause, Wish

Golden = Callable[[str, str], None]
PAUSE = Pause(samples.NOW + timedelta(hours=2), "moving the disks", "maria", samples.NOW)
LOOP = Holder(4711, samples.NOW, "the loop")
TRIGGERED = TriggerReport((Wish("orders", BackupKind.FULL, samples.NOW, "maria"),), LOOP, timedelta(seconds=30))


def test_what_was_asked_for_and_when_it_begins(golden: Golden) -> None:
    golden("trigger.txt", trigger_page(TRIGGERED).render() + trigger_page(replace(TRIGGERED, pause=PAUSE)).render())
    golden("trigger.json", document("trigger", trigger=TRIGGERED))


def test_a_pause_and_its_end(golden: Golden) -> None:
    pages = (pause_page(PauseReport(PAUSE, LOOP)), pause_page(PauseReport(PAUSE, None)), resume_page(PauseReport(PAUSE, LOOP)))
    golden("pause.txt", "".join(page.render() for page in (*pages, resume_page(PauseReport(None, LOOP)))))
    golden("pause.json", document("pause", pause=PauseReport(PAUSE, LOOP)))


def test_status_and_plan_say_that_the_loop_is_paused(golden: Golden) -> None:
    status = samples.status()
    golden("status-paused.txt", status_page(replace(status, loop=replace(status.loop, pause=PAUSE))).render())
    plan = replace(samples.quiet_plan(), pause=PAUSE)
    golden("plan-paused.txt", plan_page(plan, samples.desired()).render() + plan_markdown(plan, samples.desired()))
