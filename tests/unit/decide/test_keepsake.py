"""What one process leaves to the next is believed while nothing of what it was made from is another, and never about a removal."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from reconciler.decide.keepsake import Keepsake
from reconciler.decide.plan import plan
from reconciler.decide.reads import changed, looked_at
from reconciler.decide.remembered import RENEWED, Remembered
from reconciler.decide.scene import Scene
from reconciler.model.declared.objectives import Copies, Objectives, Verification
from reconciler.model.declared.policy import Retention
from reconciler.model.desired import Desired, Revision
from reconciler.model.drill import DrillRecord
from reconciler.model.observed import Failure, Observed, Pace, RunHistory, SourceState
from reconciler.model.plan import ActionKind
from reconciler.model.problem import Place, Problem, Severity
from reconciler.model.snapshot import BackupKind, Grade, Mark, MarkKind
from reconciler.model.wishes import Pause, Wish
from tests.fakes.worlds import NOW, desired, listed, observed, schedule, snapshot, system
from tests.property.test_remembered import agree, asked_in, decided, quiet_world, restarted

LATER = NOW + timedelta(minutes=10)
SYSTEMS, QUESTIONS = 20, 3
Seen = Callable[[Observed], Observed]


def _ended(tree: Desired, seen: Observed, now: datetime = NOW) -> Remembered:
    remembered = Remembered()
    decided(tree, seen, now, remembered)
    return remembered


def _asked_after(remembered: Remembered, tree: Desired, seen: Observed, now: datetime = LATER) -> int:
    """How often the next process asks a system something; what it decides is what is decided anew."""
    after = restarted(remembered, RENEWED)
    return asked_in(after, lambda: agree(tree, replace(seen, at=now), now, after))


def test_a_start_after_which_nothing_is_another_asks_no_system_anything() -> None:
    tree, seen = quiet_world(SYSTEMS)
    assert _asked_after(_ended(tree, seen), tree, seen) == 0


def test_another_commit_with_the_same_specs_asks_nothing() -> None:
    tree, seen = quiet_world(SYSTEMS)
    assert _asked_after(_ended(tree, seen), replace(tree, revision=Revision("0" * 40, dirty=True)), seen) == 0


def test_much_is_declared_and_observed_and_all_of_it_can_be_kept() -> None:
    tree, seen = quiet_world(SYSTEMS)
    name = tree.systems[3].name
    rich = replace(
        tree.systems[3],
        objectives=Objectives(rpo=timedelta(hours=4), rto=timedelta(hours=1), mtd=timedelta(days=1)),
        verification=Verification(deep=timedelta(days=30), quick=timedelta(days=7)),
        copies=Copies(count=2, offsite=1),
        retention=Retention(last=3, minimum=1),
        schedule=schedule(),
    )
    tree = replace(tree, systems=(*tree.systems[:3], rich, *tree.systems[4:]))
    seen = replace(
        seen,
        runs={(name, "main"): RunHistory(last_attempt_at=NOW, durations=(timedelta(seconds=4),), last_failure=Failure("x", "y"))},
        sources={name: (SourceState("/srv", exists=False, readable=False, empty=False),)},
        drills=(DrillRecord("d", name, "main", "x", "newest", NOW, "loop"),),
        accepted_retention={name: Retention(last=9)},
        paces={("copy", "main"): (Pace(3.0, 5, 1),)},
    )
    assert _asked_after(_ended(tree, seen), tree, seen) == 0


def _with_main(**changes: Any) -> Seen:
    return lambda seen: replace(seen, repositories={**seen.repositories, "main": replace(seen.repositories["main"], **changes)})


def _marked(seen: Observed) -> Observed:
    main = seen.repositories["main"]
    first = replace(main.snapshots[0], marks=(*main.snapshots[0].marks, Mark(MarkKind.HELD, NOW)))
    return _with_main(snapshots=(first, *main.snapshots[1:]))(seen)


NAME = "system-000"
OWN: dict[str, Seen] = {
    "a snapshot": lambda seen: _with_main(
        snapshots=(snapshot(NOW, id="new", system=NAME, repository="main"), *seen.repositories["main"].snapshots)
    )(seen),
    "a mark": _marked,
    "a snapshot of a restore": lambda seen: _with_main(
        snapshots=(snapshot(NOW, id="safe", system=NAME, repository="main", grade=Grade.SAFETY), *seen.repositories["main"].snapshots)
    )(seen),
    "a run": lambda seen: replace(seen, runs={(NAME, "main"): RunHistory(consecutive_failures=2)}),
    "a source": lambda seen: replace(seen, sources={NAME: (SourceState("/srv", exists=False, readable=False, empty=False),)}),
    "a drill": lambda seen: replace(seen, drills=(DrillRecord("d", NAME, "main", "x", "newest", NOW, "loop"),)),
    "what was accepted": lambda seen: replace(seen, accepted_retention={NAME: Retention(last=9)}),
    "being busy": lambda seen: replace(seen, busy=frozenset({(NAME, "main", "objective")})),
}


@pytest.mark.parametrize("what", OWN)
def test_what_is_a_systems_own_asks_that_system_alone(what: str) -> None:
    tree, seen = quiet_world(SYSTEMS)
    asked = _asked_after(_ended(tree, seen), tree, OWN[what](seen))
    assert 1 <= asked <= QUESTIONS


COMMON: dict[str, Seen] = {
    "silence": _with_main(reachable=False, failure=Failure("x", "y")),
    "a pause": lambda seen: replace(seen, pause=Pause(LATER + timedelta(hours=1), "r", "ada", NOW)),
    "a wish": lambda seen: replace(seen, wishes=(Wish(NAME, BackupKind.FULL, NOW, "ada"),)),
    "another agent": lambda seen: replace(seen, agent="another"),
}
RARELY: dict[str, Seen] = {
    "a clock that is not believed": lambda seen: replace(seen, clock_unsettled=NOW),
    "a pace": lambda seen: replace(seen, paces={("copy", "main"): (Pace(3.0, 5, 1),)}),
    "a clean-up": lambda seen: replace(seen, pruned={"main": NOW}),
    "a list of this very moment": _with_main(fresh=False),
}
"""What nobody has to look at in a quiet world."""


@pytest.mark.parametrize("what", COMMON)
def test_what_all_look_at_asks_all_of_them(what: str) -> None:
    tree, seen = quiet_world(SYSTEMS)
    assert _asked_after(_ended(tree, seen), tree, COMMON[what](seen)) >= SYSTEMS


EDITS: dict[str, Callable[[Desired], Desired]] = {
    "a promise": lambda tree: _edited(tree, objectives=Objectives(rpo=timedelta(minutes=5))),
    "what a block names at all": lambda tree: _edited(tree, retention=Retention(last=None)),
    "a place": lambda tree: _edited(tree, place=Place("elsewhere.yaml", 1)),
    "settings": lambda tree: replace(tree, settings=tree.settings.model_copy(update={"observe_every": timedelta(days=2)})),
    "a system less": lambda tree: replace(tree, systems=tree.systems[1:]),
    "a system more": lambda tree: replace(tree, systems=(*tree.systems, system("zebra"))),
    "a repository": lambda tree: replace(tree, repositories=(replace(tree.repositories[0], media="tape"), *tree.repositories[1:])),
    "a warning": lambda tree: replace(tree, problems=(Problem(Severity.WARNING, "c", Place("f", 1), "m"),)),
    "the digest": lambda tree: replace(tree, digest="d2"),
    "errors": lambda tree: replace(tree, clean=False),
}


def _edited(tree: Desired, **changes: Any) -> Desired:
    return replace(tree, systems=(replace(tree.systems[0], **changes), *tree.systems[1:]))


@pytest.mark.parametrize("what", EDITS)
def test_another_tree_asks_everybody(what: str) -> None:
    tree, seen = quiet_world(SYSTEMS)
    edited = EDITS[what](tree)
    assert _asked_after(_ended(tree, seen), edited, seen) == QUESTIONS * len(edited.systems)


def test_of_a_tree_with_errors_nothing_is_kept() -> None:
    tree, seen = quiet_world(SYSTEMS)
    assert _ended(replace(tree, clean=False), seen).keepsake("program") == b""
    assert Remembered().keepsake("program") == b""


def test_an_hour_after_it_was_asked_everything_is_asked_anew_however_many_processes_that_took() -> None:
    tree, seen = quiet_world(SYSTEMS)
    remembered, asked = _ended(tree, seen), []
    for minutes in (20, 40, 59, 60):
        now = NOW + timedelta(minutes=minutes)
        remembered = restarted(remembered, RENEWED)
        asked.append(asked_in(remembered, lambda: decided(tree, replace(seen, at=now), now, remembered)))  # noqa: B023
    assert asked == [0, 0, 0, QUESTIONS * SYSTEMS]


def test_a_clock_that_went_back_asks_everybody() -> None:
    tree, seen = quiet_world(SYSTEMS)
    assert _asked_after(_ended(tree, seen), tree, seen, NOW - timedelta(seconds=1)) == QUESTIONS * SYSTEMS


@pytest.mark.parametrize("asked", [0, 1])
def test_what_removes_is_decided_anew(asked: int) -> None:
    days = [snapshot(NOW - timedelta(minutes=30, days=days), id=f"s{days}", kind="full", verified=NOW) for days in range(3)]
    doomed = snapshot(NOW - timedelta(days=90), id="old", removing=NOW - timedelta(days=40))
    tree = desired(system(rpo="4h", retention=Retention(last=3, minimum=1)))
    seen = observed(listed("main", [*days, doomed][: 3 + asked]))
    assert any(action.kind is ActionKind.FORGET for action in plan(tree, seen, NOW).actions) == bool(asked)
    after = restarted(_ended(tree, seen), RENEWED)
    assert asked_in(after, lambda: plan(tree, replace(seen, at=LATER), LATER, remembered=after)) == asked


def test_what_another_program_wrote_is_not_read() -> None:
    tree, seen = quiet_world(2)
    data = memoryview(_ended(tree, seen).keepsake("program"))
    assert Keepsake.read(data, "program") is not None
    assert Keepsake.read(data, "another") is None
    for length in (0, 1, len(data) // 2, len(data) - 1):
        assert Keepsake.read(data[:length], "program") is None


def test_an_answer_that_cannot_be_read_is_asked_again() -> None:
    tree, seen = quiet_world(SYSTEMS)
    left = Keepsake.read(memoryview(_ended(tree, seen).keepsake("program")), "program")
    assert left is not None
    left.answers["plan"][NAME].answer = msgspec.Raw(msgspec.msgpack.encode("nonsense"))
    after = Remembered(keepsake=left)
    assert asked_in(after, lambda: agree(tree, replace(seen, at=LATER), LATER, after)) == 1


def test_each_thing_that_is_another_has_another_content() -> None:
    """By the list of what counts as changed in one process: none of it may look the same to the next one."""
    tree, seen = quiet_world(3)
    before = Scene.of(tree, seen, NOW)
    for what, change in {**OWN, **COMMON, **RARELY}.items():
        after = Scene.of(tree, change(seen), NOW)
        found = changed(before, after)
        assert found, what
        assert [read for read in found if looked_at(before, read) == looked_at(after, read)] == [], what
    less = Scene.of(tree, replace(seen, repositories={"main": seen.repositories["main"]}), NOW)
    assert looked_at(before, ("states", "")) != looked_at(less, ("states", ""))
