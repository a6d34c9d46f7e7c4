"""The status page in a real browser, served by a real loop: what a person sees, with scripts switched off, light, dark and on a phone."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.real.conftest import find, free_port
from tests.real.test_watch_is_scraped import SETTINGS, SYSTEM

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.real, pytest.mark.timeout(120)]

HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A loop with one system that is well, one whose source is missing, and one whose owner has a hostile name."""
    find("chromium", "chromium")
    root, port = tmp_path_factory.mktemp("page"), free_port()
    (root / "specs").mkdir()
    (root / "data" / "orders").mkdir(parents=True)
    (root / "data" / "orders" / "ledger").write_text("1\n")
    (root / "specs" / "base.yaml").write_text(SETTINGS.format(port=port))
    (root / "specs" / "orders.yaml").write_text(SYSTEM.format(name="orders", rpo="1h").replace("owner: office", f"owner: '{HOSTILE}'"))
    (root / "specs" / "gone.yaml").write_text(SYSTEM.format(name="gone", rpo="1h"))
    line = [sys.executable, "-m", "reconciler.cli.main", "--specs", str(root / "specs"), "--state", str(root / "state")]
    with (root / "log").open("wb") as log:
        process = subprocess.Popen([*line, "--watch", "--init"], stdout=log, stderr=subprocess.STDOUT)
    try:
        _until_backed_up(f"http://127.0.0.1:{port}", process, root / "log")
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)


def _until_backed_up(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/", timeout=5) as response:
                seen = response.read().decode()
            if "never backed up" in seen and "✓ ready" in seen:
                return
        except OSError:
            pass
        time.sleep(0.2)
    pytest.fail(f"the loop has shown no backup: {log.read_text(errors='replace')[-2000:]}")


@pytest.fixture(scope="module")
def browser(url: str) -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        program = play.chromium.launch(executable_path=find("chromium", "chromium"), args=["--no-sandbox"])
        yield program
        program.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser had to say: blocked styles, failed fetches, errors."""
    return []


def visit(browser: Browser, url: str, complaints: list[str], **context: Any) -> Page:
    page = browser.new_context(**context).new_page()
    page.on("console", lambda message: complaints.append(message.text))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    page.on(
        "request", lambda request: complaints.append(request.url) if request.url != url and not request.url.startswith("data:") else None
    )
    page.on("dialog", lambda dialog: complaints.append(dialog.message))
    page.goto(url)
    return page


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])
def test_a_person_reads_what_is_wrong_and_why(browser: Browser, url: str, complaints: list[str], scripts: bool) -> None:
    page = visit(browser, url, complaints, java_script_enabled=scripts)
    assert "1 of 2 systems not protected as declared: gone." in page.locator("#verdict").inner_text()
    first, second = page.locator("details").all()
    assert first.locator(".name").inner_text() == "gone"
    assert "no snapshot was ever taken" in first.inner_text()
    inside = second.locator(".inside")
    assert not inside.is_visible()
    second.locator("summary").click()
    assert inside.is_visible()
    assert HOSTILE in inside.inner_text()
    assert complaints == []


def test_it_is_light_by_day_and_dark_by_night(browser: Browser, url: str, complaints: list[str]) -> None:
    look = "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    light, dark = (visit(browser, url, complaints, color_scheme=scheme).evaluate(look) for scheme in ("light", "dark"))
    assert light == ["rgb(255, 255, 255)", "rgb(27, 31, 36)"]
    assert dark == ["rgb(20, 23, 27)", "rgb(230, 233, 237)"]
    assert complaints == []


def test_a_phone_shows_it_without_scrolling_sideways(browser: Browser, url: str, complaints: list[str]) -> None:
    page = visit(browser, url, complaints, viewport={"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert complaints == []


def test_another_page_can_neither_frame_nor_read_it(browser: Browser, url: str) -> None:
    blocked: list[str] = []
    page = browser.new_context().new_page()
    page.on("console", lambda message: blocked.append(message.text))
    page.set_content(f'<iframe src="{url}"></iframe>')
    page.wait_for_timeout(500)
    assert "not protected" not in "".join(frame.content() for frame in page.frames[1:])
    answer = page.evaluate(f"fetch('{url}api/status').then(r => r.text(), e => 'refused: ' + e)")
    assert answer.startswith("refused")
    assert blocked


def test_the_links_lead_to_the_same_for_programs(browser: Browser, url: str, complaints: list[str]) -> None:
    page = visit(browser, url, complaints)
    for name in ("status", "plan", "events", "metrics"):
        page.goto(url)
        with page.expect_response(re.compile(name)) as answer:
            page.get_by_role("link", name=name, exact=True).click()
        assert answer.value.status == 200
