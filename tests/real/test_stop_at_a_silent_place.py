"""A place falls silent, somebody asks to stop: the process ends within seconds, and the next run goes on as if nothing had been."""

from __future__ import annotations

import getpass
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from tests.fakes.mute_wire import MuteWire, mute_wire
from tests.fakes.s3_server import ACCESS, SECRET, S3Server
from tests.fakes.sftp_server import SftpServer

pytestmark = pytest.mark.real
ENDS_SECONDS = 15  # a few for the place, the others for a busy machine
TERMINATED = 143
MAIN = [sys.executable, "-c", "from reconciler.cli.entry import main; main()"]
SPECS = """
apiVersion: reconciler/v1
kind: Settings
metadata: {{name: settings}}
spec: {{realm: quiet-heron-4, interval: 2s, records: {{repositories: []}}, listen: "127.0.0.1:0"}}
---
apiVersion: reconciler/v1
kind: Repository
metadata: {{name: far}}
spec: {{{place}, key: {{file: {folder}/key}}}}
---
apiVersion: reconciler/v1
kind: BackupPolicy
metadata: {{name: plain}}
spec: {{repositories: [far]}}
---
apiVersion: reconciler/v1
kind: System
metadata: {{name: shop}}
spec: {{tier: low, policy: plain, sources: [{{path: {folder}/source}}]}}
"""


class Faraway(Struct):
    """A system with one repository behind a wire that can fall silent."""

    folder: Path
    wire: MuteWire

    def declare(self, place: str) -> None:
        (self.folder / "source").mkdir()
        (self.folder / "specs").mkdir()
        (self.folder / "specs" / "all.yaml").write_text(SPECS.format(place=place, folder=self.folder))
        self.grow("first", 3_000_000)
        assert self.run("repository", "init", "far").returncode == 0
        assert self.run("backup", "create").returncode == 0

    def grow(self, name: str, size: int) -> None:
        (self.folder / "source" / name).write_bytes(os.urandom(size))

    def start(self, *words: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "RECONCILER_SPECS": str(self.folder / "specs"), "RECONCILER_STATE": str(self.folder / "state")}
        environment |= {"AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET}
        return subprocess.Popen([*MAIN, *words], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        process = self.start(*words)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def stopped(self, process: subprocess.Popen[str]) -> tuple[int, str]:
        """Exit code and words of a process that was told to stop once it had met the silence: before, it may not have begun to listen."""
        assert self.wire.met.wait(60), "the wire was never used so much"
        time.sleep(1)
        process.send_signal(signal.SIGTERM)
        try:
            out, err = process.communicate(timeout=ENDS_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            pytest.fail(f"still running {ENDS_SECONDS} s after SIGTERM: {out}{err}")
        return process.returncode, out + err


@pytest.fixture(params=["bucket", "server"])
def faraway(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Faraway]:
    host_key = ""
    if request.param == "bucket":
        s3: S3Server = request.getfixturevalue("s3")
        port, place = s3.port, f"url: s3://{s3.bucket('silent')}/{tmp_path.name}, endpoint: 'http://127.0.0.1:%d'"
    else:
        ssh: SftpServer = request.getfixturevalue("openssh")
        port, host_key = ssh.port, ssh.known_hosts.read_text().split(" ", 1)[1]
        who = f"credentials: {{identity: {{file: {ssh.identity}}}, knownHosts: {tmp_path}/known}}"
        place = f"url: 'sftp://{getpass.getuser()}@127.0.0.1:%d{ssh.root}/{tmp_path.name}', {who}"
    with mute_wire(port) as wire:
        (tmp_path / "known").write_text(f"[127.0.0.1]:{wire.port} {host_key}")
        world = Faraway(tmp_path, wire)
        world.declare(place % wire.port)
        yield world


def test_a_stop_ends_a_backup_whose_place_fell_silent_in_the_midst_of_it(faraway: Faraway) -> None:
    faraway.grow("second", 9_000_000)
    faraway.wire.mute_after(4_000_000)
    code, said = faraway.stopped(faraway.start("backup", "create"))
    assert code == TERMINATED, said
    assert "Traceback" not in said
    faraway.wire.heal()
    assert faraway.run("backup", "create").returncode == 0
    assert faraway.run("check", "far", "--deep").returncode == 0
    assert faraway.run("restore", "shop", "--target", str(faraway.folder / "back")).returncode == 0
    for name in ("first", "second"):
        restored = faraway.folder / "back" / str(faraway.folder).lstrip("/") / "source" / name
        assert restored.read_bytes() == (faraway.folder / "source" / name).read_bytes()


def test_a_stop_ends_a_pass_that_waits_for_a_place_which_says_nothing(faraway: Faraway) -> None:
    faraway.wire.mute_after(0)
    code, said = faraway.stopped(faraway.start())
    assert code == TERMINATED, said
    assert "Traceback" not in said


def test_a_stop_ends_the_loop_while_a_place_says_nothing(faraway: Faraway) -> None:
    faraway.wire.mute_after(0)
    code, said = faraway.stopped(faraway.start("--watch"))
    assert code == TERMINATED, said
    assert "Traceback" not in said


def test_a_stop_ends_a_restore_whose_place_fell_silent(faraway: Faraway) -> None:
    faraway.wire.mute_after(0)
    code, said = faraway.stopped(faraway.start("restore", "shop", "--target", str(faraway.folder / "back")))
    assert code == TERMINATED, said
    assert "Traceback" not in said
    faraway.wire.heal()
    assert faraway.run("restore", "shop", "--target", str(faraway.folder / "back")).returncode == 0
