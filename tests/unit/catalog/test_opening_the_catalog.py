"""Opening, peeking, damage, other versions, other processes."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
import threading
from datetime import datetime
from pathlib import Path

import pytest

from reconciler.base.clock import SystemClock
from reconciler.catalog import store
from reconciler.catalog.catalog import Catalog
from reconciler.catalog.errors import CatalogBusy, CatalogError, CatalogNewer
from reconciler.catalog.records import RunOutcome

CLOCK = SystemClock()


def opened(path: Path) -> Catalog:
    return Catalog.open(path, clock=CLOCK)


def state_of(folder: Path) -> dict[str, tuple[str, int]]:
    return {entry.name: (hashlib.sha256(entry.read_bytes()).hexdigest(), entry.stat().st_mtime_ns) for entry in folder.iterdir()}


def test_importing_the_door_does_not_import_sqlalchemy() -> None:
    code = "import sys, reconciler.catalog.catalog; sys.exit('sqlalchemy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_only_the_owner_can_read_it_whatever_the_umask(path: Path) -> None:
    old = os.umask(0)
    try:
        opened(path).close()
    finally:
        os.umask(old)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_what_was_written_is_there_after_closing(path: Path) -> None:
    with opened(path) as catalog:
        catalog.put_value("writer", "w1")
    with opened(path) as catalog:
        assert catalog.get_value("writer") == "w1"
        assert catalog.recovered is None


def test_peeking_where_nothing_is_creates_nothing(path: Path) -> None:
    with Catalog.peek(path) as view:
        assert view.repositories() == {}
        assert view.runs(10) == ()
        assert view.get_value("writer") is None
    assert not path.parent.exists()


def test_peeking_changes_no_byte_and_no_time(path: Path) -> None:
    with opened(path) as catalog:
        catalog.put_value("writer", "w1")
    before = state_of(path.parent)
    with Catalog.peek(path) as view:
        assert view.get_value("writer") == "w1"
        with pytest.raises(CatalogError):
            view.put_value("writer", "w2")
    assert state_of(path.parent) == before


def test_peeking_works_in_a_folder_that_cannot_be_written(path: Path) -> None:
    with opened(path) as catalog:
        catalog.put_value("writer", "w1")
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        with Catalog.peek(path) as view:
            assert view.get_value("writer") == "w1"
    finally:
        path.parent.chmod(0o700)


KILLED_WHILE_WRITING = """
import os, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("PRAGMA cache_size=1")
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE settings SET text = 'half' WHERE key = 'writer'")
connection.executemany("INSERT INTO settings VALUES (?, ?)", [(f"k{n}", "x" * 2000) for n in range(2000)])
os.kill(os.getpid(), 9)
"""


def test_a_writer_killed_halfway_leaves_the_old_state_to_every_reader(path: Path) -> None:
    with opened(path) as catalog:
        catalog.put_value("writer", "w1")
    subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, str(path)], check=False)
    assert Path(f"{path}-journal").stat().st_size > 0
    before = state_of(path.parent)
    with Catalog.peek(path) as view:
        assert view.get_value("writer") == "w1"
        assert view.get_value("k1") is None
    assert state_of(path.parent) == before
    with opened(path) as catalog:
        assert catalog.get_value("writer") == "w1"
        assert catalog.recovered is None


def rubbish(path: Path) -> None:
    path.write_bytes(b"this is not a database, it never was one" * 200)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def overwritten(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 8192))


@pytest.mark.parametrize("damage", [rubbish, cut, overwritten])
def test_a_damaged_file_is_put_aside_and_said(path: Path, damage: object) -> None:
    catalog = opened(path)
    catalog.put_value("writer", "w1")
    with catalog._store.writing() as connection:  # as left by a process that died
        connection.exec_driver_sql("UPDATE sessions SET start = 'long ago'")
    catalog._store._connection.close()
    catalog._store._engine.dispose()
    damage(path)  # type: ignore[operator]
    with Catalog.peek(path) as view:
        assert view.get_value("writer") in {None, "w1"}
    with opened(path) as fresh:
        assert fresh.recovered is not None
        assert "damaged" in fresh.recovered
        assert fresh.get_value("writer") is None
        fresh.put_value("writer", "w2")
    assert len(list(path.parent.glob("catalog.sqlite.damaged-*"))) == 1
    with opened(path) as again:
        assert (again.recovered, again.get_value("writer")) == (None, "w2")


def test_an_empty_file_becomes_a_catalog(path: Path) -> None:
    path.parent.mkdir()
    path.touch()
    with Catalog.peek(path) as view:
        assert view.runs(1) == ()
    with opened(path) as catalog:
        assert catalog.runs(1) == ()


def test_a_catalog_of_a_newer_version_is_refused_and_left_alone(path: Path) -> None:
    with opened(path) as catalog, catalog._store.writing() as connection:
        connection.exec_driver_sql("UPDATE settings SET text = '99' WHERE key = 'schema_version'")
    before = path.read_bytes()
    for way in (opened, Catalog.peek):
        with pytest.raises(CatalogNewer, match="version 99"):
            way(path)
    assert path.read_bytes() == before


def test_a_folder_in_the_place_of_the_file_is_an_error_and_not_damage(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(CatalogError):
        opened(path)
    with pytest.raises(CatalogError):
        Catalog.peek(path)


def test_a_process_that_never_lets_go_is_named_as_busy(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened(path).close()
    monkeypatch.setattr(store, "BUSY_SECONDS", 0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(CatalogBusy):
            opened(path)
    finally:
        other.close()


def test_threads_and_connections_share_it(path: Path, noon: datetime) -> None:
    with opened(path) as one, opened(path) as two:

        def work(catalog: Catalog, system: str) -> None:
            for _ in range(5):
                run = catalog.begin_run(
                    kind="backup",
                    system=system,
                    repository="main",
                    lane="objective",
                    backup_kind="full",
                    generation="g",
                    reason="r",
                    at=noon,
                )
                catalog.end_run(run, outcome=RunOutcome.SUCCEEDED, at=noon)

        threads = [threading.Thread(target=work, args=(catalog, f"s{n}")) for n, catalog in enumerate([one, one, two, two])]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert one.counters() == two.counters() == ({"backup": 20}, {"backup": 0})


def test_a_full_disk_is_an_error_and_loses_nothing(path: Path) -> None:
    with opened(path) as catalog:
        catalog.put_value("writer", "w1")
        with catalog._store.reading() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
            connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(CatalogError, match="full"):
            catalog.put_value("writer", "x" * 100_000)
        assert catalog.get_value("writer") == "w1"
