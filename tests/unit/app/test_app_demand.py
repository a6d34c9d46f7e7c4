"""What a person asks for: backup, verify, forget; and creating, rebuilding, starting."""

from __future__ import annotations

import asyncio
import json
import random
import threading
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.act.context import Result
from reconciler.app.api import Reconciler
from reconciler.app.errors import NotFound, StarterExists
from reconciler.app.session import Session
from reconciler.base.errors import Fate, Usage
from reconciler.catalog.records import RunOutcome
from reconciler.cli.render.prune import prune_page
from reconciler.model.plan import Action, Lane
from reconciler.model.snapshot import BackupKind, MarkKind
from reconciler.repository.errors import AlreadyInitialised
from tests.fakes.houses import WholeHouse

HOUR = timedelta(hours=1)


def test_a_backup_asked_for_runs_though_nothing_is_due(house: WholeHouse) -> None:
    house.one_pass(init=True)
    with house.session() as session:
        (result,) = session.backup(("orders",), BackupKind.FULL)
        assert (result.outcome, result.done.backup_kind) == (RunOutcome.SUCCEEDED, BackupKind.FULL)
        assert len(session.snapshots("orders").snapshots) == 2


def test_asking_for_a_differential_without_a_full_takes_a_full(house: WholeHouse) -> None:
    with house.session() as session:
        session.init_repository("main")
        (result,) = session.backup(("orders",), BackupKind.DIFFERENTIAL)
    assert result.done.backup_kind is BackupKind.FULL


def test_a_name_that_nobody_declared_is_refused_before_anything_is_done(house: WholeHouse) -> None:
    house.one_pass(init=True)
    with house.session() as session, pytest.raises(NotFound, match="no system 'ghost'") as caught:
        session.backup(("orders", "ghost"))
    assert caught.value.fate is Fate.USAGE


def test_what_belongs_to_another_host_is_refused_with_the_name_of_that_host(house: WholeHouse) -> None:
    house.one_pass(init=True)
    house.system("orders", extra="  host: shop2\n")
    with house.session() as session:
        (result,) = session.backup(("orders",))
    assert result.fate is Fate.REFUSED
    assert "shop2" in result.message


def test_an_unreachable_repository_is_a_failed_result_not_silence(house: WholeHouse) -> None:
    with house.session() as session:
        (result,) = session.backup()
    assert result.failure is not None
    assert result.failure.code == "repository-not-initialised"


def test_progress_is_heard_with_the_total_that_is_expected(house: WholeHouse) -> None:
    for number in range(50):
        (house.source / f"file{number}").write_text("x" * number)
    heard: list[tuple[Action, object]] = []
    with house.session() as session:
        session.run_once(init=True, progress=lambda action, amount: heard.append((action, amount)))
    assert all(amount.total_files for _, amount in heard)  # type: ignore[attr-defined]


def test_verify_reads_everything_and_marks_it_in_the_repository(house: WholeHouse) -> None:
    house.one_pass(init=True)
    with house.session() as session:
        (result,) = session.verify(("orders",))
        assert result.outcome is RunOutcome.SUCCEEDED
        (snapshot,) = session.snapshots().snapshots
    assert snapshot.marked(MarkKind.VERIFIED) == house.clock.now()


def test_a_flipped_byte_is_damage_and_the_snapshot_is_good_no_more(house: WholeHouse) -> None:
    (house.source / "big").write_bytes(bytes(range(256)) * 4096)
    house.one_pass(init=True)
    pack = max(house.repository.glob("packs/*/*"), key=lambda path: path.stat().st_size)
    data = bytearray(pack.read_bytes())
    data[len(data) // 3] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(data)
    with house.session() as session:
        (result,) = session.verify()
        assert result.fate is Fate.DAMAGE
        (snapshot,) = session.snapshots().snapshots
        assert not snapshot.good
    house.clock.advance(2 * HOUR)
    (again,) = [r for r in house.one_pass().results if r.action.kind == "backup"]
    assert again.done.backup_kind is BackupKind.FULL


@pytest.mark.parametrize("kind", ["snapshots", "marks", "header", "config", "keys"])
def test_damage_outside_the_data_is_damage_and_is_named(house: WholeHouse, kind: str) -> None:
    house.one_pass(init=True)
    with house.session() as session:
        session.backup((), BackupKind.FULL)
        session.verify()
    path = (
        next(p for p in sorted((house.repository / kind).rglob("*"), reverse=True) if p.is_file())
        if kind != "header"
        else house.repository / kind
    )
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(content)
    with house.session() as session:
        (result,) = session.verify()
    assert result.fate is Fate.DAMAGE
    assert path.name in result.message


def test_verify_without_a_snapshot_says_so(house: WholeHouse) -> None:
    with house.session() as session:
        session.init_repository("main")
        (result,) = session.verify()
    assert result.failure is not None
    assert result.failure.code == "act-nothing-to-verify"


def test_forget_removes_what_is_named_and_writes_down_why(house: WholeHouse) -> None:
    house.one_pass(init=True)
    with house.session() as session:
        session.backup((), BackupKind.FULL)
        newest, oldest = session.snapshots().snapshots
        (result,) = session.forget([oldest.id[:12]], "taken by mistake")
        assert result.outcome is RunOutcome.SUCCEEDED
        assert [s.id for s in session.snapshots().snapshots] == [newest.id]
    lines = [json.loads(line) for line in (house.state / "audit.jsonl").read_text().splitlines()]
    assert [line["why"] for line in lines if line["verb"] == "forget" and line["stage"] == "intent"] == ["taken by mistake"]


def test_forget_refuses_the_newest_good_snapshot_of_a_declared_system(house: WholeHouse) -> None:
    house.one_pass(init=True)
    with house.session() as session:
        session.backup((), BackupKind.FULL)
        ids = [s.id for s in session.snapshots().snapshots]
        (result,) = session.forget(ids, "away with it")
        assert result.fate is Fate.REFUSED
        assert [s.id for s in session.snapshots().snapshots] == ids


def test_forget_lets_an_orphan_go_wholly_but_not_while_the_tree_is_broken(house: WholeHouse) -> None:
    house.one_pass(init=True)
    (house.folder / "specs" / "orders.yaml").unlink()
    house.system("ledger", source="orders")
    house.write("broken.yaml", "][")
    with house.session() as session:
        ids = [s.id for s in session.snapshots("orders").snapshots]
        assert [r.fate for r in session.forget(ids, "old")] == [Fate.REFUSED]
    (house.folder / "specs" / "broken.yaml").unlink()
    with house.session() as session:
        assert [r.outcome for r in session.forget(ids, "old")] == [RunOutcome.SUCCEEDED]
        assert session.snapshots().snapshots == ()


def test_forget_wants_a_reason(house: WholeHouse) -> None:
    house.one_pass(init=True)
    with house.session() as session, pytest.raises(Usage):
        session.forget([session.snapshots().snapshots[0].id], "  ")


def test_forget_leaves_snapshots_of_another_realm_alone(house: WholeHouse) -> None:
    house.one_pass(init=True)
    house.write("base.yaml", (house.folder / "specs" / "base.yaml").read_text().replace("quiet-otter-41", "loud-wolf-7"))
    with house.session() as session:
        foreign = session.snapshots().snapshots[0]
        with pytest.raises(NotFound, match="belongs to realm quiet-otter-41"):
            session.forget([foreign.id], "not mine")
        assert session.plan().plan.foreign == 1


def test_a_command_waits_for_the_one_that_works_on_the_same_thing(house: WholeHouse) -> None:
    house.one_pass(init=True)
    with house.session() as session:
        catalog = session.house.memory.writing()
        claim = catalog.claim("orders", "main", "upkeep", what="backup of orders", at=house.clock.now())
        threading.Timer(0.5, lambda: catalog.release(claim)).start()  # type: ignore[arg-type]
        (result,) = session.backup(("orders",), BackupKind.FULL)
    assert result.outcome is RunOutcome.SUCCEEDED


def test_stopping_while_waiting_does_nothing_and_says_so(house: WholeHouse) -> None:
    house.one_pass(init=True)
    stop = threading.Event()
    with house.session() as session:
        session.house.memory.writing().claim("orders", "main", "upkeep", what="backup of orders", at=house.clock.now())
        threading.Timer(0.3, stop.set).start()
        (result,) = session.backup(("orders",), BackupKind.FULL, stop=stop)
        assert result.outcome is RunOutcome.CANCELLED
        assert result.failure is not None
        assert len(session.snapshots().snapshots) == 1


def test_creating_a_repository_twice_is_refused_and_harms_nothing(house: WholeHouse) -> None:
    with house.session() as session:
        made = session.init_repository("main")
        assert made.created_key
        before = house.traces()
        with pytest.raises(AlreadyInitialised):
            session.init_repository("main")
        with pytest.raises(NotFound, match="no repository 'ghost'"):
            session.init_repository("ghost")
    assert {p for p in house.traces() if "/repository" in p or "/keys" in p} == {p for p in before if "/repository" in p or "/keys" in p}


def test_a_lost_repository_is_begun_anew_only_by_name(house: WholeHouse) -> None:
    import shutil

    house.one_pass(init=True)
    shutil.rmtree(house.repository)
    assert house.one_pass(init=True).results == ()
    with house.session() as session:
        session.init_repository("main")
    assert [result.outcome for result in house.one_pass().results] == [RunOutcome.SUCCEEDED]


def test_a_crash_between_key_and_repository_is_finished_by_the_next_try(house: WholeHouse) -> None:
    from reconciler.app import keys

    key = keys.create(house.folder / "keys" / "main.key")
    with house.session() as session:
        made = session.init_repository("main")
    assert (made.created, made.created_key) == (True, False)
    assert (house.folder / "keys" / "main.key").read_bytes().strip() == key.reveal()


def test_rebuilding_the_catalog_finds_everything_again(house: WholeHouse) -> None:
    house.one_pass(init=True)
    (house.state / "catalog.sqlite").unlink()
    with house.session() as session:
        assert session.catalog_rebuild().repositories == {"main": 1}
        assert len(session.snapshots(cached=True).snapshots) == 1
        assert session.plan(cached=True).plan.actions == ()


def test_a_damaged_catalog_is_put_aside_and_the_next_pass_says_so(house: WholeHouse) -> None:
    house.one_pass(init=True)
    (house.state / "catalog.sqlite").write_bytes(b"this is no database, and was one yesterday" * 100)
    report = house.one_pass()
    assert "damaged" in report.notes[0]
    assert [r.failure for r in report.results if r.failure is not None] == []


class TestStarter:
    """`reconcile init` on a machine that has nothing yet."""

    @pytest.fixture
    def session(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
        monkeypatch.setenv("HOME", str(tmp_path / "home"))
        (tmp_path / "home" / "Documents").mkdir(parents=True)
        (tmp_path / "home" / "Documents" / "letter.txt").write_text("dear")
        return Session.open(tmp_path / "specs", state=tmp_path / "state", agent="laptop")

    def test_the_starter_is_valid_complete_and_backs_up_at_once(self, session: Session, tmp_path: Path) -> None:
        with session:
            made = session.init_specs(url=str(tmp_path / "vault"), key=tmp_path / "vault.key")
            assert made.repository.created_key
            assert len(made.next) == 3
            assert session.load().problems == ()
            plan = session.plan().plan
            assert "documents" in {action.system for action in plan.actions}
            assert plan.gaps == ()

    def test_everything_that_a_starter_makes_lies_below_the_home_folder(self, session: Session, tmp_path: Path) -> None:
        with session:
            made = session.init_specs()
        assert made.repository.key_file is not None
        assert Path(made.repository.url).is_relative_to(tmp_path / "home")
        assert Path(made.repository.key_file).is_relative_to(tmp_path / "home")
        assert made.realm in made.repository.url

    def test_two_starters_have_different_realms(self, tmp_path: Path) -> None:
        realms = set()
        for name in ("a", "b", "c"):
            with Session.open(tmp_path / name / "specs", state=tmp_path / name / "state") as session:
                realms.add(session.init_specs(url=str(tmp_path / name / "vault"), key=tmp_path / name / "key").realm)
        assert len(realms) > 1

    def test_existing_specs_are_never_written_over(self, session: Session, tmp_path: Path) -> None:
        (tmp_path / "specs" / "deep").mkdir(parents=True)
        (tmp_path / "specs" / "deep" / "mine.yml").write_text("kind: Mine\n")
        with session, pytest.raises(StarterExists, match=r"deep/mine\.yml"):
            session.init_specs()
        assert [p.name for p in (tmp_path / "specs").rglob("*") if p.is_file()] == ["mine.yml"]


def test_who_does_not_wait_is_told_at_once_who_is_at_work(house: WholeHouse) -> None:
    house.one_pass(init=True)
    with house.session(waits=False) as session:
        catalog = session.house.memory.writing()
        catalog.claim("orders", "main", Lane.OBJECTIVE.value, what="backup of orders", at=house.clock.now())
        catalog.claim("orders", "main", Lane.UPKEEP.value, what="verify of orders", at=house.clock.now())
        catalog.claim("", "main", Lane.UPKEEP.value, what="prune of main", at=house.clock.now())
        (newest,) = session.snapshots().snapshots
        for results, other in (
            (session.backup(("orders",)), "backup of orders"),
            (session.verify(("orders",)), "verify of orders"),
            (session.forget((newest.id,), "it is not needed"), "verify of orders"),
            (session.prune(("main",)), "prune of main"),
        ):
            (result,) = results
            assert (result.outcome, result.fate) == (RunOutcome.CANCELLED, Fate.BUSY)
            assert result.failure is not None
            assert result.failure.code == "act-claimed"
            assert other in result.message
            assert "--no-wait" in result.failure.hint


def test_a_python_program_need_not_wait_either(house: WholeHouse) -> None:
    house.one_pass(init=True)
    with house.session() as session:
        session.house.memory.writing().claim("orders", "main", Lane.OBJECTIVE.value, what="backup of orders", at=house.clock.now())

        async def ask() -> tuple[Result, ...]:
            async with Reconciler.open(house.folder / "specs", state=house.state, agent="shop1", waits=False) as reconciler:
                return await reconciler.backup("orders")

        (result,) = asyncio.run(ask())
    assert (result.outcome, result.fate) == (RunOutcome.CANCELLED, Fate.BUSY)


def test_a_repository_that_went_back_is_cleaned_up_only_by_who_accepts_the_loss(house: WholeHouse) -> None:
    """What has no snapshot any more may be all that is left of the lost ones."""
    (house.folder / "orders" / "most").write_bytes(random.Random(1).randbytes(20_000))
    house.one_pass(init=True)
    (house.folder / "orders" / "more").write_text("more")
    with house.session() as session:
        (newer,) = session.backup(("orders",))
        next((house.repository / "snapshots").glob(f"**/{newer.done.snapshot_id}*")).unlink()
        packs = sorted((house.repository / "packs").glob("**/*"))
        (planned,) = session.plan_prune(("main",))
        assert f"snapshot {str(newer.done.snapshot_id)[:8]}, the newest of its writer" in planned.lost
        shown = prune_page((planned,)).render()
        assert "It went back in time" in shown
        assert "reconcile prune main --accept-loss" in shown
        (refused,) = session.prune(("main",))
        assert (refused.outcome, refused.fate) == (RunOutcome.FAILED, Fate.REFUSED)
        assert refused.failure is not None
        assert refused.failure.code == "repository-went-back"
        assert sorted((house.repository / "packs").glob("**/*")) == packs
        (done,) = session.prune(("main",), accept_loss=True)
        assert done.outcome is RunOutcome.SUCCEEDED
