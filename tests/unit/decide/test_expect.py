"""How long a recovery is expected to take, from drills."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.decide.expect import FILE_BYTES, MARGIN, SMALLEST_SECONDS, recovery_time
from reconciler.decide.scene import Scene
from reconciler.model.declared.objectives import DisasterWord, Objectives, Targets
from reconciler.model.disaster import DisasterType
from reconciler.model.drill import DrillOutcome, DrillRecord
from tests.fakes.worlds import NOW, ago, desired, listed, observed, system


def drill(of: str = "orders", at: str = "1d", **changes: object) -> DrillRecord:
    plain = DrillRecord(
        id=f"{of}-{at}",
        system=of,
        repository="main",
        snapshot_id="s1",
        pick="newest",
        started_at=ago(at),
        actor="loop",
        outcome=DrillOutcome.PROVEN,
        files=0,
        bytes=100 * 2**20,
        prepare_seconds=4.0,
        restore_seconds=10.0,
        assert_seconds=2.0,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def expected(*drills: DrillRecord, files: int = 0, size: int = 0, of: str = "orders", repository: str = "main"):  # type: ignore[no-untyped-def]
    world = replace(observed(listed("main", [])), drills=drills)
    return recovery_time(Scene.of(desired(system()), world, NOW), of, repository, files, size)


@pytest.mark.parametrize(
    ("files", "size", "seconds"),
    [
        (0, 0, 6.0 * MARGIN),
        (0, 100 * 2**20, 16.0 * MARGIN),
        (0, 200 * 2**20, 26.0 * MARGIN),
        (100 * 2**20 // FILE_BYTES, 0, 16.0 * MARGIN),
    ],
)
def test_a_recovery_takes_a_fixed_time_and_time_for_files_and_bytes(files: int, size: int, seconds: float) -> None:
    assert expected(drill(), files=files, size=size).seconds == timedelta(seconds=round(seconds, 1))


def test_without_own_drills_those_of_others_out_of_the_same_repository_are_borrowed() -> None:
    found = expected(drill(of="wiki"), size=100 * 2**20)
    assert (found.borrowed, found.source) == (True, "from 1 drill of other systems in the same repository")
    own = expected(drill(of="wiki", restore_seconds=1000.0), drill(), size=100 * 2**20)
    assert (own.borrowed, own.seconds) == (False, timedelta(seconds=round(16 * MARGIN, 1)))


def test_drills_out_of_another_repository_say_nothing() -> None:
    found = expected(drill(repository="offsite"), size=1)
    assert (found.seconds, found.source) == (None, "no drill was measured yet")


def test_only_the_last_five_count_and_only_those_that_came_to_their_end() -> None:
    slow = [drill(at=f"{days}d", restore_seconds=1000.0) for days in (10, 20)]
    broken = [drill(at=f"{days}h", restore_seconds=1000.0, outcome=outcome) for days, outcome in ((1, DrillOutcome.FAILED), (2, None))]
    quick = [drill(at=f"{days}d") for days in range(1, 6)]
    assert expected(*slow, *broken, *quick, size=100 * 2**20).seconds == timedelta(seconds=round(16 * MARGIN, 1))


def test_promises_for_one_type_of_disaster_replace_the_general_ones_by_key() -> None:
    hour, day = timedelta(hours=1), timedelta(days=1)
    of = Objectives(rpo=hour, rto=hour, disasters={"natural_disaster": Targets(rto=day, rpo=None)})
    flood = of.under(DisasterType.NATURAL_DISASTER)
    assert (flood.rpo, flood.rto, flood.mtd) == (None, day, None)
    assert of.under(DisasterType.POWER_OUTAGE).rto == hour


def test_the_words_of_the_specs_are_the_types() -> None:
    assert DisasterWord.__args__ == tuple(DisasterType)  # type: ignore[attr-defined]


def test_an_own_drill_too_short_to_tell_a_speed_predicts_too_long_rather_than_nothing() -> None:
    """Else a small system on a quick machine is proven again and again, and its RTO stays unknown for ever."""
    blink = drill(bytes=2**20, prepare_seconds=0.0, restore_seconds=0.01, assert_seconds=0.0)
    same, tenfold = expected(blink, size=2**20).seconds, expected(blink, size=10 * 2**20).seconds
    assert same == timedelta(seconds=round(SMALLEST_SECONDS * MARGIN, 1))
    assert tenfold == timedelta(seconds=round(10 * SMALLEST_SECONDS * MARGIN, 1))
    assert expected(replace(blink, system="wiki"), size=2**20).seconds is None, "of another system it says nothing"
