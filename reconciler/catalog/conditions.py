"""Statements over conditions and events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import starmap

from msgspec.structs import asdict, replace
from sqlalchemy import Connection, delete, select

from reconciler.base.ids import new_id
from reconciler.catalog.documents import get_value, put_value
from reconciler.catalog.tables import conditions, events, upsert
from reconciler.model.event import Event
from reconciler.model.status import Condition, ConditionType, Truth

EVENTS_KEPT = 5000
EVENT_AGE_MAX = timedelta(days=30)

Key = tuple[str, str, str]

_REVISION = "conditions.revision"


class ConditionCache:
    """The conditions as one connection has read or written them, until another revision of them is written."""

    def __init__(self) -> None:
        self._known: tuple[Condition, ...] = ()
        self._revision: str | None = None
        self._put: tuple[tuple[Condition, ...], tuple[Condition, ...]] | None = None
        """What was put last, without dates and with them, while it is all that there is."""

    def read(self, connection: Connection) -> tuple[Condition, ...]:
        """By kind, name and type."""
        revision = get_value(connection, _REVISION)
        if revision != self._revision:
            rows = connection.execute(select(*_COLUMNS).order_by(*_COLUMNS[:3])).all()
            self._known, self._revision, self._put = tuple(starmap(_condition, rows)), revision, None
        return self._known

    def same(self, connection: Connection, current: tuple[Condition, ...]) -> tuple[Condition, ...] | None:
        """What was made of ``current``, the same object as last time, when nothing was written since; else None."""
        if get_value(connection, _REVISION) != self._revision or self._put is None or self._put[0] is not current:
            return None
        return self._put[1]

    def keep(self, current: tuple[Condition, ...], dated: tuple[Condition, ...], revision: str | None) -> None:
        """``current`` was put and became ``dated``. ``revision``: that was written; None: nothing had to be.

        Were its transaction to fail, the revision would not be found and the memory not be used.
        """
        if revision is not None:
            self._known, self._revision = tuple(sorted(dated, key=_key)), revision
        self._put = (current, dated)


def compare(
    known: Sequence[Condition], current: Sequence[Condition], at: datetime
) -> tuple[tuple[Condition, ...], tuple[Condition, ...], tuple[Condition, ...], tuple[Key, ...]]:
    """(current with ``since``, flips, rows to write, keys to remove). One never seen before counts as Unknown until now."""
    before = {_key(condition): condition for condition in known}
    dated, flips, changed = [], [], []
    for condition in current:
        old = before.pop(_key(condition), None)
        if old is not None and (old.status, old.reason, old.message) == (condition.status, condition.reason, condition.message):
            dated.append(old)
            continue
        same = old is not None and old.status is condition.status
        condition = replace(condition, since=old.since if same and old is not None else at)
        dated.append(condition)
        changed.append(condition)
        if condition.status is not (old.status if old is not None else Truth.UNKNOWN):
            flips.append(condition)
    return tuple(dated), tuple(flips), tuple(changed), tuple(before)


def write(connection: Connection, changed: Sequence[Condition], gone: Sequence[Key]) -> str:
    """The new revision."""
    for kind, name, condition_type in gone:
        here = (conditions.c.kind == kind, conditions.c.name == name, conditions.c.type == condition_type)
        connection.execute(delete(conditions).where(*here))
    if changed:
        connection.execute(upsert(conditions), [_row(condition) for condition in changed])
    revision = new_id()
    put_value(connection, _REVISION, revision)
    return revision


def add_events(connection: Connection, told: Sequence[Event]) -> None:
    """Remember each, or count it up when the same was said before; old ones make room. ``told``: one at least."""
    insert = upsert(events)
    counted = {"count": events.c.count + 1, "last_at": insert.excluded.last_at, "kind": insert.excluded.kind}
    connection.execute(upsert(events, changes=counted), [asdict(event) for event in told])
    connection.execute(delete(events).where(events.c.last_at < told[-1].last_at - EVENT_AGE_MAX))
    oldest = connection.execute(select(events.c.last_at).order_by(events.c.last_at.desc()).offset(EVENTS_KEPT - 1).limit(1)).scalar()
    if oldest is not None:  # what came at the same moment stays, however much it is
        connection.execute(delete(events).where(events.c.last_at < oldest))


def read_events(connection: Connection, limit: int, name: str | None) -> tuple[Event, ...]:
    """Newest first."""
    query = select(events).order_by(events.c.last_at.desc(), events.c.name, events.c.reason, events.c.note).limit(limit)
    if name is not None:
        query = query.where(events.c.name == name)
    return tuple(Event(**row) for row in connection.execute(query).mappings())


def _key(condition: Condition) -> Key:
    return (condition.kind, condition.name, condition.type)


def _row(condition: Condition) -> dict[str, object]:
    return {
        "kind": condition.kind,
        "name": condition.name,
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason,
        "message": condition.message,
        "since": condition.since,
    }


_COLUMNS = tuple(conditions.c[name] for name in ("kind", "name", "type", "status", "reason", "message", "since"))
_TYPES, _TRUTHS = {str(each): each for each in ConditionType}, {str(each): each for each in Truth}


def _condition(kind: str, name: str, type_: str, status: str, reason: str, message: str, since: datetime) -> Condition:
    """Of a row of :data:`_COLUMNS`."""
    return Condition(kind, name, _TYPES[type_], _TRUTHS[status], reason, message, since)
