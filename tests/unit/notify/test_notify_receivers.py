"""What each kind of receiver is sent, and which answers it takes for one."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import structlog
from msgspec.structs import replace

from reconciler.base import log
from reconciler.base.clock import SystemClock
from reconciler.base.secret import Secret, remember
from reconciler.decide.notices import LINES_MAX
from reconciler.model.alerts import Alert, AlertSeverity, AlertState, Notice, NoticeKind, NoticeLine
from reconciler.model.declared.alerts import AlertFile, Email, Receiver
from reconciler.model.declared.secret import SecretFrom
from reconciler.notify import text
from reconciler.notify.chat import literal, payload
from reconciler.notify.errors import NoticeRefused, NotifyError, ReceiverBusy, ReceiverDenies, ReceiverUnfit
from reconciler.notify.local import LineFile
from reconciler.notify.mail import message
from reconciler.notify.recipients import Post
from tests.fakes.posts import Reply, post_office

NOON = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
NASTY = "a\nb\r\n\x1b[31m red \x00 @everyone <@&123> @here [x](http://evil) `code` \u202eevil # head\u2028end"


def line(summary: str = "orders: old", **changes: Any) -> NoticeLine:
    plain = NoticeLine(
        "a" * 16, "System", "orders", "BackupFresh", AlertSeverity.CRITICAL, AlertState.FIRING, summary, "look at it", NOON,
        labels={"tier": "critical"},
    )  # fmt: skip
    return replace(plain, **changes)


def notice(*lines: NoticeLine, kind: NoticeKind = NoticeKind.FIRING, total: int | None = None, title: str = "CRITICAL: x") -> Notice:
    lines = lines or (line(),)
    return Notice("duty/ops", kind, AlertSeverity.CRITICAL, title, lines, total if total is not None else len(lines), NOON, "")


def post(secrets: dict[str, str] | None = None) -> Post:
    return Post(lambda secret: Secret((secrets or {})[secret.env or ""].encode()), SystemClock())


def send(receiver: dict[str, Any], message: Notice, **secrets: str) -> None:
    post(secrets).recipient("duty/ops", Receiver.model_validate({"name": "ops", "timeout": "2s", **receiver})).send(message)


DISCORD = {"discord": {"url": {"env": "HOOK"}}}
MADE = Reply(200, b'{"id": "1", "content": ""}')


def test_discord_gets_an_embed_that_mentions_nobody() -> None:
    with post_office(MADE) as office:
        send(DISCORD, notice(line(NASTY)), HOOK=f"{office.url}/api/webhooks/1/tokentoken")
        (got,) = office.got
    assert got.path == "/api/webhooks/1/tokentoken?wait=true"
    assert got.json["allowed_mentions"] == {"parse": []}
    shown = got.json["embeds"][0]["description"]
    assert "@everyone" not in shown
    assert "@here" not in shown
    assert "\x1b" not in shown
    assert "[x](" not in shown
    assert "http://" not in shown
    assert not any(sign in shown for sign in ("\u202e", "\u2028", "\x00"))


@pytest.mark.parametrize(
    ("reply", "fails"),
    [
        (MADE, False),
        (Reply(204), False),
        (Reply(200, b'{"message": "Unknown Webhook", "code": 10015}'), True),
        (Reply(200, b"<html>"), True),
        (Reply(400, b'{"embeds": ["0"]}'), True),
    ],
)
def test_what_discord_may_answer(reply: Reply, fails: bool) -> None:
    with post_office(reply) as office:
        if not fails:
            send(DISCORD, notice(), HOOK=office.url)
            return
        with pytest.raises(NoticeRefused) as refused:
            send(DISCORD, notice(), HOOK=office.url)
    assert not refused.value.retry


@pytest.mark.parametrize("summary", ["x" * 1_000_000, "\\" * 1_000_000, "*" * 1_000_000, "\U0001f525" * 500_000, "@" * 1_000_000])
def test_a_megabyte_of_text_becomes_a_message_of_its_size(summary: str) -> None:
    lines = [line(summary, detail=summary, object_name=summary) for _ in range(LINES_MAX)]
    embed = payload(notice(*lines, total=10_000, title=summary))["embeds"][0]
    assert len(embed["title"].encode("utf-16-le")) // 2 <= 256
    assert len(embed["description"].encode("utf-16-le")) // 2 <= 4096
    assert len(embed["title"]) + len(embed["description"]) < 6000
    assert "more: " in embed["description"].replace("\\", "")
    mail = message(EMAIL, notice(*lines, total=10_000, title=summary))
    assert len(mail.as_bytes()) < 200_000


def test_a_word_stays_readable_when_its_mark_up_is_taken() -> None:
    assert literal("a_b *c* `d`") == "a\\_b \\*c\\* \\`d\\`"
    assert literal("orders: old (2026-05-04)") == "orders: old (2026-05-04)"
    assert literal("# head\n- item\n> quote\n1. one") == "\\# head\n\\- item\n\\> quote\n\\1. one"
    assert "http://" not in literal("see http://evil")


@pytest.mark.parametrize(
    ("answer", "fails"),
    [
        (b"", False),
        (b"ok", False),
        (b'{"ok": true}', False),
        (b'{"status": "success"}', False),
        (b'{"error": null}', False),
        (b'{"ok": false, "error": "channel_not_found"}', True),
        (b'{"status": "error", "message": "no"}', True),
        (b'{"success": false}', True),
        (b'{"error": "\\u001b[31mbad"}', True),
    ],
)
def test_a_webhook_that_says_ok_and_means_the_opposite(answer: bytes, fails: bool) -> None:
    hook = {"webhook": {"url": {"env": "HOOK"}, "headers": {"Authorization": {"env": "TOKEN"}}}}
    with post_office(Reply(200, answer)) as office:
        if fails:
            with pytest.raises(NoticeRefused) as refused:
                send(hook, notice(), HOOK=office.url, TOKEN="Bearer secret-token")
            assert "\x1b" not in str(refused.value)
        else:
            send(hook, notice(line(NASTY)), HOOK=office.url, TOKEN="Bearer secret-token")
            assert office.got[0].json["alerts"][0]["summary"].startswith("a\\nb")
        assert office.got[0].headers["authorization"] == "Bearer secret-token"


def test_a_secret_of_several_lines_is_no_header() -> None:
    hook = {"webhook": {"url": "http://127.0.0.1:9/", "headers": {"Authorization": {"env": "TOKEN"}}}}
    with pytest.raises(ReceiverUnfit, match="more than one line"):
        send(hook, notice(), TOKEN="Bearer x\r\nX-Evil: y")


def test_known_secrets_never_leave() -> None:
    remember(b"hunter2-hunter2")
    shown = text.body(notice(line("the password hunter2-hunter2 is wrong")), characters_max=1000)
    assert "hunter2" not in shown


EMAIL = Email.model_validate({"host": "mail", "security": "none", "from": "loop@example.org", "to": ["a@example.org", "b@example.org"]})


def test_a_mail_has_one_subject_line_whatever_the_alert_says() -> None:
    mail = message(EMAIL, notice(line(NASTY), title=NASTY))
    raw = mail.as_bytes()
    assert raw.count(b"\nSubject:") + raw.startswith(b"Subject:") == 1
    assert b"\nBcc" not in raw
    assert "\x1b" not in mail.get_content()
    assert mail["To"] == "a@example.org, b@example.org"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Message-ID"] == message(EMAIL, notice(line(NASTY), title=NASTY))["Message-ID"]
    assert mail["References"] == f"<{'a' * 16}@example.org>"
    assert "orders" in mail.get_content()


def file(path: Path, **words: Any) -> LineFile:
    return LineFile(AlertFile.model_validate({"path": str(path), **words}))


def test_a_file_gets_one_line_each_and_is_renamed_when_full(tmp_path: Path) -> None:
    path = tmp_path / "log" / "alerts.jsonl"
    for number in range(40):
        file(path, maxBytes=2000, keep=2).append(notice(line(f"{number} {NASTY}")))
    names = sorted(entry.name for entry in path.parent.iterdir())
    assert names == ["alerts.jsonl", "alerts.jsonl.1", "alerts.jsonl.2"]
    rows = [json.loads(row) for name in reversed(names) for row in (path.parent / name).read_bytes().splitlines()]
    numbers = [int(row["alerts"][0]["summary"].split()[0]) for row in rows]
    assert numbers == list(range(40 - len(numbers), 40)), "nothing is lost in between"
    assert all(entry.stat().st_size <= 2000 for entry in path.parent.iterdir())
    assert path.stat().st_mode & 0o077 == 0


def test_a_file_that_keeps_no_older_ones(tmp_path: Path) -> None:
    for _ in range(10):
        file(tmp_path / "a", maxBytes=1, keep=0).append(notice())
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]
    assert len((tmp_path / "a").read_bytes().splitlines()) == 1


@pytest.mark.parametrize("make", [Path.mkdir, lambda p: p.symlink_to("/dev/null"), os.mkfifo])
def test_a_place_that_is_no_file_is_refused_and_never_waited_for(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "a")
    with pytest.raises(ReceiverUnfit):
        file(tmp_path / "a").append(notice())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_a_full_disk_is_the_error_of_this_receiver() -> None:
    with pytest.raises(ReceiverUnfit, match="No space left"):
        file(Path("/dev/full")).append(notice())


def test_the_log_is_told() -> None:
    stream = io.StringIO()
    log.configure(stream=stream, json=True)
    try:
        send({"console": {}}, notice(line(NASTY)))
    finally:
        structlog.reset_defaults()
    said = json.loads(stream.getvalue().splitlines()[-1])
    assert (said["event"], said["level"], said["severity"]) == ("CRITICAL: x", "error", "critical")
    assert said["first"].startswith("a\\nb")


def alert(number: int, **changes: Any) -> Alert:
    plain = Alert(
        f"{number:016}", "System", f"orders-{number}", "BackupFresh", AlertSeverity.HIGH, AlertState.FIRING, NASTY, "look", "Breached",
        NOON, NOON, labels={"tier": "high", "team/x": "shop", "owner": ""},
    )  # fmt: skip
    return replace(plain, **changes)


def test_an_alertmanager_is_told_everything_with_an_end_in_the_future() -> None:
    receiver = Receiver.model_validate({"name": "am", "alertmanager": {"url": "http://127.0.0.1:9", "resend": "2m"}})
    over = alert(2, state=AlertState.RESOLVED, resolved_at=NOON - timedelta(minutes=1))
    long_over = alert(3, state=AlertState.RESOLVED, resolved_at=NOON - timedelta(hours=1))
    with post_office(Reply(200)) as office:
        said = {"name": "am", "alertmanager": {"url": office.url + "/", "resend": "2m"}}
        state = post().state("duty/am", Receiver.model_validate(said), [alert(1), over, long_over], NOON)
        assert state is not None
        state.tell()
        (got,) = office.got
    assert state.spacing == timedelta(minutes=2)
    assert receiver.alertmanager is not None
    assert got.path == "/api/v2/alerts"
    first, second = got.json
    assert first["labels"] == {
        "alertname": "ReconcilerBackupFresh", "severity": "high", "kind": "System", "name": "orders-1", "condition": "BackupFresh",
        "job": "reconciler", "tier": "high", "label_team_x": "shop",
    }  # fmt: skip
    assert (first["startsAt"], first["endsAt"]) == ("2026-05-04T12:00:00Z", "2026-05-04T12:06:00Z")
    assert second["endsAt"] == "2026-05-04T11:59:00Z"
    assert "\x1b" not in first["annotations"]["summary"]


def test_ten_thousand_alerts_for_an_alertmanager_are_twenty_requests() -> None:
    with post_office(Reply(200)) as office:
        said = {"name": "am", "timeout": "30s", "alertmanager": {"url": office.url}}
        state = post().state("duty/am", Receiver.model_validate(said), [alert(n) for n in range(10_000)], NOON)
        assert state is not None
        state.tell()
        assert [len(got.json) for got in office.got] == [500] * 20


def test_the_sign_of_life_is_a_plain_call() -> None:
    from reconciler.model.declared.alerts import DeadMan

    with post_office(Reply(200, b"OK")) as office:
        post({"PING": f"{office.url}/ping/abc"}).ping("duty:dead-man", DeadMan.model_validate({"url": {"env": "PING"}})).tell()
        assert [(got.method, got.path) for got in office.got] == [("GET", "/ping/abc")]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"OK", None),
        (b"", None),
        (b'{"ok": true}', None),
        (b"OK (not found)", ReceiverDenies),
        (b"OK (rate limited)", ReceiverBusy),
        (b'{"ok": false, "msg": "Monitor not found or not active."}', ReceiverDenies),
        (b'{"ok": false}', ReceiverBusy),
    ],
)
def test_a_sign_of_life_that_nobody_watches_for_is_a_failure(answer: bytes, error: type[NotifyError] | None) -> None:
    """healthchecks.io answers 200 also where it knows no such address."""
    from reconciler.model.declared.alerts import DeadMan

    with post_office(Reply(200, answer)) as office:
        ping = post({"PING": f"{office.url}/secret-path"}).ping("duty:dead-man", DeadMan.model_validate({"url": {"env": "PING"}}))
        if error is None:
            ping.tell()
            return
        with pytest.raises(error, match="duty:dead-man answers 200") as raised:
            ping.tell()
    assert "secret-path" not in str(raised.value)


@pytest.mark.parametrize(
    ("answer", "fails"),
    [
        (b"", False),
        (b'{"status": "success"}', False),
        (b'{"status": "error", "error": "no"}', True),
        (b"<html>please log in</html>", True),
        (b"  <!doctype html>", True),
    ],
)
def test_an_alertmanager_that_says_ok_and_means_the_opposite(answer: bytes, fails: bool) -> None:
    with post_office(Reply(200, answer)) as office:
        said = {"name": "am", "alertmanager": {"url": office.url}}
        state = post().state("duty/am", Receiver.model_validate(said), [alert(1)], NOON)
        assert state is not None
        if fails:
            with pytest.raises(NoticeRefused, match="duty/am answers 200 with an error"):
                state.tell()
        else:
            state.tell()


@pytest.mark.parametrize("kind", ["file", "webhook", "alertmanager", "discord"])
def test_no_receiver_gets_control_characters_or_more_than_a_message_holds(kind: str, tmp_path: Path) -> None:
    """Newlines, colours of a terminal, marks that turn text around, a megabyte."""
    nasty = NASTY + "\r\n.\r\nQUIT\r\n" + "x" * 1_000_000
    with post_office(MADE if kind == "discord" else Reply(200)) as office:
        said: dict[str, Any] = {
            "file": {"file": {"path": str(tmp_path / "alerts.jsonl")}},
            "webhook": {"webhook": {"url": office.url}},
            "alertmanager": {"alertmanager": {"url": office.url}},
            "discord": DISCORD,
        }[kind]
        send(said, notice(*[line(nasty, detail=nasty, object_name=nasty) for _ in range(LINES_MAX)], title=nasty), HOOK=office.url)
        shown = (tmp_path / "alerts.jsonl").read_bytes() if kind == "file" else office.got[-1].body
    assert len(shown) < 200_000
    said_there = json.loads(shown)
    for words in [said_there["embeds"][0]["title"]] if kind == "discord" else _texts(said_there):  # paragraphs there have lines
        assert not any(sign in words for sign in ("\x1b", "\r", "\n", "\u202e", "\u2028", "\x00")), words[:200]


def _texts(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [words for each in value.values() for words in _texts(each)]
    if isinstance(value, list):
        return [words for each in value for words in _texts(each)]
    return [value] if isinstance(value, str) else []


def test_a_secret_that_cannot_be_had_is_the_error_of_this_receiver() -> None:
    def reveal(secret: SecretFrom) -> Secret:
        raise NotifyError("not there")

    recipient = Post(reveal, SystemClock()).recipient("duty/ops", Receiver.model_validate({"name": "ops", **DISCORD}))
    with pytest.raises(NotifyError, match="not there"):
        recipient.send(notice())
