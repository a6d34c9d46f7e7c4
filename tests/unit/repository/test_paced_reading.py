"""Reading a repository no faster than somebody allows, measured."""

from __future__ import annotations

import time

import pytest

from reconciler.base.clock import SystemClock
from reconciler.repository.paced import paced
from reconciler.repository.store import LocalStore

KIB = 1024
RATE = 512 * KIB


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> LocalStore:
    """Eight packs of 32 KiB."""
    store = LocalStore(str(tmp_path_factory.mktemp("place")))
    store.prepare()
    for number in range(8):
        store.put(f"packs/{number:064x}", bytes([number]) * 32 * KIB)
    return store


def never() -> bool:
    return False


def test_reading_takes_as_long_as_the_rate_says(store: LocalStore) -> None:
    slow = paced(store, RATE, SystemClock(), never)
    began = time.monotonic()
    read = sum(len(slow.get_range(f"packs/{number:064x}", 0, 32 * KIB)) for number in range(8))
    took = time.monotonic() - began
    assert read == 256 * KIB
    assert read / took <= RATE * 1.02, "never faster than allowed, the first piece included"
    assert took < 5 * read / RATE, "and not much slower"


def test_whole_objects_are_paid_for_and_lists_are_not(store: LocalStore) -> None:
    crawling = paced(store, 16, SystemClock(), never)  # a name alone would take four seconds
    began = time.monotonic()
    assert len(list(crawling.list("packs/"))) == 8
    assert crawling.url == store.url
    assert time.monotonic() - began < 3
    slow, began = paced(store, RATE, SystemClock(), never), time.monotonic()
    slow.get(f"packs/{0:064x}", 64 * KIB)
    assert time.monotonic() - began >= 32 * KIB / RATE * 0.98


def test_a_stop_ends_the_waiting(store: LocalStore) -> None:
    began = time.monotonic()
    slow = paced(store, 1024, SystemClock(), lambda: time.monotonic() - began > 0.1)
    slow.get_range(f"packs/{0:064x}", 0, 32 * KIB)  # half a minute, at this rate
    assert time.monotonic() - began < 2
