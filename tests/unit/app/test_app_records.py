"""What a host itself knows is backed up with the rest: its specs, its catalog as of one moment, its audit log."""

from __future__ import annotations

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.app.reports import RestoreRequest
from reconciler.app.session import Session
from reconciler.catalog.records import RunOutcome
from tests.fakes.houses import BASE, WholeHouse

NAME = "reconciler.shop1"


@pytest.fixture
def keeping(house: WholeHouse) -> WholeHouse:
    house.write("base.yaml", BASE.replace(", records: {repositories: []}", ""))
    return house


def restored(house: WholeHouse, target: Path) -> set[str]:
    with house.session() as session:
        assert session.restore(RestoreRequest(str(target), NAME)).whole
    return {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}


def inside(path: Path) -> str:
    return str(path.resolve()).lstrip("/")


def test_specs_catalog_and_audit_log_come_back(keeping: WholeHouse, tmp_path: Path) -> None:
    (keeping.folder / "specs" / "forgotten.key").write_text("5a" * 32)
    (keeping.folder / "specs" / "sub").mkdir()
    (keeping.folder / "specs" / "sub" / "more.yml").write_text("# nothing yet\n")
    report = keeping.one_pass(init=True)
    assert {(r.action.system, r.outcome) for r in report.results} == {("orders", RunOutcome.SUCCEEDED), (NAME, RunOutcome.SUCCEEDED)}
    keeping.clock.advance(timedelta(days=1))
    keeping.one_pass()
    found = restored(keeping, tmp_path / "out")
    specs = {str(p.relative_to(keeping.folder / "specs")) for p in (keeping.folder / "specs").rglob("*.y*ml")}
    assert {f"{inside(keeping.folder / 'specs')}/{name}" for name in specs} <= found
    assert {f"{inside(keeping.state)}/{name}" for name in ("catalog.sqlite", "audit.jsonl")} <= found
    assert not [name for name in found if name.endswith((".key", ".lock"))], "neither keys nor locks are records"
    with sqlite3.connect(tmp_path / "out" / inside(keeping.state / "catalog.sqlite")) as catalog:
        assert catalog.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert catalog.execute("SELECT count(*) FROM runs").fetchone()[0] >= 2
    catalog.close()


def test_the_records_are_due_by_their_own_rpo_and_then_rest(keeping: WholeHouse) -> None:
    keeping.one_pass(init=True)
    assert [r.action.kind for r in keeping.one_pass().results] == ["verify"]
    assert keeping.one_pass().results == ()
    keeping.clock.advance(timedelta(hours=2))
    assert NAME not in {r.action.system for r in keeping.one_pass().results}
    keeping.clock.advance(timedelta(days=1))
    assert NAME in {r.action.system for r in keeping.one_pass().results}


def test_a_dry_run_of_a_tree_that_never_ran_knows_only_its_specs(keeping: WholeHouse) -> None:
    with keeping.session(read_only=True) as session:
        plan = session.plan()
    system = plan.desired.system(NAME)
    assert system is not None
    assert [source.title for source in system.sources] == [str((keeping.folder / "specs").resolve())]
    assert not keeping.state.exists()


def test_records_of_another_host_are_no_orphans(keeping: WholeHouse) -> None:
    keeping.one_pass(init=True)
    other = Session.open(keeping.folder / "specs", state=keeping.folder / "other", agent="there", clock=keeping.clock, read_only=True)
    with other as session:
        report = session.plan()
    assert report.desired.system("reconciler.there") is not None
    assert dict(report.plan.orphans) == {}
