"""Statements over who works on what: claims of commands and of the loop, and the lease of the loop.

A row of a process that is gone counts as no row, so a crash never needs a person.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, delete, insert, select

from reconciler.base.ids import new_id
from reconciler.catalog.errors import LeaseLost
from reconciler.catalog.process import Process, alive, me
from reconciler.catalog.records import Claim, Holder
from reconciler.catalog.tables import claims, lease, upsert

_LOOP = "loop"


def claim(connection: Connection, key: tuple[str, str, str], what: str, at: datetime) -> Claim | Holder:
    """Take the key, or say who has it. A second claim by the same process is refused, too: another thread works there."""
    here = _at(key)
    row = connection.execute(select(claims).where(*here)).first()
    if row is not None:
        if alive(Process(row.pid, row.start)):
            return Holder(row.pid, row.at, row.what)
        connection.execute(delete(claims).where(*here))
    mine, process = Claim(*key, token=new_id(), at=at), me()
    row_values = {"system": key[0], "repository": key[1], "lane": key[2], "token": mine.token, "at": at, "what": what}
    connection.execute(insert(claims), {**row_values, "pid": process.pid, "start": process.start})
    return mine


def release(connection: Connection, mine: Claim) -> None:
    """Give it back; harmless when it is no longer mine."""
    connection.execute(delete(claims).where(claims.c.token == mine.token))


def busy(connection: Connection) -> frozenset[tuple[str, str, str]]:
    rows = connection.execute(select(claims)).all()
    return frozenset((row.system, row.repository, row.lane) for row in rows if alive(Process(row.pid, row.start)))


def take_lease(connection: Connection, at: datetime, over: int | None) -> int:
    """A new fencing token, greater than every one before. ``over``: only if that is still the newest one; else raises LeaseLost."""
    if over is not None:
        check_lease(connection, over)
    token = newest_lease(connection) + 1
    process = me()
    row = {"name": _LOOP, "token": token, "pid": process.pid, "start": process.start, "at": at}
    connection.execute(upsert(lease), row)
    return token


def newest_lease(connection: Connection) -> int:
    """0: there was none yet."""
    return connection.execute(select(lease.c.token).where(lease.c.name == _LOOP)).scalar() or 0


def check_lease(connection: Connection, token: int) -> None:
    found = connection.execute(select(lease.c.token).where(lease.c.name == _LOOP)).scalar()
    if found != token:
        raise LeaseLost(f"the loop's lease {token} was taken over by lease {found}")


def lease_holder(connection: Connection) -> Holder | None:
    row = connection.execute(select(lease).where(lease.c.name == _LOOP)).first()
    if row is None or not alive(Process(row.pid, row.start)):
        return None
    return Holder(row.pid, row.at, "the loop")


def give_back_lease(connection: Connection, token: int) -> None:
    """Say that the loop has ended; the token stays used."""
    mine = (lease.c.name == _LOOP, lease.c.token == token)
    connection.execute(lease.update().where(*mine).values(pid=0, start=""))


def _at(key: tuple[str, str, str]) -> tuple[ColumnElement[bool], ...]:
    return (claims.c.system == key[0], claims.c.repository == key[1], claims.c.lane == key[2])
