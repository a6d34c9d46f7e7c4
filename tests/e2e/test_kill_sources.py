"""A run that is killed while it freezes a database or reads what a command prints: nothing is published, nothing stays behind."""

from __future__ import annotations

import os
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from e2e_world import World

from tests.fakes.banks import bank, transfers, written
from tests.fakes.programs import program

pytestmark = pytest.mark.slow
KILLS = 6


def declare(world: World, *sources: str) -> None:
    world.declare()
    text = (world.specs / "orders.yaml").read_text()
    (world.specs / "orders.yaml").write_text(text[: text.index("  sources:")] + f"  sources: [{', '.join(sources)}]\n")


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_run_killed_while_a_command_prints_publishes_nothing_and_the_command_ends(world: World) -> None:
    endless = program(
        world.folder / "bin", f"echo $$ > {world.folder}/pid; while :; do head -c 500000 /dev/urandom || exit; sleep 0.02; done"
    )
    whole = program(world.folder / "bin", "seq 1 200000")
    allow = ("--allow-commands", world.folder / "bin")
    declare(world, f"{{command: [{endless}], name: dump.sql}}")
    world.good("repository", "init", "main")
    for kill in range(KILLS):
        (world.folder / "pid").unlink(missing_ok=True)
        process = world.start(*allow, "backup", "create", "orders")
        while not (world.folder / "pid").exists() or not (world.folder / "pid").read_text().strip():
            assert process.poll() is None
            time.sleep(0.01)
        time.sleep(0.1 * kill)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        pid = int((world.folder / "pid").read_text())
        for _ in range(100):
            if not runs(pid):
                break
            time.sleep(0.05)
        assert not runs(pid), "nobody reads it any more"
    assert world.snapshots() == []
    declare(world, f"{{command: [{whole}], name: dump.sql}}")
    world.good(*allow, "backup", "create", "orders")
    target = world.folder / "restored" / "whole"
    world.good("restore", "orders", "--target", target)
    assert (target / ".streams" / "orders" / "dump.sql").read_text().split() == [str(number) for number in range(1, 200001)]


def test_a_run_killed_while_it_freezes_leaves_the_database_alone_and_its_copy_goes(world: World) -> None:
    database = bank(world.source / "bank.db")
    with closing(sqlite3.connect(database)) as db:
        db.executemany("INSERT INTO a VALUES (NULL, 0, ?)", [(os.urandom(1000),)] * 60_000)
        db.commit()
    declare(world, f"{{sqlite: {database}}}")
    world.good("repository", "init", "main")
    copies = world.state / "copies"
    with written(database, writers=1):
        for kill in range(KILLS):
            process = world.start("backup", "create", "orders")
            while process.poll() is None and not list(copies.glob("copies-*/*.sqlite")):
                time.sleep(0.005)
            time.sleep(0.03 * kill)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    world.good("backup", "create", "orders")
    assert list(copies.glob("copies-*")) == []
    target = world.folder / "restored" / "bank"
    world.good("restore", "orders", "--target", target)
    assert transfers(target / str(database).lstrip("/")) == transfers(database)
