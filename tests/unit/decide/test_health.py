"""What the checks make of numbers: where a limit lies, and what is not known."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.decide.health import judge_health, of_host, of_runs
from reconciler.model.health import HealthState, HostReading, Room
from reconciler.model.statistics import SystemStatistics
from tests.unit.cli import cli_samples as samples

BAD, UNKNOWN, WARNING, OK = HealthState
HOST = HostReading(4, 1.0, 1000, 500, ())
ROW = SystemStatistics("orders", "main", 1, 1, 1, 1, 1, 1, None, None, 0, 0, None)


@pytest.mark.parametrize(("load", "state"), [(0.0, OK), (8.0, OK), (8.1, WARNING), (400.0, WARNING)])
def test_a_busy_host_is_slow_and_not_broken(load: float, state: HealthState) -> None:
    assert of_host(replace(HOST, load=load))[0].state is state


@pytest.mark.parametrize(("left", "state"), [(1000, OK), (100, OK), (99, WARNING), (30, WARNING), (29, BAD), (0, BAD)])
def test_little_that_is_left(left: int, state: HealthState) -> None:
    checks = of_host(replace(HOST, memory_available_bytes=left, rooms=(Room(("state",), left, 1000, left, 1000),)))
    assert [(c.name, c.state) for c in checks[1:]] == [("memory", state), ("space", state), ("inodes", state)]


def test_a_file_system_that_hangs_is_unknown_and_one_without_inodes_has_no_check_of_them() -> None:
    checks = of_host(
        replace(HOST, rooms=(Room(("state", "source of orders"), failure="it did not answer"), Room(("repository main",), 0, 0)))
    )
    assert [(c.name, c.object, c.state) for c in checks[2:]] == [
        ("space", "state, source of orders", UNKNOWN),
        ("space", "repository main", OK),
    ]


def test_many_places_on_one_file_system_are_counted() -> None:
    room = Room(("state", "repository main", "source of a", "source of b"), 1, 1)
    assert of_host(replace(HOST, rooms=(room,)))[2].object == "state, repository main and 2 more"


@pytest.mark.parametrize(
    ("failed", "backups", "state"),
    [(0, 9, OK), (1, 1, WARNING), (2, 2, WARNING), (3, 6, BAD), (3, 7, WARNING), (1, 11, OK), (1, 10, WARNING)],
)
def test_one_failure_is_no_rate(failed: int, backups: int, state: HealthState) -> None:
    assert [c.state for c in of_runs([replace(ROW, failed=failed, backups=backups)])] == [state]


def test_where_nothing_ran_there_is_no_rate() -> None:
    assert of_runs([ROW]) == ()


def test_a_full_file_system_that_is_only_read_is_a_warning() -> None:
    def states(*places: str) -> list[HealthState]:
        return [check.state for check in of_host(replace(HOST, rooms=(Room(places, 0, 1000, 0, 1000),)))[2:]]

    assert states("source of films", "source /mnt/iso of films") == [HealthState.WARNING] * 2
    assert states("source of films", "state") == [HealthState.BAD] * 2


@given(free=st.integers(0, 10_000), more=st.integers(0, 10_000))
def test_more_room_is_never_worse(free: int, more: int) -> None:
    order = list(HealthState)
    states = [of_host(replace(HOST, rooms=(Room(("state",), f, 20_000),)))[2].state for f in (free, free + more)]
    assert order.index(states[0]) <= order.index(states[1])


def test_the_worst_comes_first_and_what_is_suspended_or_elsewhere_is_left_out() -> None:
    status = samples.status()
    checks = judge_health(HOST, status, [replace(ROW, system=s.name, backups=4, failed=4) for s in status.systems])
    order = list(HealthState)
    assert [order.index(c.state) for c in checks] == sorted(order.index(c.state) for c in checks)
    own = {s.name for s in status.systems if s.here and not s.suspended}
    assert {c.object.split()[0] for c in checks if c.name == "failure rate"} == own
    assert {c.object for c in checks if c.name == "backup age"} <= own
    assert [(c.object, c.state) for c in checks if c.name == "repository"] == [("offsite", BAD)]
