"""One small past, told in values: what history, doctor and `status --loop` are tested on."""

from __future__ import annotations

from datetime import timedelta

import cli_samples as samples

from reconciler.app.doctor import Diagnosis, Section
from reconciler.app.loop_view import LoopState, LoopView
from reconciler.app.past import Backup, Backups, Past, Point, Series
from reconciler.catalog.records import Holder, Run
from reconciler.model.alerts import Alert, AlertSeverity, AlertState
from reconciler.model.health import HealthState
from reconciler.model.plan import ActionKind
from reconciler.model.pulse import Doing, Pulse
from reconciler.model.snapshot import BackupKind
from reconciler.model.status import LoopStatus
from reconciler.model.wishes import Pause

NOW, MINUTE, HOUR, DAY = samples.NOW, samples.MINUTE, samples.HOUR, samples.DAY
MIB = 2**20


def past() -> Past:
    """A week: room that runs out, an address that was away for a day, a backup that failed once, one alert that stands."""
    return Past(
        NOW,
        NOW - 7 * DAY,
        (
            Series("cpu", "host", _points([0.2, 0.3, 2.6, 0.4], [2])),
            Series("space", "state, repository main", _points([0.4, 0.3, 0.2, 0.1, 0.05], [3, 4], worst=HealthState.BAD)),
            Series("network", "receiver duty/pager", _points([0.011, None, 0.012], [1], worst=HealthState.BAD)),
            Series("certificate", "repository offsite", _points([40, 35, 33], [])),
            Series("recovery space", "host", _points([None, None], [])),
        ),
        (
            Backups("orders", "main", tuple(_backup(number) for number in range(28))),
            Backups("wiki", "offsite", (Backup(NOW - DAY, failed=True, seconds=2, added_bytes=0),)),
        ),
        (
            _alert("RepositoryReachable", "Repository", "offsite", AlertSeverity.CRITICAL, 2 * DAY, DAY, times=3),
            _alert("BackupFresh", "System", "orders", AlertSeverity.HIGH, 3 * HOUR, None),
        ),
    )


def _points(values: list[float | None], bad: list[int], worst: HealthState = HealthState.WARNING) -> tuple[Point, ...]:
    begin, step = NOW - 7 * DAY, 7 * DAY / max(1, len(values) - 1)
    return tuple(Point(begin + n * step, value, worst if n in bad else HealthState.GOOD) for n, value in enumerate(values))


def _backup(number: int) -> Backup:
    return Backup(NOW - 7 * DAY + number * 6 * HOUR, number == 13, 30.0 + number % 7, (5 + number % 3) * MIB)


def _alert(
    condition: str, kind: str, name: str, severity: AlertSeverity, ago: timedelta, ended: timedelta | None, *, times: int = 1
) -> Alert:
    over = ended is not None
    return Alert(
        id="3ae87b0c" * 2,
        object_kind=kind,
        object_name=name,
        condition=condition,
        severity=severity,
        state=AlertState.RESOLVED if over else AlertState.FIRING,
        summary=f"{name}: it cannot be reached since the afternoon, and nothing that is due there was stored",
        detail="",
        reason="Unreachable",
        started_at=NOW - ago,
        changed_at=NOW - ago,
        times=times,
        resolved_at=NOW - ended if ended is not None else None,
    )


def diagnosis() -> Diagnosis:
    """Of a host with a clock that went back, a catalog that was made anew, and one repository out of reach."""
    return Diagnosis(
        NOW,
        (
            Section("Program", (("reconcile", "0.1.0"), ("python", "CPython 3.12.3"), ("user", "not root"))),
            Section("Dependencies", (("sqlite, openssl", "3.45.1, OpenSSL 3.0.13"), ("libraries", _libraries()), ("chosen", "none"))),
            Section(
                "Clock",
                (
                    ("now", "2026-11-23 14:02:07 UTC, in the zone of this host 16:02 +0200"),
                    ("believed", "not since 2026-11-23 13:00:00 UTC: it was set or jumped, and nothing is removed for a day"),
                    ("against the last pass", "behind the last pass by 3h 20m"),
                    ("kept by a time server", "no"),
                ),
            ),
            Section("Catalog", (("version", "9, this program writes 9"), ("integrity", "whole"))),
            Section(
                "Repositories",
                (
                    ("format of this program", "1"),
                    ("main", "disk, id 0a1b2c3d…, reachable, 242 snapshots, listed 2026-11-23 14:01:37 UTC"),
                    ("main: place", "format 1, suite 1; 1,201 objects, 5.0 GiB: 1 keys, 1 config, 950 packs, 7 index, 242 snapshots"),
                    ("main: verified", "content 2026-11-20 02:00:11 UTC, structure 2026-11-23 02:00:09 UTC"),
                    ("main: cleaned up", "never"),
                    ("offsite", "s3, id unknown, not reachable (repository-unreachable), never listed"),
                    ("offsite: place", "repository-unreachable: the place does not answer"),
                ),
            ),
            Section("Runs of 7 days", ()),
        ),
    )


def _libraries() -> str:
    return ", ".join(f"library-{number} {number}.0.{number}" for number in range(1, 9))


def at_work() -> LoopView:
    """A loop with two actions under way."""
    pulse = Pulse(alive=True, doing=Doing.WAITING, silent=timedelta(seconds=3), under_way=2, queued=5)
    runs = (
        _run(ActionKind.BACKUP, "orders", "main", 4 * MINUTE),
        _run(ActionKind.PRUNE, "", "offsite", 2 * HOUR),
    )
    loop = LoopStatus(NOW - 3 * DAY, NOW - timedelta(seconds=21), 8_640)
    return LoopView(NOW, LoopState.ALIVE, loop, Holder(4121, NOW - 3 * DAY, "loop"), timedelta(seconds=1), pulse, runs)


def stuck() -> LoopView:
    """One whose thread does not turn, while everything is paused."""
    pulse = Pulse(alive=False, doing=Doing.LOOKING, silent=11 * MINUTE, under_way=0)
    pause = Pause(NOW + HOUR, "the disk is being changed", "ops", NOW - HOUR)
    loop = LoopStatus(NOW - 3 * DAY, NOW - 12 * MINUTE, 8_640, pause=pause)
    return LoopView(NOW, LoopState.STUCK, loop, Holder(4121, NOW - 3 * DAY, "loop"), 10 * MINUTE, pulse)


def absent() -> LoopView:
    """Nobody ever ran it."""
    return LoopView(NOW, LoopState.ABSENT, LoopStatus())


def _run(kind: ActionKind, system: str, repository: str, ago: timedelta) -> Run:
    full = BackupKind.FULL if kind is ActionKind.BACKUP else None
    return Run("r" * 32, kind, system, repository, "main", full, "4f1c2ab0", "due", NOW - ago, 4121)
