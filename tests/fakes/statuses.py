"""Published statuses as a loop would publish them, for whoever projects them: metrics, web, dashboards."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from reconciler.model.alerts import AlertSeverity, AlertsStatus, ReceiverStatus
from reconciler.model.board import Board
from reconciler.model.declared.objectives import Verification
from reconciler.model.disaster import Tally
from reconciler.model.drill import DrillOutcome, RecoveryTime, Rehearsed
from reconciler.model.durations import Durations
from reconciler.model.event import Event
from reconciler.model.health import CheckName, Health, HealthCheck, HealthState, HostReading, Probe, Reached, Role, Room, Use
from reconciler.model.impact import Verdict
from reconciler.model.observed import RunHistory
from reconciler.model.plan import Action, ActionKind, Gap, Held, Lane, Plan, Waiting
from reconciler.model.pulse import Doing, LanePulse, Pulse
from reconciler.model.recovery import PlanStanding, Readiness, ReadinessPart
from reconciler.model.snapshot import BackupKind
from reconciler.model.status import (
    Condition,
    ConditionType,
    Copied,
    Digit,
    LoopStatus,
    Planned,
    ProtectionStatus,
    RepositoryStatus,
    SpecStatus,
    Status,
    SystemStatus,
    Truth,
)
from reconciler.model.stock import Stock

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


def ran(ended_at: datetime, *, failures: int = 0) -> RunHistory:
    """A backup that ended then; it took 90 s, read 4,000,000 bytes and stored 1,000 of them anew."""
    return RunHistory(
        last_attempt_at=ended_at - timedelta(seconds=90),
        last_success_at=ended_at,
        last_duration=timedelta(seconds=90),
        last_bytes=4_000_000,
        last_added_bytes=1_000,
        consecutive_failures=failures,
    )


def system(
    name: str,
    protection: tuple[ProtectionStatus, ...],
    *,
    fresh: Truth = Truth.TRUE,
    here: bool = True,
    suspended: bool = False,
    rpo: timedelta | None = timedelta(minutes=15),
    rto: timedelta | None = timedelta(hours=1),
    **more: Any,
) -> SystemStatus:
    """``more``: further fields of SystemStatus."""
    conditions = tuple(
        Condition("System", name, kind, fresh, "Judged", f"{name} was judged", NOON - timedelta(hours=2))
        for kind in (ConditionType.BACKUP_FRESH, ConditionType.READY)
    )
    return SystemStatus(
        name=name,
        tier="critical",
        policy="standard",
        owner="shop",
        host="shop1",
        here=here,
        rpo=rpo,
        rto=rto,
        protection=protection,
        conditions=conditions,
        suspended=suspended,
        **more,
    )


def drilled(at: datetime, **changes: Any) -> dict[str, Any]:
    """Fields of a system that was rehearsed two days ago: back in ten minutes, proven for twelve days more, 18 minutes foreseen now."""
    two_days_ago = at - timedelta(days=2)
    rehearsed = Rehearsed(timedelta(days=7), two_days_ago, DrillOutcome.PROVEN, two_days_ago, two_days_ago + timedelta(days=14))
    recovery = RecoveryTime(
        timedelta(minutes=18), source="from 1 drill of this system", measured=timedelta(minutes=10), measured_at=two_days_ago
    )
    return {"rehearsed": replace(rehearsed, **changes), "recovery": recovery}


def repository(name: str, *, reachable: bool = True, free_bytes: int | None = 5_000_000_000) -> RepositoryStatus:
    truth = Truth.TRUE if reachable else Truth.FALSE
    condition = Condition("Repository", name, ConditionType.REPOSITORY_REACHABLE, truth, "Listed", f"{name} was looked at")
    known = RepositoryStatus(name, reachable, NOON, snapshots=40, foreign=0, orphaned=0, free_bytes=free_bytes, conditions=(condition,))
    if not reachable:
        return known
    counted = Stock(name, NOON - timedelta(minutes=40), objects=300, bytes=9_000_000_000, seconds=0.2)
    last = {"backup": NOON - timedelta(minutes=5), "prune": NOON - timedelta(days=3)}
    return replace(known, stock=counted, last=last, prune_every=timedelta(days=7))


def host_health(at: datetime) -> Health:
    """A small host: two file systems, a store behind TLS, a pager that does not answer."""
    state, main, orders = Use(Role.STATE), Use(Role.REPOSITORY, "main"), Use(Role.SOURCE, "orders")
    offsite, pager = Use(Role.REPOSITORY, "offsite"), Use(Role.RECEIVER, "duty/ops")
    reading = HostReading(
        cores=4,
        load=1.5,
        memory_bytes=8 * 2**30,
        memory_available_bytes=3 * 2**30,
        rooms=(Room((state, orders), 20 * 2**30, 100 * 2**30, 500_000, 6_000_000), Room((main,), 2**40, 2**42)),
        reached=(
            Reached((offsite,), "store.example.org:443", 0.02, secured=True, certificate_until=at + timedelta(days=61)),
            Reached((pager,), "", failure="does not answer within 3 s", secured=True),
        ),
        probes=(Probe("main", 0.05, "a" * 32, "orders"),),
    )
    checks = (
        HealthCheck(CheckName.NETWORK, "receiver duty/ops", HealthState.BAD, "does not answer within 3 s"),
        HealthCheck(CheckName.CPU, "host", HealthState.GOOD, "1.5 processes run or wait", value=0.375),
    )
    return Health(at, "shop1", checks, reading)


DIGITS = (
    Digit("copies", 3, 2, 1, Truth.UNKNOWN, ("the data itself", "main: snapshot aaaaaaaa", "offsite was not listed")),
    Digit("media", 2, 1, 0, Truth.FALSE, ("main: disk",)),
    Digit("offsite", 1, 1, 0, Truth.TRUE, ("main is at site cellar",)),
    Digit("immutable", 1, 0, 0, Truth.FALSE, ("main can be deleted by every host that writes to it",)),
    Digit("errors", 0, 0, 1, Truth.UNKNOWN, ("offsite was not listed",)),
)


def company(at: datetime = NOON) -> Status:
    """Fresh, late, never backed up, suspended and on another host: one system of each, in two repositories."""

    def held(repository: str, age: timedelta | None, snapshots: int = 12, failures: int = 0) -> ProtectionStatus:
        if age is None:
            return ProtectionStatus(repository, 0, None, None, None, RunHistory(last_attempt_at=at, consecutive_failures=failures))
        known = ran(at - age + timedelta(seconds=90), failures=failures)
        read_at, seen_at = at - timedelta(days=3), at - timedelta(hours=6)
        return ProtectionStatus(repository, snapshots, "a" * 32, at - age, read_at, known, seen_at)

    young, old = timedelta(minutes=5), timedelta(hours=3)
    return Status(
        at=at,
        agent="shop1",
        realm="quiet-otter-41",
        systems=(
            system("archive", (held("main", old),), suspended=True, fresh=Truth.FALSE),
            system("billing", (held("main", None, failures=3),), fresh=Truth.UNKNOWN),
            system("elsewhere", (held("main", young),), here=False),
            system(
                "ledger",
                (held("main", old, failures=1),),
                fresh=Truth.FALSE,
                **drilled(at, last_outcome=DrillOutcome.FAILED, proven_at=None, proven_until=None)
                | {
                    "recovery": RecoveryTime(
                        timedelta(hours=2), borrowed=True, source="from 1 drill of other systems in the same repository"
                    )
                },
            ),
            system(
                "orders",
                (held("main", young), replace(held("offsite", old), trails=old - young, copy_due_at=at + timedelta(minutes=25))),
                mtd=timedelta(hours=4),
                verification=Verification(quick=timedelta(days=1), deep=timedelta(days=30)),
                copied=Copied(declared=2, held=1, offsite_declared=1, offsite_held=0, lag=timedelta(hours=1), digits=DIGITS),
                readiness=Readiness("orders", (ReadinessPart("drill", 20, 20, "proven"), ReadinessPart("plan", 0, 80, "no")), ready=False),
                **drilled(at),
            ),
        ),
        impact=(Tally("natural_disaster", {verdict.value: int(verdict is Verdict.LOST) for verdict in Verdict}, {"orders": "lost"}),),
        repositories=(repository("main"), repository("offsite", reachable=False, free_bytes=None)),
        recovery_plans=(PlanStanding("shop", at - timedelta(days=3), at + timedelta(days=87), True, 14400.0, 900.0, timedelta(days=30)),),
        spec=SpecStatus("d" * 64, clean=True, errors=0, warnings=1, loaded_at=at - timedelta(minutes=1), objects=9),
        alerts=AlertsStatus(
            firing={AlertSeverity.CRITICAL: 2, AlertSeverity.LOW: 1},
            oldest={AlertSeverity.CRITICAL: at - timedelta(hours=3), AlertSeverity.LOW: at - timedelta(days=2)},
            acknowledged={AlertSeverity.HIGH: 1},
            receivers=(ReceiverStatus("duty/ops", "discord", delivered=14, failed=3, dropped=1, waiting=2),),
        ),
        planned=Planned({"backup": 1, "verify": 2}, {"tightening": 1}, gaps=2),
        health=host_health(at),
        loop=LoopStatus(
            started_at=at - timedelta(hours=4),
            last_success_at=at,
            passes=480,
            interval=timedelta(seconds=30),
            actions={"backup": 31, "verify": 2},
            failed={"backup": 4},
            durations={"backup": Durations((0, 20, 6, 4, 1, 0, 0, 0, 0, 0), 900.0), "verify": Durations().and_one(50.0).and_one(70_000.0)},
            epoch=7,
        ),
    )


def board(status: Status | None = None) -> Board:
    """What a loop shows of :func:`company`: an action of two kinds, one wait, one held change, one gap of two systems, two events."""
    status = status or company()
    at = status.at
    plan = Plan(
        at,
        "d" * 64,
        clean=True,
        complete=True,
        observed_at={},
        actions=(
            Action(ActionKind.BACKUP, "billing", "main", Lane.OBJECTIVE, "rpo-due", "the newest is 3h old, the RPO is 15m", 80),
            Action(ActionKind.VERIFY, "orders", "main", Lane.UPKEEP, "verify-due", "never verified", 10, snapshots=("b" * 32,)),
        ),
        held=(Held("orders", "main", "tightening", ("c" * 32,), 12, "the retention was tightened", "e" * 64),),
        gaps=tuple(
            Gap(name, "offsite", "repository-unreachable", "it cannot be reached", "Mount the disk of offsite.")
            for name in ("orders", "billing")
        ),
        waiting=(Waiting("orders", "main", BackupKind.INCREMENTAL, at + timedelta(minutes=6), "every 11m"),),
    )
    events = (
        Event("Warning", "System", "billing", "RpoExceeded", "the newest is 3h old", 4, at - timedelta(hours=2), at - timedelta(minutes=1)),
        Event("Normal", "System", "orders", "BackupFresh", "back within 15m", 1, at - timedelta(hours=1), at - timedelta(hours=1)),
    )
    return Board(status, plan, events)


def pulse(*, alive: bool = True) -> Pulse:
    """A loop that rests between two looks, or one that has been silent for ten minutes."""
    return Pulse(
        alive,
        Doing.WAITING if alive else Doing.LOOKING,
        timedelta(seconds=1 if alive else 600),
        under_way=1,
        queued=3,
        lanes=(
            LanePulse("objective", under_way=1, takes=timedelta(minutes=2)),
            LanePulse("upkeep", queued=3, waits=timedelta(minutes=7)),
        ),
        overdue=0,
        looks=480,
        failed_looks=2,
        look_took=timedelta(milliseconds=250),
    )
