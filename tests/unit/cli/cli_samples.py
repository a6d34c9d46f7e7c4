"""One small world, told in values: what the screens of the command line are tested on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reconciler.model.declared.builtin import DEFAULT_POLICY, TIERS
from reconciler.model.declared.drill import Drill
from reconciler.model.declared.objectives import Copies
from reconciler.model.declared.repository import Key
from reconciler.model.declared.settings import SettingsSpec
from reconciler.model.declared.system import Source
from reconciler.model.desired import Desired, DesiredRepository, DesiredSystem, Revision
from reconciler.model.objective import ObjectiveStatus, Promise, Verdict
from reconciler.model.observed import Failure, RunHistory
from reconciler.model.plan import Action, ActionKind, Gap, Held, Lane, Plan, Waiting
from reconciler.model.problem import Place, Problem, Severity
from reconciler.model.snapshot import BackupKind, Grade, Mark, MarkKind, Snapshot
from reconciler.model.status import (
    Condition,
    ConditionType,
    LoopStatus,
    ProtectionStatus,
    RepositoryStatus,
    SpecStatus,
    Status,
    SystemStatus,
    Truth,
)

NOW = datetime(2026, 11, 23, 14, 2, 7, tzinfo=UTC)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def identity(number: int) -> str:
    return f"{number:08x}" * 4


def system(name: str, tier: str, line: int) -> DesiredSystem:
    policy = DEFAULT_POLICY
    return DesiredSystem(
        name=name,
        tier=tier,
        policy="default",
        sources=(Source(path=f"/srv/{name}"),),
        repositories=("main", "offsite"),
        objectives=TIERS[tier].objectives,
        copies=Copies(count=2),
        verification=TIERS[tier].verification,
        drill=Drill(),
        schedule=policy.schedule,
        retention=policy.retention,
        compression=policy.compression,
        checksums=policy.checksums,
        guard=policy.guard,
        place=Place("shop.yaml", line, 1),
        generation="4f1c2ab0",
    )


def desired() -> Desired:
    return Desired(
        root="/srv/specs",
        digest="9be01f2c" * 8,
        settings=SettingsSpec(realm="quiet-otter-41"),
        systems=(
            system("archive", "low", 40),
            system("identity", "critical", 3),
            system("orders", "critical", 22),
            system("wiki", "medium", 31),
        ),
        repositories=(
            DesiredRepository("main", "/srv/backup/main", Key(file="/etc/reconciler/main.key"), Place("repositories.yaml", 1, 1)),
            DesiredRepository("offsite", "/mnt/usb", Key(file="/etc/reconciler/offsite.key"), Place("repositories.yaml", 9, 1)),
        ),
    )


def busy_plan() -> Plan:
    place = Place("shop.yaml", 22, 1)
    return Plan(
        at=NOW,
        spec_digest="9be01f2c" * 8,
        revision=Revision("4f1c2ab9" * 5, dirty=True),
        clean=True,
        complete=False,
        observed_at={"main": NOW - 4 * MINUTE, "offsite": None},
        actions=_busy_actions(place),
        held=(_held_for_a_tighter_retention(),),
        gaps=_gaps(place),
        waiting=(Waiting("identity", "main", BackupKind.INCREMENTAL, NOW + 5 * MINUTE, "RPO 15m less the 30s it takes"),),
        orphans={"old-wiki": 12},
        foreign=3,
    )


def _busy_actions(place: Place) -> tuple[Action, ...]:
    stale, unread = "newest good snapshot is 21m old, RPO 15m", "last deep verification was 31d ago, wanted every 30d"
    unkept, marked = "kept by no rule of keepWithin 2d, daily 14, weekly 8", "marked 25h ago and still kept by no rule"
    rest = tuple(identity(n) for n in (1, 2, 3))
    return (
        Action(
            ActionKind.BACKUP,
            "orders",
            "main",
            Lane.OBJECTIVE,
            "rpo-due",
            stale,
            80,
            place=place,
            due_at=NOW - 6 * MINUTE,
            backup_kind=BackupKind.INCREMENTAL,
        ),
        Action(ActionKind.VERIFY, "orders", "main", Lane.UPKEEP, "verify-due", unread, 10, snapshots=(identity(7),)),
        Action(ActionKind.MARK, "wiki", "main", Lane.UPKEEP, "retention", unkept, 10, snapshots=rest),
        Action(ActionKind.FORGET, "wiki", "main", Lane.UPKEEP, "retention", marked, 10, snapshots=(identity(4),)),
    )


def _held_for_a_tighter_retention() -> Held:
    return Held(
        "identity",
        "main",
        "tightening",
        tuple(identity(n) for n in range(20, 140)),
        365,
        "the retention became tighter: 120 of 365 snapshots would go, more than 30 %",
        "77ab01c2d3e4f5a6",
        Place("shop.yaml", 3, 1),
    )


def _gaps(place: Place) -> tuple[Gap, ...]:
    """One repository that four systems wait for, and a source of one of them."""
    gap = {
        "repository": "offsite",
        "code": "repository-unreachable",
        "why": "repository offsite cannot be reached: /mnt/usb does not exist",
        "person": "Mount /mnt/usb, or correct `url` in repositories.yaml:9",
    }
    return (
        *(Gap(system=name, place=place, **gap) for name in ("archive", "identity", "orders", "wiki")),
        Gap("archive", "main", "source-missing", "/srv/archive does not exist", "Is the disk of /srv/archive mounted?", place),
    )


def quiet_plan() -> Plan:
    return Plan(
        at=NOW,
        spec_digest="9be01f2c" * 8,
        clean=True,
        complete=True,
        observed_at={"main": NOW, "offsite": NOW},
        waiting=(
            Waiting("orders", "main", BackupKind.INCREMENTAL, NOW + 6 * MINUTE, "RPO 15m less the 30s it takes"),
            Waiting("identity", "main", BackupKind.FULL, NOW + 9 * HOUR, "cron 0 2 * * sun"),
        ),
    )


def snapshots() -> tuple[Snapshot, ...]:
    def one(number: int, ago: timedelta, kind: BackupKind, **more: object) -> Snapshot:
        fields: dict[str, object] = {
            "repository": "main",
            "realm": "quiet-otter-41",
            "system": "orders",
            "host": "shop1",
            "grade": Grade.COMPLETE,
            "files": 1204,
            "bytes": 1503238553,
            "added_bytes": 12582912,
        }
        taken = NOW - ago
        return Snapshot(
            id=identity(number),
            kind=kind,
            as_of=taken,
            ended_at=taken + 12 * timedelta(seconds=1),
            arrived_at=taken + 13 * timedelta(seconds=1),
            **(fields | more),
        )

    verified = (Mark(MarkKind.VERIFIED, NOW - 2 * DAY, "deep"),)
    return (
        one(9, 4 * MINUTE, BackupKind.INCREMENTAL, parent=identity(8)),
        one(9, 4 * MINUTE, BackupKind.INCREMENTAL, parent=identity(8), repository="offsite"),
        one(8, 19 * MINUTE, BackupKind.INCREMENTAL, grade=Grade.PARTIAL, defects=2, parent=identity(7)),
        one(7, 3 * DAY, BackupKind.FULL, added_bytes=734003200, marks=verified),
        one(6, 9 * DAY, BackupKind.FULL, system="wi\x1b[31mki", realm="other", marks=(Mark(MarkKind.DAMAGED, NOW - HOUR, "segment 4f1c"),)),
    )


def status() -> Status:
    return Status(
        at=NOW,
        agent="shop1",
        realm="quiet-otter-41",
        systems=(
            _archive(),
            _identity(),
            _orders(),
        ),
        repositories=_repositories(),
        spec=SpecStatus("9be01f2c" * 8, True, 0, 1, NOW - HOUR, 31, Revision("4f1c2ab9" * 5, dirty=True)),
        loop=LoopStatus(NOW - DAY, NOW - 25 * timedelta(seconds=1), 2880),
    )


def _condition(name: str, wanted: ConditionType, truth: Truth, reason: str, message: str, kind: str = "System") -> Condition:
    return Condition(kind, name, wanted, truth, reason, message, NOW - 2 * HOUR)


def _part(repository: str, number: int, ago: timedelta | None) -> ProtectionStatus:
    at = NOW - ago if ago is not None else None
    return ProtectionStatus(repository, 41 if at else 0, identity(number) if at else None, at, at, RunHistory(last_success_at=at))


def _archive() -> SystemStatus:
    return SystemStatus(
        "archive",
        "low",
        "default",
        "",
        "shop2",
        False,
        DAY,
        72 * HOUR,
        (_part("main", 5, 3 * HOUR),),
        (
            _condition("archive", ConditionType.BACKUP_FRESH, Truth.TRUE, "WithinObjective", "3h old, RPO 1d"),
            _condition("archive", ConditionType.READY, Truth.TRUE, "AllObjectivesMet", ""),
        ),
        rpo_breach_at=NOW + 192 * MINUTE,
        rpo_breach_why="RPO breach in 3h12m: the next backup cannot end in time",
    )


def _identity() -> SystemStatus:
    return SystemStatus(
        "identity",
        "critical",
        "default",
        "ops",
        "shop1",
        True,
        15 * MINUTE,
        HOUR,
        (_part("main", 6, None),),
        (
            _condition("identity", ConditionType.BACKUP_FRESH, Truth.UNKNOWN, "NeverBackedUp", "no snapshot in main yet"),
            _condition("identity", ConditionType.READY, Truth.UNKNOWN, "NeverBackedUp", ""),
        ),
        NOW,
    )


def _orders() -> SystemStatus:
    return SystemStatus(
        "orders",
        "critical",
        "default",
        "ops",
        "shop1",
        True,
        15 * MINUTE,
        HOUR,
        (_part("main", 9, 21 * MINUTE), _part("offsite", 8, 2 * DAY)),
        (
            _condition("orders", ConditionType.BACKUP_FRESH, Truth.FALSE, "Breached", "newest good snapshot is 21m old, RPO 15m"),
            _condition("orders", ConditionType.READY, Truth.FALSE, "Breached", ""),
        ),
        NOW + 6 * MINUTE,
        "RPO 15m less the 30s it takes",
        objectives=(
            ObjectiveStatus(
                Promise.RPO,
                15 * MINUTE,
                21 * MINUTE,
                27 * MINUTE,
                Verdict.BREACHED,
                "newest good snapshot is 21m old, RPO 15m",
                "snapshot 00000009 in main",
            ),
            ObjectiveStatus(
                Promise.RTO,
                HOUR,
                10 * MINUTE,
                12 * MINUTE,
                Verdict.MET,
                "a recovery was measured to take 10m, RTO 1h",
                "drill of 2026-11-20 14:00Z",
            ),
            ObjectiveStatus(
                Promise.RTO,
                5 * MINUTE,
                10 * MINUTE,
                12 * MINUTE,
                Verdict.BREACHED,
                "a recovery was measured to take 10m, RTO 5m",
                "drill of 2026-11-20 14:00Z",
                "cyber_attack",
            ),
        ),
    )


def _repositories() -> tuple[RepositoryStatus, ...]:
    return (
        RepositoryStatus("main", True, NOW - 4 * MINUTE, 4120, 3, 12, 80 * 2**30, ()),
        RepositoryStatus(
            "offsite",
            False,
            None,
            0,
            0,
            0,
            None,
            (
                _condition(
                    "offsite",
                    ConditionType.REPOSITORY_REACHABLE,
                    Truth.FALSE,
                    "Unreachable",
                    "/mnt/usb does not exist",
                    "Repository",
                ),
            ),
            Failure("repository-unreachable", "/mnt/usb does not exist"),
        ),
    )


def problems() -> tuple[Problem, ...]:
    return (
        Problem(
            Severity.ERROR,
            "spec-wrong-type",
            Place("orders.yaml", 13, 15),
            "must be a string (got 3)",
            kind="System",
            name="orders",
            pointer="/spec/sources/0/path",
            snippet="13 |       - path: 3\n   |               ^",
        ),
        Problem(
            Severity.ERROR,
            "spec-unknown-field",
            Place("orders.yaml", 16, 3),
            "unknown field",
            hint="Did you mean `schedule`?",
            kind="BackupPolicy",
            name="standard",
            pointer="/spec/shedule",
        ),
        Problem(Severity.WARNING, "spec-no-realm", Place("settings.yaml", 1, 1), "no realm is set: the word 'default' is used"),
    )
