"""Alerts over a real house: passes let them fire and end, people answer, receivers fail, processes restart."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.app import alerting
from reconciler.app.api import Reconciler
from reconciler.app.errors import AlertOver, Ambiguous, NotFound
from reconciler.app.session import Session
from reconciler.base.clock import SystemClock
from reconciler.base.errors import Usage
from reconciler.metrics.collect import samples
from reconciler.model.alerts import AlertSeverity, AlertState
from reconciler.model.status import ConditionType, Truth
from tests.fakes.houses import BASE, WholeHouse
from tests.fakes.posts import Post, Reply, post_office

POLICY = """\
apiVersion: reconciler/v1
kind: AlertPolicy
metadata: {{name: duty}}
spec:
  receivers:
    - {{name: archive, file: {{path: ../alerts.jsonl}}}}
{receivers}
  cooldown: 15m
  repeat: 4h
{more}
"""
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture
def office() -> Iterator[Post]:
    with post_office(Reply(204)) as running:
        yield running


def alerts(house: WholeHouse, receivers: str = "", more: str = "") -> None:
    house.write("alerts.yaml", POLICY.format(receivers=receivers, more=more))


def told(house: WholeHouse) -> list[tuple[str, str]]:
    """(Kind of notice, title) of everything in the file."""
    path = house.folder / "alerts.jsonl"
    rows = [json.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []
    return [(row["notice"], row["title"].partition(": ")[2]) for row in rows]


def lose(house: WholeHouse) -> None:
    house.repository.rename(house.folder / "lost")


def find(house: WholeHouse) -> None:
    (house.folder / "lost").rename(house.repository)


def only(house: WholeHouse, condition: str = "RepositoryReachable") -> Any:
    with house.session(read_only=True) as session:
        (alert,) = [a for a in session.alerts(resolved=True).alerts if a.condition == condition]
        return alert


REACH = "RepositoryReachable of Repository main"


def test_a_lost_repository_fires_once_over_many_processes_and_its_return_is_told(house: WholeHouse) -> None:
    alerts(house)
    assert house.one_pass(init=True).status.alerts.firing[AlertSeverity.CRITICAL] == 0
    lose(house)
    for _ in range(3):
        house.clock.advance(MINUTE)
        status = house.one_pass().status
    assert told(house) == [("firing", REACH)]
    assert status.alerts.firing[AlertSeverity.LOW] == 1
    house.clock.advance(4 * HOUR)
    house.one_pass()
    assert ("reminder", REACH) in told(house)
    find(house)
    house.clock.advance(MINUTE)
    house.one_pass()
    assert told(house)[-1] == ("recovered", REACH)
    assert only(house).state is AlertState.RESOLVED


def test_a_dry_run_tells_nobody_and_changes_nothing(house: WholeHouse) -> None:
    alerts(house)
    house.one_pass(init=True)
    lose(house)
    before = house.traces()
    with house.session(read_only=True) as session:
        session.plan()
        session.status()
        session.alerts(resolved=True)
    assert house.traces() == before


def test_whoever_acknowledges_is_written_down_and_nobody_is_reminded(house: WholeHouse) -> None:
    alerts(house)
    house.one_pass(init=True)
    lose(house)
    house.one_pass()
    alert = only(house)

    async def acknowledge() -> None:
        async with Reconciler.open(house.folder / "specs", state=house.state, agent="shop1") as reconciler:
            (seen,) = await reconciler.acknowledge(alert.id[:8], by="maria", note="on my way")
            assert seen.acknowledged_by == "maria"
            assert [one.state for one in (await reconciler.alerts()).alerts] == [AlertState.ACKNOWLEDGED]

    asyncio.run(acknowledge())
    house.clock.advance(9 * HOUR)
    status = house.one_pass().status
    assert [kind for kind, title in told(house) if title == REACH] == ["firing"]
    assert (status.alerts.firing[AlertSeverity.LOW], status.alerts.acknowledged[AlertSeverity.LOW]) == (0, 1)
    audit = [json.loads(line) for line in (house.state / "audit.jsonl").read_text().splitlines()]
    assert [(a["actor"], a["alert"], a["note"]) for a in audit if a["verb"] == "alert-acknowledge"] == [("maria", alert.id, "on my way")]
    with house.session(read_only=True) as session:
        assert "AlertAcknowledged" in [event.reason for event in session.events()]


def test_what_a_person_resolves_and_is_still_so_comes_back(house: WholeHouse) -> None:
    alerts(house)
    house.one_pass(init=True)
    lose(house)
    house.one_pass()
    with house.session() as session:
        session.resolve_alerts([only(house).id], by="maria")
        with pytest.raises(AlertOver, match="is over already"):
            session.acknowledge([only(house).id])
    house.clock.advance(MINUTE)
    house.one_pass()
    assert only(house).state is AlertState.FIRING
    assert only(house).times == 2


def test_a_silence_and_its_early_end(house: WholeHouse) -> None:
    alerts(house)
    house.one_pass(init=True)
    lose(house)
    with house.session() as session:
        report = session.silence(2 * HOUR, "moving the disk", kind="repository", name="ma*")
        silence = report.silence
        assert report.covers == 0, "nothing fires yet"
        for length, reason in ((timedelta(days=31), "x"), (timedelta(0), "x"), (HOUR, " ")):
            with pytest.raises(Usage):
                session.silence(length, reason)
    assert house.one_pass().status.alerts.silences == 1
    assert told(house) == []
    with house.session() as session:
        with pytest.raises(NotFound):
            session.end_silence("zz")
        session.end_silence(silence.id[:6])
        assert session.alerts().silences == ()
    house.one_pass()
    assert told(house) == [("firing", REACH)]


def test_ids_that_fit_none_or_many(house: WholeHouse) -> None:
    alerts(house)
    house.one_pass(init=True)
    with house.session() as session:
        for prefix in ("", "ffff"):
            with pytest.raises(NotFound):
                session.alert(prefix)
        lose(house)
    house.one_pass()
    house.write("broken.yaml", "kind: Nonsense\n")
    house.one_pass()
    with house.session() as session:
        ids = [alert.id for alert in session.alerts().alerts]
        assert len(ids) == 2
        shared = next((p for p in ("", *"0123456789abcdef") if p and sum(i.startswith(p) for i in ids) > 1), None)
        if shared is not None:
            with pytest.raises(Ambiguous):
                session.alert(shared)


def test_a_receiver_that_is_gone_delays_no_backup_and_is_seen_everywhere(house: WholeHouse) -> None:
    alerts(house, '    - {name: gone, webhook: {url: "http://127.0.0.1:9/"}}', "  heartbeat: {every: 1d, receivers: [gone]}")
    for _ in range(4):
        report = house.one_pass(init=True)
        house.clock.advance(timedelta(minutes=20))
    assert [result.failure for result in report.results if result.failure is not None] == []
    (receiver,) = [r for r in report.status.alerts.receivers if r.name == "duty/gone"]
    assert (receiver.kind, receiver.failed, receiver.waiting) == ("webhook", 3, 1), "as this pass found it"
    (condition,) = [c for c in report.status.conditions if c.name == "duty/gone"]
    assert (condition.type, condition.status, condition.reason) == (ConditionType.ALERTS_DELIVERED, Truth.FALSE, "NotifyUnreachable")
    exported = {(m.name, labels): value for m, labels, value in samples(report.status)}
    assert exported["reconciler_notifications_failed_total", ("duty/gone",)] == 3
    assert exported["reconciler_alerts_firing", ("high",)] == 1
    assert told(house) == [("firing", "AlertsDelivered of Receiver duty/gone")], "the others hear of it"


def test_a_receiver_that_hangs_lets_a_pass_end(house: WholeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alerting, "FLUSH_SECONDS", 0.5)
    with post_office(Reply(hang_seconds=60)) as office:
        alerts(
            house, f'    - {{name: slow, webhook: {{url: "{office.url}"}}, timeout: 30s}}', "  heartbeat: {every: 1d, receivers: [slow]}"
        )
        house.clock = SystemClock()  # type: ignore[assignment] - the limit is one of real time
        began = time.monotonic()
        report = house.one_pass(init=True)
        assert time.monotonic() - began < 10
        assert [result.failure for result in report.results] == [None]


def test_the_digest_comes_at_once_then_daily_and_the_sign_of_life_with_each_complete_pass(house: WholeHouse, office: Post) -> None:
    house.write("url.txt", "")
    secret = house.folder / "ping.url"
    secret.write_text(f"{office.url}/ping\n")
    secret.chmod(0o600)
    alerts(house, "", "  heartbeat: {every: 1d, receivers: [archive]}\n  deadMan: {url: {file: ../ping.url}}")
    (house.folder / "specs" / "url.txt").unlink()
    house.one_pass(init=True)
    assert [kind for kind, _ in told(house)] == ["digest"]
    house.clock.advance(23 * HOUR)
    house.one_pass()
    assert [kind for kind, _ in told(house)].count("digest") == 1
    house.clock.advance(HOUR)
    house.one_pass()
    assert [kind for kind, _ in told(house)].count("digest") == 2
    assert [got.path for got in office.got] == ["/ping"] * 3
    lose(house)
    house.one_pass()
    assert len(office.got) == 3, "a pass that could not look at everything is no sign of life"
    secret.chmod(0o644)
    find(house)
    (receiver,) = [r for r in house.one_pass().status.alerts.receivers if r.name == "duty:dead-man"]
    with house.session(read_only=True) as session:
        failure = next(r for r in session.alerts().receivers if r.name == receiver.name).last_failure
    assert failure is not None
    assert "0644" in failure.message


def test_test_tries_every_receiver_and_says_what_each_answered(house: WholeHouse, office: Post) -> None:
    gone = '    - {name: gone, webhook: {url: "http://127.0.0.1:9/"}}\n'
    alerts(house, f'{gone}    - {{name: hook, webhook: {{url: "{office.url}/hook"}}}}')
    house.one_pass(init=True)
    with house.session() as session:
        trials = {trial.receiver: trial.failure for trial in session.test_receivers()}
        assert {name: failure.code if failure else None for name, failure in trials.items()} == {
            "duty/archive": None,
            "duty/gone": "notify-unreachable",
            "duty/hook": None,
        }
        assert office.got[0].json["notice"] == "test"
        assert [trial.receiver for trial in session.test_receivers(["duty/hook"])] == ["duty/hook"]
        with pytest.raises(NotFound, match="duty/nobody"):
            session.test_receivers(["duty/nobody"])
        assert {r.name: r.delivered for r in session.alerts().receivers}["duty/hook"] == 2


def test_a_receiver_that_is_no_longer_declared_is_forgotten(house: WholeHouse) -> None:
    alerts(house, '    - {name: gone, webhook: {url: "http://127.0.0.1:9/"}}', "  heartbeat: {every: 1d, receivers: [gone]}")
    house.one_pass(init=True)
    alerts(house)
    house.one_pass()
    with house.session(read_only=True) as session:
        assert [r.name for r in session.alerts().receivers] == ["duty/archive"]


def test_the_loop_tells_in_the_background(house: WholeHouse, office: Post) -> None:
    house.write("base.yaml", BASE.replace("{realm: quiet-otter-41,", '{realm: quiet-otter-41, interval: 1s, listen: "127.0.0.1:0",'))
    alerts(
        house, f'    - {{name: hook, webhook: {{url: "{office.url}/hook"}}}}', "  delay: 1s\n  heartbeat: {every: 1d, receivers: [hook]}"
    )
    stop = threading.Event()

    def run() -> None:
        with Session.open(house.folder / "specs", state=house.state, agent="shop1", clock=SystemClock()) as session:
            session.watch(stop=stop, init=True)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        office.until(1, 20)
        published = house.repository / "snapshots"
        while not (published.is_dir() and any(published.iterdir())):
            time.sleep(0.02)
        (house.folder / "specs" / "broken.yaml").write_text("kind: Nonsense\n")
        office.until(2, 20)
    finally:
        stop.set()
        thread.join(20)
    assert [got.json["notice"] for got in office.got[:2]] == ["digest", "firing"]
    assert office.got[1].json["alerts"][0]["condition"] == "SpecAccepted"


def test_no_secret_of_a_receiver_is_written_down_anywhere(house: WholeHouse, capsys: pytest.CaptureFixture[str]) -> None:
    secret = house.folder / "hook.url"
    secret.write_text("http://127.0.0.1:9/api/webhooks/1/secret-token-of-the-channel")
    secret.chmod(0o600)
    discord = "    - {name: channel, discord: {url: {file: ../hook.url}}}"
    alerts(house, discord, "  heartbeat: {every: 1d, receivers: [channel]}\n  deadMan: {url: {file: ../hook.url}}")
    for _ in range(4):
        status = house.one_pass(init=True).status
        house.clock.advance(timedelta(minutes=20))
    with house.session() as session:
        said = f"{status} {session.test_receivers()} {session.alerts()} {session.events()}"
    output = capsys.readouterr()
    kept = b"".join(path.read_bytes() for path in house.state.rglob("*") if path.is_file())
    assert "duty/channel" in said + output.out + output.err
    assert "secret-token" not in said + output.out + output.err
    assert b"secret-token" not in kept


def test_a_defect_in_what_tells_people_ends_nothing_that_protects_them(house: WholeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a defect")

    alerts(house)
    monkeypatch.setattr(alerting, "judge", broken)
    report = house.one_pass(init=True)
    assert [result.failure for result in report.results] == [None]
    with house.session(read_only=True) as session:
        assert "AlertsFailed" in [event.reason for event in session.events()]


def test_without_a_policy_alerts_are_kept_and_nobody_is_told(house: WholeHouse) -> None:
    house.one_pass(init=True)
    lose(house)
    house.one_pass()
    assert only(house).told == {}
    assert not Path(house.folder / "alerts.jsonl").exists()
