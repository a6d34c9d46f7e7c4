"""The one connection to the SQLite file: opening, transactions, translation of errors, and what happens to a damaged file.

Rollback journal, because the SQLite of many distributions corrupts databases in WAL mode when two connections reset the log at once
(fixed in 3.51.3). ``synchronous=FULL``: a committed row survives a power cut. Writers begin with the lock in hand (``BEGIN
IMMEDIATE``), so nobody fails halfway from reading to writing.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, delete, event, exc, insert, select
from sqlalchemy.pool import StaticPool

from reconciler.base.files import make_folders
from reconciler.base.ids import new_id
from reconciler.catalog import tables
from reconciler.catalog.errors import CatalogBusy, CatalogError, CatalogNewer
from reconciler.catalog.process import Process, alive, me

BUSY_SECONDS = 30  # a write takes milliseconds; longer means a stopped process
_COMPILED: dict[Any, Any] = {}
"""Statements that were compiled, by their shape: of these the program has a bounded number."""
_DAMAGE = ("malformed", "not a database", "file is encrypted", "unsupported file format")


class Store:
    """A connection that many threads share, one at a time."""

    def __init__(self, path: Path, engine: Engine, *, session: str | None, recovered: str | None = None) -> None:
        self.path = path
        self.recovered = recovered
        self.fence: Callable[[Connection], None] | None = None
        """Asked at the beginning of every fenced transaction that writes; raises when this process may not write any more."""
        self._session = session
        self._engine = engine
        self._lock = threading.RLock()
        self._begin = "BEGIN"
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(self._begin) and None)
        self._connection = engine.connect()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def writing(self, *, fenced: bool = True) -> Iterator[Connection]:
        """All or nothing; durable when it ends. ``fenced``: false for what is true whoever says it, such as how a run ended."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            if fenced and self.fence is not None:
                self.fence(connection)
            yield connection

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[Connection]:
        with self._lock:
            self._begin = begin
            try:
                with self._connection.begin():
                    yield self._connection
            except (exc.DBAPIError, sqlite3.Error) as error:
                raise translate(error, self.path) from error

    def close(self) -> None:
        """Say that everything was closed in order; may be called twice."""
        with self._lock:
            if self._connection.closed:
                return
            try:
                if self._session is not None:
                    with self.writing(fenced=False) as connection:
                        connection.execute(delete(tables.sessions).where(tables.sessions.c.id == self._session))
            finally:
                self._connection.close()
                self._engine.dispose()


def translate(error: Exception, path: Path) -> CatalogError:
    """An error of SQLite as ours."""
    reason = str(getattr(error, "orig", error))
    if "locked" in reason:
        return CatalogBusy(f"the catalog {path} is locked by another process")
    return CatalogError(f"the catalog {path} cannot be used: {reason}")


def open_store(path: Path, now: datetime) -> Store:
    """Open for reading and writing; make what is missing; put a damaged file aside and begin a new one."""
    make_folders(path.parent)
    recovered = None
    engine = _engine(path)
    try:
        session = _enter(engine, path, now)
    except (exc.DBAPIError, sqlite3.Error) as error:
        engine.dispose()
        if not _is_damage(error):
            raise translate(error, path) from error
        recovered = _set_aside(path, now)
        engine = _engine(path)
        session = _enter(engine, path, now)
    return Store(path, engine, session=session, recovered=recovered)


def peek_store(path: Path) -> Store:
    """Open for reading only: creates nothing, changes nothing. A damaged catalog reads as an empty one."""
    for attempt in (_read_only, _read_only_copy):  # the copy: to roll a killed writer's journal back, or to add tables
        engine = attempt(path)
        try:
            with engine.connect() as connection:
                older = (_check_version(connection, path) or 0) < tables.SCHEMA_VERSION
                if older and attempt is _read_only_copy:
                    tables.metadata.create_all(connection)  # in memory
                connection.execute(select(tables.runs.c.id).limit(1)).all()
        except (exc.DBAPIError, sqlite3.Error) as error:
            engine.dispose()
            if _is_damage(error) or "no such table" in str(error):
                return _empty(path, f"the catalog {path} is damaged; the next pass puts it aside and makes a new one")
            if "readonly" not in str(error) and "unable to open" not in str(error):
                raise translate(error, path) from error
        else:
            if attempt is _read_only_copy or not older:
                return Store(path, engine, session=None)
            engine.dispose()
    raise CatalogError(f"the catalog {path} cannot be read")


def _engine(path: Path) -> Engine:
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # SQLite gives its journal the same mode
    return _connect(str(path), uri=False)


def _read_only(path: Path) -> Engine:
    return _connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)


def _read_only_copy(path: Path) -> Engine:
    with tempfile.TemporaryDirectory(prefix="reconciler-peek-") as folder:
        copy = Path(folder) / path.name
        shutil.copyfile(path, copy)
        journal = Path(f"{path}-journal")
        if journal.exists():
            shutil.copyfile(journal, f"{copy}-journal")
        memory = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        source = sqlite3.connect(copy)
        try:
            source.backup(memory)
        finally:
            source.close()
    return _engine_on(lambda: memory)


def _empty(path: Path, recovered: str) -> Store:
    engine = _connect(":memory:", uri=False)
    with engine.connect() as connection:
        tables.metadata.create_all(connection)
    return Store(path, engine, session=None, recovered=recovered)


def _connect(target: str, *, uri: bool) -> Engine:
    def connect() -> sqlite3.Connection:
        connection = sqlite3.connect(target, uri=uri, timeout=BUSY_SECONDS, check_same_thread=False, isolation_level=None)
        for pragma in ("journal_mode=DELETE", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_SECONDS * 1000}"):
            if "mode=ro" not in target or not pragma.startswith("journal_mode"):
                connection.execute(f"PRAGMA {pragma}")
        return connection

    return _engine_on(connect)


def _engine_on(connect: Callable[[], Any]) -> Engine:
    """All engines of a process share what SQLAlchemy has compiled: to compile a statement takes longer than most take to run."""
    pattern = _pattern()
    pool = StaticPool(connect, dialect=pattern.dialect)
    return Engine(pool, pattern.dialect, pattern.url, execution_options={"compiled_cache": _COMPILED})


@cache
def _pattern() -> Engine:
    """Its dialect has seen a connection, so it knows the SQLite of this process."""
    engine = create_engine("sqlite://", poolclass=StaticPool)
    engine.connect().close()
    engine.dispose()
    return engine


def _enter(engine: Engine, path: Path, now: datetime) -> str:
    """Check and complete the file, and note that this process has it open: a note left behind says that it was not closed in order."""
    session, process = new_id(), me()
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        if _check_version(connection, path) != tables.SCHEMA_VERSION:
            tables.metadata.create_all(connection)  # all of them, or those that an older version did not have
            connection.execute(tables.upsert(tables.settings), {"key": "schema_version", "text": str(tables.SCHEMA_VERSION)})
        if _forget_dead_sessions(connection):
            _check_integrity(connection)
        connection.execute(insert(tables.sessions).values(id=session, pid=process.pid, start=process.start, at=now))
        connection.commit()
    return session


def _check_version(connection: Connection, path: Path) -> int | None:
    """Of which version the tables are; None when there are none. Raises CatalogNewer when this program does not know the version."""
    if not connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE name = 'settings'").first():
        return None
    found = connection.execute(select(tables.settings.c.text).where(tables.settings.c.key == "schema_version")).scalar()
    if found is not None and int(found) > tables.SCHEMA_VERSION:
        raise CatalogNewer(f"the catalog {path} has version {found}, this program knows version {tables.SCHEMA_VERSION}")
    return int(found) if found is not None else None


def _forget_dead_sessions(connection: Connection) -> bool:
    rows = connection.execute(select(tables.sessions)).all()
    dead = [row.id for row in rows if not alive(Process(row.pid, row.start))]
    if dead:
        connection.execute(delete(tables.sessions).where(tables.sessions.c.id.in_(dead)))
    return bool(dead)


def _check_integrity(connection: Connection) -> None:
    answer = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
    if answer != "ok":
        raise sqlite3.DatabaseError(f"malformed: {answer}")


def _is_damage(error: Exception) -> bool:
    return any(word in str(error) for word in _DAMAGE)


def _set_aside(path: Path, now: datetime) -> str:
    """Move the damaged file away, once, however many processes find it at the same time."""
    from filelock import FileLock

    with FileLock(f"{path}.recovery"):
        engine = _engine(path)
        try:
            with engine.connect() as connection:
                _check_integrity(connection)
        except (exc.DBAPIError, sqlite3.Error) as error:
            if not _is_damage(error):
                raise translate(error, path) from error
            engine.dispose()
            aside = f"{path}.damaged-{now:%Y%m%dT%H%M%SZ}"
            os.replace(path, aside)
            if os.path.exists(f"{path}-journal"):
                os.replace(f"{path}-journal", f"{aside}-journal")
            return f"the catalog {path} was damaged: it was moved to {aside} and is made anew from the repositories"
        engine.dispose()
        return f"the catalog {path} was damaged: another process has already made it anew"
