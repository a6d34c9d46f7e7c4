"""Back to where the files came from, on when it was stopped, and back again to the bit."""

from __future__ import annotations

import os
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from reconciler.act.context import Amount
from reconciler.app.errors import Ambiguous, NotFound, NotUndoable, RestoreBusy, RestoreInterrupted
from reconciler.app.reports import RestoreReport, RestoreRequest
from reconciler.app.restoring import in_place, journal
from reconciler.base.errors import Cancelled
from reconciler.catalog.records import RunOutcome
from reconciler.model.snapshot import ROLLBACK_WINDOW, Grade, MarkKind
from reconciler.repository import NoSpace, Repository
from tests.fakes.houses import WholeHouse
from tests.fakes.trees import NOBODY, plant, portrait, remove

HOUR = timedelta(hours=1)


def furnished(house: WholeHouse) -> dict[str, tuple[object, ...]]:
    """A source with everything that a tree may have, backed up; its portrait."""
    files = {f"many/file{number:03}": f"content {number}" * 9 for number in range(40)}
    plant(house.source, {**files, "a/one": "one", "a/two": "two", "b/three": "three", "link": "-> a/one", "empty/": None, "turns/": None})
    plant(house.source, {"turns/into a file": "x", "becomes a folder": "y", os.fsdecode(b"latin-\xe9"): "not UTF-8"})
    os.link(house.source / "a/one", house.source / "b/one too")
    os.mkfifo(house.source / "pipe")
    (house.source / "a/two").chmod(0o640)
    for path in ("a", "b", "a/one", "link"):
        os.utime(house.source / path, ns=(10**18, 10**18 + 7), follow_symlinks=False)
    if os.geteuid() == 0:
        os.chown(house.source / "b/three", NOBODY, NOBODY)
    house.one_pass(init=True)
    house.clock.advance(2 * HOUR)
    return portrait(house.source)


def ruined(house: WholeHouse) -> dict[str, tuple[object, ...]]:
    """The same source after a bad day, in every way in which an entry can differ; its portrait."""
    source = house.source
    for number in range(0, 40, 2):
        (source / f"many/file{number:03}").write_text(f"changed {number}")
    for path in ("a/one", "link", "pipe", "becomes a folder", "turns/into a file", "many/file001"):
        (source / path).unlink()
    (source / "turns").rmdir()
    plant(source, {"turns": "a file now", "becomes a folder/deep/in": "z", "new/of/somebody": "extra", "link": "-> elsewhere"})
    (source / "a/two").chmod(0o777)
    (source / "b").chmod(0o700)
    os.link(source / "b/three", source / "second name")
    remove(source / "empty")
    return portrait(source)


def mirror(house: WholeHouse, stop: threading.Event | None = None) -> RestoreReport:
    with house.session() as session:
        request = RestoreRequest("", system="orders", in_place=True, on_conflict="mirror")
        outlook = session.plan_restore(request).outlook
        assert outlook is not None
        return session.restore(replace(request, confirm=outlook.digest), stop=stop)


def rolled_back(house: WholeHouse, restore: str) -> RestoreReport:
    with house.session() as session:
        return session.rollback(restore)


def stop_halfway(house: WholeHouse, after: int) -> None:
    """Begin a mirror and stop it when so many steps are told as done."""
    stop, told = threading.Event(), []
    original = journal.Journal.done

    def done(self: journal.Journal, paths: list[bytes]) -> None:
        original(self, paths)
        told.append(paths)
        if len(told) >= after:
            stop.set()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(journal.Journal, "done", done)
        with pytest.raises(Cancelled):
            mirror(house, stop)


def test_a_restore_in_place_brings_everything_back_and_its_rollback_undoes_it_to_the_bit(house: WholeHouse) -> None:
    good = furnished(house)
    bad = ruined(house)
    report = mirror(house)
    assert report.whole
    assert portrait(house.source) == good
    back = rolled_back(house, report.id[:8])
    assert back.undoes == report.id
    assert portrait(house.source) == bad
    again = rolled_back(house, back.id)
    assert again.whole
    assert portrait(house.source) == good
    assert portrait(house.source) == good
    rolled_back(house, again.id)
    assert portrait(house.source) == bad


def test_a_part_of_it_goes_back_to_the_bit_too(house: WholeHouse) -> None:
    furnished(house)
    bad = ruined(house)
    with house.session() as session:
        request = RestoreRequest("", system="orders", in_place=True, on_conflict="overwrite", paths=("file00*", str(house.source / "a")))
        report = session.restore(request)
    assert (house.source / "many/file002").read_text() == "content 2" * 9
    assert (house.source / "many/file012").read_text() == "changed 12"
    rolled_back(house, report.id)
    assert portrait(house.source) == bad


def test_a_missing_source_comes_back_and_goes_again(house: WholeHouse) -> None:
    good = furnished(house)
    remove(house.source)
    with house.session() as session:
        report = session.restore(RestoreRequest("", system="orders", in_place=True))
    assert portrait(house.source) == good
    rolled_back(house, report.id)
    assert not house.source.exists()


def test_what_was_there_before_is_kept_held_and_counts_for_nothing(house: WholeHouse) -> None:
    furnished(house)
    with house.session() as session:
        before = session.status()
    ruined(house)
    report = mirror(house)
    with house.session() as session:
        safety, backup = session.snapshots().snapshots
        after = session.status()
        assert session.plan_restore(RestoreRequest("", system="orders", in_place=True)).snapshot.id == backup.id
        (refused,) = session.forget([safety.id], "a try")
        assert "is held" in refused.message
    assert (safety.id, safety.grade, safety.good) == (report.safety, Grade.SAFETY, False)
    assert safety.marked(MarkKind.HELD) is not None
    assert before.systems[0].protection[0].snapshots == after.systems[0].protection[0].snapshots == 1
    assert before.systems[0].next_due_at == after.systems[0].next_due_at
    house.clock.advance(ROLLBACK_WINDOW)
    assert not safety.held(house.clock.now())


def test_the_next_backup_after_a_restore_compares_with_a_backup(house: WholeHouse) -> None:
    furnished(house)
    ruined(house)
    mirror(house)
    house.clock.advance(2 * HOUR)
    (result,) = [r for r in house.one_pass().results if r.action.kind == "backup"]
    assert result.failure is None
    with house.session() as session:
        newest, _, first = session.snapshots().snapshots
        assert newest.files == first.files
        assert newest.grade is Grade.COMPLETE


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_stopped_restore_is_continued_to_the_same_end(house: WholeHouse, after: int) -> None:
    good = furnished(house)
    ruined(house)
    stop_halfway(house, after)
    assert portrait(house.source) != good
    with house.session() as session:
        (waiting,) = session.restores().interrupted
        report = session.continue_restore()
    assert report.id == waiting
    assert report.whole
    assert portrait(house.source) == good


@pytest.mark.parametrize("after", [1, 2, 3])
def test_a_stopped_restore_is_undone_to_the_bit_and_so_is_one_that_was_continued(house: WholeHouse, after: int) -> None:
    good = furnished(house)
    bad = ruined(house)
    stop_halfway(house, after)
    with house.session() as session:
        (waiting,) = session.restores().interrupted
    back = rolled_back(house, waiting)
    assert portrait(house.source) == bad
    with house.session() as session:
        assert session.restores().interrupted == ()
        with pytest.raises(NotUndoable, match="was undone already"):
            session.rollback(waiting)
        with pytest.raises(NotUndoable, match="was not interrupted"):
            session.continue_restore(waiting)
    rolled_back(house, back.id)
    stop_halfway(house, min(after, 2))  # half of it is done by now, so there is less to stop
    with house.session() as session:
        report = session.continue_restore()
        assert portrait(house.source) == good
        session.rollback(report.id)


def test_an_interrupted_restore_that_is_started_again_says_so_and_offers_both_ways(house: WholeHouse) -> None:
    furnished(house)
    ruined(house)
    stop_halfway(house, 1)
    with house.session() as session:
        (waiting,) = session.restores().interrupted
        with pytest.raises(RestoreInterrupted, match=f"earlier restore in place of system orders .{waiting[:8]}") as caught:
            session.restore(RestoreRequest("", system="orders", in_place=True))
        assert f"--continue {waiting[:8]}" in caught.value.hint
        assert f"rollback {waiting[:8]}" in caught.value.hint
        session.restore(RestoreRequest(str(house.folder / "beside"), system="orders"))


def test_what_somebody_changed_after_the_interruption_is_left_and_named(house: WholeHouse) -> None:
    furnished(house)
    ruined(house)
    stop_halfway(house, 1)
    file = next(p for n in range(38, 0, -2) if (p := house.source / f"many/file{n:03}").read_text().startswith("changed"))
    file.write_text("precious work of the day after")
    with house.session() as session:
        report = session.continue_restore()
    assert [Path(path).name for path, _ in report.failures] == [file.name]
    assert file.read_text() == "precious work of the day after"


def test_what_changes_between_plan_and_write_is_left_and_named(house: WholeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    furnished(house)
    ruined(house)
    original = in_place.take_safety

    def meanwhile(*words: object) -> object:
        taken = original(*words)  # type: ignore[arg-type]
        (house.source / "many/file000").write_text("written while the restore began")
        return taken

    monkeypatch.setattr(in_place, "take_safety", meanwhile)
    report = mirror(house)
    assert [Path(path).name for path, _ in report.failures] == ["file000"]
    assert (house.source / "many/file000").read_text() == "written while the restore began"


def test_nothing_is_changed_when_the_safety_snapshot_cannot_be_taken(house: WholeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    furnished(house)
    bad = ruined(house)

    def full(*_: object, **__: object) -> None:
        raise NoSpace("no space left")

    with monkeypatch.context() as patched:
        patched.setattr(Repository, "take", full)
        with pytest.raises(NoSpace):
            mirror(house)
    assert portrait(house.source) == bad
    with house.session() as session:
        listed = session.restores()
        assert listed.interrupted == ()
        assert [record.outcome for record in listed.restores] == [RunOutcome.FAILED]
        with pytest.raises(NotUndoable, match="before it changed anything"):
            session.rollback(listed.restores[0].id)


def test_the_list_says_who_when_what_and_how_it_ended_also_without_a_catalog(house: WholeHouse) -> None:
    furnished(house)
    ruined(house)
    report = mirror(house)
    back = rolled_back(house, report.id)
    with house.session() as session:
        session.restore(RestoreRequest(str(house.folder / "out"), system="orders"))
        listed = session.restores()
        assert {r.kind for r in listed.restores} == {"restore", "rollback"}
        mirrored = next(r for r in listed.restores if r.id == report.id)
        assert (mirrored.outcome, mirrored.in_place, mirrored.policy) == (RunOutcome.SUCCEEDED, True, "mirror")
        assert mirrored.files == report.files > 20
        assert mirrored.actor
        assert listed.undone == {report.id: back.id}
        detail = session.restore_detail(report.id[:6])
        assert (detail.undone_by, detail.safety) == (back.id, report.safety)
        assert detail.told > detail.steps > 20
    for path in house.state.glob("catalog*"):
        path.unlink()
    with house.session() as session:
        assert {r.id for r in session.restores().restores} == {report.id, back.id}
        session.rollback(back.id)


def test_words_that_name_no_restore(house: WholeHouse) -> None:
    furnished(house)
    with house.session() as session:
        beside = session.restore(RestoreRequest(str(house.folder / "out"), system="orders"))
        with pytest.raises(NotFound, match="no restore begins with 'zz'"):
            session.rollback("zz")
        with pytest.raises(NotFound, match="no restore in place is interrupted"):
            session.continue_restore()
        with pytest.raises(NotUndoable, match="only a restore in place can be undone"):
            session.rollback(beside.id)
        with pytest.raises(NotFound):
            session.restore_detail("")


def test_two_at_a_time_is_one_too_many(house: WholeHouse) -> None:
    furnished(house)
    ruined(house)
    met: list[Exception] = []

    def second(_: Amount) -> None:
        if not met:
            with house.session() as other, pytest.raises(RestoreBusy) as caught:
                other.restore(RestoreRequest("", system="orders", in_place=True, on_conflict="overwrite"))
            met.append(caught.value)

    with house.session() as session:
        session.restore(RestoreRequest("", system="orders", in_place=True, on_conflict="keep"), progress=second)
    assert met


def test_several_interrupted_ones_want_a_name(house: WholeHouse) -> None:
    house.system("ledger", source="ledger")
    (house.folder / "ledger").mkdir()
    plant(house.folder / "ledger", {"x": "1"})
    furnished(house)
    ruined(house)
    stop_halfway(house, 1)
    (folder,) = house.state.glob("restores")
    (path,) = folder.glob("*.jsonl")
    name = "0" * 32
    (folder / f"{name}.jsonl").write_text(path.read_text().replace(path.stem, name))
    with house.session() as session, pytest.raises(Ambiguous, match="2 restores in place are interrupted"):
        session.continue_restore()


def test_a_torn_journal_is_read_up_to_its_last_whole_line(house: WholeHouse) -> None:
    good = furnished(house)
    ruined(house)
    stop_halfway(house, 2)
    (path,) = (house.state / "restores").glob("*.jsonl")
    with path.open("ab") as file:
        file.write(b'{"done":["never wri')
    with house.session() as session:
        assert session.continue_restore().whole
    assert portrait(house.source) == good
    assert all(line.endswith("}") for line in path.read_text().splitlines())
