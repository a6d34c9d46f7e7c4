"""Alerts, silences and messages that wait: durable, bounded, and in an older catalog, too."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from reconciler.base.clock import SystemClock
from reconciler.catalog.catalog import Catalog
from reconciler.catalog.deliveries import WAITING_MAX
from reconciler.catalog.errors import CatalogError
from reconciler.decide.alerts import acknowledge
from reconciler.model.alerts import Alert, AlertSeverity, AlertState, Notice, NoticeKind, Silence, Told
from reconciler.model.observed import Failure

DAY = timedelta(days=1)
FAILURE = Failure("notify-unreachable", "duty/ops cannot be reached", "Is it there?")


def alert(at: datetime, name: str = "orders", **changes: object) -> Alert:
    plain = Alert(
        id=f"{name:0>16}", object_kind="System", object_name=name, condition="BackupFresh", severity=AlertSeverity.HIGH,
        state=AlertState.FIRING, summary=f"{name}: old", detail="look", reason="Breached", started_at=at, changed_at=at,
        labels={"tier": "high"}, told={"duty/ops": Told(True, AlertSeverity.HIGH, at)},
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


def notice(at: datetime, receiver: str = "duty/ops", title: str = "HIGH") -> Notice:
    return Notice(receiver, NoticeKind.FIRING, AlertSeverity.HIGH, title, (), 1, at)


def put(catalog: Catalog, alerts: Sequence[Alert], now: datetime, notices: Sequence[Notice] = ()) -> None:
    catalog.alerts.turn(lambda known, silences: ([*known, *alerts], notices), now)


def test_an_alert_comes_back_as_it_was_put(path: Path, noon: datetime) -> None:
    one = alert(noon, acknowledged_by="maria", acknowledged_at=noon, state=AlertState.ACKNOWLEDGED)
    with Catalog.open(path, clock=SystemClock()) as catalog:
        put(catalog, [one], noon, [notice(noon)])
    with Catalog.open(path, clock=SystemClock()) as catalog:
        assert catalog.alerts.live(noon) == (one,)
        assert catalog.alerts.starting(one.id[:12]) == (one,)
        assert catalog.alerts.starting("%") == ()
        (waiting,) = catalog.alerts.waiting()
        assert (waiting.notice, waiting.attempts, waiting.next_at) == (notice(noon), 0, noon)


def test_alert_and_message_are_written_together_or_not_at_all(catalog: Catalog, noon: datetime) -> None:
    def broken(known: tuple[Alert, ...], silences: tuple[Silence, ...]) -> tuple[list[Alert], list[Notice]]:
        raise CatalogError("the decision failed")

    with pytest.raises(CatalogError):
        catalog.alerts.turn(broken, noon)
    put(catalog, [alert(noon)], noon, [notice(noon)])
    with pytest.raises(AttributeError):
        catalog.alerts.turn(lambda known, silences: ([replace(known[0], summary="other")], [None]), noon)  # type: ignore[list-item]
    assert catalog.alerts.live(noon) == (alert(noon),)


def test_who_acknowledges_while_a_pass_decides_is_not_overwritten(catalog: Catalog, noon: datetime) -> None:
    put(catalog, [alert(noon)], noon)
    person = threading.Thread(target=lambda: catalog.alerts.change(alert(noon).id, lambda a: acknowledge(a, "maria", "", noon)))

    def slow(known: tuple[Alert, ...], silences: tuple[Silence, ...]) -> tuple[list[Alert], list[Notice]]:
        person.start()
        person.join(0.3)
        return [replace(known[0], summary="orders: older")], []

    catalog.alerts.turn(slow, noon)
    person.join()
    (after,) = catalog.alerts.live(noon)
    assert (after.summary, after.acknowledged_by) == ("orders: older", "maria")


def test_what_a_pass_looks_at(catalog: Catalog, noon: datetime) -> None:
    """What stands, what ended lately, and what still has to be told as ended, for a week."""
    over = {"state": AlertState.RESOLVED}
    told = {"told": {"duty/ops": Told(False, AlertSeverity.HIGH, noon)}}
    rows = [
        alert(noon - 40 * DAY, "standing"),
        alert(noon - timedelta(hours=3), "lately", **over, **told),
        alert(noon - 2 * DAY, "ended", **over, **told),
        alert(noon - 2 * DAY, "untold", **over),
        alert(noon - 8 * DAY, "untold-for-long", **over),
    ]
    put(catalog, rows, noon)
    assert {a.object_name for a in catalog.alerts.live(noon)} == {"standing", "lately", "untold"}
    assert [a.object_name for a in catalog.alerts.newest(2)] == ["lately", "ended"]


def test_old_alerts_make_room_and_those_that_stand_never_do(catalog: Catalog, noon: datetime) -> None:
    old = noon - 91 * DAY
    put(catalog, [alert(old, "standing"), alert(old, "over", state=AlertState.RESOLVED)], noon)
    assert {a.object_name for a in catalog.alerts.newest(10)} == {"standing"}


def test_a_silence_ends(catalog: Catalog, noon: datetime) -> None:
    silence = Silence("5" * 16, "System", "ord*", "", noon + DAY, "moving", "maria", noon)
    catalog.alerts.put_silence(silence)
    assert catalog.alerts.silences(noon) == (silence,)
    assert catalog.alerts.silences(noon + DAY) == ()
    catalog.alerts.put_silence(replace(silence, until=noon))
    assert catalog.alerts.silences(noon) == ()


def test_of_each_receiver_the_oldest_waits_in_front(catalog: Catalog, noon: datetime) -> None:
    catalog.alerts.add_notices([notice(noon, title="first"), notice(noon, "duty/mail"), notice(noon, title="second")])
    first, mail = catalog.alerts.waiting()
    assert (first.notice.title, mail.notice.receiver) == ("first", "duty/mail")
    catalog.alerts.failed("duty/ops", first.number, FAILURE, noon, noon + timedelta(seconds=30))
    again = catalog.alerts.waiting()[0]
    assert (again.notice.title, again.attempts, again.next_at) == ("first", 1, noon + timedelta(seconds=30))
    catalog.alerts.delivered("duty/ops", first.number, noon)
    assert {waiting.notice.title for waiting in catalog.alerts.waiting()} == {"second", "HIGH"}


def test_counts_of_a_receiver(catalog: Catalog, noon: datetime) -> None:
    catalog.alerts.add_notices([notice(noon), notice(noon), notice(noon)])
    numbers = []
    for again_at in (noon, None):
        (head,) = catalog.alerts.waiting()
        numbers.append(head.number)
        catalog.alerts.failed("duty/ops", head.number, FAILURE, noon, again_at)
    (status,) = catalog.alerts.receivers()
    assert (status.failed, status.consecutive_failures, status.dropped, status.waiting) == (2, 2, 1, 2)
    assert (status.last_failure, status.last_failure_at) == (FAILURE, noon)
    (head,) = catalog.alerts.waiting()
    catalog.alerts.delivered("duty/ops", head.number, noon + DAY)
    (status,) = catalog.alerts.receivers()
    assert (status.delivered, status.failed, status.consecutive_failures, status.waiting) == (1, 2, 0, 1)
    assert status.last_success_at == noon + DAY
    catalog.alerts.forget_receivers(frozenset({"duty/mail"}))
    assert (catalog.alerts.receivers(), catalog.alerts.waiting()) == ((), ())


def test_the_queue_of_a_receiver_is_bounded_and_says_what_it_dropped(catalog: Catalog, noon: datetime) -> None:
    catalog.alerts.add_notices([notice(noon, title=f"{n}") for n in range(WAITING_MAX + 5)] + [notice(noon, "duty/mail")])
    by_name = {status.name: status for status in catalog.alerts.receivers()}
    assert (by_name["duty/ops"].waiting, by_name["duty/ops"].dropped, by_name["duty/mail"].waiting) == (WAITING_MAX, 5, 1)
    assert catalog.alerts.waiting()[0].notice.title == "5", "the oldest went"


def test_ten_thousand_alerts_are_read_and_written_in_a_moment(catalog: Catalog, noon: datetime) -> None:
    many = [alert(noon, f"system-{n:05}") for n in range(10_000)]
    put(catalog, many, noon)
    assert len(catalog.alerts.live(noon)) == 10_000


def test_an_older_catalog_gets_the_tables(path: Path, noon: datetime) -> None:
    with Catalog.open(path, clock=SystemClock()) as catalog:
        catalog.put_value("writer", "w1")
    with sqlite3.connect(path) as connection:
        for table in ("alerts", "silences", "notices", "receivers"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("UPDATE settings SET text = '3' WHERE key = 'schema_version'")
    connection.close()
    with Catalog.peek(path) as view:
        assert view.alerts.live(noon) == ()
    with Catalog.open(path, clock=SystemClock()) as catalog:
        put(catalog, [alert(noon)], noon)
        assert catalog.get_value("writer") == "w1"


def test_without_a_catalog_nothing_ever_fired(path: Path, noon: datetime) -> None:
    with Catalog.peek(path) as view:
        book = view.alerts
        assert (book.live(noon), book.newest(5), book.starting("a"), book.silences(noon), book.receivers()) == ((), (), (), (), ())
        with pytest.raises(CatalogError):
            book.add_notices([notice(noon)])


def test_what_another_version_wrote_is_dropped_and_blocks_nobody(path: Path, noon: datetime) -> None:
    with Catalog.open(path, clock=SystemClock()) as catalog:
        put(catalog, [alert(noon), alert(noon, "other")], noon, [notice(noon, title="strange"), notice(noon, title="plain")])
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE alerts SET body = replace(body, '\"high\"', '\"purple\"') WHERE id LIKE '%other'")
        connection.execute("UPDATE notices SET body = '{}' WHERE body LIKE '%strange%'")
    connection.close()
    with Catalog.open(path, clock=SystemClock()) as catalog:
        assert catalog.alerts.live(noon) == (alert(noon),)
        assert catalog.alerts.waiting() == ()
        put(catalog, [], noon)
        assert [waiting.notice.title for waiting in catalog.alerts.waiting()] == ["plain"]
        assert catalog.alerts.receivers()[0].dropped == 1
        assert [one.object_name for one in catalog.alerts.newest(10)] == ["orders"]
