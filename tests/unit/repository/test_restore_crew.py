"""Large restores are written by helper processes: the same tree as by threads, the same words, and no process left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil
import pytest

from reconciler.base.errors import Cancelled, ReconcilerError
from reconciler.repository import Entry, Restored, Restoring
from reconciler.repository.errors import HelperLost, TargetFull, Unreachable
from reconciler.repository.helper import error_of, helpers_here, trouble
from reconciler.repository.restore_crew import Crew, suits
from reconciler.repository.restore_files import FileWriter
from reconciler.repository.select import Selection
from reconciler.tree.errors import TargetUnusable
from reconciler.tree.write import Target
from tests.fakes.trees import plant
from tests.unit.repository.conftest import KEY, Bench, Children, described

FILES = 4300
pytestmark = [
    pytest.mark.usefixtures("children"),
    pytest.mark.skipif(not helpers_here(), reason="one core: everything is written by threads"),
]


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bench, str]:
    """More files than threads write, some of them with more than a name and content."""
    folder = tmp_path_factory.mktemp("many")
    bench = Bench(folder / "source", folder / "repository")
    bench.source.mkdir()
    bench.init()
    plant(bench.source, {f"part{number % 61}/below/file{number}": f"content {number} " * (number % 50) for number in range(FILES)})
    for number in range(0, FILES, 100):
        path = bench.source / f"part{number % 61}/below/file{number}"
        path.chmod(0o640 + number % 8)
        os.utime(path, ns=(number * 10**9 + 7, number * 10**9 + 7))
    (bench.source / "large").write_bytes(os.urandom(5 * 2**20))
    os.truncate(bench.source / "large", 2**27)
    os.link(bench.source / "part1/below/file1", bench.source / "second name")
    os.symlink("part1", bench.source / "link")
    os.mkfifo(bench.source / "pipe")
    root = bench.take(kind="full").root
    assert root is not None
    return bench, root.id


def restored(
    many: tuple[Bench, str],
    place: Path,
    *,
    finished: Callable[[Sequence[Entry]], None] | None = None,
    stop: threading.Event | None = None,
    progress: Callable[[Restoring], None] | None = None,
) -> Restored:
    bench, snapshot = many
    with Target.open(str(place)) as target:
        restore = bench.open().restoring(snapshot, target, finished=finished, stop=stop, progress=progress)
        assert suits(FileWriter(restore.fetcher, restore.seals, target, lambda: False))
        return restore.run(Selection([]))


def test_helpers_write_the_same_tree_and_every_entry_is_told_once(many: tuple[Bench, str], tmp_path: Path, children: Children) -> None:
    told: list[bytes] = []
    at_work: set[int] = set()

    def finished(entries: Sequence[Entry]) -> None:
        at_work.update(children())
        told.extend(entry.path for entry in entries)

    done = restored(many, tmp_path / "out", finished=finished)
    bench = many[0]
    assert len(at_work) >= 2, "the tree is too small for helpers, and this test tests nothing"
    assert (done.failures, done.losses) == ((), ())
    assert done.files == FILES + 2
    assert described(bench.inside(tmp_path / "out")) == described(bench.source)
    assert (bench.inside(tmp_path / "out") / "large").stat().st_blocks * 512 < 2**26
    assert len(told) == len(set(told)) == done.files + done.others + done.folders


def test_a_damaged_pack_costs_its_files_and_no_other(many: tuple[Bench, str], tmp_path: Path) -> None:
    bench, _ = many
    packs = [path for path in bench.objects() if path.parts[-3] == "packs"]
    before = packs[0].read_bytes()
    with packs[0].open("r+b") as file:
        file.seek(200_000)
        file.write(b"\0" * 64)
    try:
        done = restored(many, tmp_path / "out")
    finally:
        packs[0].write_bytes(before)
    assert done.damaged == len(done.failures) > 0
    assert all("fails its authentication" in why for _, why in done.failures)
    lost = {os.fsdecode(b"/" + path) for path, _ in done.failures}
    expected = {name: what for name, what in described(bench.source).items() if str(bench.source / name) not in lost}
    found = described(bench.inside(tmp_path / "out"))
    assert {name: what[-1] for name, what in found.items()} == {name: what[-1] for name, what in expected.items()}


def test_a_name_that_is_taken_fails_alone_and_folders_that_stood_there_are_not_taken_for_made(
    many: tuple[Bench, str], tmp_path: Path
) -> None:
    inside = many[0].inside(tmp_path / "out")
    plant(inside, {"part3/below/file3": "mine"})
    done = restored(many, tmp_path / "out")
    assert [(path.rpartition(b"/")[2], why) for path, why in done.failures] == [(b"file3", f"file3 exists already in {tmp_path / 'out'}")]
    assert (inside / "part3/below/file3").read_text() == "mine"


def test_a_stop_reaches_a_helper_within_a_batch(many: tuple[Bench, str], tmp_path: Path) -> None:
    bench, snapshot = many
    with Target.open(str(tmp_path / "out")) as target:
        restore = bench.open().restoring(snapshot, target)
        crew = Crew(FileWriter(restore.fetcher, restore.seals, target, lambda: True))
        try:
            files = [entry for entry in bench.open().entries(snapshot) if entry.cold.chunks]
            written = crew.write(files * 20)
        finally:
            crew.close()
    assert len(written.files) + len(written.failures) < 20 * len(files)
    found, source = described(bench.inside(tmp_path / "out")), described(bench.source)
    assert not [name for name, what in found.items() if what[-1] is not None and what != source[name]]


def test_a_restore_that_was_stopped_says_so_and_leaves_nobody(many: tuple[Bench, str], tmp_path: Path) -> None:
    stop = threading.Event()
    with pytest.raises(Cancelled):
        restored(many, tmp_path / "out", finished=lambda _: stop.set(), stop=stop)


def test_a_helper_that_is_killed_ends_the_restore_with_a_word(many: tuple[Bench, str], tmp_path: Path, children: Children) -> None:
    def finished(_: Sequence[Entry]) -> None:
        for child in children():
            os.kill(child, signal.SIGKILL)

    with pytest.raises(HelperLost, match="was ended by signal 9"):
        restored(many, tmp_path / "out", finished=finished)


def test_a_full_target_ends_it_whoever_writes(many: tuple[Bench, str], tmp_path: Path) -> None:
    place = tmp_path / "small disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)]
    if os.geteuid() or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small file system")
    try:
        with pytest.raises(TargetFull, match="takes no more: no space left on device"):
            restored(many, place)
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_helpers_end_with_a_restore_that_is_killed_and_know_the_key_from_their_pipe_alone(many: tuple[Bench, str], tmp_path: Path) -> None:
    bench, snapshot = many
    program = (
        "import sys, time; from reconciler.base.secret import Secret; from reconciler.repository import Repository;"
        "from reconciler.repository.select import Selection; from reconciler.tree.write import Target;"
        f"target = Target.open({str(tmp_path / 'out')!r}); repository = Repository.open({str(bench.place)!r}, Secret({KEY!r}));"
        "wait = lambda entries: (print('written', flush=True), time.sleep(60));"
        f"repository.restoring({snapshot!r}, target, finished=wait).run(Selection([]))"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"written\n"
        helpers = psutil.Process(process.pid).children()
        seen = b"".join(Path(f"/proc/{helper.pid}/{what}").read_bytes() for helper in helpers for what in ("cmdline", "environ"))
        groups = {os.getpgid(helper.pid) for helper in helpers}
        process.kill()
    assert len(helpers) >= 2
    assert groups == {helper.pid for helper in helpers}, "Ctrl-C must reach the restore alone"
    master = bench.open()._seals.master
    assert not any(secret in seen for secret in (KEY, KEY.hex().encode(), master, master.hex().encode()))
    _, alive = psutil.wait_procs(helpers, timeout=20)
    assert alive == []


@pytest.mark.parametrize("error", [TargetFull("it is full", target="/t"), Unreachable("gone", hint="look"), TargetUnusable("no")])
def test_an_error_of_a_helper_arrives_as_it_was(error: ReconcilerError) -> None:
    arrived = error_of(trouble(error))
    assert isinstance(arrived, ReconcilerError)
    assert (type(arrived), arrived.as_dict()) == (type(error), error.as_dict())


def test_an_error_that_nobody_foresaw_arrives_with_its_traceback() -> None:
    assert "ZeroDivisionError" in str(error_of(trouble(ZeroDivisionError("by nothing"))))


def test_progress_is_told_while_helpers_write(many: tuple[Bench, str], tmp_path: Path) -> None:
    seen: list[Restoring] = []
    started = time.monotonic()
    done = restored(many, tmp_path / "out", progress=seen.append)
    assert seen or time.monotonic() - started < 0.5
    assert all(each.files <= done.files and each.total_files == done.files for each in seen)
