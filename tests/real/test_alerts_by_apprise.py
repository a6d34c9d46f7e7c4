"""The delivery library against servers on the loopback: what it sends, and where it is not let go."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.model.alerts import AlertSeverity, AlertState, Notice, NoticeKind, NoticeLine
from reconciler.notify.errors import AddressForbidden, NotifyError, ReceiverUnfit
from reconciler.notify.services import Service
from tests.fakes.posts import Reply, post_office
from tests.real.conftest import needs

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore::DeprecationWarning")]  # of modules that the library loads
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _library() -> None:
    needs("apprise")


def notice(summary: str = "orders: old") -> Notice:
    line = NoticeLine("a" * 16, "System", "orders", "BackupFresh", AlertSeverity.HIGH, AlertState.FIRING, summary, "", NOON)
    return Notice("duty/ntfy", NoticeKind.FIRING, AlertSeverity.HIGH, "HIGH: BackupFresh of System orders", (line,), 1, NOON)


def send(url: str, message: Notice | None = None) -> None:
    Service("duty/ntfy", url, 2).send(message or notice())


def test_a_service_gets_title_and_text() -> None:
    with post_office(Reply(200, b"{}")) as office:
        send(office.url.replace("http://", "ntfy://") + "/alerts", notice("a\nb \x1b[31m @everyone"))
        (got,) = office.got
    assert b"BackupFresh of System orders" in got.body + repr(got.headers).encode()
    assert b"\x1b" not in got.body


@pytest.mark.parametrize("reply", [Reply(500), Reply(404), Reply(302, headers={"Location": "http://127.0.0.1:9/"})])
def test_what_a_service_does_not_take_is_a_failure_and_no_redirect_is_followed(reply: Reply) -> None:
    with post_office(reply) as office:
        with pytest.raises(NotifyError, match="did not take the message") as failed:
            send(office.url.replace("http://", "ntfy://") + "/alerts")
        assert failed.value.retry
        assert {got.path for got in office.got} <= {"/", "/alerts"}
        assert len(office.got) == 1


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("json://127.0.0.1:9/", ReceiverUnfit),
        ("discord://1/token", ReceiverUnfit),
        ("nonsense", ReceiverUnfit),
        ("ntfy://169.254.169.254/alerts", AddressForbidden),
        ("ntfys://[fe80::1]/alerts", AddressForbidden),
    ],
)
def test_where_it_is_not_let_go(url: str, error: type[NotifyError]) -> None:
    with pytest.raises(error) as raised:
        send(url)
    assert url not in str(raised.value)
