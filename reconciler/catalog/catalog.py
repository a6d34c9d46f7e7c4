"""The one door to the catalog. Safe to share between threads; each call is one transaction, durable when it returns.

SQLAlchemy takes a quarter of a second to import, so this module names its tables and statements only inside the calls: nobody who
never opens a catalog waits for it. The statements themselves stand in the modules beside this one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Self

from reconciler.catalog.doors import Doors

if TYPE_CHECKING:
    from reconciler.base.clock import Clock
    from reconciler.catalog.records import Claim, Document, Holder, RestoreRecord, Run, RunOutcome
    from reconciler.catalog.store import Store
    from reconciler.model.declared.policy import Retention
    from reconciler.model.event import Event
    from reconciler.model.observed import Failure, RepositoryState, RunHistory
    from reconciler.model.status import Condition
    from reconciler.model.wishes import Pause, Wish


class Catalog(Doors):
    """Opened by :meth:`open`, or for reading only by :meth:`peek`."""

    def __init__(self, store: Store) -> None:
        from reconciler.catalog.cache import RepositoryCache
        from reconciler.catalog.conditions import ConditionCache
        from reconciler.catalog.documents import DocumentCache
        from reconciler.catalog.drills import DrillCache
        from reconciler.catalog.listings import Listings
        from reconciler.catalog.runs import HistoryCache

        self._store = store
        self._repositories = RepositoryCache(Listings(store.path.parent / "cache" / "listings"))
        self._histories = HistoryCache()
        self._conditions = ConditionCache()
        self._documents = DocumentCache()
        self._drills = DrillCache()

    @classmethod
    def open(cls, path: Path, *, clock: Clock) -> Catalog:
        """The catalog at ``path``, made if missing. A damaged file is moved aside and begun anew: :attr:`recovered` says so."""
        from reconciler.catalog.store import open_store

        return cls(open_store(path, clock.now()))

    @classmethod
    def peek(cls, path: Path) -> Catalog:
        """A view for reading that creates and changes nothing; empty when there is no catalog yet. Writing through it fails."""
        if not path.exists():
            from reconciler.catalog.unwritten import Unwritten

            return Unwritten(path)
        from reconciler.catalog.store import peek_store

        return cls(peek_store(path))

    def close(self) -> None:
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    @property
    def recovered(self) -> str | None:
        """What a person should know about a damaged catalog found at opening; None when all was well."""
        return self._store.recovered

    # --- what repositories hold, as last listed

    def repositories(self) -> dict[str, RepositoryState]:
        """By name; never ``fresh``."""
        with self._store.reading() as connection:
            return self._repositories.read(connection)

    def put_repository(self, state: RepositoryState) -> None:
        """Remember a listing. An unreachable state changes only reachability and failure: what was listed last stays."""
        with self._store.writing() as connection:
            self._repositories.put(connection, state)

    def keep_listings(self) -> None:
        """Put what is known of big repositories beside the catalog, so that the next process need not read row by row."""
        self._repositories.keep()

    def clear_cache(self) -> None:
        """Forget everything that can be listed again; the record of what happened stays."""
        from reconciler.catalog import cache

        with self._store.writing() as connection:
            cache.clear(connection)

    # --- runs

    def begin_run(
        self,
        *,
        kind: str,
        system: str,
        repository: str,
        lane: str,
        backup_kind: str | None,
        generation: str,
        reason: str,
        at: datetime,
        lease: int | None = None,
    ) -> str:
        """Write the intent, before any side effect; the id of the run. With ``lease``: raises LeaseLost when it is no longer ours."""
        from reconciler.catalog import claims, runs

        intent = runs.Intent(kind, system, repository, lane, backup_kind, generation, reason, at)
        with self._store.writing() as connection:
            if lease is not None:
                claims.check_lease(connection, lease)
            return runs.begin(connection, intent)

    def end_run(
        self,
        run_id: str,
        *,
        outcome: RunOutcome,
        at: datetime,
        snapshot_id: str | None = None,
        bytes: int = 0,  # noqa: A002 - the word of Run and Snapshot
        added_bytes: int = 0,
        files: int = 0,
        failure: Failure | None = None,
        as_of: datetime | None = None,
    ) -> None:
        """Write the outcome. ``unchanged`` with ``snapshot_id`` and ``as_of`` confirms that snapshot. The first outcome stands."""
        from reconciler.catalog import runs
        from reconciler.catalog.history import Ending

        ending = Ending(outcome, at, snapshot_id, as_of, files, bytes, added_bytes, failure)
        with self._store.writing(fenced=False) as connection:
            runs.end(connection, run_id, ending)

    def runs(self, limit: int, system: str | None = None) -> tuple[Run, ...]:
        """Newest first."""
        from reconciler.catalog import runs

        with self._store.reading() as connection:
            return runs.newest(connection, limit, system)

    def mark_interrupted(self, at: datetime) -> tuple[Run, ...]:
        """End the runs whose process is gone; those runs."""
        from reconciler.catalog import runs

        with self._store.writing() as connection:
            return runs.mark_interrupted(connection, at)

    def histories(self) -> Mapping[tuple[str, str], RunHistory]:
        """By (system, repository): of backups only."""
        with self._store.reading() as connection:
            return self._histories.read(connection)

    def pruned(self) -> dict[str, datetime]:
        """By repository: when the last clean-up ended well."""
        from reconciler.catalog import runs

        with self._store.reading() as connection:
            return runs.pruned(connection)

    def counters(self) -> tuple[dict[str, int], dict[str, int]]:
        """By kind of action since the catalog began: (ended, of these failed)."""
        from reconciler.catalog import runs

        with self._store.reading() as connection:
            return runs.counters(connection)

    # --- restores

    def begin_restore(self, record: RestoreRecord) -> None:
        """Write the intent, before the first byte; for an interrupted one, that this process continues it."""
        from reconciler.catalog import restores

        with self._store.writing() as connection:
            restores.begin(connection, record)

    def end_restore(self, record: RestoreRecord) -> None:
        """Write the outcome. Kept are the newest 10,000."""
        from reconciler.catalog import restores

        with self._store.writing(fenced=False) as connection:
            restores.end(connection, record)

    def restores(self, limit: int, system: str | None = None) -> tuple[RestoreRecord, ...]:
        """Newest first; one whose process is gone is ``interrupted``."""
        from reconciler.catalog import restores

        with self._store.reading() as connection:
            return restores.newest(connection, limit, system)

    def measured_restores(self, system: str, repository: str, since: datetime) -> tuple[RestoreRecord, ...]:
        """At most five whole ones, newest first: of this system, else from this repository, which the system of each record tells."""
        from reconciler.catalog import restores

        with self._store.reading() as connection:
            return restores.measured(connection, system, repository, since)

    # --- conditions and events

    def put_conditions(self, conditions: Sequence[Condition], at: datetime) -> tuple[tuple[Condition, ...], tuple[Condition, ...]]:
        """Replace the conditions of everything: (the same with ``since``, those whose status flipped; never seen before is Unknown)."""
        from reconciler.catalog import conditions as statements

        current = tuple(conditions)
        with self._store.reading() as connection:
            same = self._conditions.same(connection, current)
            known = self._conditions.read(connection)
        if same is not None:
            return same, ()
        dated, flips, changed, gone = statements.compare(known, current, at)
        revision = None
        if changed or gone:
            with self._store.writing() as connection:
                revision = statements.write(connection, changed, gone)
        self._conditions.keep(current, dated, revision)
        return dated, flips

    def conditions(self) -> tuple[Condition, ...]:
        """As last put, by kind, name and type."""
        with self._store.reading() as connection:
            return self._conditions.read(connection)

    def add_event(self, kind: Literal["Normal", "Warning"], object_kind: str, name: str, reason: str, note: str, at: datetime) -> None:
        """The same (object, reason, note) again counts up. Kept for 30 days, 5,000 at most."""
        from reconciler.model.event import Event

        self.add_events([Event.told(kind, object_kind, name, reason, note, at)])

    def add_events(self, told: Sequence[Event]) -> None:
        """All in one transaction, or none: where thousands of systems turn bad in one pass, one for each takes ten seconds."""
        from reconciler.catalog import conditions as statements

        if told:
            with self._store.writing(fenced=False) as connection:
                statements.add_events(connection, told)

    def events(self, limit: int, name: str | None = None) -> tuple[Event, ...]:
        """Newest first."""
        from reconciler.catalog import conditions as statements

        with self._store.reading() as connection:
            return statements.read_events(connection, limit, name)

    # --- who works on what

    def claim(self, system: str, repository: str, lane: str, *, what: str, at: datetime) -> Claim | Holder:
        """The right to work there, or who has it. ``what`` tells others what is being done, such as "backup of orders"."""
        from reconciler.catalog import claims

        with self._store.writing() as connection:
            return claims.claim(connection, (system, repository, lane), what, at)

    def release(self, claim: Claim) -> None:
        """Harmless when it is no longer ours."""
        from reconciler.catalog import claims

        with self._store.writing(fenced=False) as connection:
            claims.release(connection, claim)

    def busy(self) -> frozenset[tuple[str, str, str]]:
        """(system, repository, lane) that a living process works on."""
        from reconciler.catalog import claims

        with self._store.reading() as connection:
            return claims.busy(connection)

    def take_lease(self, at: datetime, *, over: int | None = None) -> int:
        """A new fencing token for the loop: for the holder of the lock of the state directory, or ``over`` a holder that stands still.

        Of several who take it over the same token one wins; for the others it raises LeaseLost.
        """
        from reconciler.catalog import claims

        with self._store.writing(fenced=False) as connection:
            return claims.take_lease(connection, at, over)

    def newest_lease(self) -> int:
        """The token that was taken last."""
        from reconciler.catalog import claims

        with self._store.reading() as connection:
            return claims.newest_lease(connection)

    def hold(self, token: int) -> None:
        """From now on everything that is written through this door is refused with LeaseLost once another token was taken.

        Not refused is what is true whoever says it: how a run ended, that a claim is given back.
        """
        from reconciler.catalog import claims

        self._store.fence = lambda connection: claims.check_lease(connection, token)

    def check_lease(self, token: int) -> None:
        """Raises LeaseLost when another token was taken."""
        from reconciler.catalog import claims

        with self._store.reading() as connection:
            claims.check_lease(connection, token)

    def give_back_lease(self, token: int) -> None:
        """The loop has ended; others write through this door again without being asked."""
        from reconciler.catalog import claims

        with self._store.writing(fenced=False) as connection:
            claims.give_back_lease(connection, token)
        self._store.fence = None

    def lease_holder(self) -> Holder | None:
        """The living process that runs the loop of this state directory."""
        from reconciler.catalog import claims

        with self._store.reading() as connection:
            return claims.lease_holder(connection)

    # --- what people want of the loop

    def put_wish(self, wish: Wish) -> None:
        """A backup that ends after it began later, and satisfies it, takes it away again."""
        from reconciler.catalog import wishes

        with self._store.writing() as connection:
            wishes.put(connection, wish)

    def drop_wishes(self, until: datetime) -> None:
        """Forget those made before ``until``."""
        from reconciler.catalog import wishes

        with self._store.writing() as connection:
            wishes.drop(connection, until)

    def wishes(self) -> tuple[Wish, ...]:
        """Oldest first."""
        from reconciler.catalog import wishes

        with self._store.reading() as connection:
            return wishes.read(connection)

    def put_pause(self, pause: Pause | None) -> None:
        """None: there is none any more."""
        from reconciler.catalog import wishes

        with self._store.writing() as connection:
            wishes.put_pause(connection, pause)

    def pause(self) -> Pause | None:
        """As last put; it may have ended by itself."""
        from reconciler.catalog import wishes

        with self._store.reading() as connection:
            return wishes.read_pause(connection)

    # --- what was accepted

    def last_good(self) -> dict[tuple[str, str], Document]:
        """By (kind, name); not to be changed, for it is the same object again until others are put."""
        with self._store.reading() as connection:
            return self._documents.read(connection)

    def put_last_good(self, rows: Iterable[Document], removed: Iterable[tuple[str, str]]) -> None:
        """Remember these; forget those whose removal is certain."""
        from reconciler.catalog import documents

        with self._store.writing() as connection:
            documents.put(connection, rows, removed)

    def accepted_retention(self) -> dict[str, Retention]:
        """By system: under which a plan was last carried out."""
        from reconciler.catalog import documents

        with self._store.reading() as connection:
            return documents.read_retention(connection)

    def put_accepted_retention(self, system: str, retention: Retention) -> None:
        from reconciler.catalog import documents

        with self._store.writing() as connection:
            documents.put_retention(connection, system, retention)

    def get_value(self, key: str) -> str | None:
        from reconciler.catalog import documents

        with self._store.reading() as connection:
            return documents.get_value(connection, key)

    def put_value(self, key: str, text: str) -> None:
        from reconciler.catalog import documents

        with self._store.writing() as connection:
            documents.put_value(connection, key, text)
