"""Sources are looked at; one that hangs takes nobody with it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.model.declared.system import Source
from reconciler.model.desired import DesiredSystem
from reconciler.observe.sources import observe_sources
from tests.fakes.worlds import system


def reading(name: str, *paths: Path) -> DesiredSystem:
    return system(name, sources=tuple(Source(path=str(path)) for path in paths))


@pytest.fixture
def hanging(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose listing does not come back, as on a dead network mount, until the test is over."""
    place, release, real = tmp_path / "dead", threading.Event(), os.scandir
    place.mkdir()

    def scandir(path: str) -> object:
        if path == str(place):
            release.wait(30)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    yield place
    release.set()
    for thread in threading.enumerate():
        if thread.name == "observe sources":
            thread.join(5)


def test_what_is_there_and_what_is_not_is_seen(tmp_path: Path) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    found = observe_sources([reading("orders", tmp_path / "full", tmp_path / "empty"), reading("ledger", tmp_path / "gone")])
    assert [(s.exists, s.readable, s.empty) for s in found["orders"]] == [(True, True, False), (True, True, True)]
    assert [(s.exists, s.failure is not None) for s in found["ledger"]] == [(False, True)]


def test_a_source_that_hangs_is_named_and_the_others_are_still_seen(tmp_path: Path, hanging: Path) -> None:
    systems = [reading("a", tmp_path), reading("b", hanging), reading("c", tmp_path)]
    found = observe_sources(systems, seconds_max=0.3)
    assert [found[name][0].readable for name in "abc"] == [True, False, True]
    assert found["b"][0].failure is not None
    assert found["b"][0].failure.code == "observe-source-silent"


def test_a_source_that_still_hangs_is_not_asked_again(tmp_path: Path, hanging: Path) -> None:
    systems = [reading("b", hanging), reading("c", tmp_path)]
    for _ in range(5):
        found = observe_sources(systems, seconds_max=0.2)
        assert found["c"][0].readable
        assert not found["b"][0].readable
    assert sum(thread.name == "observe sources" for thread in threading.enumerate()) == 1


def test_nothing_declared_is_nothing_seen() -> None:
    assert observe_sources([]) == {}
