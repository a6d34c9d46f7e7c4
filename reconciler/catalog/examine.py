"""Whether the file of the catalog is whole, looked at beside whoever uses it. Changes nothing, and holds nobody up for long."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from msgspec import Struct

from reconciler.base.clock import Clock
from reconciler.catalog.tables import SCHEMA_VERSION

SECONDS_MAX = 5.0
"""A check reads the whole file; what takes longer is cut short, and said so."""
_STEPS = 10_000  # of SQLite between two looks at the time


class Examined(Struct, frozen=True):
    """What was found."""

    version: int | None
    """Of its tables; None: unknown."""
    fault: str
    """Empty: it is whole."""
    known: int = SCHEMA_VERSION
    """The version that this program writes."""


def examine(path: Path, clock: Clock) -> Examined:
    """The file at ``path``, which is there."""
    end = clock.monotonic() + SECONDS_MAX
    version = None
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=1.0)) as connection:
            connection.set_progress_handler(lambda: clock.monotonic() > end, _STEPS)
            row = connection.execute("SELECT text FROM settings WHERE key = 'schema_version'").fetchone()
            version = int(row[0]) if row is not None else None
            answer = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.Error as error:
        late = "interrupted" in str(error)
        return Examined(version, f"not checked to the end within {SECONDS_MAX:g} s" if late else f"cannot be read: {error}")
    return Examined(version, "" if answer == "ok" else answer)
