"""Alerts to a real mail server: encryption, users, refusals, and a server that hangs."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconciler.base.secret import Secret
from reconciler.model.alerts import AlertSeverity, AlertState, Notice, NoticeKind, NoticeLine
from reconciler.model.declared.alerts import Email
from reconciler.notify.errors import NoticeRefused, ReceiverBusy, ReceiverDenies, ReceiverUnreachable
from reconciler.notify.mail import Mail
from tests.fakes.mailbox import PASSWORD, USER, Mailbox, mail_server
from tests.real.conftest import free_port, needs

pytestmark = [pytest.mark.real, pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")]
NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _library() -> None:
    needs("aiosmtpd")


@pytest.fixture(params=["starttls", "tls"])
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[str, Mailbox]]:
    with mail_server(tmp_path, request.param, free_port()) as running:
        yield request.param, running


def notice(summary: str = "orders: the newest good state is 2h old") -> Notice:
    line = NoticeLine(
        "a" * 16, "System", "orders", "BackupFresh", AlertSeverity.CRITICAL, AlertState.FIRING, summary, "look at it", NOON,
    )  # fmt: skip
    return Notice("duty/mail", NoticeKind.FIRING, AlertSeverity.CRITICAL, "CRITICAL: BackupFresh of System orders", (line,), 1, NOON)


def mail(security: str, box: Mailbox, *, password: str = PASSWORD, seconds: float = 5, **words: Any) -> Mail:
    said: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": box.port,
        "security": security,
        "ca": str(box.ca),
        "from": "loop@example.org",
        "to": ["a@example.org", "b@example.org"],
        "username": USER,
        "password": {"env": "PW"},
        **words,
    }
    said = {key: value for key, value in said.items() if value is not None}
    return Mail("duty/mail", Email.model_validate(said), Secret(password.encode()) if "username" in said else None, seconds)


def test_it_arrives_encrypted_and_under_its_user(box: tuple[str, Mailbox]) -> None:
    security, server = box
    mail(security, server).send(notice("line one\r\nBcc: evil@example.org\r\n\r\n.\r\nQUIT \x1b[31m @everyone"))
    ((to, message),) = server.got
    assert to == ["a@example.org", "b@example.org"]
    assert message["Subject"] == "[reconciler] CRITICAL: BackupFresh of System orders"
    assert message["Bcc"] is None
    assert message["Importance"] == "high"
    assert "line one\\r\\nBcc: evil@example.org" in message.get_content()
    assert "look at it" in message.get_content()


def test_a_megabyte_of_text_arrives_cut(box: tuple[str, Mailbox]) -> None:
    security, server = box
    mail(security, server).send(notice("ü" * 1_000_000))
    assert len(server.got[0][1].get_content()) < 2000


def test_a_wrong_password_is_told_and_not_the_password(box: tuple[str, Mailbox]) -> None:
    security, server = box
    with pytest.raises(ReceiverDenies, match="does not accept user and password") as denied:
        mail(security, server, password="wrong-password-1").send(notice())
    assert "wrong-password" not in str(denied.value)
    assert server.got == []


def test_a_certificate_that_nobody_vouches_for_ends_it_before_the_password(box: tuple[str, Mailbox]) -> None:
    security, server = box
    with pytest.raises(ReceiverUnreachable, match="certificate of duty/mail is not trusted"):
        mail(security, server, ca=None).send(notice())


def test_a_server_without_encryption_is_not_told_the_password(tmp_path: Path) -> None:
    with mail_server(tmp_path, "none", free_port()) as server, pytest.raises(ReceiverUnreachable, match="STARTTLS"):
        mail("starttls", server).send(notice())
    assert server.got == []


def test_without_encryption_and_user_where_nobody_listens(tmp_path: Path) -> None:
    with mail_server(tmp_path, "none", free_port()) as server:
        said = Email.model_validate(
            {"host": "127.0.0.1", "port": server.port, "security": "none", "from": "l@example.org", "to": ["a@example.org"]}
        )
        Mail("duty/mail", said, None, 5).send(notice())
        assert len(server.got) == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [("451 try later", ReceiverBusy), ("552 too big", NoticeRefused), ("554 \x1b[31mspam", NoticeRefused)],
)
def test_what_a_server_may_answer(tmp_path: Path, answer: str, error: type[Exception]) -> None:
    with mail_server(tmp_path, "tls", free_port()) as server:
        server.answer = answer
        with pytest.raises(error) as raised:
            mail("tls", server).send(notice())
    assert "\x1b" not in str(raised.value)


@pytest.mark.parametrize("refused", [{"a@example.org"}, {"a@example.org", "b@example.org"}])
def test_an_address_that_is_refused_is_named(tmp_path: Path, refused: set[str]) -> None:
    with mail_server(tmp_path, "tls", free_port()) as server:
        server.refused = frozenset(refused)
        with pytest.raises(NoticeRefused, match=r"550|a@example\.org"):
            mail("tls", server).send(notice())
    assert len(server.got) == 2 - len(refused), "the others got it"


def test_a_server_that_hangs_has_a_limit(tmp_path: Path) -> None:
    with mail_server(tmp_path, "tls", free_port()) as server:
        server.hang_seconds = 20
        began = time.monotonic()
        with pytest.raises(ReceiverUnreachable, match="no answer in time"):
            mail("tls", server, seconds=0.5).send(notice())
        assert time.monotonic() - began < 10, "half of what it hangs"


def test_a_server_that_says_nothing_at_all_has_a_limit() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        said = Email.model_validate(
            {"host": "127.0.0.1", "port": silent.getsockname()[1], "security": "none", "from": "l@example.org", "to": ["a@example.org"]}
        )
        with pytest.raises(ReceiverUnreachable, match="no answer in time"):
            Mail("duty/mail", said, None, 0.4).send(notice())
