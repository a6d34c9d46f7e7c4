"""What was missed while the machine slept, or nothing ran, is done once: not never, and not as often as it was missed."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta

import pytest

from reconciler.app.steady import SteadyPass
from reconciler.loop.jump import JumpWatch
from reconciler.loop.lease import Lease
from reconciler.loop.rest import Rest
from reconciler.model.plan import Action, ActionKind, Lane
from tests.fakes.clocks import FakeClock
from tests.fakes.houses import WholeHouse
from tests.fakes.programs import program

CALENDAR = """\
apiVersion: reconciler/v1
kind: BackupPolicy
metadata: {name: standard}
spec:
  repositories: [main]
  schedule:
    full: {cron: "0 2 * * sun", timezone: Europe/Zurich}
    differential: {cron: "0 2 * * *", timezone: Europe/Zurich}
    incremental: {every: 1h}
"""


def turns(house: WholeHouse, number: int, *, asleep: timedelta | None = None) -> Counter[str]:
    """So many ticks of one process, half a minute apart, each with its actions carried out; the kinds of backup that were begun."""
    begun: Counter[str] = Counter()
    with house.session() as session, Lease.take(house.state, session.house.memory.writing(), house.clock) as lease:
        passes = SteadyPass(session.house, session.house.memory.writing(), lease.token, None)
        passes.begin(init=True)
        jumps = JumpWatch(house.clock)
        for turn in range(number):
            if turn == 2 and asleep is not None:
                house.clock.jump(asleep)
            for action in passes.tick(jump=jumps.look(), under_way=frozenset()).actions:
                begun[str(action.backup_kind or action.kind)] += 1
                passes.act(action, threading.Event(), lambda: None)
            house.arrive()
            house.clock.advance(timedelta(seconds=30))
    return begun


def until_noon(house: WholeHouse) -> timedelta:
    now = house.clock.now()
    return now.replace(hour=12, minute=0, second=0) + timedelta(days=1) - now


@pytest.mark.parametrize("days", [1, 9, 40])
@pytest.mark.parametrize("how", ["asleep", "not running"])
def test_missed_backups_are_caught_up_once(house: WholeHouse, days: int, how: str) -> None:
    house.write("policy.yaml", CALENDAR)
    house.clock.advance(until_noon(house))  # what is due at two in the morning must not become due while the test looks
    assert turns(house, 3) == {"full": 1}
    gone = timedelta(days=days)
    if how == "asleep":
        begun = turns(house, 12, asleep=gone)
    else:
        house.clock.advance(gone)
        begun = turns(house, 12)
    heaviest = "full" if days > 7 else begun.most_common(1)[0][0]
    assert begun[heaviest] == 1
    assert begun.total() <= 2, f"the heaviest, and beside it at most what the RPO needed at once: {begun}"
    assert turns(house, 6).total() == 0


def test_a_declaration_that_was_mended_ends_the_rest_of_upkeep() -> None:
    clock = FakeClock()
    rest = Rest(clock)
    broken = Action(ActionKind.VERIFY, "orders", "main", Lane.UPKEEP, "verify-due", "", 10, "g1")
    mended = Action(ActionKind.VERIFY, "orders", "main", Lane.UPKEEP, "verify-due", "", 10, "g2")
    for _ in range(6):
        rest.ended(broken, failed=True)
    assert not rest.over(broken)
    assert rest.over(mended)
    clock.advance(timedelta(hours=1))
    assert rest.over(broken)


def test_a_hook_that_works_quietly_is_not_taken_for_a_hanging_backup(house: WholeHouse) -> None:
    quiet = program(house.folder / "bin", "sleep 1")
    house.allowed = (house.folder / "bin",)
    house.system("orders", extra=f"  hooks: {{before: [{{command: [{quiet}], timeout: 5h}}]}}\n")
    beats: list[float] = []
    with house.session() as session, Lease.take(house.state, session.house.memory.writing(), house.clock) as lease:
        passes = SteadyPass(session.house, session.house.memory.writing(), lease.token, None)
        passes.begin(init=True)
        (action,) = passes.tick(jump=None, under_way=frozenset()).actions
        passes.act(action, threading.Event(), lambda: beats.append(1))
    assert len(beats) >= 5, "while the hook ran"
