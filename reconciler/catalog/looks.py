"""What was seen of the host, look by look: for two days each of them, then hour by hour, then forgotten.

A look is one row with all its checks, so a pass writes one row, whatever the host has. The rows are bounded whatever the specs say:
at most one a minute for two days, one an hour after that, and :data:`ROWS_MAX` in all.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from reconciler.model.health import HealthState, Held, Seen

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from reconciler.catalog.store import Store
    from reconciler.model.health import CheckKey

SPACING = timedelta(minutes=1)
WHOLE = timedelta(days=2)
"""So long each look is kept by itself."""
ROWS_MAX = 20_000
CHECKS_MAX = 500
"""Of one look: a host has a few dozen."""
_MEMORY = "health.memory"
_Row = list[tuple[str, str, float | None, HealthState]]
_decode = msgspec.json.Decoder(_Row).decode
_decode_memory = msgspec.json.Decoder(list[tuple[str, str, Held]]).decode
_encode = msgspec.json.Encoder().encode


class LookBook:
    """What :attr:`Catalog.looks` gives out. Each call is one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def memory(self) -> Mapping[CheckKey, Held]:
        """Of the checks that are not good. What another version wrote and this one cannot read counts as never looked at."""
        from reconciler.catalog import documents

        with self._store.reading() as connection:
            text = documents.get_value(connection, _MEMORY)
        try:
            return {(name, subject): held for name, subject, held in _decode_memory(text)} if text else {}
        except msgspec.DecodeError:
            return {}

    def put(self, seen: Seen, memory: Mapping[CheckKey, Held], *, kept: timedelta) -> None:
        """Remember one look, and what it makes of the checks. What is older than ``kept`` makes room."""
        from reconciler.catalog import documents

        with self._store.writing() as connection:
            text = _encode([(*key, held) for key, held in sorted(memory.items())]).decode()
            if documents.get_value(connection, _MEMORY) != text:
                documents.put_value(connection, _MEMORY, text)
            newest = _newest(connection)
            if newest is None or abs(seen.at - newest) >= SPACING:
                _write(connection, [seen], hourly=False)
                if newest is None or _hour(newest) != _hour(seen.at):
                    _make_room(connection, seen.at, kept)

    def last_at(self) -> datetime | None:
        """The newest one that was kept."""
        with self._store.reading() as connection:
            return _newest(connection)

    def since(self, moment: datetime) -> tuple[Seen, ...]:
        """Oldest first."""
        from sqlalchemy import select

        from reconciler.catalog.tables import looks

        with self._store.reading() as connection:
            rows = connection.execute(select(looks.c.at, looks.c.body).where(looks.c.at >= moment).order_by(looks.c.at)).all()
        return tuple(_seen(row.at, row.body) for row in rows)


def _newest(connection: Connection) -> datetime | None:
    from sqlalchemy import select

    from reconciler.catalog.tables import looks

    found: datetime | None = connection.execute(select(looks.c.at).order_by(looks.c.at.desc()).limit(1)).scalar()
    return found


def _make_room(connection: Connection, now: datetime, kept: timedelta) -> None:
    """Once an hour."""
    from sqlalchemy import delete, select

    from reconciler.catalog.tables import looks

    connection.execute(delete(looks).where(looks.c.at < now - kept))
    old = (~looks.c.hourly, looks.c.at < _hour(now - WHOLE))
    rows = connection.execute(select(looks.c.at, looks.c.body).where(*old).order_by(looks.c.at)).all()
    if rows:
        connection.execute(delete(looks).where(*old))
        _write(connection, _by_hour([_seen(row.at, row.body) for row in rows]), hourly=True)
    oldest = connection.execute(select(looks.c.at).order_by(looks.c.at.desc()).offset(ROWS_MAX).limit(1)).scalar()
    if oldest is not None:
        connection.execute(delete(looks).where(looks.c.at <= oldest))


def _write(connection: Connection, looked: Iterable[Seen], *, hourly: bool) -> None:
    from reconciler.catalog.tables import looks, upsert

    rows = [{"at": seen.at, "hourly": hourly, "body": _encode(_row(seen)).decode()} for seen in looked]
    connection.execute(upsert(looks), rows)


def _row(seen: Seen) -> _Row:
    return [
        (*key, None if value is None else float(f"{value:.4g}"), state) for key, (value, state) in list(seen.values.items())[:CHECKS_MAX]
    ]


def _seen(at: datetime, body: str) -> Seen:
    """Nothing where another version wrote it."""
    try:
        return Seen(at, {(name, subject): (value, state) for name, subject, value, state in _decode(body)})
    except msgspec.DecodeError:
        return Seen(at, {})


def _by_hour(looked: Sequence[Seen]) -> list[Seen]:
    hours: dict[datetime, dict[CheckKey, list[tuple[float | None, HealthState]]]] = {}
    for seen in looked:
        hour = hours.setdefault(_hour(seen.at), defaultdict(list))
        for key, found in seen.values.items():
            hour[key].append(found)
    return [Seen(at, {key: _together(found) for key, found in hour.items()}) for at, hour in hours.items()]


def _together(found: Sequence[tuple[float | None, HealthState]]) -> tuple[float | None, HealthState]:
    values = [value for value, _ in found if value is not None]
    return sum(values) / len(values) if values else None, min((state for _, state in found), key=lambda state: state.rank)


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)
