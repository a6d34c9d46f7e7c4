"""Statements over what the loop has accepted: last good documents, retention, and single values."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from sqlalchemy import Connection, delete, select

from reconciler.base.ids import new_id
from reconciler.catalog.records import Document
from reconciler.catalog.tables import documents, retentions, settings, upsert
from reconciler.model.declared.policy import Retention

_REVISION = "documents.revision"


class DocumentCache:
    """The last good documents as one connection has read them, until another revision of them is written: each pass asks for all."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Document] = {}
        self._revision: str | None = None

    def read(self, connection: Connection) -> dict[tuple[str, str], Document]:
        """By (kind, name); the same object again while nothing was written, so nobody may change it."""
        revision = get_value(connection, _REVISION)
        if revision is None or revision != self._revision:
            self._known, self._revision = read(connection), revision
        return self._known


def read(connection: Connection) -> dict[tuple[str, str], Document]:
    rows = connection.execute(select(documents).order_by(documents.c.kind, documents.c.name))
    return {(row.kind, row.name): Document(row.kind, row.name, row.file, row.line, row.text) for row in rows}


def put(connection: Connection, rows: Iterable[Document], removed: Iterable[tuple[str, str]]) -> None:
    for kind, name in removed:
        connection.execute(delete(documents).where(documents.c.kind == kind, documents.c.name == name))
    values = [row._asdict() for row in rows]
    if values:
        connection.execute(upsert(documents), values)
    put_value(connection, _REVISION, new_id())


def read_retention(connection: Connection) -> dict[str, Retention]:
    return {row.system: _retention(row.retention) for row in connection.execute(select(retentions))}


@lru_cache(maxsize=1024)  # each pass reads those of all systems, and most share a policy
def _retention(text: str) -> Retention:
    return Retention.model_validate_json(text)


def put_retention(connection: Connection, system: str, retention: Retention) -> None:
    text = retention.model_dump_json(by_alias=True, exclude_none=True)
    connection.execute(upsert(retentions), {"system": system, "retention": text})


def get_value(connection: Connection, key: str) -> str | None:
    return connection.execute(select(settings.c.text).where(settings.c.key == key)).scalar()


def put_value(connection: Connection, key: str, text: str) -> None:
    connection.execute(upsert(settings), {"key": key, "text": text})
