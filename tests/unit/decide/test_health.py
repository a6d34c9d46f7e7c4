"""What the checks make of numbers: where a limit lies, and what is not known."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reconciler.decide.health import judge_health, judge_host, largest_system, of_runs, raised
from reconciler.decide.host import of_host
from reconciler.model.alerts import AlertSeverity
from reconciler.model.declared.health import HealthSettings
from reconciler.model.health import HealthCheck, HealthState, Held, HostReading, Largest, Probe, Reached, Role, Room, Use
from reconciler.model.snapshot import Grade, Mark, MarkKind, Snapshot
from reconciler.model.statistics import SystemStatistics
from tests.fakes.worlds import REALM, ago, listed, observed, snapshot
from tests.unit.cli import cli_samples as samples

BAD, UNKNOWN, WARNING, GOOD = HealthState
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
HOST = HostReading(4, 1.0, 1000, 500, ())
ROW = SystemStatistics("orders", "main", 1, 1, 1, 1, 1, 1, None, None, 0, 0, None)
LIMITS = HealthSettings()
GIB = 2**30
STATE, MAIN, ORDERS, PAGER = Use(Role.STATE), Use(Role.REPOSITORY, "main"), Use(Role.SOURCE, "orders"), Use(Role.RECEIVER, "duty/pager")


def look(host: HostReading) -> tuple[HealthCheck, ...]:
    """One look of a program that remembers nothing."""
    return judge_host(host, LIMITS, {}, NOW)[0]


def state_of(name: str, host: HostReading) -> HealthState:
    (check,) = [check for check in look(host) if check.name == name]
    return check.state


@pytest.mark.parametrize(("load", "state"), [(0.0, GOOD), (8.0, GOOD), (8.1, WARNING), (400.0, WARNING)])
def test_a_busy_host_is_slow_and_not_broken(load: float, state: HealthState) -> None:
    assert state_of("cpu", replace(HOST, load=load)) is state


@pytest.mark.parametrize(("left", "state"), [(1000, GOOD), (100, GOOD), (99, WARNING), (30, WARNING), (29, BAD), (0, BAD)])
def test_little_that_is_left(left: int, state: HealthState) -> None:
    checks = look(replace(HOST, memory_available_bytes=left, rooms=(Room((STATE,), left, 1000, left, 1000),)))
    assert [(c.name, c.state) for c in checks[1:]] == [("memory", state), ("space", state), ("inodes", state)]


@pytest.mark.parametrize(("free", "state"), [(500 * GIB, GOOD), (50 * GIB, GOOD), (49 * GIB, WARNING), (10 * GIB, WARNING), (9 * GIB, BAD)])
def test_a_small_part_of_a_large_disk_is_plenty(free: int, state: HealthState) -> None:
    assert state_of("space", replace(HOST, rooms=(Room((STATE,), free, 20_000 * GIB),))) is state


def test_a_file_system_that_hangs_is_unknown_and_one_without_inodes_has_no_check_of_them() -> None:
    rooms = (Room((STATE, ORDERS), failure="it did not answer"), Room((MAIN,), 0, 0))
    assert [(c.name, c.object, c.state) for c in look(replace(HOST, rooms=rooms))[2:]] == [
        ("space", "state, source of orders", UNKNOWN),
        ("space", "repository main", GOOD),
    ]


def test_many_places_on_one_file_system_are_counted_and_the_subject_stays() -> None:
    def check(*uses: Use) -> HealthCheck:
        return look(replace(HOST, rooms=(Room(uses, 1, 1),)))[2]

    many = check(STATE, MAIN, Use(Role.SOURCE, "a"), Use(Role.SOURCE, "b", "/srv/b"))
    assert many.object == "state, repository main and 2 more"
    assert many.key == check(STATE).key == ("space", "state")


@pytest.mark.parametrize(
    ("failed", "backups", "state"),
    [(0, 9, GOOD), (1, 1, WARNING), (2, 2, WARNING), (3, 6, BAD), (3, 7, WARNING), (1, 11, GOOD), (1, 10, WARNING)],
)
def test_one_failure_is_no_rate(failed: int, backups: int, state: HealthState) -> None:
    assert [c.state for c in of_runs([replace(ROW, failed=failed, backups=backups)], LIMITS.failures)] == [state]


def test_where_nothing_ran_there_is_no_rate() -> None:
    assert of_runs([ROW], LIMITS.failures) == ()


def test_a_full_file_system_that_is_only_read_is_a_warning() -> None:
    def states(*uses: Use) -> list[HealthState]:
        return [check.state for check in look(replace(HOST, rooms=(Room(uses, 0, 1000, 0, 1000),)))[2:]]

    assert states(Use(Role.SOURCE, "films"), Use(Role.SOURCE, "films", "/mnt/iso")) == [WARNING] * 2
    assert states(STATE, Use(Role.SOURCE, "films")) == [BAD] * 2


@pytest.mark.parametrize(
    ("left", "failure", "state"),
    [
        (timedelta(days=60), "", GOOD),
        (timedelta(days=14), "", GOOD),
        (timedelta(days=13), "", WARNING),
        (timedelta(days=2), "", BAD),
        (timedelta(days=-1), "certificate has expired", BAD),
        (timedelta(days=60), "Hostname mismatch", BAD),
        (None, "", UNKNOWN),
    ],
)
def test_a_certificate_that_runs_out_or_is_not_trusted(left: timedelta | None, failure: str, state: HealthState) -> None:
    until = NOW + left if left is not None else None
    reached = Reached((PAGER,), "pager.example.org:443", 0.012, secured=True, certificate_until=until, certificate_failure=failure)
    host = replace(HOST, reached=(reached,))
    assert (state_of("network", host), state_of("certificate", host)) == (GOOD, state)


def test_an_address_that_does_not_answer_is_bad_and_raises_nothing_of_its_own() -> None:
    """What is behind it has a condition, and an alert because of that."""
    checks = look(replace(HOST, reached=(Reached((MAIN,), "store:443", failure="does not answer within 3 s", secured=True),)))
    assert [(c.name, c.state, c.message) for c in checks[2:]] == [("network", BAD, "store:443 does not answer within 3 s")]
    assert raised(checks, "shop1").raised == ()


def test_a_repository_from_which_nothing_could_be_restored_is_critical() -> None:
    broken, new, read = Probe("main", failure="the key does not fit"), Probe("new", 0.1), Probe("offsite", 0.2, "c0ffee", "orders")
    checks = look(replace(HOST, probes=(broken, new, read)))[2:]
    assert [c.state for c in checks] == [BAD, GOOD, GOOD]
    (alert,) = raised(checks, "shop1").raised
    assert (alert.key, alert.severity) == (("Host", "repository main", "recovery"), AlertSeverity.CRITICAL)
    silent = raised(checks, "shop1", ["main"])
    assert (silent.raised, silent.unclear) == ((), {alert.key}), "that the repository does not answer is said already"


@pytest.mark.parametrize(("free", "state"), [(99, WARNING), (100, GOOD)])
def test_the_largest_system_should_fit_where_drills_restore(free: int, state: HealthState) -> None:
    rooms = (Room((STATE, Use(Role.SANDBOX)), free, 100),)
    assert state_of("recovery space", replace(HOST, rooms=rooms, largest=Largest("films", 100))) is state


def test_the_largest_system_is_that_of_which_the_newest_good_snapshot_is_largest() -> None:
    """Decoys are larger: an older one, one that is damaged, one that only a rollback needs, and one of somebody else."""

    def kept(system: str, age: str, size: int, **changes: Any) -> Snapshot:
        return snapshot(ago(age), id=f"{system}-{age}-{size}", system=system, bytes=size, **changes)

    damaged = (Mark(MarkKind.DAMAGED, NOW),)
    main = (kept("orders", "1d", 50), kept("films", "2d", 99), kept("orders", "1h", 800, marks=damaged), kept("books", "1h", 10))
    more = (
        kept("films", "1d", 60),
        kept("orders", "2d", 900),
        kept("books", "2h", 700, grade=Grade.SAFETY),
        kept("x", "1h", 999, realm="y"),
    )
    assert largest_system(REALM, observed(listed("main", main), listed("offsite", more))) == Largest("films", 60)
    assert largest_system(REALM, observed(listed("offsite", more), listed("main", main))) == Largest("films", 60)
    assert largest_system(REALM, observed(listed("main", more[-1:]))) is None


@given(free=st.integers(0, 10_000), more=st.integers(0, 10_000))
def test_more_room_is_never_worse(free: int, more: int) -> None:
    states = [state_of("space", replace(HOST, rooms=(Room((STATE,), f, 20_000),))) for f in (free, free + more)]
    assert states[0].rank <= states[1].rank


@given(st.floats(0, 100), st.integers(0, 2000), st.integers(0, 2000))
def test_stricter_limits_never_find_it_better(load: float, free: int, days: int) -> None:
    reached = Reached((PAGER,), "", 0.1, secured=True, certificate_until=NOW + timedelta(hours=days))
    host = replace(HOST, load=load, memory_available_bytes=free, rooms=(Room((STATE,), free, 2000, free, 2000),), reached=(reached,))
    assert all(finding.cautious.rank <= finding.check.state.rank for finding in of_host(host, LIMITS, NOW))


def test_the_worst_comes_first_and_what_is_suspended_or_elsewhere_is_left_out() -> None:
    status = samples.status()
    rows = [replace(ROW, system=s.name, backups=4, failed=4) for s in status.systems]
    checks = judge_health(look(HOST), status, rows, LIMITS)
    assert [c.state.rank for c in checks] == sorted(c.state.rank for c in checks)
    own = {s.name for s in status.systems if s.here and not s.suspended}
    assert {c.object.split()[0] for c in checks if c.name == "failure rate"} == own
    assert {c.object for c in checks if c.name == "backup age"} <= own
    assert [(c.object, c.state) for c in checks if c.name == "repository"] == [("offsite", BAD)]


def test_what_cannot_be_looked_at_leaves_its_alert_alone() -> None:
    checks, memory = judge_host(replace(HOST, rooms=(Room((STATE,), failure="it hangs"),)), LIMITS, {("space", "state"): Held(BAD)}, NOW)
    found = raised(checks, "shop1")
    assert (found.raised, found.unclear) == ((), {("Host", "state", "space")})
    assert memory == {("space", "state"): Held(BAD)}
