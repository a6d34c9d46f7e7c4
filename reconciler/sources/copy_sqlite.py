"""The program of the process that copies a SQLite database: `copy_sqlite.py DATABASE COPY BUSY_MILLISECONDS`, standard library only.

It is a process of its own because the locks of a file belong to a process: were the same file opened and closed anywhere else in the
process that copies, as a scan does, the locks would be gone and the copy might show two moments at once.

Prints one JSON object: ``{"found": [...]}`` with the lines of the integrity check, or ``{"error": NAME, "message": TEXT}``.
"""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import sys
from urllib.parse import quote

PAGES_PER_STEP = 1024


def main(database: str, copy: str, busy_milliseconds: str) -> dict[str, object]:
    """Copy one moment, check the copy."""
    try:
        _copy(database, copy, int(busy_milliseconds) / 1000)
        with contextlib.closing(_open(copy, "immutable=1", 0.0)) as made:  # one in WAL mode would get side files of its own otherwise
            return {"found": [str(row[0]) for row in made.execute("PRAGMA integrity_check(3)")]}
    except sqlite3.Error as error:
        return {"error": getattr(error, "sqlite_errorname", None) or type(error).__name__, "message": str(error)}


def _copy(database: str, copy: str, busy_seconds: float) -> None:
    parent = os.getppid()

    def progress(_status: int, _left: int, _total: int) -> None:
        if os.getppid() != parent:
            sys.exit(1)  # nobody waits for it any more

    with contextlib.closing(_open(database, "mode=ro", busy_seconds)) as source, contextlib.closing(sqlite3.connect(copy)) as target:
        target.execute("PRAGMA synchronous = OFF")  # a copy that a crash damages is made anew
        source.execute("BEGIN")
        source.execute("SELECT count(*) FROM sqlite_schema").fetchone()  # takes the read lock: this is the moment
        source.backup(target, pages=PAGES_PER_STEP, progress=progress, sleep=0)
        source.execute("ROLLBACK")


def _open(path: str, query: str, busy_seconds: float) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(os.fsencode(path))}?{query}", uri=True, timeout=busy_seconds, isolation_level=None)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:4])))
