"""The tables. Times are whole microseconds since 1970 UTC: exact, sortable, and the same on every database.

Changing a table means a new ``SCHEMA_VERSION`` and a migration; a test keeps the shape of each version. A version that only has
more tables needs none: what is missing is made when the catalog is opened.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, ColumnElement, Float, ForeignKey, Index, Integer, MetaData, Table, Text, TypeDecorator
from sqlalchemy.dialects import sqlite

from reconciler.catalog.codec import from_microseconds, to_microseconds

SCHEMA_VERSION = 10  # 2: restores, 3: wishes, 4: alerts, 5: turnovers, 6: paces, 7: drills, 8: recoveries, 9: looks, 10: endings


class Moment(TypeDecorator[datetime]):
    """An aware datetime as microseconds since 1970 UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        return None if value is None else to_microseconds(value)

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        return None if value is None else from_microseconds(value)


metadata = MetaData()


def _text(name: str, *, key: bool = False, null: bool = False) -> Column[str]:
    return Column(name, Text, primary_key=key, nullable=null)


def _number(name: str, *, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, nullable=null)


def _moment(name: str, *, null: bool = False) -> Column[datetime]:
    return Column(name, Moment, nullable=null)


# --- cache: can be made again from the repositories

repositories = Table(
    "cache_repositories",
    metadata,
    _text("name", key=True),
    _text("id", null=True),
    _moment("listed_at", null=True),
    Column("reachable", Boolean, nullable=False),
    _text("failure", null=True),
    _number("free_bytes", null=True),
    _text("revision"),  # another one whenever the snapshots change: readers keep what they have read until then
)

snapshots = Table(
    "cache_snapshots",
    metadata,
    Column("repository", Text, ForeignKey("cache_repositories.name", ondelete="CASCADE"), primary_key=True),
    _text("id", key=True),
    _text("realm"),
    _text("system"),
    _text("host"),
    _text("kind"),
    _moment("as_of"),
    _moment("ended_at"),
    _moment("arrived_at"),
    _text("grade"),
    _number("files"),
    _number("bytes"),
    _number("added_bytes"),
    _text("parent", null=True),
    _number("defects"),
    _text("marks"),
)

turnovers = Table(
    "cache_turnovers",
    metadata,
    Column("repository", Text, ForeignKey("cache_repositories.name", ondelete="CASCADE"), primary_key=True),
    _text("id", key=True),
    _text("counts"),
)
"""Of snapshots that have one: a table of its own, so that an older catalog needs no change."""

# --- record: what happened

settings = Table("settings", metadata, _text("key", key=True), _text("text"))

sessions = Table("sessions", metadata, _text("id", key=True), _number("pid"), _text("start"), _moment("at"))

lease = Table("lease", metadata, _text("name", key=True), _number("token"), _number("pid"), _text("start"), _moment("at"))

claims = Table(
    "claims",
    metadata,
    _text("system", key=True),
    _text("repository", key=True),
    _text("lane", key=True),
    _text("token"),
    _number("pid"),
    _text("start"),
    _moment("at"),
    _text("what"),
)

paces = Table("paces", metadata, _text("kind", key=True), _text("repository", key=True), _text("measured"))

wishes = Table("wishes", metadata, _text("system", key=True), _text("kind", key=True), _moment("at"), _text("by"))

runs = Table(
    "runs",
    metadata,
    _text("id", key=True),
    _number("sequence"),
    _text("kind"),
    _text("system"),
    _text("repository"),
    _text("lane"),
    _text("backup_kind", null=True),
    _text("generation"),
    _text("reason"),
    _moment("started_at"),
    _number("pid"),
    _text("start"),
    _moment("ended_at", null=True),
    _text("outcome", null=True),
    _text("snapshot_id", null=True),
    _moment("as_of", null=True),
    _number("files"),
    _number("bytes"),
    _number("added_bytes"),
    _text("failure", null=True),
    Index("runs_by_system", "system", "repository", "started_at"),
    Index("runs_by_time", "started_at"),
    Index("runs_by_sequence", "sequence"),
    Index("runs_under_way", "ended_at"),
)

histories = Table(
    "histories",
    metadata,
    _text("system", key=True),
    _text("repository", key=True),
    _moment("last_attempt_at", null=True),
    _text("last_attempt_kind", null=True),
    _moment("last_success_at", null=True),
    _moment("last_partial_at", null=True),
    _number("last_duration", null=True),
    _number("last_added_bytes", null=True),
    _number("last_bytes", null=True),
    _text("durations"),
    Column("consecutive_failures", Integer, nullable=False),
    _text("failed_generation", null=True),
    _text("last_failure", null=True),
    _moment("last_failure_at", null=True),
    _text("confirmed_id", null=True),
    _moment("confirmed_as_of", null=True),
    _number("revision"),  # greater than any before at each change: readers ask only for what is newer
    Index("histories_by_revision", "revision"),
)

restores = Table(
    "restores",
    metadata,
    _text("id", key=True),
    _text("kind"),
    _text("system"),
    _text("repository"),
    _text("snapshot_id"),
    _text("target"),
    Column("in_place", Boolean, nullable=False),
    _text("policy"),
    _text("actor"),
    _text("undoes", null=True),
    _text("safety_id", null=True),
    _moment("started_at"),
    _number("pid"),
    _text("start"),
    _moment("ended_at", null=True),
    _text("outcome", null=True),
    _number("files"),
    _number("bytes"),
    _number("deleted"),
    _number("failures"),
    _number("losses"),
    Column("seconds", Float, nullable=False),
    _text("failure", null=True),
    Index("restores_by_time", "started_at"),
    Index("restores_by_system", "system", "started_at"),
)

drills = Table(
    "drills",
    metadata,
    _text("id", key=True),
    _text("system"),
    _text("repository"),
    _moment("started_at"),
    _number("pid"),
    _text("start"),
    _moment("ended_at", null=True),
    _text("outcome", null=True),
    _text("document"),
    Index("drills_by_system", "system", "repository", "started_at"),
)

recoveries = Table(
    "recoveries",
    metadata,
    _text("id", key=True),
    _text("plan"),
    _text("mode"),
    _moment("started_at"),
    _number("pid"),
    _text("start"),
    _moment("ended_at", null=True),
    _text("outcome", null=True),
    _text("document"),
    Index("recoveries_by_plan", "plan", "mode", "started_at"),
)

counters = Table("counters", metadata, _text("kind", key=True), _number("ended"), _number("failed"))

endings = Table(
    "endings",
    metadata,
    _text("kind", key=True),
    _text("repository", key=True),
    _moment("well_at", null=True),
    _text("counts"),
    Column("seconds", Float, nullable=False),
)

conditions = Table(
    "conditions",
    metadata,
    _text("kind", key=True),
    _text("name", key=True),
    _text("type", key=True),
    _text("status"),
    _text("reason"),
    _text("message"),
    _moment("since"),
)

events = Table(
    "events",
    metadata,
    _text("object_kind", key=True),
    _text("name", key=True),
    _text("reason", key=True),
    _text("note", key=True),
    _text("kind"),
    _number("count"),
    _moment("first_at"),
    _moment("last_at"),
    Index("events_by_time", "last_at"),
)

alerts = Table(
    "alerts",
    metadata,
    _text("id", key=True),
    Column("stands", Boolean, nullable=False),
    Column("untold", Boolean, nullable=False),  # it is over, and somebody who was told of it has not heard so
    _moment("started_at"),
    _moment("changed_at"),
    _text("body"),
    Index("alerts_by_change", "stands", "changed_at"),
)

silences = Table("silences", metadata, _text("id", key=True), _moment("until"), _text("body"))

notices = Table(
    "notices",
    metadata,
    Column("number", Integer, primary_key=True),  # the order in which they are delivered
    _text("receiver"),
    _moment("at"),
    _moment("next_at"),
    Column("attempts", Integer, nullable=False),
    _text("body"),
    Index("notices_by_receiver", "receiver", "number"),
)

receivers = Table(
    "receivers",
    metadata,
    _text("name", key=True),
    _number("delivered"),
    _number("failed"),
    _number("dropped"),
    _number("consecutive_failures"),
    _moment("last_success_at", null=True),
    _moment("last_failure_at", null=True),
    _text("last_failure", null=True),
)

looks = Table(
    "looks",
    metadata,
    Column("at", Moment, primary_key=True),
    Column("hourly", Boolean, nullable=False),  # it stands for the hour that begins there
    _text("body"),
    Index("looks_by_age", "hourly", "at"),
)

documents = Table("documents", metadata, _text("kind", key=True), _text("name", key=True), _text("file"), _number("line"), _text("text"))

retentions = Table("accepted_retentions", metadata, _text("system", key=True), _text("retention"))

CACHE = (repositories, snapshots)


def upsert(table: Table, *, changes: dict[str, ColumnElement[Any]] | None = None) -> sqlite.Insert:
    """Insert, or change the row of the same key: every other column, or only ``changes``. The words are PostgreSQL's, too."""
    insert = sqlite.insert(table)
    keys = [column.name for column in table.primary_key]
    if changes is None:
        changes = {column.name: insert.excluded[column.name] for column in table.columns if column.name not in keys}
    return insert.on_conflict_do_update(index_elements=keys, set_=changes)
