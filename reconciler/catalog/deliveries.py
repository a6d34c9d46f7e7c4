"""Statements over the messages that wait, and over how deliveries go, receiver by receiver."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime

import msgspec
from sqlalchemy import Connection, delete, func, insert, select, update

from reconciler.catalog.codec import failure_from_text, failure_to_text
from reconciler.catalog.tables import notices, receivers, upsert
from reconciler.model.alerts import Notice, ReceiverStatus, Waiting
from reconciler.model.observed import Failure

WAITING_MAX = 200
"""For one receiver; a pass adds ten at most."""

_notice = msgspec.json.Decoder(Notice).decode
_ZERO = {"delivered": 0, "failed": 0, "dropped": 0, "consecutive_failures": 0}


def add(connection: Connection, added: Sequence[Notice]) -> None:
    """Those of each receiver in their order."""
    if not added:
        return
    rows = [{"receiver": n.receiver, "at": n.at, "next_at": n.at, "attempts": 0, "body": msgspec.json.encode(n).decode()} for n in added]
    connection.execute(insert(notices), rows)
    for receiver in dict.fromkeys(n.receiver for n in added):
        here = notices.c.receiver == receiver
        order = notices.c.number.desc()
        last = connection.execute(select(notices.c.number).where(here).order_by(order).offset(WAITING_MAX).limit(1)).scalar()
        if last is not None:
            gone = connection.execute(delete(notices).where(here, notices.c.number <= last)).rowcount
            _count(connection, receiver, {"dropped": receivers.c.dropped + gone}, {"dropped": gone})


def heads(connection: Connection) -> tuple[Waiting, ...]:
    """Of each receiver the oldest: what comes after it waits for it, so that nobody hears of an end before the begin."""
    first = select(func.min(notices.c.number)).group_by(notices.c.receiver)
    rows = connection.execute(select(notices).where(notices.c.number.in_(first)).order_by(notices.c.number))
    found = []
    for row in rows:
        with suppress(msgspec.DecodeError):  # dropped by the next pass
            found.append(Waiting(row.number, _notice(row.body), row.attempts, row.next_at))
    return tuple(found)


def drop_unreadable(connection: Connection) -> None:
    """Give up what another version wrote and this one cannot read, where it stands in front of others."""
    first = select(func.min(notices.c.number)).group_by(notices.c.receiver)
    readable = {waiting.number for waiting in heads(connection)}
    for row in connection.execute(select(notices.c.number, notices.c.receiver).where(notices.c.number.in_(first))).all():
        if row.number not in readable:
            connection.execute(delete(notices).where(notices.c.number == row.number))
            _count(connection, row.receiver, {"dropped": receivers.c.dropped + 1}, {"dropped": 1})


def delivered(connection: Connection, receiver: str, number: int | None, at: datetime) -> None:
    if number is not None:
        connection.execute(delete(notices).where(notices.c.number == number))
    changes = {"delivered": receivers.c.delivered + 1, "consecutive_failures": 0, "last_success_at": at}
    _count(connection, receiver, changes, {"delivered": 1, "last_success_at": at})


def failed(connection: Connection, receiver: str, number: int | None, failure: Failure, at: datetime, again_at: datetime | None) -> None:
    gone = 0
    if number is not None and again_at is None:
        gone = connection.execute(delete(notices).where(notices.c.number == number)).rowcount
    elif number is not None:
        later = update(notices).where(notices.c.number == number)
        connection.execute(later.values(next_at=again_at, attempts=notices.c.attempts + 1))
    text = failure_to_text(failure)
    changes = {
        "failed": receivers.c.failed + 1,
        "consecutive_failures": receivers.c.consecutive_failures + 1,
        "dropped": receivers.c.dropped + gone,
        "last_failure_at": at,
        "last_failure": text,
    }
    first = {"failed": 1, "consecutive_failures": 1, "dropped": gone, "last_failure_at": at, "last_failure": text}
    _count(connection, receiver, changes, first)


def read(connection: Connection) -> tuple[ReceiverStatus, ...]:
    rows = connection.execute(select(notices.c.receiver, func.count().label("waiting")).group_by(notices.c.receiver))
    counts = {row.receiver: int(row.waiting) for row in rows}
    known = {row.name: row for row in connection.execute(select(receivers))}
    return tuple(_status(name, known.get(name), counts.get(name, 0)) for name in sorted({*known, *counts}))


def forget(connection: Connection, but: Iterable[str]) -> None:
    kept = list(but)
    connection.execute(delete(notices).where(notices.c.receiver.not_in(kept)))
    connection.execute(delete(receivers).where(receivers.c.name.not_in(kept)))


def _count(connection: Connection, receiver: str, changes: dict[str, object], first: dict[str, object]) -> None:
    known = connection.execute(select(receivers.c.name).where(receivers.c.name == receiver)).first()
    if known is None:
        empty = {"last_success_at": None, "last_failure_at": None, "last_failure": None}
        connection.execute(upsert(receivers), {"name": receiver, **_ZERO, **empty, **first})
    else:
        connection.execute(update(receivers).where(receivers.c.name == receiver).values(**changes))


def _status(name: str, row: object, waiting: int) -> ReceiverStatus:
    if row is None:
        return ReceiverStatus(name, waiting=waiting)
    words = ("delivered", "failed", "dropped", "consecutive_failures", "last_success_at", "last_failure_at")
    values = {word: getattr(row, word) for word in words}
    return ReceiverStatus(name, waiting=waiting, last_failure=failure_from_text(getattr(row, "last_failure")), **values)  # noqa: B009
