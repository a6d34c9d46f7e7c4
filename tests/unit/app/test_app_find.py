"""Where a file was when: its versions over the snapshots, gaps that prove nothing, damage, and the command that brings one back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.app.queries.values import FileHistory, FindReport
from reconciler.app.reports import RestoreRequest
from reconciler.base.errors import Usage
from reconciler.repository import TooManyMatches, browse, opened
from tests.fakes.houses import WholeHouse
from tests.unit.app.test_app_copy import with_repositories

HOUR = timedelta(hours=1)


def passed(house: WholeHouse, *, init: bool = False) -> str:
    house.clock.advance(2 * HOUR)
    return house.one_pass(init=init).results[0].done.snapshot_id or ""


def found(house: WholeHouse, pattern: str, system: str | None = None) -> FindReport:
    with house.session(read_only=True) as session, session.queries() as queries:
        return queries.find(pattern, system)


def lived(house: WholeHouse) -> tuple[list[str], FileHistory]:
    """The counter is made, changed, made unreadable to others, deleted, and comes back."""
    ids = [passed(house, init=True)]
    file = house.source / "counter"
    for step in ("one", "two!", None, "gone", "two!"):
        (house.source / "other").write_text(str(len(ids)))
        if step is None:
            file.chmod(0o600)
        elif step == "gone":
            file.unlink()
        else:
            file.write_text(step)
        ids.append(passed(house))
    (history,) = found(house, "counter").files
    return ids, history


def test_each_version_is_told_from_when_to_when(house: WholeHouse) -> None:
    ids, history = lived(house)
    assert (history.system, history.path) == ("orders", str(house.source / "counter"))
    assert [(v.what[0], v.first.id, v.last.id, v.ended, v.until and v.until.id) for v in history.versions] == [
        ("new", ids[1], ids[1], "changed", ids[2]),
        ("content", ids[2], ids[2], "changed", ids[3]),
        ("mode", ids[3], ids[3], "deleted", ids[4]),
        ("back", ids[5], ids[5], "", None),
    ]
    assert [v.restore_from and v.restore_from.id for v in history.versions] == [ids[1], ids[2], ids[3], ids[5]]
    assert [v.after and v.after.id for v in history.versions] == [ids[0], ids[1], ids[2], ids[4]]


def test_many_versions_cost_one_look_at_the_index(house: WholeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    loads = []
    real = opened.load_index

    def counted(*given: object, **more: object) -> object:
        loads.append(given)
        return real(*given, **more)  # type: ignore[arg-type]

    lived(house)
    monkeypatch.setattr(opened, "load_index", counted)
    assert len(found(house, "counter").files[0].versions) == 4
    assert len(loads) == 1


def test_the_printed_words_bring_that_version_back(house: WholeHouse, tmp_path: Path) -> None:
    (house.source / "[a]*.txt").write_text("signs")
    (house.source / "a.txt").write_text("no signs")
    _, history = lived(house)
    words = history.versions[1].restore
    assert words[:2] == ("restore", "--snapshot")
    with house.session() as session:
        session.restore(RestoreRequest(str(tmp_path), snapshot=words[2], paths=(words[4],)))
        assert (tmp_path / str(house.source).lstrip("/") / "counter").read_text() == "two!"
        (signs,) = found(house, r"\[a]\*.txt").files
        back = session.restore(RestoreRequest(str(tmp_path / "signs"), paths=(signs.versions[-1].restore[4],), system="orders"))
    assert back.files == 1
    assert (tmp_path / "signs" / str(house.source).lstrip("/") / "[a]*.txt").read_text() == "signs"


def test_a_version_held_by_no_good_snapshot_says_so(house: WholeHouse) -> None:
    ids, _ = lived(house)
    with house.session() as session:
        declared = session.load().desired.repository("main")
        assert declared is not None
        with session.house.open_repository(declared) as repository:
            repository.mark(ids[1], "damaged", house.clock.now())
    (history,) = found(house, "counter").files
    assert [version.good for version in history.versions] == [False, True, True, True]
    assert history.versions[0].restore_from is not None


def test_patterns_fit_the_entry_itself(house: WholeHouse) -> None:
    (house.source / "deep").mkdir()
    for name in ("deep/a.pdf", "b.pdf", "deep/c.txt"):
        (house.source / name).write_text("x")
    passed(house, init=True)
    source = str(house.source)
    for pattern, names in (
        ("*.pdf", ["b.pdf", "deep/a.pdf"]),
        (f"{source}/*.pdf", ["b.pdf"]),
        (f"{source}/**/a.pdf", ["deep/a.pdf"]),
        ("deep", ["deep"]),
        (f"{source}/deep", ["deep"]),
        (f"{source}/deep/**", ["deep/a.pdf", "deep/c.txt"]),
        ("deep/?.txt", ["deep/c.txt"]),
        ("[ab].pdf", ["b.pdf", "deep/a.pdf"]),
        ("nothing", []),
        ("x/y/nothing", []),
    ):
        assert [history.path for history in found(house, pattern).files] == [f"{source}/{name}" for name in names]
    for empty in ("", "/"):
        with pytest.raises(Usage, match="is empty"):
            found(house, empty)


def test_systems_are_told_apart(house: WholeHouse) -> None:
    (house.folder / "ledger").mkdir()
    (house.folder / "ledger" / "one.txt").write_text("ledger")
    house.system("ledger")
    house.clock.advance(2 * HOUR)
    house.one_pass(init=True)
    assert [history.system for history in found(house, "one.txt").files] == ["ledger", "orders"]
    assert [history.system for history in found(house, "one.txt", "ledger").files] == ["ledger"]
    assert found(house, "one.txt", "ledger").snapshots == 1


def test_a_damaged_block_is_named_and_hides_nothing_that_others_hold(house: WholeHouse) -> None:
    ids, history = lived(house)
    (house.repository / "snapshots" / ids[2]).chmod(0o600)
    (house.repository / "snapshots" / ids[2]).write_bytes(b"rotten")
    report = found(house, "counter")
    (after,) = report.files
    assert report.snapshots == len(ids) - 1
    assert [v.first.id for v in after.versions] == [v.first.id for v in history.versions if v.first.id != ids[2]]
    for pack in (house.repository / "packs").rglob("*"):
        if pack.is_file() and pack.stat().st_size < 20_000:
            data = bytearray(pack.read_bytes())
            middle = range(len(data) * 3 // 10, len(data) * 6 // 10)
            data[middle.start : middle.stop] = bytes(len(middle))
            pack.chmod(0o600)
            pack.write_bytes(data)
    report = found(house, "counter")
    assert report.problems
    assert all("main" in problem for problem in report.problems)


def test_a_pattern_that_fits_more_than_memory_holds_is_refused(house: WholeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(20):
        (house.source / f"{number}.pdf").write_text("x")
    passed(house, init=True)
    monkeypatch.setattr(browse, "MATCHES_MAX", 10)
    assert len(found(house, "1.pdf").files) == 1
    with pytest.raises(TooManyMatches):
        found(house, "*.pdf")


def test_copies_of_a_snapshot_count_once_and_those_elsewhere_are_searched_too(house: WholeHouse) -> None:
    with_repositories(house, "offsite")
    (house.source / "counter").write_text("one")
    first = passed(house, init=True)
    for _ in range(2):
        house.one_pass()
    (house.source / "counter").write_text("second")
    second = passed(house)
    (house.repository / "snapshots" / first).unlink()
    (history,) = found(house, "counter").files
    assert [(v.first.id, v.snapshots) for v in history.versions] == [(first, 1), (second, 1)]
    assert history.versions[1].what[0] == "content"
    (same,) = found(house, "one.txt").files
    assert [(v.snapshots, v.ended) for v in same.versions] == [(2, "")], "the same content in two repositories is one version"
