"""The door to alerts: what fires, who is silenced, and the messages that wait to be delivered.

A turn of the loop and a person who acknowledges may come at the same moment. So a turn is one transaction: it reads what is known, decides
(a pure function), and writes the alerts together with the messages about them. A message therefore waits exactly when its alert remembers
that it was told, whatever is killed when. It is gone when the receiver has it: a kill in between delivers it twice, never not at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.catalog.store import Store
    from reconciler.model.alerts import Alert, Notice, ReceiverStatus, Silence, Waiting
    from reconciler.model.observed import Failure

    Turn = Callable[[tuple[Alert, ...], tuple[Silence, ...]], tuple[Sequence[Alert], Sequence[Notice]]]
    """(What is known, silences in force) to (the same alerts as they are now, and new ones; messages)."""


KEPT = timedelta(days=90)


class AlertBook:
    """Of one catalog. Safe to share between threads; each call is one transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    # --- alerts

    def turn(self, decide: Turn, now: datetime, *, kept: timedelta = KEPT) -> tuple[Alert, ...]:
        """Read, decide, write: all or nothing. The alerts as they are now. Those that are over for longer than ``kept`` make room."""
        from reconciler.catalog import alerts, deliveries

        with self._store.writing() as connection:
            known = alerts.live(connection, now)
            alerts.drop_unreadable(connection, sum(alert.stands for alert in known))
            deliveries.drop_unreadable(connection)
            after, notices = decide(known, alerts.silences(connection, now))
            if alerts.write(connection, known, after):
                alerts.make_room(connection, now - kept)
            deliveries.add(connection, notices)
            return tuple(after)

    def change(self, prefix: str, change: Callable[[Alert], Alert]) -> tuple[Alert, ...]:
        """Change the one alert whose id begins so; that alert. When none or several do: those, unchanged."""
        from reconciler.catalog import alerts

        with self._store.writing() as connection:
            found = alerts.starting(connection, prefix)
            if len(found) != 1:
                return found
            after = (change(found[0]),)
            alerts.write(connection, found, after)
            return after

    def live(self, now: datetime) -> tuple[Alert, ...]:
        """Those that stand, the latest ones that are over, and those whose end is still to be told."""
        from reconciler.catalog import alerts

        with self._store.reading() as connection:
            return alerts.live(connection, now)

    def newest(self, limit: int) -> tuple[Alert, ...]:
        """Whether they stand or not, by the moment of their last change."""
        from reconciler.catalog import alerts

        with self._store.reading() as connection:
            return alerts.newest(connection, limit)

    def starting(self, prefix: str) -> tuple[Alert, ...]:
        """Those whose id begins so."""
        from reconciler.catalog import alerts

        with self._store.reading() as connection:
            return alerts.starting(connection, prefix)

    # --- silences

    def put_silence(self, silence: Silence) -> None:
        """One with the same id is replaced. Those that ended a month ago make room."""
        from reconciler.catalog import alerts

        with self._store.writing() as connection:
            alerts.put_silence(connection, silence)

    def silences(self, now: datetime) -> tuple[Silence, ...]:
        """In force, the one that ends first before the others."""
        from reconciler.catalog import alerts

        with self._store.reading() as connection:
            return alerts.silences(connection, now)

    # --- what waits to be delivered

    def add_notices(self, notices: Sequence[Notice]) -> None:
        """Let them be delivered. Beyond 200 that wait for one receiver the oldest are dropped, and counted."""
        from reconciler.catalog import deliveries

        with self._store.writing() as connection:
            deliveries.add(connection, notices)

    def waiting(self) -> tuple[Waiting, ...]:
        """Of each receiver the oldest."""
        from reconciler.catalog import deliveries

        with self._store.reading() as connection:
            return deliveries.heads(connection)

    def delivered(self, receiver: str, number: int | None, at: datetime) -> None:
        """It arrived. ``number``: of the notice; None: it was not one that waits."""
        from reconciler.catalog import deliveries

        with self._store.writing(fenced=False) as connection:
            deliveries.delivered(connection, receiver, number, at)

    def failed(self, receiver: str, number: int | None, failure: Failure, at: datetime, again_at: datetime | None) -> None:
        """It did not. ``again_at``: when it is tried again; None: it is given up."""
        from reconciler.catalog import deliveries

        with self._store.writing(fenced=False) as connection:
            deliveries.failed(connection, receiver, number, failure, at, again_at)

    def receivers(self) -> tuple[ReceiverStatus, ...]:
        """Whatever was ever told anything, by name; of which kind it is the specs say."""
        from reconciler.catalog import deliveries

        with self._store.reading() as connection:
            return deliveries.read(connection)

    def forget_receivers(self, but: frozenset[str]) -> None:
        """Of those that are no longer declared neither counts nor messages are kept."""
        from reconciler.catalog import deliveries

        with self._store.writing() as connection:
            deliveries.forget(connection, but)
