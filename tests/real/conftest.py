"""Real counterparts on the loopback, each with its own folder and port, gone when the tests end: Prometheus, an S3 store, OpenSSH."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from reconciler.base.secret import Secret
from reconciler.repository import Repository
from tests.fakes.far import Far
from tests.fakes.faulty_gateway import faulty_gateway
from tests.fakes.s3_server import S3Server, s3_server
from tests.fakes.sftp_server import SftpServer
from tests.unit.repository.conftest import CREATED, KEY, Bench, bench

__all__ = ["bench"]

START_SECONDS = 30
SCRAPE_SECONDS = 1

Series = list[tuple[dict[str, str], float]]
"""Labels and value of each series in an answer."""


class Prometheus(Struct, frozen=True):
    """A running Prometheus that scrapes every second."""

    url: str

    def ask(self, expression: str) -> Series:
        """The present answer; a scalar is one series without labels. A query that Prometheus refuses fails the test with its words."""
        data = self._get("/api/v1/query", query=expression)["data"]
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(found["metric"], float(found["value"][1])) for found in data["result"]]

    def ask_range(self, expression: str, seconds: int) -> int:
        """How many points the last ``seconds`` give, asked the way a panel over time asks."""
        now = time.time()
        data = self._get("/api/v1/query_range", query=expression, start=now - seconds, end=now, step=1)["data"]
        return sum(len(found["values"]) for found in data["result"])

    def until(self, expression: str, wanted: Callable[[Series], bool], seconds: float = 30) -> Series:
        """The answer as soon as it is the wanted one; fails with the last answer."""
        deadline = time.monotonic() + seconds
        while True:
            answer = self.ask(expression)
            if wanted(answer):
                return answer
            if time.monotonic() > deadline:
                pytest.fail(f"{expression} was still {answer} after {seconds:g} s")
            time.sleep(0.2)

    def _get(self, path: str, **parameters: object) -> dict[str, Any]:
        query = urllib.parse.urlencode({key: str(value) for key, value in parameters.items()})
        try:
            with urllib.request.urlopen(f"{self.url}{path}?{query}", timeout=10) as response:
                answer: dict[str, Any] = json.load(response)
        except urllib.error.HTTPError as error:
            pytest.fail(f"Prometheus refuses {parameters}: {error.read().decode()}")
        assert answer["status"] == "success"
        return answer


def find(program: str, package: str = "prometheus") -> str:
    """The path of an installed program; without it a laptop skips the test, and CI fails."""
    path = shutil.which(program)
    if path is None:
        missing = f"{program} is not installed (Debian: apt-get install {package})"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    return path


def needs(module: str) -> None:
    """The same for a library."""
    if importlib.util.find_spec(module) is None:
        missing = f"{module} is not installed (pip install -e '.[dev]')"
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)


@pytest.fixture(scope="session")
def promtool() -> str:
    return find("promtool")


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Prometheus]]:
    """``prometheus("127.0.0.1:9477")`` starts one that scrapes this address as job ``reconciler``.

    ``history``: OpenMetrics text with timestamps, which it has known all along.
    """
    program = find("prometheus")
    running: list[subprocess.Popen[bytes]] = []

    def start(target: str, history: str = "") -> Prometheus:
        folder = tmp_path_factory.mktemp("prometheus")
        if history:
            (folder / "history").write_text(history, encoding="utf-8")
            words = ["tsdb", "create-blocks-from", "openmetrics", str(folder / "history"), str(folder / "data")]
            subprocess.run([find("promtool"), *words], check=True, stdout=subprocess.DEVNULL)
        config = folder / "prometheus.yml"
        scrape = {"job_name": "reconciler", "static_configs": [{"targets": [target]}]}
        timing = {"scrape_interval": f"{SCRAPE_SECONDS}s", "scrape_timeout": f"{SCRAPE_SECONDS}s"}
        config.write_text(json.dumps({"global": timing, "scrape_configs": [scrape]}), encoding="utf-8")  # JSON is YAML, too
        address = f"127.0.0.1:{free_port()}"
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [program, f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={address}"],
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        running.append(process)
        _wait_until_ready(process, f"http://{address}", folder / "log")
        return Prometheus(f"http://{address}")

    yield start
    for process in running:
        process.terminate()
    for process in running:
        process.wait(20)


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/-/ready", timeout=5):
                return
        except OSError:  # not listening yet, or 503 while it loads
            time.sleep(0.1)
    pytest.fail(f"Prometheus did not become ready: {log.read_text(encoding='utf-8', errors='replace')[-2000:]}")


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3_server(tmp_path_factory.mktemp("s3"), free_port()) as running:
        yield running


@pytest.fixture(scope="session")
def openssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    program = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or find("sshd", "openssh-server")
    keygen, folder, port = find("ssh-keygen", "openssh-client"), tmp_path_factory.mktemp("ssh"), free_port()
    for name in ("host", "identity"):
        subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    Path("/run/sshd").mkdir(exist_ok=True)
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/identity.pub\n"
        f"StrictModes no\nUsePAM no\nPidFile {folder}/pid\nSubsystem sftp internal-sftp\n"
    )
    (folder / "known").write_text(f"[127.0.0.1]:{port} {(folder / 'host.pub').read_text()}")
    process = subprocess.Popen([program, "-D", "-e", "-f", str(folder / "config")], stderr=subprocess.DEVNULL)
    (folder / "served").mkdir()
    try:
        yield SftpServer(port, folder / "known", folder / "identity", folder / "served")
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def far(s3: S3Server, bench: Bench, tmp_path: Path) -> Iterator[Far]:
    """A repository of two snapshots, behind a proxy."""
    for number in range(20):
        (bench.source / f"file{number}").write_bytes(os.urandom(3000))
    with faulty_gateway(s3.port) as gateway:
        made = Far(gateway, s3, bench, f"s3://{s3.bucket('faulty')}/{tmp_path.name}", "")
        place = made.store()
        Repository.init(made.url, Secret(KEY), created_at=CREATED, store=place)
        place.close()
        with made.opened() as repository:
            first = bench.take(repository, kind="full").root
            assert first is not None
            for number in range(15):
                (bench.source / f"file{number}").unlink()
            (bench.source / "more").write_bytes(os.urandom(3000))
            second = bench.take(repository, base=first.id).root
            assert second is not None
        made.newest = second.id
        gateway.asked.clear()
        yield made
