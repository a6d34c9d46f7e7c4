"""The screens of `reconcile alerts`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import cli_samples as samples
from msgspec.structs import replace

from reconciler.app.alerts import AlertList, SilenceReport, Trial
from reconciler.cli.render.alerts import alert_page, alerts_page, changed_page, silence_page, trials_page
from reconciler.cli.render.as_json import document
from reconciler.cli.render.status import status_page
from reconciler.model.alerts import Alert, AlertSeverity, AlertsStatus, AlertState, ReceiverStatus, Silence, Told
from reconciler.model.observed import Failure

Golden = Callable[[str, str], None]
HOUR = timedelta(hours=1)
ALERT = Alert(
    id="3ae87b0cb3c01c3c",
    object_kind="System",
    object_name="orders",
    condition="BackupFresh",
    severity=AlertSeverity.CRITICAL,
    state=AlertState.FIRING,
    summary="orders: the newest good state was taken 2h ago, RPO 15m\x1b[31m",
    detail="`reconcile explain orders` says what stands in the way.",
    reason="Breached",
    started_at=samples.NOW - HOUR,
    changed_at=samples.NOW - HOUR,
    labels={"tier": "critical", "team": "shop", "owner": ""},
    told={
        "duty/managers": Told(True, AlertSeverity.CRITICAL, samples.NOW - HOUR / 2, step=1),
        "duty/ops": Told(True, AlertSeverity.CRITICAL, samples.NOW - HOUR),
    },
)
SEEN = replace(
    ALERT,
    id="52a0c3b7e1d2f004",
    object_kind="Repository",
    object_name="offsite",
    condition="RepositoryReachable",
    severity=AlertSeverity.HIGH,
    state=AlertState.ACKNOWLEDGED,
    summary="offsite: repository offsite does not answer",
    acknowledged_by="maria",
    acknowledged_at=samples.NOW - HOUR / 4,
    note="the line is being repaired",
    times=3,
)
OVER = replace(
    ALERT, id="9f00aa11bb22cc33", state=AlertState.RESOLVED, resolved_at=samples.NOW, severity=AlertSeverity.LOW,
    told={"duty/ops": Told(False, AlertSeverity.LOW, samples.NOW - HOUR)},
)  # fmt: skip
SILENCE = Silence("77aa88bb99cc00dd", "System", "wiki*", "", samples.NOW + 2 * HOUR, "the disk moves", "maria", samples.NOW)
FAILURE = Failure("notify-denied", "duty/ops answers 404", "Was the webhook deleted, or has the password changed?")
RECEIVERS = (
    ReceiverStatus("duty/archive", "file", delivered=7),
    ReceiverStatus("duty/ops", "discord", failed=4, waiting=2, consecutive_failures=4, last_failure=FAILURE),
)
REPORT = AlertList((ALERT, SEEN, replace(ALERT, quiet="the system is suspended"), OVER), (SILENCE,), RECEIVERS)


def test_what_is_wrong_now(golden: Golden) -> None:
    golden("alerts.txt", alerts_page(replace(REPORT, more=9_900), samples.NOW).render())
    golden("alerts.json", document("alerts", alerts=REPORT.alerts, silences=REPORT.silences, receivers=REPORT.receivers))


def test_nothing_is_wrong(golden: Golden) -> None:
    golden("alerts-none.txt", alerts_page(AlertList((), (), ()), samples.NOW).render())


def test_one_alert(golden: Golden) -> None:
    pages = [alert_page(one, samples.NOW).render() for one in (ALERT, SEEN, replace(OVER, resolved_by="maria"), replace(ALERT, told={}))]
    golden("alert.txt", "\n".join(pages))


def test_status_says_that_there_are_alerts(golden: Golden) -> None:
    status = samples.status()
    counts = AlertsStatus({AlertSeverity.CRITICAL: 2, AlertSeverity.HIGH: 0, AlertSeverity.LOW: 1}, {AlertSeverity.HIGH: 1})
    pages = [status_page(replace(status, alerts=some)).render() for some in (counts, replace(counts, firing={}))]
    golden("status-alerts.txt", "\n".join(line for page in pages for line in page.splitlines() if line.startswith("Alerts")) + "\n")


def test_what_a_person_changed(golden: Golden) -> None:
    golden("alerts-changed.txt", changed_page([SEEN, replace(OVER, resolved_by="maria")]).render())
    ended = replace(SILENCE, until=samples.NOW)
    golden(
        "alerts-silence.txt",
        "".join(silence_page(SilenceReport(one, covers), samples.NOW).render() for one, covers in ((SILENCE, 2), (SILENCE, 0), (ended, 0))),
    )


def test_what_receivers_answered(golden: Golden) -> None:
    trials = (Trial("duty/archive", "file", None), Trial("duty/ops", "discord", FAILURE))
    golden("alerts-test.txt", trials_page(trials).render() + trials_page(()).render())
    golden("alerts-test.json", document("alert-test", receivers=trials))
