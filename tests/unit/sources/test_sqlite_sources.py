"""SQLite databases frozen while other processes write them: one moment, whole, and nothing left over."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.base.clock import SystemClock
from reconciler.base.errors import Cancelled
from reconciler.sources.errors import SourceBusy, SourceDamaged, SourceLeftOver, SourceMissing, SourceNoRoom, SourceUnreadable
from reconciler.sources.sqlite import Freezing, freeze, place_for_copies
from tests.fakes.banks import bank, transfers, written

LONG = timedelta(seconds=60)


def how(folder: Path, stop: threading.Event | None = None) -> Freezing:
    return Freezing(folder, SystemClock(), stop or threading.Event())


@pytest.mark.parametrize("mode", ["wal", pytest.param("delete", marks=pytest.mark.slow)])
def test_a_copy_made_while_others_write_shows_one_moment(tmp_path: Path, mode: str) -> None:
    path = bank(tmp_path / "bank.db", mode)
    counts = []
    with written(path):
        for number in range(3):
            frozen = freeze(str(path), tmp_path / f"copy-{number}", how(tmp_path), LONG)
            counts.append(transfers(frozen.copy))
            time.sleep(0.1)
    assert counts[0] < counts[-1], "the writers were at work"
    assert sorted(counts) == counts


def test_what_is_only_in_the_log_of_a_database_is_in_its_copy(tmp_path: Path) -> None:
    path = bank(tmp_path / "bank.db")
    with closing(sqlite3.connect(path, isolation_level=None)) as held:
        held.execute("PRAGMA wal_autocheckpoint = 0")
        held.execute("INSERT INTO log VALUES (42)")
        assert (tmp_path / "bank.db-wal").stat().st_size
        frozen = freeze(str(path), tmp_path / "copy", how(tmp_path), LONG)
    with closing(sqlite3.connect(frozen.copy)) as copy:
        assert copy.execute("SELECT amount FROM log").fetchall() == [(42,)]


def test_an_unchanged_database_gives_the_same_bytes_again(tmp_path: Path) -> None:
    path = bank(tmp_path / "a name with ? and # and % in it.db")
    copies = [Path(freeze(str(path), tmp_path / f"copy-{n}", how(tmp_path), LONG).copy).read_bytes() for n in range(2)]
    assert copies[0] == copies[1]


def test_freezing_leaves_the_database_and_its_locks_alone(tmp_path: Path) -> None:
    path = bank(tmp_path / "bank.db", "delete")
    before = path.read_bytes()
    freeze(str(path), tmp_path / "copy", how(tmp_path), LONG)
    assert path.read_bytes() == before
    with closing(sqlite3.connect(path, timeout=0)) as db:
        db.execute("INSERT INTO log VALUES (1)")
        db.commit()


def test_a_damaged_database_is_not_published_as_if_it_were_whole(tmp_path: Path) -> None:
    path = bank(tmp_path / "bank.db", "delete")
    content = bytearray(path.read_bytes())
    content[5 * 4096 : 6 * 4096] = os.urandom(4096)
    path.write_bytes(content)
    with pytest.raises(SourceDamaged, match=r"bank\.db"):
        freeze(str(path), tmp_path / "copy", how(tmp_path), LONG)


def test_another_kind_of_file_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("dear diary" * 1000)
    with pytest.raises(SourceUnreadable, match="no SQLite database"):
        freeze(str(tmp_path / "text"), tmp_path / "copy", how(tmp_path), LONG)


@pytest.mark.parametrize("kind", ["gone", "folder", "link"])
def test_what_is_no_file_is_named_as_what_it_is(tmp_path: Path, kind: str) -> None:
    bank(tmp_path / "real.db")
    if kind == "folder":
        (tmp_path / "it").mkdir()
    if kind == "link":
        (tmp_path / "it").symlink_to("real.db")
    with pytest.raises(SourceMissing if kind == "gone" else SourceUnreadable):
        freeze(str(tmp_path / "it"), tmp_path / "copy", how(tmp_path), LONG)


def test_a_lock_that_is_never_given_back_ends_in_a_sentence(tmp_path: Path) -> None:
    path = bank(tmp_path / "bank.db", "delete")
    with closing(sqlite3.connect(path, isolation_level=None)) as hog:
        hog.execute("BEGIN EXCLUSIVE")
        with pytest.raises(SourceBusy, match=r"locked|did not end"):
            freeze(str(path), tmp_path / "copy", how(tmp_path), timedelta(seconds=0.5))


def test_a_stop_ends_a_freeze(tmp_path: Path) -> None:
    path = bank(tmp_path / "bank.db", "delete")
    stop = threading.Event()
    stop.set()
    with closing(sqlite3.connect(path, isolation_level=None)) as hog:
        hog.execute("BEGIN EXCLUSIVE")
        with pytest.raises(Cancelled):
            freeze(str(path), tmp_path / "copy", how(tmp_path, stop), LONG)


def test_without_room_for_the_copy_nothing_begins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = bank(tmp_path / "bank.db")
    usage = sys.modules["shutil"].disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: usage._replace(free=1000))
    with pytest.raises(SourceNoRoom):
        freeze(str(path), tmp_path / "copy", how(tmp_path), LONG)
    assert not (tmp_path / "copy").exists()


def test_a_crashed_writer_leaves_a_journal_that_only_its_owner_may_roll_back(tmp_path: Path) -> None:
    """The freeze reads only: it does not repair what is not its own, and it does not take the half for the whole."""
    path = bank(tmp_path / "bank.db", "delete")
    crash = (
        "import os, sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None); db.execute('PRAGMA cache_size = 5');"
        "db.execute('BEGIN'); db.execute('UPDATE a SET pad = pad || 1'); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", crash, str(path)], check=False)
    assert (tmp_path / "bank.db-journal").exists()
    before = path.read_bytes()
    with pytest.raises((SourceLeftOver, SourceUnreadable)):
        freeze(str(path), tmp_path / "copy", how(tmp_path), LONG)
    assert path.read_bytes() == before


def test_copies_are_private_and_go_away_even_when_their_process_was_killed(tmp_path: Path) -> None:
    home = tmp_path / "copies"
    died = (
        "import os, sys; from pathlib import Path; from reconciler.sources.sqlite import place_for_copies\n"
        "with place_for_copies(Path(sys.argv[1])) as place:\n    (place / 'secret').write_text('x'); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", died, str(home)], check=False)
    assert list(home.glob("copies-*/secret"))
    with place_for_copies(home) as place:
        assert place.stat().st_mode & 0o777 == 0o700
        assert list(home.glob("copies-*")) == [place]
        with place_for_copies(home) as other:
            assert place.exists()
            assert other != place
    assert list(home.glob("copies-*")) == []
