"""docs/object-storage.md keeps its word: what it tells a reader to type is typed here, in a copy of the project, on other ports."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.s3_server import find_versitygw
from tests.real.conftest import find, free_port

pytestmark = pytest.mark.real
ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "object-storage.md"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in ("docs", "specs"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.fixture
def blocks(copy: Path) -> dict[str, str]:
    """The commands of the page by their names; the fixed ports are exchanged for free ones, in the specs, too."""
    ports = {"7070": str(free_port()), "2222": str(free_port())}
    specs = copy / "specs" / "places" / "places.yaml"

    def moved(text: str) -> str:
        return re.sub("7070|2222", lambda match: ports[match[0]], text)

    specs.write_text(moved(specs.read_text()))
    found = re.findall(r"^```sh (\w+)\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return {name: moved(text) for name, text in found}


@pytest.fixture
def servers() -> Iterator[list[subprocess.Popen[bytes]]]:
    started: list[subprocess.Popen[bytes]] = []
    yield started
    for process in started:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(20)


def test_the_example_of_three_places_runs_as_it_is_told(copy: Path, blocks: dict[str, str], servers: list[subprocess.Popen[bytes]]) -> None:
    path = os.pathsep.join([os.path.dirname(find_versitygw()), os.path.dirname(sys.executable), os.environ["PATH"], "/usr/sbin"])
    find("ssh-keygen", "openssh-client")
    environment = {**os.environ, "PATH": path}
    subprocess.run(["bash", "-ec", blocks["prepare"]], cwd=copy, env=environment, check=True)
    for name in ("bucket", "server"):
        assert len(blocks[name].splitlines()) == 1, "one command each"
        servers.append(
            subprocess.Popen(["bash", "-c", blocks[name]], cwd=copy, env=environment, start_new_session=True, stderr=subprocess.DEVNULL)
        )
    time.sleep(0.5)
    home = Path.home() / "reconciler-places"
    assert not home.exists()
    try:
        done = subprocess.run(["bash", "-ec", blocks["run"]], check=False, cwd=copy, env=environment, capture_output=True, text=True)
    finally:
        shutil.rmtree(home, ignore_errors=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "bucket, disk, server" in done.stdout
    assert done.stdout.count("Sound: repository") == 2
