"""Edits of the spec tree are noticed, however they are made."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.loop import watcher as module
from reconciler.loop.watcher import Watcher, fingerprint

WAIT = 10.0


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(module, "SETTLE_SECONDS", 0.05)


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    root = tmp_path / "specs"
    root.mkdir()
    (root / "a.yaml").write_text("kind: System\n")
    return root


@pytest.fixture
def changes(specs: Path) -> Iterator[list[None]]:
    seen: list[None] = []
    stop = threading.Event()
    watcher = Watcher(specs, lambda: seen.append(None), stop)
    watcher.start()
    yield seen
    stop.set()
    watcher.join(WAIT)


def noticed(changes: list[None], change: Callable[[], object]) -> bool:
    before = len(changes)
    change()
    until = time.monotonic() + WAIT
    while len(changes) == before and time.monotonic() < until:
        time.sleep(0.01)
    return len(changes) > before


def test_an_edit_is_noticed(specs: Path, changes: list[None]) -> None:
    assert noticed(changes, lambda: (specs / "a.yaml").write_text("kind: Tier\n"))


def test_a_new_file_in_a_new_folder_and_its_removal_are_noticed(specs: Path, changes: list[None]) -> None:
    def add() -> None:
        (specs / "teams").mkdir()
        (specs / "teams" / "b.yaml").write_text("kind: System\n")

    assert noticed(changes, add)
    assert noticed(changes, lambda: shutil.rmtree(specs / "teams"))


def test_an_atomic_replacement_of_the_same_size_is_noticed(specs: Path, changes: list[None]) -> None:
    def replace() -> None:
        (specs / ".a.tmp").write_text("kind: Sistem\n")
        os.replace(specs / ".a.tmp", specs / "a.yaml")

    assert noticed(changes, replace)


def test_a_tree_that_is_removed_and_made_again_is_watched_again(specs: Path, changes: list[None]) -> None:
    assert noticed(changes, lambda: shutil.rmtree(specs))

    def make() -> None:
        specs.mkdir()
        (specs / "a.yaml").write_text("kind: System\n")

    assert noticed(changes, make)
    assert noticed(changes, lambda: (specs / "a.yaml").write_text("kind: Tier\n"))


def test_the_swap_of_a_mounted_config_map_is_noticed(tmp_path: Path) -> None:
    root = tmp_path / "mounted"
    for version in ("..v1", "..v2"):
        (root / version).mkdir(parents=True)
        (root / version / "a.yaml").write_text(f"name: {version}\n")
    (root / "..data").symlink_to("..v1")
    (root / "a.yaml").symlink_to("..data/a.yaml")
    seen: list[None] = []
    stop = threading.Event()
    watcher = Watcher(root, lambda: seen.append(None), stop)
    watcher.start()

    def swap() -> None:
        (root / "..new").symlink_to("..v2")
        os.replace(root / "..new", root / "..data")

    assert noticed(seen, swap)
    stop.set()
    watcher.join(WAIT)


def test_nothing_is_noticed_where_nothing_changed(specs: Path, changes: list[None]) -> None:
    (specs / "a.yaml").read_text()
    (specs / ".git").mkdir()
    (specs / ".git" / "index.lock").touch()
    time.sleep(0.5)
    assert changes == []


def test_a_missing_tree_has_an_empty_fingerprint(tmp_path: Path) -> None:
    assert fingerprint(tmp_path / "nowhere") == frozenset()


def test_a_link_to_nothing_is_part_of_the_fingerprint(specs: Path) -> None:
    (specs / "b.yaml").symlink_to("nothing")
    assert len(fingerprint(specs)) == 2
