"""Statements over alerts and silences. What nobody asks for by itself stands in a JSON body, as the classes of model/ say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Connection, and_, delete, func, or_, select

from reconciler.catalog import tables
from reconciler.catalog.tables import upsert
from reconciler.model.alerts import Alert, Silence

KEPT_MAX = 10_000
"""Alerts that are over."""
_LATELY = timedelta(days=1)
"""As long as the longest cooldown: one that comes back within it is the same alert."""
_UNTOLD_MAX = timedelta(days=7)
"""Nobody wants to hear of an end that is older."""
_SILENCE_KEPT = timedelta(days=30)

_encode = msgspec.json.Encoder().encode
_alert = msgspec.json.Decoder(Alert).decode
_silence = msgspec.json.Decoder(Silence).decode


def live(connection: Connection, now: datetime) -> tuple[Alert, ...]:
    here = tables.alerts.c
    wanted = or_(here.stands, here.changed_at >= now - _LATELY, and_(here.untold, here.changed_at >= now - _UNTOLD_MAX))
    return _read(connection.execute(select(here.body).where(wanted).order_by(here.id)).scalars())


def drop_unreadable(connection: Connection, readable: int) -> None:
    """Forget what another version wrote and this one cannot read. ``readable``: so many alerts that stand were read; mostly that is all."""
    here = tables.alerts.c
    if connection.execute(select(func.count()).select_from(tables.alerts).where(here.stands)).scalar() == readable:
        return
    gone = [row.id for row in connection.execute(select(here.id, here.body)) if not _read([row.body])]
    connection.execute(delete(tables.alerts).where(here.id.in_(gone)))


def newest(connection: Connection, limit: int) -> tuple[Alert, ...]:
    here = tables.alerts.c
    return _read(connection.execute(select(here.body).order_by(here.changed_at.desc(), here.id).limit(limit)).scalars())


def starting(connection: Connection, prefix: str) -> tuple[Alert, ...]:
    here = tables.alerts.c
    query = select(here.body).where(here.id.startswith(prefix, autoescape=True)).order_by(here.id).limit(10)
    return _read(connection.execute(query).scalars())


def write(connection: Connection, known: Sequence[Alert], after: Sequence[Alert]) -> bool:
    """Only what differs; whether anything did."""
    before = {alert.id: alert for alert in known}
    rows = [_row(alert) for alert in after if before.get(alert.id) != alert]
    if rows:
        connection.execute(upsert(tables.alerts), rows)
    return bool(rows)


def make_room(connection: Connection, before: datetime) -> None:
    """Forget those that are over since then, and beyond :data:`KEPT_MAX` the oldest."""
    over = ~tables.alerts.c.stands
    connection.execute(delete(tables.alerts).where(over, tables.alerts.c.changed_at < before))
    order = tables.alerts.c.changed_at.desc()
    oldest = connection.execute(select(tables.alerts.c.changed_at).where(over).order_by(order).offset(KEPT_MAX).limit(1)).scalar()
    if oldest is not None:
        connection.execute(delete(tables.alerts).where(over, tables.alerts.c.changed_at <= oldest))


def put_silence(connection: Connection, silence: Silence) -> None:
    row = {"id": silence.id, "until": silence.until, "body": _encode(silence).decode()}
    connection.execute(upsert(tables.silences), row)
    connection.execute(delete(tables.silences).where(tables.silences.c.until < silence.at - _SILENCE_KEPT))


def silences(connection: Connection, now: datetime) -> tuple[Silence, ...]:
    here = tables.silences.c
    rows = connection.execute(select(here.body).where(here.until > now).order_by(here.until, here.id)).scalars()
    found = []
    for body in rows:
        with suppress(msgspec.DecodeError):  # of another version: it silences nothing, in doubt an alert is told
            found.append(_silence(body))
    return tuple(found)


def _row(alert: Alert) -> dict[str, object]:
    untold = not alert.stands and any(told.firing for told in alert.told.values())
    return {
        "id": alert.id,
        "stands": alert.stands,
        "untold": untold,
        "started_at": alert.started_at,
        "changed_at": alert.changed_at,
        "body": _encode(alert).decode(),
    }


def _read(bodies: Iterable[str]) -> tuple[Alert, ...]:
    """Without those that are none for this version: an alert that cannot be read must not end the passes that protect everything."""
    found = []
    for body in bodies:
        with suppress(msgspec.DecodeError):
            found.append(_alert(body))
    return tuple(found)
