"""An action reads its facts again and refuses when they differ; whatever happens, it leaves intent and outcome."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from reconciler.act.context import Context
from reconciler.act.run import run
from reconciler.app.acting import make_context
from reconciler.app.keys import from_file
from reconciler.app.scene import load, look
from reconciler.base.errors import Fate
from reconciler.catalog.errors import LeaseLost
from reconciler.catalog.records import RunOutcome
from reconciler.model.desired import DesiredRepository
from reconciler.model.plan import Action, ActionKind, Lane
from reconciler.model.snapshot import BackupKind, Mark, MarkKind
from reconciler.repository import NoSpace, Repository
from tests.fakes.houses import WholeHouse

HOUR = timedelta(hours=1)


@contextmanager
def acting(house: WholeHouse) -> Iterator[Context]:
    """The context of an action as of now."""
    with house.session() as session:
        inner = session.house
        catalog = inner.memory.writing()
        yield make_context(inner, look(inner, catalog, load(inner, catalog)), actor="loop", stop=threading.Event())


def action(kind: ActionKind, *snapshots: str, **changes: object) -> Action:
    plain = Action(kind, "orders", "main", Lane.UPKEEP, "retention", "a test", 10, snapshots=tuple(sorted(snapshots)))
    return replace(plain, **changes)  # type: ignore[arg-type]


def ids(house: WholeHouse) -> list[str]:
    with house.session() as session:
        return [s.id for s in session.snapshots().snapshots]


def three(house: WholeHouse) -> list[str]:
    house.one_pass(init=True)
    for number in range(2):
        house.clock.advance(2 * HOUR)
        (house.source / "counter").write_text(str(number))
        house.one_pass()
    return ids(house)


def code(house: WholeHouse, wanted: Action) -> str | None:
    with acting(house) as context:
        result = run(wanted, context)
    return result.failure.code if result.failure is not None else None


def mark(house: WholeHouse, snapshot: str, kind: MarkKind, *, ago: timedelta) -> None:
    with acting(house) as context, context.opener(context.desired.repositories[0]) as repository:
        repository.mark(snapshot, kind.value, house.clock.now() - ago)


def test_a_forget_that_was_never_marked_is_refused(house: WholeHouse) -> None:
    before = three(house)
    assert code(house, action(ActionKind.FORGET, before[1])) == "act-facts-changed"
    assert ids(house) == before


def test_a_mark_that_is_too_young_is_refused(house: WholeHouse) -> None:
    before = three(house)
    mark(house, before[1], MarkKind.REMOVE, ago=timedelta(hours=23, minutes=59))
    assert code(house, action(ActionKind.FORGET, before[1])) == "act-facts-changed"
    assert ids(house) == before


def test_a_marked_and_rested_snapshot_goes_and_its_neighbours_stay(house: WholeHouse) -> None:
    before = three(house)
    mark(house, before[1], MarkKind.REMOVE, ago=timedelta(hours=24))
    assert code(house, action(ActionKind.FORGET, before[1])) is None
    assert ids(house) == [before[0], before[2]]


def test_one_held_snapshot_stops_the_whole_forget(house: WholeHouse) -> None:
    before = three(house)
    for snapshot in before[1:]:
        mark(house, snapshot, MarkKind.REMOVE, ago=timedelta(hours=30))
    mark(house, before[2], MarkKind.HELD, ago=timedelta(0))
    assert code(house, action(ActionKind.FORGET, *before[1:])) == "act-still-needed"
    assert ids(house) == before


def test_the_newest_good_snapshot_is_refused_even_when_it_is_marked(house: WholeHouse) -> None:
    before = three(house)
    mark(house, before[0], MarkKind.REMOVE, ago=timedelta(hours=30))
    assert code(house, action(ActionKind.FORGET, before[0])) == "act-still-needed"
    assert ids(house) == before


def test_the_newest_of_the_good_ones_counts_not_a_newer_damaged_one(house: WholeHouse) -> None:
    before = three(house)
    mark(house, before[0], MarkKind.DAMAGED, ago=timedelta(0))
    mark(house, before[1], MarkKind.REMOVE, ago=timedelta(hours=30))
    assert code(house, action(ActionKind.FORGET, before[1])) == "act-still-needed"
    assert ids(house) == before


def test_a_listing_with_a_damaged_object_forgets_nothing(house: WholeHouse) -> None:
    before = three(house)
    mark(house, before[1], MarkKind.REMOVE, ago=timedelta(hours=30))
    (house.repository / "snapshots" / ("d" * 32)).write_bytes(b"not a root")
    assert code(house, action(ActionKind.FORGET, before[1])) == "act-facts-changed"
    assert set(before) == set(ids(house))


def test_a_held_snapshot_is_not_marked_and_neither_are_the_others_of_that_action(house: WholeHouse) -> None:
    before = three(house)
    mark(house, before[2], MarkKind.HELD, ago=timedelta(0))
    assert code(house, action(ActionKind.MARK, *before[1:])) == "act-facts-changed"
    with house.session() as session:
        marks = [m for s in session.snapshots().snapshots for m in s.marks]
    assert [m.kind for m in marks] == [MarkKind.HELD]


@pytest.mark.parametrize("kind", [ActionKind.MARK, ActionKind.FORGET, ActionKind.VERIFY])
def test_a_snapshot_that_is_gone_or_of_another_system_is_refused(house: WholeHouse, kind: ActionKind) -> None:
    house.system("ledger", source="orders")
    house.one_pass(init=True)
    with house.session() as session:
        foreign = next(s.id for s in session.snapshots().snapshots if s.system == "ledger")
    for snapshot in (foreign, "e" * 32):
        assert code(house, action(kind, snapshot)) == "act-facts-changed"
    assert foreign in ids(house)


def test_a_declaration_that_changed_since_the_plan_is_refused(house: WholeHouse) -> None:
    house.one_pass(init=True)
    wanted = action(ActionKind.BACKUP, generation="another", backup_kind=BackupKind.FULL)
    assert code(house, wanted) == "act-facts-changed"


def test_another_repository_than_the_observed_one_is_refused(house: WholeHouse) -> None:
    three(house)
    with acting(house) as context:
        seen = context.observed.repositories["main"]
        other = replace(context.observed, repositories={"main": replace(seen, id="f" * 32)})
        result = run(action(ActionKind.BACKUP, backup_kind=BackupKind.FULL), replace(context, observed=other))
    assert result.failure is not None
    assert result.failure.code == "act-facts-changed"


def nearly_full(context: Context, free: int) -> Context:
    """The same, with so little space left where the repository is."""

    class NearlyFull(Repository):
        def free_bytes(self) -> int:
            return free

    def opener(wanted: DesiredRepository) -> Repository:
        assert wanted.key.file is not None
        return NearlyFull.open(wanted.url, from_file(Path(wanted.key.file)))

    return replace(context, opener=opener)


def test_a_full_disk_that_can_be_foreseen_stops_before_the_work(house: WholeHouse) -> None:
    three(house)
    with acting(house) as context:
        result = run(action(ActionKind.BACKUP, backup_kind=BackupKind.INCREMENTAL), nearly_full(context, 10))
    assert result.failure is not None
    assert result.failure.code == "act-no-room"
    assert len(ids(house)) == 3


def test_a_first_backup_needs_room_for_about_half_of_the_source(house: WholeHouse) -> None:
    (house.source / "big").write_bytes(bytes(100_000))
    with house.session() as session:
        session.init_repository("main")
    with acting(house) as context:
        assert run(action(ActionKind.BACKUP), nearly_full(context, 40_000)).failure is not None
        assert run(action(ActionKind.BACKUP), nearly_full(context, 60_000)).failure is None


def test_a_big_first_backup_does_not_refuse_the_small_ones_after_it(house: WholeHouse) -> None:
    (house.source / "big").write_bytes(os.urandom(1_000_000))
    house.one_pass(init=True)
    (house.source / "small").write_text("small")
    with acting(house) as context:
        result = run(action(ActionKind.BACKUP, backup_kind=BackupKind.INCREMENTAL), nearly_full(context, 100_000))
    assert result.outcome is RunOutcome.SUCCEEDED


def test_an_unexpected_error_is_a_failed_result_with_a_sentence_not_a_crash(house: WholeHouse) -> None:
    house.one_pass(init=True)
    with acting(house) as context:
        house.clock.advance(HOUR)  # runs are listed by their beginning

        def broken(_repository: object) -> None:
            raise ZeroDivisionError("division by zero")

        result = run(action(ActionKind.BACKUP), replace(context, opener=broken))  # type: ignore[arg-type]
        runs = context.catalog.runs(1)
    assert (result.fate, result.outcome) == (Fate.FAILED, RunOutcome.FAILED)
    assert "ZeroDivisionError" in result.message
    assert runs[0].outcome is RunOutcome.FAILED


def test_an_error_of_the_repository_is_recorded_with_its_code(house: WholeHouse) -> None:
    house.one_pass(init=True)
    with acting(house) as context:

        def full(_repository: object) -> None:
            raise NoSpace("no space left for a new object")

        result = run(action(ActionKind.BACKUP), replace(context, opener=full))  # type: ignore[arg-type]
        history = context.catalog.histories()["orders", "main"]
    assert result.failure is not None
    assert history.last_failure is not None
    assert history.last_failure.code == result.failure.code == "repository-no-space"
    assert history.consecutive_failures == 1


def test_a_loop_that_lost_its_lease_begins_nothing_and_lets_go_of_its_claim(house: WholeHouse) -> None:
    house.one_pass(init=True)
    with acting(house) as context:
        old = context.catalog.take_lease(house.clock.now())
        context.catalog.take_lease(house.clock.now())
        with pytest.raises(LeaseLost):
            run(action(ActionKind.BACKUP, backup_kind=BackupKind.FULL), replace(context, lease=old))
        assert context.catalog.busy() == frozenset()
    assert len(ids(house)) == 1


def test_a_stopped_backup_is_cancelled_and_counts_as_no_failure(house: WholeHouse) -> None:
    house.one_pass(init=True)
    for number in range(200):
        (house.source / f"file{number}").write_bytes(bytes([number]) * 50_000)
    stop = threading.Event()
    stop.set()
    with acting(house) as context:
        result = run(action(ActionKind.BACKUP, backup_kind=BackupKind.FULL), replace(context, stop=stop))
        history = context.catalog.histories()["orders", "main"]
    assert result.outcome is RunOutcome.CANCELLED
    assert history.consecutive_failures == 0
    assert len(ids(house)) == 1


def test_the_snapshot_carries_the_declaration_that_it_was_taken_under(house: WholeHouse) -> None:
    import json

    house.one_pass(init=True)
    with acting(house) as context, context.opener(context.desired.repositories[0]) as repository:
        (root,) = repository.listing().roots
    assert json.loads(root.specs)["sources"][0]["path"] == str(house.source)
    assert root.paths == (str(house.source),)


def test_marks_are_nouns_of_the_model(house: WholeHouse) -> None:
    before = three(house)
    mark(house, before[1], MarkKind.REMOVE, ago=timedelta(0))
    with house.session() as session:
        marked = next(s for s in session.snapshots().snapshots if s.id == before[1])
    assert marked.marks == (Mark(MarkKind.REMOVE, house.clock.now()),)
