"""What a status raises, and how bad it is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.decide.raising import Found, of_status, severity_of
from reconciler.decide.receiving import receiver_conditions
from reconciler.model.alerts import AlertSeverity, ReceiverStatus
from reconciler.model.declared.alerts import AlertPolicySpec
from reconciler.model.desired import DesiredAlertPolicy
from reconciler.model.observed import Failure
from reconciler.model.problem import Place
from reconciler.model.status import Condition, ConditionType, Status, SystemStatus, Truth
from tests.fakes.statuses import NOON, company, repository, system
from tests.fakes.worlds import desired
from tests.fakes.worlds import system as declared

EMPTY = replace(company(), systems=(), repositories=())
PROTECTED = company().systems[-1].protection


def found(status: Status) -> Found:
    return of_status(desired(declared("orders", labels={"team": "shop"})), status, NOON)


def one(
    type_: ConditionType, truth: Truth = Truth.FALSE, reason: str = "Breached", tier: str = "critical", **changes: object
) -> SystemStatus:
    condition = Condition("System", "orders", type_, truth, reason, "it is so", NOON - timedelta(hours=1))
    return replace(system("orders", PROTECTED), tier=tier, conditions=(condition,), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("type_", "reason", "tier", "expected"),
    [
        ("BackupFresh", "Breached", "critical", "critical"),
        ("BackupFresh", "Breached", "low", "low"),
        ("Verified", "Expired", "critical", "high"),
        ("Verified", "Failed", "low", "high"),
        ("RecoveryProven", "Expired", "medium", "low"),
        ("CopiesSatisfied", "CopyMissing", "high", "medium"),
        ("CopiesSatisfied", "CopyMissing", "low", "low"),
        ("RetentionSatisfied", "ChangeHeld", "critical", "medium"),
        ("SpecAccepted", "Invalid", "critical", "medium"),
        ("Plausible", "Suspect", "low", "critical"),
    ],
)
def test_how_bad(type_: str, reason: str, tier: str, expected: str) -> None:
    (raised,) = found(replace(EMPTY, systems=(one(ConditionType(type_), reason=reason, tier=tier),))).raised
    assert (raised.key, raised.severity.value) == (("System", "orders", type_), expected)
    assert raised.summary == "orders: it is so"
    assert raised.labels == {"team": "shop", "tier": tier, "owner": "shop", "host": "shop1"}


@pytest.mark.parametrize(
    ("rpo", "expected"), [(None, "medium"), (10, "critical"), (15, "critical"), (60, "high"), (61, "medium"), (241, "low")]
)
def test_a_tier_of_another_name_is_as_bad_as_its_promise(rpo: int | None, expected: str) -> None:
    gold = replace(one(ConditionType.BACKUP_FRESH, tier="gold"), rpo=timedelta(minutes=rpo) if rpo is not None else None)
    assert severity_of(gold).value == expected


@pytest.mark.parametrize("type_", ["Ready", "Suspended"])
def test_a_sum_of_others_and_a_suspension_raise_nothing(type_: str) -> None:
    assert found(replace(EMPTY, systems=(one(ConditionType(type_)),))) == Found(())


def test_systems_of_other_hosts_are_not_ours_to_raise() -> None:
    assert found(replace(EMPTY, systems=(one(ConditionType.BACKUP_FRESH, here=False),))) == Found(())


def test_a_suspended_system_is_raised_quietly() -> None:
    (raised,) = found(replace(EMPTY, systems=(one(ConditionType.BACKUP_FRESH, suspended=True),))).raised
    assert raised.quiet == "the system is suspended"


def test_unknown_raises_nothing_ends_nothing_and_is_low_after_a_day() -> None:
    young = one(ConditionType.BACKUP_FRESH, Truth.UNKNOWN, "NotObserved")
    first = found(replace(EMPTY, systems=(young,)))
    assert (first.raised, first.unclear) == ((), {("System", "orders", "BackupFresh")})
    old = replace(young, conditions=(replace(young.conditions[0], since=NOON - timedelta(days=1)),))
    (raised,) = found(replace(EMPTY, systems=(old,))).raised
    assert raised.severity is AlertSeverity.LOW
    for by_nature in ("NeverDrilled", "Learning", "OnOtherHost", "NothingSent"):
        never = replace(old, conditions=(replace(old.conditions[0], reason=by_nature),))
        assert found(replace(EMPTY, systems=(never,))).raised == ()


def test_a_repository_is_as_bad_as_the_worst_system_that_needs_it_first() -> None:
    status = replace(
        EMPTY,
        systems=(one(ConditionType.BACKUP_FRESH, Truth.TRUE, tier="high"),),
        repositories=tuple(repository(name, reachable=False) for name in ("main", "offsite", "unused")),
    )
    assert {r.object_name: r.severity.value for r in found(status).raised} == {"main": "high", "offsite": "medium", "unused": "low"}


def test_faults_of_the_specs_and_receivers_that_fail_are_raised() -> None:
    failure = Failure("notify-denied", "duty/ops answers 404", "Was the webhook deleted?")
    statuses = [
        ReceiverStatus("duty/mail", consecutive_failures=2, delivered=1, last_failure=failure),
        ReceiverStatus("duty/ops", consecutive_failures=3, last_failure=failure, waiting=7),
    ]
    policy = AlertPolicySpec.model_validate({"receivers": [{"name": name, "console": {}} for name in ("mail", "new", "ops")]})
    conditions = receiver_conditions([DesiredAlertPolicy("duty", policy, Place("alerts.yaml", 1))], statuses)
    assert [(c.name, c.status.value, c.reason) for c in conditions] == [
        ("duty/mail", "True", "Delivered"),
        ("duty/new", "Unknown", "NothingSent"),
        ("duty/ops", "False", "NotifyDenied"),
    ]
    specs = replace(EMPTY, spec=replace(EMPTY.spec, errors=2), conditions=conditions)
    receiver, tree = found(specs).raised
    assert (tree.key, tree.summary[:25]) == (("Specs", "specs", "SpecAccepted"), "the specs have 2 errors: ")
    assert (receiver.key, receiver.severity.value) == (("Receiver", "duty/ops", "AlertsDelivered"), "high")
    assert "3 attempts failed in a row, 7 messages waiting: duty/ops answers 404" in receiver.summary


def test_a_well_world_raises_nothing() -> None:
    well = replace(company(), systems=tuple(s for s in company().systems if s.name == "orders"), repositories=(repository("main"),))
    assert found(well) == Found(())
