"""Where the loop listens follows the specs: one address for people, one for scrapers, without an interruption of what stays."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import timedelta

import pytest

from reconciler.app.watch import Endpoints
from reconciler.base.clock import SystemClock
from reconciler.loop.loop import Loop
from reconciler.model.declared.settings import SettingsSpec
from reconciler.web.errors import WebAddressInUse
from tests.real.conftest import free_port
from tests.unit.loop.test_loop_turning import World


@pytest.fixture
def endpoints() -> Iterator[Endpoints]:
    found = Endpoints(Loop(World(), concurrency=1, interval=timedelta(seconds=30), clock=SystemClock()))
    yield found
    found.close()


def settings(listen: int, scrapers: int | None = None) -> SettingsSpec:
    address = f"127.0.0.1:{scrapers}" if scrapers else None
    return SettingsSpec(realm="quiet-otter-41", listen=f"127.0.0.1:{listen}", metrics_listen=address)


def answers(port: int) -> dict[str, int]:
    """The status of the page and of /healthz there; 0 where nobody listens."""
    return {path: _status(f"http://127.0.0.1:{port}{path}") for path in ("/", "/healthz")}


def _status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            status: int = response.status
            return status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


BOTH, SCRAPED_ONLY, NOBODY = {"/": 200, "/healthz": 200}, {"/": 404, "/healthz": 200}, {"/": 0, "/healthz": 0}


def test_the_addresses_follow_the_settings_also_where_they_change_places(endpoints: Endpoints) -> None:
    here, there = free_port(), free_port()
    endpoints.follow(settings(here))
    assert (answers(here), answers(there)) == (BOTH, NOBODY)
    endpoints.follow(settings(here, there))
    assert (answers(here), answers(there)) == (BOTH, SCRAPED_ONLY)
    endpoints.follow(settings(there, here))
    assert (answers(here), answers(there)) == (SCRAPED_ONLY, BOTH)
    endpoints.follow(settings(there))
    assert (answers(here), answers(there)) == (NOBODY, BOTH)
    endpoints.close()
    assert answers(there) == NOBODY


def test_an_address_that_is_taken_leaves_the_old_one_as_it_is(endpoints: Endpoints) -> None:
    here, there = free_port(), free_port()
    other = Endpoints(Loop(World(), concurrency=1, interval=timedelta(seconds=30), clock=SystemClock()))
    other.follow(settings(there))
    try:
        endpoints.follow(settings(here))
        with pytest.raises(WebAddressInUse):
            endpoints.follow(settings(there))
        endpoints.follow_if_possible(settings(there))
        assert answers(here) == BOTH
    finally:
        other.close()
