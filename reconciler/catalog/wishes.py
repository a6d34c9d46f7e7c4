"""Statements over what people want of the loop: wishes for a backup, and the pause."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy import Connection, delete, select

from reconciler.catalog import documents
from reconciler.catalog.tables import upsert, wishes
from reconciler.model.snapshot import BackupKind
from reconciler.model.wishes import Pause, Wish

_PAUSE = "pause"
_SATISFIES = {
    BackupKind.FULL: tuple(BackupKind),
    BackupKind.DIFFERENTIAL: (BackupKind.DIFFERENTIAL, BackupKind.INCREMENTAL),
    BackupKind.INCREMENTAL: (BackupKind.INCREMENTAL,),
}
"""By the kind of a backup: the wishes that it fulfils."""


def put(connection: Connection, wish: Wish) -> None:
    """The same wish again is one wish, with the newer moment."""
    connection.execute(upsert(wishes), {"system": wish.system, "kind": wish.kind.value, "at": wish.at, "by": wish.by})


def read(connection: Connection) -> tuple[Wish, ...]:
    rows = connection.execute(select(wishes).order_by(wishes.c.at, wishes.c.system, wishes.c.kind))
    return tuple(Wish(row.system, BackupKind(row.kind), row.at, row.by) for row in rows)


def fulfil(connection: Connection, system: str, kind: BackupKind, began_at: datetime) -> None:
    """A backup of this kind, begun then, has ended by itself: nobody waits for it any more, whether it was a success or not."""
    kinds = [wished.value for wished in _SATISFIES[kind]]
    connection.execute(delete(wishes).where(wishes.c.system == system, wishes.c.kind.in_(kinds), wishes.c.at <= began_at))


def drop(connection: Connection, until: datetime) -> None:
    """Forget those made before ``until``."""
    connection.execute(delete(wishes).where(wishes.c.at < until))


def put_pause(connection: Connection, pause: Pause | None) -> None:
    """None: there is none any more."""
    kept = None
    if pause is not None:
        kept = {"until": pause.until.isoformat(), "reason": pause.reason, "by": pause.by, "at": pause.at.isoformat()}
    documents.put_value(connection, _PAUSE, json.dumps(kept))


def read_pause(connection: Connection) -> Pause | None:
    """As last put; it may have ended by itself."""
    kept = json.loads(documents.get_value(connection, _PAUSE) or "null")
    if kept is None:
        return None
    return Pause(datetime.fromisoformat(kept["until"]), kept["reason"], kept["by"], datetime.fromisoformat(kept["at"]))
