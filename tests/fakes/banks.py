"""A SQLite database whose rows must always agree, and processes that keep writing it: whatever shows two moments at once is found out."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

_WRITER = """
import random, sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)
print("ready", flush=True)
while True:  # money moves between two tables; the sum of both never changes
    db.execute("BEGIN IMMEDIATE")
    amount = random.randrange(100)
    db.execute("UPDATE a SET amount = amount - ? WHERE id = ?", (amount, random.randrange(2000)))
    db.execute("UPDATE b SET amount = amount + ? WHERE id = ?", (amount, random.randrange(2000)))
    db.execute("INSERT INTO log (amount) VALUES (?)", (amount,))
    db.execute("COMMIT")
"""


def bank(path: Path, mode: str = "wal") -> Path:
    """Two tables whose sum is zero, and a log of what moved."""
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA journal_mode = {mode}")
        db.executescript("CREATE TABLE a (id INTEGER PRIMARY KEY, amount, pad); CREATE TABLE b (id INTEGER PRIMARY KEY, amount, pad);")
        db.execute("CREATE TABLE log (amount)")
        for table in "ab":
            db.executemany(f"INSERT INTO {table} VALUES (?, 0, ?)", [(number, "x" * 500) for number in range(2000)])
        db.commit()
    return path


def transfers(path: Path | str) -> int:
    """How many there were; fails when the database shows more than one moment."""
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("SELECT (SELECT sum(amount) FROM a) + (SELECT sum(amount) FROM b)").fetchone() == (0,)
        count, moved = db.execute("SELECT count(*), coalesce(sum(amount), 0) FROM log").fetchone()
        assert db.execute("SELECT sum(amount) FROM b").fetchone() == (moved,)
    return int(count)


@contextmanager
def written(path: Path, writers: int = 2) -> Iterator[None]:
    """Other processes write it as fast as they can."""
    processes = [subprocess.Popen([sys.executable, "-c", _WRITER, str(path)], stdout=subprocess.PIPE) for _ in range(writers)]
    for process in processes:
        assert process.stdout is not None
        process.stdout.readline()
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.communicate()
