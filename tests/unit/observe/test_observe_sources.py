"""Sources are looked at; one that hangs takes nobody with it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.model.declared.system import Source
from reconciler.model.desired import DesiredSystem
from reconciler.observe import sources
from reconciler.observe.sources import LISTED_EVERY, KnownSources, observe_sources
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


def test_many_sources_on_a_place_that_hangs_are_waited_for_together(tmp_path: Path, hanging: Path) -> None:
    dead = [reading(f"dead-{n}", hanging, tmp_path / f"{n}") for n in range(16)]
    began = time.monotonic()
    found = observe_sources([reading("a", tmp_path), *dead, reading("z", tmp_path)], seconds_max=0.5)
    assert time.monotonic() - began < 4  # one after the other: 8 s
    assert [name for name, states in found.items() if states[0].readable] == ["a", "z"]


def test_a_defect_in_looking_at_one_leaves_no_other_unseen(tmp_path, monkeypatch, capsys):
    real = sources.check_sources

    def broken(wanted, *more, **named):
        if wanted[0].title.endswith("b"):
            raise TypeError("nobody thought of this")
        return real(wanted, *more, **named)

    monkeypatch.setattr(sources, "check_sources", broken)
    found = observe_sources([reading(name, tmp_path / name) for name in "abc"])
    assert [states[0].failure.code for states in found.values()] == ["source-missing", "observe-failed", "source-missing"]
    assert found["b"][0].failure.message.endswith("cannot be looked at: unexpected TypeError")


def test_nothing_declared_is_nothing_seen() -> None:
    assert observe_sources([]) == {}


def begun() -> KnownSources:
    known = KnownSources()
    known.begin(datetime.now(UTC))
    return known


def old(folder: Path) -> Path:
    """As if nothing had changed there for a minute."""
    folder.mkdir(exist_ok=True)
    (folder / "file").touch()
    os.utime(folder, ns=(time.time_ns(), time.time_ns() - 60 * 10**9))
    return folder


def test_a_folder_that_has_not_changed_is_not_listed_again_in_each_pass(tmp_path, monkeypatch):
    known, listed, real = begun(), [], sources.check_sources
    monkeypatch.setattr(sources, "check_sources", lambda *a, **k: (listed.append(a), real(*a, **k))[1])
    orders = reading("orders", old(tmp_path / "orders"))
    passes = [observe_sources([orders], known=known) for _ in range(2 * LISTED_EVERY)]
    assert all(found == passes[0] for found in passes)
    assert 2 <= len(listed) <= 4


@pytest.mark.parametrize("change", ["emptied", "gone", "a link", "filled", "a file"])
def test_what_happens_to_a_known_folder_is_seen_in_the_next_pass(tmp_path, change):
    known, folder = begun(), old(tmp_path / "orders")
    if change == "filled":
        (folder / "file").unlink()
        os.utime(folder, ns=(time.time_ns(), time.time_ns() - 60 * 10**9))
    orders = reading("orders", folder)
    for _ in range(3):
        observe_sources([orders], known=known)
    match change:
        case "emptied":
            (folder / "file").unlink()
        case "filled":
            (folder / "file").touch()
        case _:
            folder.rename(tmp_path / "elsewhere")
            if change == "a link":
                folder.symlink_to(tmp_path / "elsewhere")
            if change == "a file":
                folder.touch()
    assert observe_sources([orders], known=known) == observe_sources([orders])


def test_a_folder_that_changed_a_moment_ago_is_listed_until_its_times_can_tell(tmp_path):
    known, folder = begun(), tmp_path / "orders"
    folder.mkdir()
    (folder / "file").touch()
    orders = reading("orders", folder)
    observe_sources([orders], known=known)
    assert not known._seen
