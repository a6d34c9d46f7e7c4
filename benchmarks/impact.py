"""``python -m benchmarks.impact``: what ten disasters on 100, 1,000 and 4,000 systems cost, without and with what would mend them.

Two repositories, a hundred snapshots of each system in each, groups of four systems that depend on one of them; no disk is read.
Seconds are of the CPU of this process.
"""

from __future__ import annotations

import gc
import time
from datetime import UTC, datetime, timedelta

from reconciler.cli.entry import COLLECTED_EVERY
from reconciler.decide.impact.report import impact
from reconciler.model.declared.builtin import DEFAULT_POLICY, SCENARIOS, TIERS
from reconciler.model.declared.drill import Drill
from reconciler.model.declared.objectives import Copies, Objectives, Verification
from reconciler.model.declared.policy import Compression, GuardLimits, Retention, Schedule
from reconciler.model.declared.repository import Key
from reconciler.model.declared.settings import SettingsSpec
from reconciler.model.declared.system import Source
from reconciler.model.desired import Desired, DesiredRepository, DesiredScenario, DesiredSystem
from reconciler.model.drill import DrillOutcome, DrillRecord
from reconciler.model.observed import Observed, RepositoryState
from reconciler.model.problem import Place
from reconciler.model.snapshot import BackupKind, Grade, Snapshot

SIZES = (100, 1_000, 4_000)
SNAPSHOTS = 100
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
REALM = "benchmark"
STORES = ("main", "offsite")
_HERE = Place("benchmark", 1)


def desired(count: int) -> Desired:
    """So many systems, four on a host, eight in a rack, three sites."""
    stores = tuple(
        DesiredRepository(name, f"/backup/{name}", Key(file=f"/{name}.key"), _HERE, {"site": f"site{number}"})
        for number, name in enumerate(STORES)
    )
    scenarios = tuple(
        DesiredScenario(kind.value, kind, "", spec.takes, spec.detection_latency or timedelta(0), bool(spec.temporary))
        for kind, spec in SCENARIOS.items()
        if spec.takes is not None
    )
    return Desired("/specs", "d", SettingsSpec(realm=REALM), tuple(_system(number) for number in range(count)), stores, scenarios=scenarios)


def observed(count: int) -> Observed:
    """Six hours between two snapshots; one drill of each system in each repository."""
    names = [f"s{number:05}" for number in range(count)]
    drills = tuple(_drill(name, store) for name in names for store in STORES)
    return Observed(NOW, "agent", {store: _state(store, names) for store in STORES}, drills=drills)


def _drill(name: str, store: str) -> DrillRecord:
    proven = DrillOutcome.PROVEN
    return DrillRecord(f"{name}-{store}", name, store, "s", "newest", NOW, "loop", outcome=proven, files=10, bytes=1000, restore_seconds=60)


def _system(number: int) -> DesiredSystem:
    first = number - number % 4
    return DesiredSystem(
        name=f"s{number:05}",
        tier="high",
        policy="default",
        sources=(Source(path=f"/srv/{number}"),),
        repositories=STORES,
        objectives=TIERS["high"].objectives or Objectives(),
        copies=Copies(),
        verification=Verification(),
        drill=Drill(),
        schedule=DEFAULT_POLICY.schedule or Schedule(),
        retention=DEFAULT_POLICY.retention or Retention(),
        compression=Compression(),
        checksums=("sha256",),
        guard=GuardLimits(),
        place=_HERE,
        generation="g",
        host=f"h{number // 4}",
        depends_on=(f"s{first:05}",) if number != first else (),
        failure_domain={"site": f"site{number % 3}", "device": f"rack{number // 8}"},
    )


def _state(store: str, names: list[str]) -> RepositoryState:
    moments = [NOW - timedelta(minutes=30, hours=6 * age) for age in range(SNAPSHOTS)]
    stored = [_snapshot(store, name, at) for at in moments for name in names]
    return RepositoryState(store, NOW, reachable=True, id=store, snapshots=tuple(stored))


def _snapshot(store: str, name: str, at: datetime) -> Snapshot:
    kind, grade = BackupKind.INCREMENTAL, Grade.COMPLETE
    return Snapshot(f"{name}-{at:%m%d%H}", store, REALM, name, "h", kind, at, at, at, grade, files=10, bytes=1000, added_bytes=10)


def main() -> None:
    gc.set_threshold(COLLECTED_EVERY, 20, 20)  # as the command does
    print("systems  answers  matrix s  with remedies s")
    for count in SIZES:
        want, have = desired(count), observed(count)
        seconds = []
        for mend in (False, True):
            begun = time.process_time()
            found = impact(want, have, NOW, mend=mend)
            seconds.append(time.process_time() - begun)
        print(f"{count:7,}  {len(found.systems):7,}  {seconds[0]:8.2f}  {seconds[1]:15.2f}")


if __name__ == "__main__":
    main()
