"""What an action is expected to take, by what the same took before."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.decide.backups import Request
from reconciler.decide.plan import plan
from reconciler.model.declared.objectives import Copies, Verification
from reconciler.model.observed import Pace, RunHistory
from reconciler.model.plan import ActionKind, Estimate
from reconciler.model.snapshot import BackupKind, Snapshot
from reconciler.model.wording import cause, expected
from tests.fakes.worlds import NOW, ago, desired, listed, observed, snapshot, system

MB = 1_000_000


def backup(*snapshots: Snapshot, kind: BackupKind, history: RunHistory | None = None) -> Estimate:
    runs = {("orders", "main"): history} if history is not None else {}
    seen = observed(listed("main", snapshots), runs=runs)
    (action,) = plan(desired(system()), seen, NOW, request=Request(("orders",), kind)).actions
    assert action.estimate is not None
    return action.estimate


def taken(age: str, minutes: float, added: int, kind: str = "incremental") -> Snapshot:
    begun = ago(age)
    ended = begun + timedelta(minutes=minutes)
    return snapshot(begun, kind=kind, ended_at=ended, arrived_at=ended, added_bytes=added, bytes=900 * MB)


def test_nobody_guesses_what_a_first_backup_will_take() -> None:
    assert backup(kind=BackupKind.FULL) == Estimate(None, None, "there is no snapshot to go by")


def test_a_backup_goes_by_those_of_its_kind_and_one_big_day_does_not_count() -> None:
    every = [taken(f"{n}h", 2, 3 * MB) for n in range(1, 5)] + [taken("5h", 40, 700 * MB), taken("9h", 60, 800 * MB, "full")]
    assert backup(*every, kind=BackupKind.INCREMENTAL) == Estimate(120.0, 3 * MB, "from 5 incremental backups")


def test_a_full_goes_by_the_first_one_in_time_and_not_in_bytes() -> None:
    every = [taken("1h", 2, 3 * MB), taken("9h", 60, 800 * MB, "full")]
    assert backup(*every, kind=BackupKind.FULL) == Estimate(3600.0, None, "from its first backup")
    second = [taken("1h", 50, 5 * MB, "full"), *every[1:]]
    assert backup(*second, kind=BackupKind.FULL) == Estimate(3000.0, 5 * MB, "from 1 full backup")


def test_a_first_incremental_goes_by_the_runs_of_the_system() -> None:
    history = RunHistory(durations=(timedelta(minutes=4),), last_added_bytes=7)
    found = backup(taken("9h", 60, 800 * MB, "full"), kind=BackupKind.INCREMENTAL, history=history)
    assert found == Estimate(240.0, 7, "from 1 backup")


def test_a_verification_goes_by_the_bytes_that_others_read_there() -> None:
    of = system(verification=Verification(deep=timedelta(days=1)))
    stored = [taken("1h", 2, 3 * MB), taken("9h", 60, 450 * MB, "full")]
    paces = {("verify", "main"): (Pace(10, 100 * MB, 1), Pace(20, 200 * MB, 1)), ("check", "main"): (Pace(1, MB, 1),)}
    found = plan(desired(of), observed(listed("main", stored), paces=paces), NOW)
    (action,) = [a for a in found.actions if a.kind is ActionKind.VERIFY]
    assert action.estimate == Estimate(45.0, 450 * MB, "from 2 × verify in main")
    assert cause(action).endswith("takes about 45s, 429.2 MiB")


def test_a_first_copy_brings_a_whole_state_and_a_later_one_what_was_added() -> None:
    of = system(repositories=("main", "far"), copies=Copies(count=2))
    stored = [taken("1h", 2, 3 * MB), taken("9h", 60, 450 * MB, "full")]
    paces = {("copy", "far"): (Pace(100, 10 * MB, 1),)}

    def copy(*there: Snapshot) -> Estimate | None:
        seen = observed(listed("main", stored), listed("far", there), paces=paces)
        return next(a.estimate for a in plan(desired(of), seen, NOW).actions if a.kind is ActionKind.COPY)

    first, later = copy(), copy(stored[1])
    assert first is not None
    assert later is not None
    assert first.bytes is not None
    assert first.bytes >= 450 * MB
    assert later == Estimate(30.0, 3 * MB, "from 1 × copy in far")


@pytest.mark.parametrize(
    ("estimate", "words"),
    [
        (None, ""),
        (Estimate(None, None, "there is no snapshot to go by"), ""),
        (Estimate(None, 2**20, ""), "moves about 1.0 MiB"),
        (Estimate(0.2, 0, ""), "takes less than 1s"),
        (Estimate(4000, 2**20, ""), "takes about 1h6m, 1.0 MiB"),
    ],
)
def test_in_words(estimate: Estimate | None, words: str) -> None:
    found = plan(desired(system()), observed(listed()), NOW).actions[0]
    assert expected(replace(found, estimate=estimate)) == words
