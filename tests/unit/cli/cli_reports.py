"""What the verbs of app/ give back, for the screens that show it; the same small world as in cli_samples."""

from __future__ import annotations

from datetime import timedelta

import cli_samples as samples
from cli_samples import DAY, HOUR, MINUTE, NOW, identity

from reconciler.act.context import Done, Result
from reconciler.app.reports import (
    Explanation,
    InitReport,
    KeepVerdict,
    PassReport,
    RebuildReport,
    RestorePlan,
    RestoreReport,
    StarterReport,
)
from reconciler.base.errors import Fate
from reconciler.catalog.records import Run, RunOutcome
from reconciler.model.event import Event
from reconciler.model.health import CheckName, Health, HealthCheck, HealthState
from reconciler.model.observed import Failure
from reconciler.model.plan import Action, ActionKind, Lane
from reconciler.model.snapshot import BackupKind
from reconciler.model.statistics import RepositoryStatistics, Statistics, Stored, SystemStatistics
from reconciler.model.status import Condition, ConditionType, Truth
from reconciler.tree.entry import Defect, DefectKind


def action(kind: ActionKind, system: str, repository: str = "main", **more: object) -> Action:
    return Action(kind, system, repository, Lane.OBJECTIVE, "rpo-due", "because", 50, **more)  # type: ignore[arg-type]


def results() -> tuple[Result, ...]:
    backup, incremental = ActionKind.BACKUP, BackupKind.INCREMENTAL
    amounts = {"files": 1204, "bytes": 1503238553, "added_bytes": 12582912}
    unread = tuple(Defect(f"srv/wiki/page-{n}\x1b".encode(), DefectKind.UNREADABLE, "Permission denied") for n in range(7))
    partial = "1,204 files; partial: 7 defects, first: Permission denied"
    noted = tuple(Defect(f"run/{n}".encode(), DefectKind.SOCKET, "a socket") for n in range(3))
    advice = 'sources:\n  - path: "/srv/wiki"\n    tolerate:\n      unreadable:\n        - "/page-0"\n'
    missing = Failure("source-missing", "the source /srv/archive does not exist", "Is the disk mounted?")
    guarded = Failure("act-still-needed", "snapshot 00000009 is the newest good one of system orders", "Take a newer backup first.")
    damaged = Failure("repository-damaged", "pack 77ab of repository main is damaged: segment 3", "Is another copy good?")
    return (
        Result(action(backup, "orders"), "r1", Done(RunOutcome.SUCCEEDED, "", identity(9), incremental, NOW, **amounts), 12.34),
        Result(action(backup, "identity"), "r2", Done(RunOutcome.UNCHANGED, "", identity(6), incremental, NOW, defects=noted), 0.2),
        Result(
            action(backup, "wiki"),
            "r3",
            Done(RunOutcome.PARTIAL, partial, identity(8), BackupKind.FULL, NOW, **amounts, defects=unread, advice=advice),
            754,
        ),
        Result(action(backup, "archive"), "r4", Done(RunOutcome.FAILED, missing.message), 0.0, missing, Fate.FAILED),
        Result(action(ActionKind.VERIFY, "orders"), "r5", Done(RunOutcome.FAILED, damaged.message), 3.0, damaged, Fate.DAMAGE),
        Result(action(ActionKind.FORGET, "orders"), "r6", Done(RunOutcome.FAILED, guarded.message), 0.1, guarded, Fate.REFUSED),
        Result(action(ActionKind.MARK, "wiki"), "r7", Done(RunOutcome.SUCCEEDED, "3 snapshots marked"), 0.1),
    )


def created() -> InitReport:
    key = "/etc/reconciler/main.key"
    return InitReport(
        "main", "/srv/backup/main", identity(1), True, True, key, f"the key is in {key}: keep a second copy of it somewhere else"
    )


def passed() -> PassReport:
    plan = samples.busy_plan()
    dead = Run("r0", "backup", "wiki", "main", "objective", BackupKind.FULL, "", "rpo-due", NOW - HOUR, 4121)
    return PassReport(
        plan, results(), samples.status(), samples.problems()[2:], plan.gaps, plan.held, (created(),), (dead,), ("made anew",)
    )


def explanation() -> Explanation:
    plan, snapshots = samples.busy_plan(), samples.snapshots()
    condition = Condition("System", "orders", ConditionType.BACKUP_FRESH, Truth.FALSE, "Breached", "21m old, RPO 15m", NOW - 6 * MINUTE)
    status = samples.status().systems[2]
    failure = Failure("repository-no-space", "repository main has 1.2 MiB free")
    runs = (
        Run("r2", "backup", "orders", "main", "objective", BackupKind.FULL, "", "rpo-due", NOW - MINUTE, 4121, None),
        Run(
            "r1",
            "backup",
            "orders",
            "main",
            "objective",
            BackupKind.FULL,
            "",
            "rpo-due",
            NOW - HOUR,
            77,
            NOW,
            RunOutcome.FAILED,
            failure=failure,
        ),
    )
    return Explanation(
        system=samples.desired().systems[2],
        status=status.__class__(**{f: getattr(status, f) for f in status.__slots__} | {"conditions": (condition,)}),
        actions=tuple(a for a in plan.actions if a.system == "orders"),
        held=(),
        gaps=tuple(g for g in plan.gaps if g.system == "orders"),
        waiting=plan.waiting,
        verdicts={
            "main": (
                KeepVerdict(snapshots[0], True, ("newest good", "daily 2026-11-23")),
                KeepVerdict(snapshots[2], False, ()),
            )
        },
        runs=runs,
        origins=(("/spec/tier", "critical", "shop.yaml:25"), ("/spec/objectives/rpo", timedelta(minutes=15), "built in (tier critical)")),
    )


def restore_plan() -> RestorePlan:
    why = "snapshot 00000009 is the newest good one not after 2026-11-23 14:00"
    notes = ("repository offsite could not be read: /mnt/usb does not exist",)
    return RestorePlan(samples.snapshots()[0], "main", why, "/srv/out", ("/srv/orders/db", "*.conf"), 3, notes)


def restored(*, whole: bool) -> RestoreReport:
    losses = tuple((f"/srv/orders/{n}", "owner", "only root may give files away") for n in range(12))
    failures = () if whole else (("srv/orders/db/a\n", "segment 3 of pack 77ab is damaged"),)
    return RestoreReport(restore_plan(), 1204, 1503238553, 88, 12.3, losses, failures, ())


def events() -> tuple[Event, ...]:
    return (
        Event("Normal", "System", "orders", "BackupSucceeded", "backup into main: 1,204 files", 96, NOW - DAY, NOW),
        Event("Warning", "Repository", "offsite", "Unreachable", "/mnt/usb does not exist", 3, NOW - DAY, NOW - HOUR),
    )


def rebuilt() -> RebuildReport:
    return RebuildReport(
        {"main": 4120}, {"offsite": "/mnt/usb does not exist"}, "the old catalog was damaged and is kept as catalog.damaged"
    )


def starter() -> StarterReport:
    files = ("settings.yaml", "repository.yaml", "documents.yaml")
    return StarterReport("/srv/specs", files, "quiet-otter-41", created(), ("reconcile validate", "reconcile --dry-run", "reconcile"))


def statistics() -> Statistics:
    """One that grows and has failed, one copy, one that shrinks; a repository that could not be looked at."""
    at = samples.NOW
    mib = 2**20
    return Statistics(
        at,
        (
            SystemStatistics(
                "orders", "main", 240, 239, 11_202, 900 * mib, 200 * 1024 * mib, 9 * 1024 * mib, 3.5 * mib, 80.0 * mib, 96, 24, at
            ),
            SystemStatistics("orders", "offsite", 30, 30, 11_202, 900 * mib, 27_000 * mib, 3_000 * mib, 3.5 * mib, 20.0 * mib, 0, 0, None),
            SystemStatistics("wiki", "main", 2, 2, 12, 4 * mib, 9 * mib, mib, -0.5 * mib, None, 0, 0, None),
        ),
        (
            RepositoryStatistics("main", 242, 2, 200 * 1024 * mib, Stored(6_000 * mib, 10 * 1024 * mib, 5 * 1024 * mib), 900 * 1024 * mib),
            RepositoryStatistics("offsite", 30, 1, 27_000 * mib, None, None),
        ),
        (("offsite", "it cannot be reached"),),
    )


def health() -> Health:
    """One of each state."""
    return Health(
        samples.NOW,
        "shop",
        (
            HealthCheck(CheckName.SPACE, "state, repository main", HealthState.BAD, "1.0 GiB of 100.0 GiB free"),
            HealthCheck(CheckName.SPACE, "repository offsite", HealthState.UNKNOWN, "/mnt/offsite did not answer within 3 s"),
            HealthCheck(CheckName.CPU, "host", HealthState.WARNING, "9.5 processes run or wait, on average over 5m, for 4 cores"),
            HealthCheck(CheckName.MEMORY, "host", HealthState.GOOD, "3.1 GiB of 8.0 GiB available"),
        ),
    )
