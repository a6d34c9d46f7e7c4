"""Several repositories: what the first one got travels to the others, and comes back from them when it is needed."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.app.errors import NotFound
from reconciler.app.reports import RestoreRequest
from reconciler.base.errors import Fate
from reconciler.catalog.records import RunOutcome
from reconciler.model.plan import ActionKind
from reconciler.model.snapshot import MarkKind
from reconciler.model.status import ConditionType, Truth
from tests.fakes.houses import BASE, POLICY, WholeHouse

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
MORE = """\
---
apiVersion: reconciler/v1
kind: Repository
metadata: {{name: {name}}}
spec: {{url: ../{name}, key: {{file: ../keys/{name}.key}}}}
"""


def with_repositories(house: WholeHouse, *names: str, extra: str = "  copies: {count: 2}\n") -> None:
    house.write("base.yaml", BASE + "".join(MORE.format(name=name) for name in names))
    house.write("policy.yaml", POLICY.format(retention="{}").replace("[main]", f"[{', '.join(['main', *names])}]"))
    house.system("orders", extra=extra)


def copied(house: WholeHouse, place: str) -> set[str]:
    return {path.name for path in (house.folder / place / "snapshots").iterdir()}


def satisfied(house: WholeHouse) -> Truth:
    with house.session() as session:
        (orders,) = session.status().systems
    return next(c.status for c in orders.conditions if c.type is ConditionType.COPIES_SATISFIED)


def flip(place: Path) -> Path:
    """One byte in the middle of the largest pack."""
    pack = max((path for path in (place / "packs").rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(data)
    return pack


def test_the_loop_fills_the_further_repositories_and_then_rests(house: WholeHouse) -> None:
    with_repositories(house, "offsite", "vault")
    house.one_pass(init=True)
    assert satisfied(house) is Truth.FALSE
    second = house.one_pass()
    assert [(r.action.kind, r.action.repository, r.outcome) for r in second.results] == [
        (ActionKind.COPY, "offsite", RunOutcome.SUCCEEDED),
        (ActionKind.COPY, "vault", RunOutcome.SUCCEEDED),
    ]
    assert copied(house, "offsite") == copied(house, "vault") == copied(house, "repository")
    assert satisfied(house) is Truth.TRUE
    assert house.one_pass().results == ()


def test_only_what_changed_travels_the_second_time(house: WholeHouse) -> None:
    with_repositories(house, "offsite")
    (house.source / "large").write_bytes(os.urandom(500_000))
    house.one_pass(init=True)
    house.one_pass()
    house.clock.advance(2 * HOUR)
    (house.source / "two.txt").write_text("two")
    house.one_pass()
    (result,) = house.one_pass().results
    assert result.action.kind is ActionKind.COPY
    assert result.done.added_bytes < 20_000
    assert copied(house, "offsite") == copied(house, "repository")


def test_a_lost_primary_is_restored_from_the_copy_and_filled_again(house: WholeHouse, tmp_path: Path) -> None:
    with_repositories(house, "offsite")
    house.one_pass(init=True)
    house.one_pass()
    held = copied(house, "offsite")
    shutil.rmtree(house.repository)
    (house.folder / "keys" / "main.key").unlink()
    with house.session() as session:
        report = session.restore(RestoreRequest(system="orders", target=str(tmp_path / "out")))
        assert report.failures == ()
        assert (tmp_path / "out" / str(house.source).lstrip("/") / "one.txt").read_text() == "one"
        session.init_repository("main")
        (result,) = session.copy(("orders",), "main")
    assert (result.outcome, result.action.origin) == (RunOutcome.SUCCEEDED, "offsite")
    assert copied(house, "repository") == held


def test_damage_in_one_repository_is_marked_and_another_one_gives_the_copy(house: WholeHouse) -> None:
    with_repositories(house, "offsite")
    (house.source / "large").write_bytes(os.urandom(300_000))
    house.one_pass(init=True)
    house.one_pass()
    with_repositories(house, "offsite", "vault")
    with house.session() as session:
        session.init_repository("vault")
    pack = flip(house.repository)
    (result,) = house.one_pass().results
    assert (result.outcome, result.action.repository) == (RunOutcome.SUCCEEDED, "vault")
    assert "from offsite to vault" in result.message
    assert "repository main is damaged" in result.message
    assert pack.name in result.message
    assert copied(house, "vault") == copied(house, "offsite")
    with house.session() as session:
        (bad,) = [s for s in session.snapshots("orders").snapshots if s.repository == "main"]
    assert bad.marked(MarkKind.DAMAGED) is not None


def test_damage_that_no_other_repository_makes_good_is_damage_and_publishes_nothing(house: WholeHouse) -> None:
    with_repositories(house, "offsite")
    (house.source / "large").write_bytes(os.urandom(300_000))
    house.one_pass(init=True)
    flip(house.repository)
    (result,) = house.one_pass().results
    assert result.fate is Fate.DAMAGE
    assert "large" in result.message
    assert copied(house, "offsite") == set()
    house.clock.advance(2 * HOUR)
    results = house.one_pass().results
    assert [r.action.kind for r in results] == [ActionKind.BACKUP], "the damaged one is no good, so a new backup reads everything"
    house.one_pass()
    assert len(copied(house, "offsite")) == 1


def test_a_full_disk_of_the_copy_says_so_and_the_next_pass_goes_on(house: WholeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    with_repositories(house, "offsite")
    house.one_pass(init=True)
    real = os.statvfs

    def full(path: str) -> os.statvfs_result:
        values = list(real(path))
        values[4] = 0 if "offsite" in str(path) else values[4]
        return os.statvfs_result(values)

    monkeypatch.setattr(os, "statvfs", full)
    (result,) = house.one_pass().results
    assert result.failure is not None
    assert result.failure.code == "act-no-room"
    monkeypatch.undo()
    house.clock.advance(MINUTE)
    (result,) = house.one_pass().results
    assert result.outcome is RunOutcome.SUCCEEDED


def test_copying_what_is_there_says_that_it_is_there(house: WholeHouse) -> None:
    with_repositories(house, "offsite")
    house.one_pass(init=True)
    with house.session() as session:
        (first,) = session.copy((), "offsite")
        (again,) = session.copy((), "offsite")
    assert (first.outcome, again.outcome) == (RunOutcome.SUCCEEDED, RunOutcome.UNCHANGED)
    assert "holds every snapshot" in again.message


def test_what_cannot_be_copied_says_why(house: WholeHouse) -> None:
    with_repositories(house, "offsite")
    with house.session() as session, pytest.raises(NotFound, match="no repository 'nowhere'"):
        session.copy((), "nowhere")
    with house.session() as session, pytest.raises(NotFound, match="no system 'ghost'"):
        session.copy(("ghost",), "offsite")
    with house.session() as session:
        session.init_repository("offsite")
        (unreachable,) = session.copy((), "offsite")
        assert unreachable.failure is not None
        assert unreachable.failure.code == "repository-not-initialised"
        session.init_repository("main")
        (empty,) = session.copy((), "offsite")
        assert empty.failure is not None
        assert empty.failure.code == "act-nothing-to-copy"


def test_a_repository_that_no_policy_names_can_be_filled_by_hand(house: WholeHouse) -> None:
    house.one_pass(init=True)
    house.write("base.yaml", BASE + MORE.format(name="stick"))
    with house.session() as session:
        session.init_repository("stick")
        plan = session.plan_copy((), "stick").plan
        (result,) = session.copy((), "stick")
    assert [a.snapshots for a in plan.actions] == [result.action.snapshots]
    assert copied(house, "stick") == copied(house, "repository")
