"""Health of a real host with a real repository."""

from __future__ import annotations

import shutil
from datetime import timedelta

from reconciler.model.health import Health, HealthState
from tests.fakes.houses import WholeHouse


def _states(found: Health) -> dict[tuple[str, str], HealthState]:
    return {(check.name, check.object): check.state for check in found.checks}


def test_a_house_that_was_just_backed_up(house: WholeHouse) -> None:
    house.one_pass(init=True)
    with house.session(read_only=True) as session:
        found = session.health()
    states = _states(found)
    assert states["backup age", "orders"] is HealthState.OK
    assert states["repository", "main"] is HealthState.OK
    assert states["failure rate", "orders in main"] is HealthState.OK
    (space,) = [check for check in found.checks if check.name == "space"]
    assert space.object.startswith("state, repository main and ")
    assert space.state is not HealthState.UNKNOWN


def test_a_repository_that_is_gone_is_bad_and_so_is_a_backup_that_is_old(house: WholeHouse) -> None:
    house.one_pass(init=True)
    shutil.rmtree(house.repository)
    house.clock.advance(timedelta(days=30))
    with house.session(read_only=True) as session:
        found = session.health()
    states = _states(found)
    assert states["repository", "main"] is HealthState.BAD
    assert states["backup age", "orders"] is HealthState.BAD
    assert not found.well


def test_looking_at_health_writes_nothing(house: WholeHouse) -> None:
    with house.session(read_only=True) as session:
        session.health()
    assert not house.repository.exists()
