"""A backup that was killed without any warning is continued: what reached the repository is not stored again, and what a checkpoint
lists is not read again."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.repository import Repository, take
from reconciler.repository.format import PACK_BYTES
from reconciler.repository.pack import PackWriter
from tests.unit.repository.conftest import Bench, described

ROOT = Path(__file__).parents[3]
UNDER_WAY_BYTES = PACK_BYTES + 32 * 2**20  # the open pack, the one being published, and what the threads hold
VICTIM = """
import os, signal, sys
from pathlib import Path
from reconciler.base import files
from reconciler.repository import take
from tests.unit.repository.conftest import Bench

class Dying(files.Disk):
    left = {kills_after}
    def publish(self, source, final):
        super().publish(source, final)
        if "/{folder}/" in final:
            Dying.left -= 1
            if not Dying.left:
                os.kill(os.getpid(), signal.SIGKILL)

take.CHECKPOINT_BYTES = {checkpoint_bytes}
bench = Bench(Path({source!r}), Path({place!r}), Dying())
bench.take(kind="full")
"""


def killed(bench: Bench, *, folder: str, after: int, checkpoint_bytes: int = 4 * 2**30) -> None:
    """A backup of its own process, gone the moment it has published so many objects in ``folder``."""
    program = VICTIM.format(
        kills_after=after, folder=folder, checkpoint_bytes=checkpoint_bytes, source=str(bench.source), place=str(bench.place)
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False, capture_output=True, text=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr


def packs_bytes(bench: Bench) -> int:
    return sum(path.stat().st_size for path in (bench.place / "packs").rglob("*") if path.is_file())


def grow(bench: Bench, megabytes: int, files: int = 300) -> None:
    chance = random.Random(5)
    for number in range(files):
        folder = bench.source / f"{number // 50:02d}"
        folder.mkdir(exist_ok=True)
        (folder / f"{number:04d}").write_bytes(chance.randbytes(megabytes * 2**20 // files))


def test_packs_that_a_killed_run_finished_are_not_stored_again(bench: Bench, tmp_path: Path) -> None:
    grow(bench, 170)
    killed(bench, folder="packs", after=2)
    assert not list((bench.place / "index").iterdir())
    assert not list((bench.place / "pending").iterdir())
    left = packs_bytes(bench)
    assert left > 90 * 2**20
    again = bench.take(kind="full")
    whole = 170 * 2**20
    assert again.added_bytes < whole - left + 2 * 2**20
    assert packs_bytes(bench) < whole + UNDER_WAY_BYTES
    assert bench.open().verify(again.root.id).intact
    assert bench.restore(again.root.id, tmp_path / "out").failures == ()
    assert described(bench.inside(tmp_path / "out")) == described(bench.source)


def test_a_pack_left_by_a_killed_run_is_used_only_when_it_reads_back(bench: Bench) -> None:
    grow(bench, 60, files=40)
    killed(bench, folder="packs", after=1)
    (left,) = [path for path in (bench.place / "packs").rglob("*") if path.is_file()]
    damaged = bytearray(left.read_bytes())
    damaged[-100] ^= 1  # in the directory
    left.chmod(0o600)
    left.write_bytes(damaged)
    (left.parent / "a stray file").write_bytes(b"x")
    again = bench.take(kind="full")
    assert again.added_bytes > 60 * 2**20
    assert bench.open().verify(again.root.id).intact


def test_a_killed_first_backup_does_not_read_again_what_its_checkpoint_lists(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    grow(bench, 120, files=6000)
    killed(bench, folder="pending", after=3, checkpoint_bytes=20 * 2**20)
    assert len(list((bench.place / "pending").iterdir())) == 3
    (bench.source / "00" / "0000").write_bytes(b"changed since")
    again = bench.take(kind="full")
    assert again.continued
    assert again.root.kind == "full"
    assert again.root.parent is None
    assert again.read_bytes < 62 * 2**20
    assert again.files == 6000
    assert list((bench.place / "pending").iterdir()) == []
    assert bench.open().verify(again.root.id).intact
    assert bench.restore(again.root.id, tmp_path / "out").failures == ()
    assert described(bench.inside(tmp_path / "out")) == described(bench.source)
    assert bench.take(kind="full").read_bytes > 110 * 2**20


def test_what_a_checkpoint_lists_of_a_folder_in_the_middle_is_not_read_again(bench: Bench) -> None:
    """A few large files, all in one folder: far fewer than a block of the manifest holds. A checkpoint comes after 20 to 40 MiB, as files
    and threads happen to end."""
    chance = random.Random(6)
    for number in range(14):
        (bench.source / f"{number:02}").write_bytes(chance.randbytes(10 * 2**20))
    killed(bench, folder="pending", after=3, checkpoint_bytes=20 * 2**20)
    again = bench.take(kind="full")
    assert again.continued
    assert again.read_bytes < 90 * 2**20
    assert bench.open().verify(again.root.id).intact


def test_a_checkpoint_of_something_else_is_not_continued(bench: Bench) -> None:
    grow(bench, 40, files=2000)
    killed(bench, folder="pending", after=1, checkpoint_bytes=20 * 2**20)
    assert not bench.take(kind="full", checksums=("sha256", "md5")).continued
    assert not bench.take(kind="full").continued, "a whole snapshot was acknowledged since"


def test_a_checkpoint_that_is_too_old_is_not_continued(bench: Bench) -> None:
    grow(bench, 40, files=2000)
    killed(bench, folder="pending", after=1, checkpoint_bytes=20 * 2**20)
    again = bench.take(kind="full", later=timedelta(days=2))
    assert not again.continued
    assert again.added_bytes < 2**20 + 22 * 2**20
    assert again.read_bytes > 39 * 2**20


def test_a_checkpoint_whose_data_is_gone_is_not_continued(bench: Bench) -> None:
    grow(bench, 60, files=3000)
    killed(bench, folder="pending", after=2, checkpoint_bytes=20 * 2**20)
    packs = [path for path in (bench.place / "packs").rglob("*") if path.is_file()]
    min(packs, key=lambda path: path.stat().st_mtime_ns).unlink()
    for index in (bench.place / "index").iterdir():
        index.unlink()
    again = bench.take(kind="full")
    assert not again.continued
    assert bench.open().verify(again.root.id).intact


def test_a_source_that_a_killed_run_saw_whole_is_still_acknowledged(bench: Bench) -> None:
    """The last checkpoint may list everything: then nothing changed since, and still there must be a snapshot."""
    grow(bench, 30, files=1500)
    killed(bench, folder="pending", after=1, checkpoint_bytes=2**20)
    assert bench.take(kind="full").root is not None


def test_a_clean_up_beside_a_continued_run_costs_no_data(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The left packs are condemned after the run took them over and before it published."""
    grow(bench, 110, files=80)
    bench.take(kind="full", excludes=["/01/"])
    killed(bench, folder="packs", after=1)
    monkeypatch.setattr("reconciler.repository.collect_plan.FRESH", timedelta(0))
    flush = PackWriter.flush

    def clean_up_first(writer: PackWriter) -> object:
        monkeypatch.setattr(PackWriter, "flush", flush)
        pruned = Repository.open(str(bench.place), bench.key()).clean_up()
        assert pruned.removed_packs
        return flush(writer)

    monkeypatch.setattr(PackWriter, "flush", clean_up_first)
    with pytest.raises(Exception, match="clean-up") as raised:
        bench.take(kind="full")
    assert raised.value.code == "repository-collected"
    again = bench.take(kind="full")
    assert bench.open().verify(again.root.id).intact
    assert take.CHECKPOINT_BYTES == 4 * 2**30
