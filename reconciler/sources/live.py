"""Databases that live where files are read: seen by the names of what they keep beside them. Nothing is opened to find out.

Read as files while they are written, they may be stored in a state that they cannot start from. The sentence names the source that can.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator

_IN_USE = (b"-wal", b"-journal")
_CLUSTER = frozenset({b"PG_VERSION", b"global", b"base", b"postmaster.pid"})


def may_be_in(encoded: bytes) -> bool:
    """Whether these encoded rows may hold such a name; False: they do not."""
    return b"-wal" in encoded or b"-journal" in encoded or b"postmaster.pid" in encoded


def in_use(names: Iterable[bytes]) -> Iterator[bytes]:
    """Of the entries of one folder: the SQLite databases with a log beside them."""
    hints = [name for name in names if name.endswith(_IN_USE)]
    if hints:
        known = set(names)
        yield from sorted({stem for name in hints if (stem := name[: name.rindex(b"-")]) in known})


def is_cluster(names: Collection[bytes]) -> bool:
    """Whether this is the data directory of a PostgreSQL server that runs."""
    return b"postmaster.pid" in names and set(names) >= _CLUSTER


def of_sqlite(path: str) -> str:
    return f"{path} is a SQLite database in use; read as a file it may not open again: name it as `sqlite: {path}`"


def of_cluster(path: str) -> str:
    return (
        f"{path} is the data directory of a PostgreSQL server in use; read as files it may not start again: "
        "exclude it and name a dump as `command: [/usr/bin/pg_dumpall], name: dump.sql`"
    )


def sentences(path: str, exempt: Collection[str] = ()) -> tuple[str, ...]:
    """About the folder or file at ``path`` itself, its entries included, but not deeper. ``exempt``: databases that are frozen anyway."""
    try:
        if os.path.isdir(path):
            names = [os.fsencode(name) for name in os.listdir(path)]
            found = [os.path.join(path, os.fsdecode(name)) for name in in_use(names)]
            said = [of_cluster(path)] if is_cluster(names) else []
        else:
            found, said = [path] * any(os.path.exists(path + end.decode()) for end in _IN_USE), []
    except OSError:
        return ()
    return (*said, *(of_sqlite(each) for each in found if each not in exempt))
