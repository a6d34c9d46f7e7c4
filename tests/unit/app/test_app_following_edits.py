"""However the spec tree is edited, the loop ends at what stands there long before its interval is over, with hints or without."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import watchfiles

from reconciler.app.session import Session
from reconciler.app.steady import SteadyPass
from reconciler.base.clock import SystemClock
from reconciler.loop.lease import Lease
from reconciler.loop.loop import Loop
from reconciler.loop.watcher import Watcher
from tests.fakes.houses import WholeHouse

PATIENCE_SECONDS = 20.0
INTERVAL_SECONDS = 30.0  # the default: what is seen earlier was seen by the watcher


@pytest.fixture(params=["hearing", "deaf"])
def ears(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Deaf: the system never tells anything, as after the watched folder was made again."""
    if request.param == "deaf":

        def never(*_paths: Path, stop_event: threading.Event, rust_timeout: int, **_: object) -> Iterator[set[object]]:
            while not stop_event.wait(rust_timeout / 1000):
                yield set()

        monkeypatch.setattr(watchfiles, "watch", never)
    return str(request.param)


@contextmanager
def following(house: WholeHouse) -> Iterator[Loop]:
    """Real passes, loop and watcher over real time; nothing is due."""
    stop = threading.Event()
    session = Session.open(house.folder / "specs", state=house.state, agent="elsewhere", clock=SystemClock())
    with session, Lease.take(house.state, session.house.memory.writing(), SystemClock()) as lease:
        passes = SteadyPass(session.house, session.house.memory.writing(), lease.token, None)
        settings = passes.begin(init=True)
        loop = Loop(passes, concurrency=1, interval=settings.interval, clock=SystemClock())
        watcher = Watcher(house.folder / "specs", loop.now, stop)
        watcher.start()
        thread = threading.Thread(target=loop.run, args=(stop,))
        thread.start()
        try:
            ends_right(house, loop)
            yield loop
        finally:
            stop.set()
            loop.now()
            thread.join(PATIENCE_SECONDS)
            watcher.join(PATIENCE_SECONDS)


def ends_right(house: WholeHouse, loop: Loop) -> float:
    """Wait until the loop has published what stands in the tree; the seconds that it took."""
    began = time.monotonic()
    with Session.open(house.folder / "specs", state=house.state, agent="elsewhere", read_only=True) as reader:
        wanted = reader.load().desired
    while time.monotonic() - began < PATIENCE_SECONDS:
        board = loop.published()
        if board is not None and (board.status.spec.digest, board.status.spec.clean) == (wanted.digest, wanted.clean):
            return time.monotonic() - began
        time.sleep(0.05)
    raise AssertionError(f"the loop did not follow within {PATIENCE_SECONDS} s")


def tree_made_again(house: WholeHouse) -> None:
    specs = house.folder / "specs"
    files = {path.name: path.read_text() for path in specs.iterdir()}
    shutil.rmtree(specs)
    time.sleep(0.3)
    specs.mkdir()
    for name, text in files.items():
        (specs / name).write_text(text.replace("1h", "2h"))


def atomic_replacement(house: WholeHouse) -> None:
    path = house.folder / "specs" / "policy.yaml"
    fresh = house.folder / "fresh.yaml"
    fresh.write_text(path.read_text().replace("1h", "2h"))
    os.utime(fresh, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))  # even the time is the same
    fresh.replace(path)


def written_in_two_halves(house: WholeHouse) -> None:
    path = house.folder / "specs" / "policy.yaml"
    text = path.read_text().replace("1h", "2h")
    path.write_text(text[: len(text) // 2])
    time.sleep(1.5)
    path.write_text(text)


def saved_by_an_editor(house: WholeHouse) -> None:
    specs = house.folder / "specs"
    path, text = specs / "policy.yaml", (specs / "policy.yaml").read_text()
    swap, probe, backup = specs / ".policy.yaml.swp", specs / "4913", specs / "policy.yaml~"
    swap.write_bytes(b"b0VIM 8.2" + bytes(4096))
    probe.touch()
    probe.unlink()
    path.rename(backup)
    path.write_text(text.replace("1h", "2h"))
    backup.unlink()
    swap.unlink()


def ten_thousand_files_touched(house: WholeHouse) -> None:
    notes = house.folder / "specs" / "notes"
    notes.mkdir()
    for number in range(10_000):
        (notes / f"{number}.md").touch()
    for entry in os.scandir(notes):
        os.utime(entry.path)
    atomic_replacement(house)


EDITS = [tree_made_again, atomic_replacement, written_in_two_halves, saved_by_an_editor, ten_thousand_files_touched]


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_the_loop_ends_at_what_stands_there(house: WholeHouse, ears: str, edit: Callable[[WholeHouse], None]) -> None:
    with following(house) as loop:
        edit(house)
        took = ends_right(house, loop)
        board = loop.published()
        assert board is not None
        status = board.status
        assert status.spec.clean
        assert [system.name for system in status.systems] == ["orders"]
        assert took < INTERVAL_SECONDS / 2, ears


def test_a_swap_of_a_mounted_config_map_is_followed(house: WholeHouse, ears: str) -> None:
    specs, first, second = (house.folder / name for name in ("specs", "specs/..v1", "specs/..v2"))
    first.mkdir()
    for path in list(specs.glob("*.yaml")):
        path.rename(first / path.name)
        (specs / path.name).symlink_to(Path("..data") / path.name)
    (specs / "..data").symlink_to("..v1")
    with following(house) as loop:
        shutil.copytree(first, second)
        (second / "policy.yaml").write_text((second / "policy.yaml").read_text().replace("1h", "2h"))
        (specs / "..tmp").symlink_to("..v2")
        (specs / "..tmp").replace(specs / "..data")
        shutil.rmtree(first)
        assert ends_right(house, loop) < INTERVAL_SECONDS / 2, ears


def test_a_tree_in_which_something_is_written_all_the_time_is_followed(house: WholeHouse) -> None:
    quiet = threading.Event()

    def scribble() -> None:
        while not quiet.wait(0.02):
            (house.folder / "specs" / "log.md").write_text(str(time.monotonic()))

    with following(house) as loop:
        writer = threading.Thread(target=scribble)
        writer.start()
        try:
            atomic_replacement(house)
            assert ends_right(house, loop) < INTERVAL_SECONDS / 2
        finally:
            quiet.set()
            writer.join()
