"""The digest: when it is due, and what it says."""

from __future__ import annotations

from datetime import timedelta

from reconciler.decide.alerts import judge
from reconciler.decide.digest import digests
from reconciler.decide.raising import Found
from reconciler.model.alerts import Alert, AlertSeverity, Notice, Raised
from reconciler.model.declared.alerts import AlertPolicySpec
from reconciler.model.desired import DesiredAlertPolicy
from reconciler.model.problem import Place
from tests.fakes.statuses import NOON, company

HOUR = timedelta(hours=1)
SPEC = {"receivers": [{"name": "ops", "console": {}}], "heartbeat": {"every": "1d", "receivers": ["ops"]}}
POLICY = DesiredAlertPolicy("duty", AlertPolicySpec.model_validate(SPEC), Place("alerts.yaml", 1))
ONE = Raised("System", "orders", "BackupFresh", AlertSeverity.HIGH, "orders: old")


def digest(alerts: tuple[Alert, ...] = (), last: timedelta | None = None, *, settled: bool = True) -> tuple[Notice, ...]:
    """``last``: how long ago the one before was told."""
    known = {"duty": NOON - last} if last is not None else {}
    return digests([POLICY], alerts, company(), known, NOON, settled=settled)


def test_it_says_how_things_stand() -> None:
    (quiet,) = digest()
    assert (quiet.receiver, quiet.title, quiet.total) == ("duty/ops", "All quiet on shop1", 0)
    assert quiet.why == "1 of 4 systems fresh, 1 of 2 repositories reached, the last complete pass ended 2026-05-04 12:00 UTC"
    (busy,) = digest(judge(Found((ONE,)), (), NOON - HOUR))
    assert (busy.title, busy.total, busy.severity, busy.lines[0].summary) == (
        "Digest of shop1: 1 alert",
        1,
        AlertSeverity.HIGH,
        "orders: old",
    )


def test_it_is_due_at_once_and_then_daily_whatever_the_clock_does() -> None:
    assert [len(digest(last=ago)) for ago in (None, 23 * HOUR, 24 * HOUR, -23 * HOUR, -48 * HOUR)] == [1, 0, 1, 0, 1]


def test_the_first_one_waits_for_what_the_first_backups_will_end() -> None:
    young = judge(Found((ONE,)), (), NOON)
    assert digest(young, settled=False) == ()
    assert digest(young, settled=True)[0].total == 1
    assert digest(young, 25 * HOUR, settled=False)[0].total == 0, "later ones are not kept waiting by something that flaps"
    assert digest(judge(Found((ONE,)), (), NOON - HOUR), settled=False)[0].total == 1


def test_without_a_heartbeat_there_is_none() -> None:
    plain = DesiredAlertPolicy("duty", AlertPolicySpec.model_validate({"receivers": SPEC["receivers"]}), Place("alerts.yaml", 1))
    assert digests([plain], (), company(), {}, NOON, settled=True) == ()
