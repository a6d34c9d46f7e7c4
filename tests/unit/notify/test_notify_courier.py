"""Deliveries beside the loop: order, back-off, restarts, and receivers that hang or fail while others are well."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from reconciler.base.clock import SystemClock
from reconciler.base.errors import ReconcilerError
from reconciler.base.secret import Secret
from reconciler.catalog.catalog import Catalog
from reconciler.model.alerts import AlertSeverity, Notice, NoticeKind, Waiting
from reconciler.model.declared import alerts as receivers
from reconciler.notify import courier as couriers
from reconciler.notify.courier import Courier, Recipient, State, again_at
from reconciler.notify.errors import NoticeRefused, ReceiverBusy, ReceiverUnreachable
from reconciler.notify.recipients import Post
from tests.fakes.clocks import FakeClock
from tests.fakes.posts import Reply, post_office

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


class Moving(SystemClock):
    """The real clock, moved forward by tests."""

    def __init__(self) -> None:
        self.moved = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.moved


class Receiver:
    """Takes what it is sent, unless told otherwise."""

    def __init__(self, name: str = "duty/ops", seconds: float = 5) -> None:
        self.got: list[str] = []
        self.trouble: Exception | None = None
        self.hangs: threading.Event | None = None
        self.recipient = Recipient(name, self._send, seconds)

    def _send(self, notice: Notice) -> None:
        if self.hangs is not None:
            self.hangs.wait(20)
        if self.trouble is not None:
            raise self.trouble
        self.got.append(notice.title)


def notice(title: str, receiver: str = "duty/ops", at: datetime | None = None) -> Notice:
    return Notice(receiver, NoticeKind.FIRING, AlertSeverity.HIGH, title, (), 1, at or SystemClock().now())


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    with Catalog.open(tmp_path / "catalog.sqlite", clock=SystemClock()) as opened:
        yield opened


def make(catalog: Catalog, *receivers: Receiver, clock: SystemClock | None = None) -> Courier:
    made = Courier(catalog.alerts, clock or SystemClock())
    made.follow({receiver.recipient.name: receiver.recipient for receiver in receivers}, {})
    return made


def until(condition: Callable[[], object], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.005)


def test_messages_arrive_in_their_order_and_are_gone(catalog: Catalog) -> None:
    receiver = Receiver()
    catalog.alerts.add_notices([notice(f"{n}") for n in range(5)])
    make(catalog, receiver).flush(10)
    assert receiver.got == ["0", "1", "2", "3", "4"]
    assert catalog.alerts.waiting() == ()
    assert catalog.alerts.receivers()[0].delivered == 5


def test_a_failure_waits_and_nothing_overtakes_it(catalog: Catalog) -> None:
    receiver, clock = Receiver(), Moving()
    receiver.trouble = ReceiverUnreachable("away")
    catalog.alerts.add_notices([notice("first"), notice("second")])
    courier = make(catalog, receiver, clock=clock)
    courier.flush(10)
    receiver.trouble = None
    courier.flush(10)
    assert receiver.got == [], "its time has not come"
    clock.moved += timedelta(seconds=31)
    courier.flush(10)
    assert receiver.got == ["first", "second"]


def test_after_a_restart_what_waits_is_delivered_once(catalog: Catalog) -> None:
    catalog.alerts.add_notices([notice("first"), notice("second")])
    first, second = Receiver(), Receiver()
    make(catalog, first).flush(10)
    make(catalog, second).flush(10)
    assert (first.got, second.got) == (["first", "second"], [])


def test_one_that_is_refused_for_good_makes_room_for_the_next(catalog: Catalog) -> None:
    receiver = Receiver()
    refused = NoticeRefused("no")

    def send(notice: Notice) -> None:
        if notice.title == "bad":
            raise refused
        receiver.got.append(notice.title)

    catalog.alerts.add_notices([notice("bad"), notice("good")])
    courier = Courier(catalog.alerts, SystemClock())
    courier.follow({"duty/ops": Recipient("duty/ops", send, 5)}, {})
    courier.flush(10)
    (status,) = catalog.alerts.receivers()
    assert (receiver.got, status.dropped, status.failed) == (["good"], 1, 1)


def test_a_receiver_that_hangs_holds_up_nobody_else_and_is_counted_once(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(couriers, "GRACE_SECONDS", 0.1)
    hanging, well = Receiver("duty/slow", seconds=0.1), Receiver("duty/ops")
    hanging.hangs = threading.Event()
    catalog.alerts.add_notices([notice("a", "duty/slow"), notice("b"), notice("c")])
    courier = make(catalog, hanging, well)
    courier.start()
    until(lambda: well.got == ["b", "c"])
    until(lambda: {r.name: r.failed for r in catalog.alerts.receivers()}["duty/slow"] == 1)
    time.sleep(0.3)
    assert {r.name: r.failed for r in catalog.alerts.receivers()}["duty/slow"] == 1
    hanging.hangs.set()
    until(lambda: hanging.got == ["a"])
    courier.close(wait_seconds=2)


def test_a_retry_is_in_time_while_another_receiver_hangs(catalog: Catalog) -> None:
    hanging, busy = Receiver("duty/slow", seconds=60), Receiver("duty/ops")
    hanging.hangs, busy.trouble = threading.Event(), ReceiverBusy("x", after=timedelta(seconds=0.3))
    catalog.alerts.add_notices([notice("a", "duty/slow"), notice("b")])
    courier = make(catalog, hanging, busy)
    courier.start()
    until(lambda: any(status.failed for status in catalog.alerts.receivers()))
    busy.trouble = None
    until(lambda: busy.got == ["b"])
    hanging.hangs.set()
    courier.close(wait_seconds=2)


def test_a_single_pass_waits_for_its_messages_but_not_for_ever(catalog: Catalog) -> None:
    hanging = Receiver(seconds=30)
    hanging.hangs = threading.Event()
    catalog.alerts.add_notices([notice("a")])
    began = time.monotonic()
    courier = make(catalog, hanging)
    courier.flush(0.3)
    courier.close(wait_seconds=0)
    assert 0.25 < time.monotonic() - began < 15, "half of what it hangs"
    hanging.hangs.set()
    until(lambda: hanging.got == ["a"])
    assert len(catalog.alerts.waiting()) == 1, "nobody wrote down that it arrived: it comes twice rather than never"


def test_in_the_background_what_comes_later_is_delivered_at_once(catalog: Catalog) -> None:
    receiver = Receiver()
    courier = make(catalog, receiver)
    courier.start()
    catalog.alerts.add_notices([notice("late")])
    courier.follow({receiver.recipient.name: receiver.recipient}, {})
    until(lambda: receiver.got == ["late"])
    courier.close(wait_seconds=2)


def test_an_unexpected_error_of_a_library_is_a_failure_and_not_an_end(catalog: Catalog) -> None:
    receiver, clock = Receiver(), Moving()
    receiver.trouble = RuntimeError("boom")
    catalog.alerts.add_notices([notice("a")])
    courier = make(catalog, receiver, clock=clock)
    courier.flush(5)
    assert catalog.alerts.receivers()[0].last_failure is not None
    receiver.trouble, clock.moved = None, timedelta(minutes=1)
    courier.flush(5)
    assert receiver.got == ["a"]


def test_a_state_is_told_in_its_newest_form_and_not_too_often(catalog: Catalog) -> None:
    told: list[int] = []
    courier = Courier(catalog.alerts, SystemClock())
    for number in range(5):
        courier.follow({}, {"duty/am": State("duty/am", lambda n=number: told.append(n), timedelta(seconds=0.3), 5)})  # type: ignore[misc]
        courier.flush(0.1)
    until(lambda: (courier.flush(0.1), len(told) >= 2)[1])
    assert told == [0, 4]
    assert catalog.alerts.receivers()[0].delivered == 2


def test_a_state_that_is_no_longer_declared_is_forgotten(catalog: Catalog) -> None:
    told: list[str] = []
    courier = Courier(catalog.alerts, SystemClock())
    courier.follow({}, {"duty/am": State("duty/am", lambda: told.append("x"), timedelta(hours=1), 5)})
    courier.follow({}, {})
    courier.flush(0.2)
    assert told == []


@pytest.mark.parametrize(
    ("trouble", "arrives"),
    [
        (Reply(429, b'{"retry_after": 0.3}'), True),
        (Reply(400, b'{"code": 50035, "message": "Invalid Form Body"}'), False),
        (Reply(200, b'{"code": 10015, "message": "Unknown Webhook"}'), False),
    ],
)
def test_discord_is_left_alone_for_as_long_as_it_asks(catalog: Catalog, trouble: Reply, arrives: bool) -> None:
    with post_office(trouble, Reply(200, b'{"id": "1"}')) as office:
        spec = receivers.Receiver.model_validate({"name": "ops", "discord": {"url": {"env": "HOOK"}}})
        post = Post(lambda _: Secret(office.url.encode()), SystemClock())
        catalog.alerts.add_notices([notice("first"), notice("second")])
        courier = Courier(catalog.alerts, SystemClock())
        courier.follow({"duty/ops": post.recipient("duty/ops", spec)}, {})
        courier.start()
        until(lambda: catalog.alerts.waiting() == ())
        courier.close(wait_seconds=2)
        titles = [got.json["embeds"][0]["title"] for got in office.got]
    assert titles == (["first", "first", "second"] if arrives else ["first", "second"])
    (status,) = catalog.alerts.receivers()
    assert (status.failed, status.dropped, status.consecutive_failures) == (1, 0 if arrives else 1, 0)


@pytest.mark.parametrize(
    ("attempts", "error", "expected"),
    [
        (0, ReceiverUnreachable("x"), 30),
        (1, ReceiverUnreachable("x"), 60),
        (4, ReceiverUnreachable("x"), 480),
        (5, ReceiverUnreachable("x"), 900),
        (500, ReceiverUnreachable("x"), 900),
        (3, ReceiverBusy("x", after=timedelta(seconds=2)), 2),
        (3, ReceiverBusy("x"), 240),
        (0, NoticeRefused("x"), None),
    ],
)
def test_back_off(attempts: int, error: ReconcilerError, expected: float | None) -> None:
    waiting = Waiting(1, notice("a", at=NOON), attempts, NOON)
    assert again_at(waiting, error, NOON) == (NOON + timedelta(seconds=expected) if expected is not None else None)
    assert again_at(waiting, error, NOON + timedelta(days=1)) is None, "old news misleads"


def test_a_clock_that_was_set_back_does_not_stop_deliveries(tmp_path: Path) -> None:
    clock, receiver = FakeClock(NOON), Receiver()
    with Catalog.open(tmp_path / "c.sqlite", clock=SystemClock()) as catalog:
        catalog.alerts.add_notices([notice("a", at=NOON + timedelta(days=400))])
        courier = Courier(catalog.alerts, clock)
        courier.follow({"duty/ops": receiver.recipient}, {})
        courier._round()
        until(lambda: receiver.got == ["a"])
        until(lambda: catalog.alerts.waiting() == ())
