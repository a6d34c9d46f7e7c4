"""The page and the API over real sockets: what they show, what they let nobody do."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from msgspec.structs import replace

import reconciler.web
from reconciler.model.alerts import AlertsStatus
from reconciler.model.board import Board
from reconciler.model.health import HealthState
from reconciler.model.plan import Gap
from reconciler.model.pulse import Pulse
from reconciler.model.status import Condition, ConditionType, Status, Truth
from reconciler.model.wishes import Pause
from reconciler.web.server import Server, serve
from reconciler.web.view import SYSTEMS_SHOWN, view
from tests.fakes.statuses import NOON, board, company, pulse, system
from tests.unit.web.test_web_server import SCRAPED, SHOWN, ask, serving

HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e@everyone\n\"'>"


class World:
    def __init__(self) -> None:
        self.board: Board | None = board()
        self.alive = True
        self.at = NOON

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return 0.0

    def pulse(self) -> Pulse:
        return pulse(alive=self.alive)


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[World, Server]]:
    world = World()
    server = serve(lambda: world.board, listen="127.0.0.1:0", pulse=world.pulse, clock=world)
    yield world, server
    server.close()


@pytest.fixture
def world(shared: tuple[World, Server]) -> World:
    shared[0].__init__()  # type: ignore[misc]
    return shared[0]


@pytest.fixture
def server(shared: tuple[World, Server], world: World) -> Server:
    return shared[1]


def page(server: Server, path: str = "/") -> str:
    status, headers, body = ask(server, path)
    assert status == 200
    assert headers["content-type"] == "text/html; charset=utf-8"
    return body.decode()


def words(source: str) -> str:
    """What a reader sees, roughly."""
    return " ".join(html.unescape(re.sub(r"<style>.*?</style>|<[^>]*>", " ", source, flags=re.S)).split())


class Outside(HTMLParser):
    """Everything that a browser would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"script", "iframe", "object", "embed", "form", "img", "video", "audio", "base"}:
            self.found.append(tag)
        self.found += [f"{name}={value}" for name, value in attrs if name.startswith("on") or name == "style"]
        self.found += [f"{tag} {v}" for n, v in attrs if n in {"src", "href"} and v and not re.match(r"/(?!/)|data:image/svg", v)]


def test_each_system_stands_there_with_its_state_and_its_reason(server: Server) -> None:
    seen = words(page(server))
    assert "not protected as declared: archive, billing, ledger" in seen
    assert re.search(r"ledger critical ✗ judged 1200 % 3h ago of 15m 1h - ledger was judged", seen)
    assert "elsewhere critical ✓ ready 33 % 5m ago of 15m 1h on shop1" in seen
    assert "archive critical ! suspended" in seen


def test_the_copies_of_a_system_stand_there_number_by_number(server: Server) -> None:
    seen = words(page(server))
    assert "Copies ?-1-1-0-? Found Asked for Because copies 2 to 3 at least 3 the data itself; main: snapshot aaaaaaaa; offsite was" in seen
    assert "errors 0 to 1 none offsite was not listed" in seen


def test_the_worst_stand_first(server: Server) -> None:
    names = re.findall(r'<span class="name">(\w+)</span>', page(server))
    assert names == ["ledger", "billing", "archive", "elsewhere", "orders"]


def test_next_actions_gaps_and_events_stand_there_with_their_reasons(server: Server) -> None:
    seen = words(page(server))
    assert "Mount the disk of offsite. billing, orders: it cannot be reached" in seen
    assert "billing back up to main, incremental the newest is 3h old, the RPO is 15m" in seen
    assert "orders verify bbbbbbbb in main never verified" in seen
    assert "orders : 1 of 12 snapshots in main stay. the retention was tightened" in seen
    assert "in 6m orders incremental backup to main every 11m" in seen
    assert "1m ago 4 × billing ! the newest is 3h old (RpoExceeded)" in seen
    assert "1h ago orders back within 15m (BackupFresh)" in seen, "once needs no number"


def test_one_advice_that_mends_many_things_is_read_once(server: Server, world: World) -> None:
    shown = board()
    advice = "Is the disk mounted? `ls` tells."
    gaps = [Gap(name, "main", "source-missing", f"the source /srv/{name} does not exist", advice) for name in ("wiki", "mail")]
    world.board = replace(shown, plan=replace(shown.plan, gaps=(*gaps, *shown.plan.gaps)))
    source = page(server)
    assert source.count("Is the disk mounted?") == 1
    assert "<strong>Is the disk mounted? <code>ls</code> tells.</strong>" in source
    assert "wiki: the source /srv/wiki does not exist mail: the source /srv/mail does not exist" in words(source)


@pytest.mark.parametrize("text", ["a `<b>` b", "a ` alone", "`", "``", "`` `<i>` ``", "<`>`"])
def test_what_one_types_is_set_apart_and_nothing_in_it_is_markup(server: Server, world: World, text: str) -> None:
    shown = board()
    world.board = replace(shown, plan=replace(shown.plan, gaps=(Gap("wiki", "main", "c", text, text),)))
    source = page(server)
    assert not re.search(r"<(b|i)>", source)
    assert set(re.findall(r"</?(\w+)[^>]*>", re.search(r"<ul>(.*?)</ul>", source, re.S)[1])) <= {"li", "strong", "br", "span", "code"}  # type: ignore[index]


def test_a_repository_says_what_it_takes_and_when_it_was_cleaned_up(server: Server) -> None:
    seen = words(page(server))
    assert "main ✓ reachable 40 8.4 GiB 4.7 GiB 3d ago" in seen


def test_before_the_first_look_the_page_says_so(server: Server, world: World) -> None:
    world.board = None
    seen = words(page(server))
    assert "Nothing was observed yet" in seen
    assert "Systems" not in seen


def test_a_dead_loop_is_said_above_everything(server: Server, world: World) -> None:
    world.alive = False
    assert "The loop stands still. Its last sign of life is 10m old" in words(page(server))


def test_an_old_state_says_how_old_it_is(server: Server, world: World) -> None:
    assert "This is how things stood" not in words(page(server))
    world.at += timedelta(minutes=7)
    assert "This is how things stood 7m ago; the loop lives and is waiting." in words(page(server))


def test_a_pause_and_broken_specs_are_said(server: Server, world: World) -> None:
    shown, status = board(), company()
    pause = Pause(NOON + timedelta(hours=2), "moving the disks", "ada", NOON)
    spec = replace(status.spec, errors=2, clean=False)
    world.board = replace(shown, status=replace(status, spec=spec), plan=replace(shown.plan, pause=pause))
    seen = words(page(server))
    assert "Paused until 2026-05-04 14:00:00 UTC by ada: moving the disks. Nothing is begun." in seen
    assert "2 errors in the specs: what was declared before stands" in seen


def hostile() -> Board:
    shown = board()
    status = shown.status
    bad = tuple(
        replace(s, tier=HOSTILE, owner=HOSTILE, conditions=tuple(replace(c, message=HOSTILE, reason=HOSTILE) for c in s.conditions))
        for s in status.systems
    )
    plan = shown.plan
    return Board(
        replace(status, systems=bad, agent=HOSTILE, realm=HOSTILE),
        replace(
            plan,
            actions=tuple(replace(a, why=HOSTILE) for a in plan.actions),
            gaps=tuple(replace(g, why=HOSTILE, person=HOSTILE) for g in plan.gaps),
            held=tuple(replace(h, why=HOSTILE) for h in plan.held),
            waiting=tuple(replace(w, why=HOSTILE) for w in plan.waiting),
        ),
        tuple(replace(e, note=HOSTILE, reason=HOSTILE) for e in shown.events),
    )


@pytest.mark.parametrize("shown", [board, hostile], ids=["ordinary", "hostile"])
def test_the_page_runs_nothing_and_fetches_nothing(server: Server, world: World, shown: type[Board]) -> None:
    world.board = shown()
    reader = Outside()
    source = page(server)
    reader.feed(source)
    assert reader.found == []
    assert "\x1b" not in source
    assert "\u202e" not in source


def test_foreign_text_is_shown_as_text(server: Server, world: World) -> None:
    world.board = hostile()
    assert words(page(server)).count("<script>alert(1)</script>\\x1b[31m\\u202e@everyone\\n\"'>") >= 10


def test_the_policy_allows_the_own_style_sheet_and_nothing_else(server: Server) -> None:
    _, headers, _ = ask(server, "/")
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/]{43}='; img-src data:; base-uri 'none'; "
        r"form-action 'none'; frame-ancestors 'none'",
        headers["content-security-policy"],
    )
    assert (headers["x-frame-options"], headers["cache-control"], headers["referrer-policy"]) == ("DENY", "no-store", "no-referrer")


@pytest.mark.parametrize(
    ("query", "content"), [("30", "30"), ("300", "300"), ("1", None), ("0;url=http://evil.example", None), ("", None), ("-1", None)]
)
def test_it_refreshes_itself_only_at_the_offered_intervals(server: Server, query: str, content: str | None) -> None:
    found = re.search(r'http-equiv="refresh" content="([^"]*)"', page(server, f"/?refresh={query.replace(' ', '')}"))
    assert (found[1] if found else None) == content


def test_of_many_systems_the_worst_are_shown_and_the_others_counted(server: Server, world: World) -> None:
    many = tuple(system(f"s{number:04}", ()) for number in range(SYSTEMS_SHOWN + 50)) + company().systems
    world.board = replace(board(), status=replace(company(), systems=many))
    source = page(server)
    assert source.count("<details") == SYSTEMS_SHOWN
    assert "55 systems more , none of them worse" in words(source)
    assert "ledger" in source
    assert page(server, "/?systems=all").count("<details") == SYSTEMS_SHOWN + 55


def test_no_system_at_all_is_not_green(server: Server, world: World) -> None:
    nobody = replace(company(), systems=())
    world.board = replace(board(), status=nobody)
    assert "Nothing is protected: the specs declare no system." in words(page(server))
    assert view(world.board, pulse(), NOON).verdict.state is HealthState.WARNING


def test_the_api_gives_what_the_page_shows(server: Server) -> None:
    status = json.loads(ask(server, "/api/status")[2])
    assert (status["kind"], status["protected"]) == ("status", False)
    assert [s["name"] for s in status["status"]["systems"]] == [s.name for s in company().systems]
    plan = json.loads(ask(server, "/api/plan")[2])
    assert [(a["kind"], a["system"]) for a in plan["plan"]["actions"]] == [("backup", "billing"), ("verify", "orders")]
    events = json.loads(ask(server, "/api/events")[2])
    assert [e["reason"] for e in events["events"]] == ["RpoExceeded", "BackupFresh"]
    assert all(body["format_version"] for body in (status, plan, events))


def test_the_api_has_nothing_before_the_first_look(server: Server, world: World) -> None:
    world.board = None
    for path in SHOWN[1:]:
        status, _, body = ask(server, path)
        assert (status, json.loads(body)) == (503, {"error": "nothing was observed yet"})


@pytest.mark.parametrize("path", SCRAPED + SHOWN)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
    ],
)
def test_a_page_of_another_site_gets_nothing(server: Server, path: str, headers: dict[str, str]) -> None:
    status, _, body = ask(server, path, **headers)
    assert (status, json.loads(body)) == (403, {"error": "not for pages of other sites"})


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
    ],
)
def test_a_person_who_follows_a_link_is_let_in(server: Server, headers: dict[str, str]) -> None:
    assert ask(server, "/", **headers)[0] == 200
    assert ask(server, "/", Origin=server.url)[0] == 200


def test_an_address_for_scrapers_has_no_page() -> None:
    with serving(board, shows_page=False) as server:
        assert [ask(server, path)[0] for path in SCRAPED] == [200, 200, 200]
        assert {ask(server, path)[0] for path in SHOWN} == {404}


def test_a_wider_address_never_has_a_page() -> None:
    with serving(board, listen="0.0.0.0:0") as server:
        asked = Server("127.0.0.1", server.port, server._closing, server._thread)
        assert {ask(asked, path)[0] for path in SHOWN} == {404}
        assert ask(asked, "/healthz")[0] == 200


def test_a_page_for_two_thousand_systems_is_made_and_every_status_type_is_known(server: Server, world: World) -> None:
    status: Status = company()
    many = tuple(replace(s, name=f"{s.name}{number}") for number in range(400) for s in status.systems)
    world.board = replace(board(), status=replace(status, systems=many))
    assert len(page(server, "/?systems=all")) > 1_000_000


def test_alerts_are_counted_and_a_receiver_that_fails_is_named(world: World, server: Server) -> None:
    broken = Condition("Receiver", "duty/ops", ConditionType.ALERTS_DELIVERED, Truth.FALSE, "NotifyDenied", "4 attempts failed in a row")
    world.board = replace(board(), status=replace(company(), conditions=(broken,)))
    shown = words(page(server))
    assert "Alerts: 2 critical, 1 low; 1 acknowledged; nobody has answered the oldest, which began 2d ago . reconcile alerts lists" in shown
    assert "duty/ops: 4 attempts failed in a row" in shown
    world.board = replace(board(), status=replace(company(), alerts=AlertsStatus()))
    assert "Alerts:" not in words(page(server))


def test_every_class_of_the_page_has_a_look_and_every_colour_a_value() -> None:
    """A state of which the style sheet knows nothing looks like plain text."""
    folder = Path(reconciler.web.__file__).parent
    style, page = ((folder / name).read_text(encoding="utf-8") for name in ("page.css", "page.html"))
    assert set(re.findall(r"var\((--[\w-]+)\)", style)) <= set(re.findall(r"(--[\w-]+):", style))
    states = {word for given in re.findall(r'class="\{\{.*?\}\}"', page) for word in re.findall(r'": "([a-z ]+)"', given)}
    plain = {word for given in re.findall(r'class="([a-z ]+)"', page) for word in given.split()}
    used = plain | {word for given in states for word in given.split()}
    assert {"bad", "unknown", "heat"} <= used
    assert used - {"copies", "rehearsed", "system"} <= set(re.findall(r"\.([a-z]+)", style)), (
        "three names are there for those who look for the place"
    )
