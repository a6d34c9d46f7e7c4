"""What is seen of repositories: bad news is a value, and the memory stays visible beside it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from reconciler.app import keys
from reconciler.base.secret import Secret
from reconciler.model.declared.repository import Key
from reconciler.model.desired import DesiredRepository
from reconciler.model.observed import RepositoryState
from reconciler.model.problem import Place
from reconciler.model.snapshot import BackupKind, Grade, MarkKind
from reconciler.observe.repositories import observe_all, observe_one, snapshot_of
from reconciler.repository import MarkRecord, Repository, Root
from reconciler.repository.format import INDEX_BYTES_SMALL

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
KEY = "ab" * 32


def declared(folder: Path, name: str = "main") -> DesiredRepository:
    return DesiredRepository(name, str(folder), Key(file="unused"), Place("base.yaml", 1))


def opener(repository: DesiredRepository) -> Repository:
    return Repository.open(repository.url, Secret(KEY.encode()))


def made(folder: Path) -> DesiredRepository:
    Repository.init(str(folder), Secret(KEY.encode()), created_at=NOW).close()
    return declared(folder)


def never(name: str = "main") -> RepositoryState:
    return RepositoryState(name, None, reachable=False)


def root(**changes: object) -> Root:
    plain: dict[str, object] = {
        "id": "a" * 32,
        "realm": "r",
        "system": "orders",
        "host": "shop1",
        "kind": "full",
        "parent": None,
        "as_of": NOW,
        "ended_at": NOW,
        "arrived_at": NOW,
        "grade": "complete",
        "files": 1,
        "bytes": 2,
        "added_bytes": 3,
        "defects": (),
        "defect_count": 0,
        "user": "",
        "paths": (),
        "generation": "",
        "specs": b"",
        "writer": "",
        "sequence": 1,
    }
    return Root(**{**plain, **changes})  # type: ignore[arg-type]


def test_an_empty_repository_is_reachable_fresh_and_empty(tmp_path: Path) -> None:
    state = observe_one(made(tmp_path / "r"), never(), opener=opener, now=NOW)
    assert (state.reachable, state.fresh, state.snapshots, state.listed_at, state.failure) == (True, True, (), NOW, None)
    assert state.free_bytes


def test_small_index_objects_are_counted_and_large_ones_are_not(tmp_path: Path) -> None:
    wanted = made(tmp_path / "r")
    for number, size in enumerate((100, INDEX_BYTES_SMALL - 1, INDEX_BYTES_SMALL)):
        (tmp_path / "r" / "index" / f"{number:064x}").write_bytes(bytes(size))
    assert observe_one(wanted, never(), opener=opener, now=NOW).small_indexes == 2


def test_a_missing_repository_keeps_what_was_known_of_it_and_its_time(tmp_path: Path) -> None:
    known = RepositoryState(
        "main", NOW - timedelta(days=1), reachable=True, fresh=True, id="b" * 32, snapshots=(snapshot_of(root(), "main", ()),)
    )
    state = observe_one(declared(tmp_path / "gone"), known, opener=opener, now=NOW)
    assert state.failure is not None
    assert state.failure.code == "repository-not-initialised"
    assert (state.reachable, state.fresh, state.listed_at, len(state.snapshots)) == (False, False, NOW - timedelta(days=1), 1)


def test_a_wrong_key_is_a_state_not_an_exception(tmp_path: Path) -> None:
    wanted = made(tmp_path / "r")
    state = observe_one(wanted, never(), opener=lambda r: Repository.open(r.url, Secret(b"cd" * 32)), now=NOW)
    assert state.failure is not None
    assert state.failure.code == "repository-wrong-key"


def test_another_repository_at_the_same_place_is_not_taken_for_the_known_one(tmp_path: Path) -> None:
    wanted = made(tmp_path / "r")
    known = RepositoryState("main", NOW, reachable=True, id="b" * 32)
    state = observe_one(wanted, known, opener=opener, now=NOW)
    assert state.failure is not None
    assert state.failure.code == "repository-is-another"
    assert state.id == "b" * 32


def test_a_root_that_cannot_be_read_makes_the_listing_unfit_for_deletions(tmp_path: Path) -> None:
    wanted = made(tmp_path / "r")
    (tmp_path / "r" / "snapshots" / ("c" * 32)).write_bytes(b"not a root")
    state = observe_one(wanted, never(), opener=opener, now=NOW)
    assert state.reachable
    assert not state.fresh
    assert state.failure is not None


def test_one_silent_repository_does_not_hold_up_the_others(tmp_path: Path) -> None:
    import threading

    good, silent, release = made(tmp_path / "good"), declared(tmp_path / "silent", "silent"), threading.Event()

    def sometimes(repository: DesiredRepository) -> Repository:
        if repository.name == "silent":
            release.wait(30)
        return opener(repository)

    try:
        states = observe_all([good, silent], {}, refresh={"main", "silent"}, opener=sometimes, now=NOW, seconds_max=1.0)
    finally:
        release.set()
    assert states["main"].fresh
    assert states["silent"].failure is not None
    assert states["silent"].failure.code == "observe-repository-silent"


def test_what_is_not_to_be_listed_stands_as_it_is_known_but_is_not_fresh(tmp_path: Path) -> None:
    known = {"main": RepositoryState("main", NOW, reachable=True, fresh=True, id="b" * 32)}
    states = observe_all([declared(tmp_path / "never looked at")], known, refresh=(), opener=opener, now=NOW)
    assert states["main"].reachable
    assert not states["main"].fresh


def test_a_kind_or_grade_of_a_newer_version_counts_as_the_weakest() -> None:
    snapshot = snapshot_of(root(kind="synthetic", grade="splendid"), "main", (MarkRecord("engraved", NOW, ""), MarkRecord("held", NOW, "")))
    assert (snapshot.kind, snapshot.grade) == (BackupKind.INCREMENTAL, Grade.SUSPECT)
    assert [mark.kind for mark in snapshot.marks] == [MarkKind.HELD]
    assert not snapshot.good


def test_the_number_of_defects_is_the_true_one_not_the_listed_ones() -> None:
    assert snapshot_of(root(defects=("x",), defect_count=20_000), "main", ()).defects == 20_000


def test_keys_of_the_same_text_open_the_same_repository(tmp_path: Path) -> None:
    made(tmp_path / "r")
    (tmp_path / "key").write_bytes(KEY.upper().encode() + b"\n")
    (tmp_path / "key").chmod(0o600)
    Repository.open(str(tmp_path / "r"), keys.from_file(tmp_path / "key")).close()
