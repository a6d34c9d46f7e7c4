"""A killed run costs time, never data, and never a person: the next plain command ends well."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from e2e_world import World, describe, fill, finish

pytestmark = pytest.mark.slow
KILLS_FIRST = 20
KILLS_LATER = 10
TRIES = 3  # at most so many times the kills that are wanted: some moments fall after the end


def _begin(world: World, *words: str) -> subprocess.Popen[bytes]:
    """Start a command and wait until it has written its first byte into the repository: what comes before is the interpreter."""
    unfinished = world.repository / "tmp"
    before = set(os.listdir(unfinished))
    process = world.start(*words)
    while process.poll() is None and set(os.listdir(unfinished)) <= before:
        time.sleep(0.001)
    return process


def _kill_after(world: World, seconds: float, *words: str) -> bool:
    """Begin a command and kill it so long after its first write; False when it had ended by itself."""
    process = _begin(world, *words)
    time.sleep(seconds)
    hit = process.poll() is None
    if hit:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return hit


def _stage(repository: Path) -> str:
    """How far a killed backup had come: the last folder of the publishing order that holds something."""
    for name in ("snapshots", "pending", "index", "packs", "tmp"):
        if any(path.is_file() for path in (repository / name).rglob("*")):
            return name
    return "nothing"


def _timed(world: World, *words: str) -> float:
    """Seconds from the first write of a command to its end."""
    process = _begin(world, *words)
    begin = time.monotonic()
    assert finish(process).code == 0
    return time.monotonic() - begin


@pytest.mark.timeout(900)
def test_a_first_backup_killed_at_random_moments_is_made_good_by_the_next_plain_run(world: World, report: list[str]) -> None:
    fill(world.source, small=1000, large_bytes=48_000_000)
    expected = describe(world.source)
    world.declare()
    world.good("repository", "init", "main")
    empty = world.folder / "empty-repository"
    shutil.copytree(world.repository, empty)
    seconds = _timed(world)
    chance = random.Random(20)
    hits, tries, stages = 0, 0, Counter[str]()
    while hits < KILLS_FIRST and tries < TRIES * KILLS_FIRST:
        shutil.rmtree(world.repository)
        shutil.rmtree(world.state)
        shutil.copytree(empty, world.repository)
        moment = seconds * (tries % KILLS_FIRST + chance.random()) / KILLS_FIRST
        tries += 1
        if not _kill_after(world, moment):
            seconds *= 0.8  # the machine is faster now than when it was measured
            continue
        hits += 1
        stages[_stage(world.repository)] += 1
        world.good()
        assert world.restored("orders") == expected, f"killed after {moment:.3f} s"
    how = f"{hits} kills in {tries} tries over {seconds:.1f} s of writing, stages {dict(stages)}"
    report.append(f"{how}; {hits} times the next plain run ended well and the restore was equal bit for bit")
    assert hits == KILLS_FIRST
    assert stages["nothing"] < KILLS_FIRST // 4, "the kills must fall into the backup itself"


@pytest.mark.timeout(900)
def test_a_later_backup_killed_at_random_moments_harms_no_earlier_snapshot(world: World, report: list[str]) -> None:
    fill(world.source, small=300, large_bytes=8_000_000)
    world.declare()
    world.good("--init")
    before = describe(world.source)
    first = world.snapshots()[0]
    chance = random.Random(21)
    (world.source / "measure.bin").write_bytes(chance.randbytes(60_000_000))
    seconds = _timed(world, "backup", "create", "orders")
    (world.source / "measure.bin").unlink()
    hits, tries = 0, 0
    while hits < KILLS_LATER and tries < TRIES * KILLS_LATER:
        (world.source / "new.bin").write_bytes(chance.randbytes(60_000_000))
        moment = seconds * (tries % KILLS_LATER + chance.random()) / KILLS_LATER
        tries += 1
        if not _kill_after(world, moment, "backup", "create", "orders"):
            seconds *= 0.8  # the machine is faster now than when it was measured
            continue
        hits += 1
        assert world.restored("--snapshot", first) == before, f"killed after {moment:.3f} s"
        world.good("backup", "create", "orders")
        assert world.restored("orders") == describe(world.source), f"killed after {moment:.3f} s"
    how = f"{hits} kills in {tries} tries over {seconds:.1f} s of writing"
    report.append(f"{how}; {hits} times the first snapshot was whole and the next run ended well")
    assert hits == KILLS_LATER
