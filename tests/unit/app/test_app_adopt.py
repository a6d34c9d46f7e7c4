"""Taking over what a repository holds: after the memory was lost, and from another realm."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest

from reconciler.app.errors import AdoptionUnconfirmed, KeyMissing, NotFound
from reconciler.app.reports import RestoreRequest
from reconciler.base.errors import Usage
from reconciler.model.plan import ActionKind
from reconciler.repository import NotInitialised, WrongKey, WrongRepository
from tests.fakes.houses import BASE, WholeHouse
from tests.unit.app.test_app_copy import with_repositories

HOUR = timedelta(hours=1)


def moved(house: WholeHouse, *, system: str = "orders") -> None:
    """The same repository and key under new specs: another realm, and nothing remembered."""
    house.write("base.yaml", BASE.replace("quiet-otter-41", "bold-crane-7"))
    if system != "orders":
        (house.folder / "specs" / "orders.yaml").unlink()
        house.system(system, source="orders")
    shutil.rmtree(house.state)


def grown(house: WholeHouse, backups: int = 3) -> set[str]:
    """So many snapshots; their ids."""
    for number in range(backups):
        (house.source / "one.txt").write_text(f"state {number}")
        house.one_pass(init=number == 0)
        house.clock.advance(2 * HOUR)
    with house.session() as session:
        return {s.id for s in session.snapshots("orders").snapshots}


def test_after_a_lost_state_directory_everything_is_known_again(house: WholeHouse) -> None:
    ids = grown(house)
    shutil.rmtree(house.state)
    with house.session() as session:
        found = session.plan_adoption("main")
    assert (found.own, found.found, found.digest, found.adopted) == (len(ids), (), "", None)
    report = house.one_pass()
    assert [r.action.backup_kind for r in report.results if r.action.kind is ActionKind.BACKUP] != ["full"], "history goes on"


def test_snapshots_of_another_realm_are_looked_at_first_and_adopted_by_their_digest(house: WholeHouse) -> None:
    ids = grown(house)
    moved(house)
    with house.session(read_only=True) as session:
        found = session.plan_adoption("main")
        assert [(one.source, one.system, one.snapshots) for one in found.found] == [(("quiet-otter-41", "orders"), "orders", 3)]
        assert session.status().repositories[0].foreign == 3
    assert not house.state.exists(), "looking leaves nothing behind"
    with house.session() as session:
        with pytest.raises(AdoptionUnconfirmed):
            session.adopt("main", confirm="0" * 12, reason="moved")
        with pytest.raises(Usage):
            session.adopt("main", confirm=found.digest, reason=" ")
        done = session.adopt("main", confirm=found.digest, reason="the old machine burnt down")
        assert done.adopted == 3
        assert {s.id for s in session.snapshots("orders").snapshots if s.realm == "bold-crane-7"} == ids
        assert session.plan_adoption("main").found == ()
        with pytest.raises(AdoptionUnconfirmed, match="nothing in main can be adopted now"):
            session.adopt("main", confirm=found.digest, reason="typed twice")
    lines = (house.state / "audit.jsonl").read_text()
    assert lines.count('"adopt"') == 2
    assert "the old machine burnt down" in lines


def test_what_was_adopted_survives_another_lost_catalog_and_counts_like_ones_own(house: WholeHouse) -> None:
    grown(house)
    moved(house)
    with house.session() as session:
        session.adopt("main", confirm=session.plan_adoption("main").digest, reason="moved")
    shutil.rmtree(house.state)
    with house.session() as session:
        (orders,) = session.status().systems
        assert orders.protection[0].snapshots == 3
        back = session.restore(RestoreRequest(str(house.folder / "back"), system="orders"))
        assert back.whole
    (house.source / "one.txt").write_text("after the move")
    (backup,) = [r.action for r in house.one_pass().results if r.action.kind is ActionKind.BACKUP]
    assert backup.backup_kind == "incremental", "history goes on"


def test_the_one_who_owned_them_sees_them_as_foreign_and_removes_nothing(house: WholeHouse) -> None:
    ids = grown(house)
    moved(house)
    with house.session() as session:
        session.adopt("main", confirm=session.plan_adoption("main").digest, reason="moved")
    house.write("base.yaml", BASE)
    house.policy("{last: 1, minimum: 1}")
    shutil.rmtree(house.state)
    for _ in range(3):
        house.one_pass()
        house.clock.advance(timedelta(days=2))
    with house.session() as session:
        assert ids <= {s.id for s in session.snapshots("orders").snapshots if s.realm == "bold-crane-7"}


def test_a_system_that_bears_another_name_here_is_named(house: WholeHouse) -> None:
    ids = grown(house)
    moved(house, system="shop")
    with house.session() as session:
        found = session.plan_adoption("main")
        assert [(one.system, found.digest) for one in found.found] == [(None, "")]
        named = session.plan_adoption("main", "quiet-otter-41", {"orders": "shop"})
        assert named.found[0].system == "shop"
        session.adopt("main", "quiet-otter-41", {"orders": "shop"}, confirm=named.digest, reason="renamed")
        assert {s.id for s in session.snapshots("shop").snapshots} == ids
        for renamed, realm in (({"orders": "nobody"}, None), ({"nobody": "shop"}, None), ({}, "other-realm-1")):
            with pytest.raises(NotFound):
                session.plan_adoption("main", realm, renamed)


def test_copies_of_adopted_snapshots_are_adopted_where_they_go_and_copied_once(house: WholeHouse) -> None:
    ids = grown(house)
    moved(house)
    with_repositories(house, "offsite")
    house.write("base.yaml", (house.folder / "specs" / "base.yaml").read_text().replace("quiet-otter-41", "bold-crane-7"))
    with house.session() as session:
        session.init_repository("offsite")
        session.adopt("main", confirm=session.plan_adoption("main").digest, reason="moved")
    house.one_pass()
    house.one_pass()
    with house.session() as session:
        there = [s for s in session.snapshots("orders").snapshots if s.repository == "offsite"]
    assert ids <= {s.id for s in there}
    assert {s.realm for s in there} == {"bold-crane-7"}
    assert [r.action.kind for r in house.one_pass().results if r.action.kind is ActionKind.COPY] == []


def test_a_copy_that_was_there_before_the_adoption_is_adopted_and_not_copied_for_ever(house: WholeHouse) -> None:
    with_repositories(house, "offsite")
    ids = grown(house)
    house.one_pass()
    moved(house)
    with_repositories(house, "offsite")
    house.write("base.yaml", (house.folder / "specs" / "base.yaml").read_text().replace("quiet-otter-41", "bold-crane-7"))
    with house.session() as session:
        session.adopt("main", confirm=session.plan_adoption("main").digest, reason="moved")
    for _ in range(3):
        report = house.one_pass()
    assert [r.action.kind for r in report.results if r.action.kind is ActionKind.COPY] == []
    with house.session() as session:
        assert ids <= {s.id for s in session.snapshots("orders").snapshots if (s.repository, s.realm) == ("offsite", "bold-crane-7")}


def test_what_is_no_repository_or_not_ours_is_said(house: WholeHouse) -> None:
    grown(house, 1)
    key = house.folder / "keys" / "main.key"
    right = key.read_text()
    with house.session() as session:
        with pytest.raises(NotFound):
            session.plan_adoption("nobody")
        key.write_text("ab" * 32)
        with pytest.raises(WrongKey):
            session.plan_adoption("main")
        key.unlink()
        with pytest.raises(KeyMissing):
            session.plan_adoption("main")
        key.write_text(right)
        key.chmod(0o600)
        house.repository.rename(house.folder / "elsewhere")
        with pytest.raises(NotInitialised):
            session.plan_adoption("main")
    shutil.copytree(house.folder / "elsewhere", house.folder / "kept")
    house.write("other.yaml", BASE.split("---")[1].replace("name: main", "name: other").replace("../repository", "../other"))
    with house.session() as session:
        session.init_repository("other")
    (house.folder / "other").rename(house.repository)
    with house.session() as session, pytest.raises(WrongRepository):
        session.plan_adoption("main")


def test_retention_judges_what_was_adopted(house: WholeHouse) -> None:
    ids = grown(house)
    moved(house)
    house.policy("{last: 1}")
    with house.session() as session:
        session.adopt("main", confirm=session.plan_adoption("main").digest, reason="moved")
    for day in range(6):
        (house.source / "one.txt").write_text(f"after the move, day {day}")
        house.one_pass()
        house.clock.advance(timedelta(days=1, hours=2))
    with house.session() as session:
        left = ids & {s.id for s in session.snapshots("orders").snapshots}
    assert len(left) == 1, "the full, on which the schedule counts"
