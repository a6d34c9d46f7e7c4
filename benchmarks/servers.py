"""The servers that a comparison over a wire uses, on the loopback: versitygw for a bucket, OpenSSH for SFTP. Each counts its questions."""

from __future__ import annotations

import getpass
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.peer import found

BUCKET = "benchmark"
WHO = {"AWS_ACCESS_KEY_ID": "benchmark", "AWS_SECRET_ACCESS_KEY": "secret-of-a-benchmark", "AWS_REGION": "us-east-1"}
_START_SECONDS = 20
_SFTP_PROGRAMS = ("/usr/lib/openssh/sftp-server", "/usr/libexec/openssh/sftp-server", "/usr/libexec/sftp-server")
_HTTP_REQUEST = re.compile(rb"\n")
_SFTP_REQUEST = re.compile(rb"debug3: request \d+: (?!sent )")


@dataclass(frozen=True, slots=True)
class Server:
    """A running one."""

    port: int
    folder: Path
    """Below it lie the repositories, one folder each."""
    log: Path
    asked: re.Pattern[bytes]
    """What of the log is one question."""
    identity: Path | None = None
    """The private key of who may come; the host key to be known lies beside it."""

    def requests(self) -> int:
        """How many it has been asked so far; of SFTP each packet is one, also each piece of an object."""
        return len(self.asked.findall(self.log.read_bytes())) if self.log.exists() else 0

    def url(self, port: int, name: str) -> str:
        """Of a repository over SFTP, behind a wire that begins at ``port``."""
        return f"sftp://{getpass.getuser()}@127.0.0.1:{port}{self.folder}/{name}"


@contextmanager
def bucket(folder: Path) -> Iterator[Server]:
    """Ends with the block."""
    place = folder / "buckets" / BUCKET
    place.mkdir(parents=True)
    port, log = _free_port(), folder / "requests"
    who = ["--access", WHO["AWS_ACCESS_KEY_ID"], "--secret", WHO["AWS_SECRET_ACCESS_KEY"]]
    words = [*who, "--port", f"127.0.0.1:{port}", "--keep-alive", "--quiet", "--access-log", str(log), "posix", str(place.parent)]
    with subprocess.Popen([found("versitygw"), *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(lambda: _answers_http(port))
            yield Server(port, place, log, _HTTP_REQUEST)
        finally:
            process.terminate()


@contextmanager
def ssh(folder: Path) -> Iterator[Server]:
    """Ends with the block. Its SFTP is the separate program, which writes down what it is asked."""
    place, port, log = folder / "served", _free_port(), folder / "requests"
    place.mkdir(parents=True)
    for name in ("host", "identity"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)], check=True)
    (folder / "known").write_text(f"* {(folder / 'host.pub').read_text()}")
    program = next((each for each in _SFTP_PROGRAMS if Path(each).exists()), None)
    if program is None:
        raise SystemExit("there is no sftp-server of OpenSSH")
    (folder / "sftp").write_text(f'#!/bin/sh\nexec {program} -e -l DEBUG3 2>>"{log}"\n')
    (folder / "sftp").chmod(0o755)
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {folder}/host\nAuthorizedKeysFile {folder}/identity.pub\n"
        f"StrictModes no\nUsePAM no\nPidFile none\nSubsystem sftp {folder}/sftp\n"
    )
    Path("/run/sshd").mkdir(exist_ok=True)
    daemon = next(each for each in ("/usr/sbin/sshd", "/usr/bin/sshd") if Path(each).exists())
    with subprocess.Popen([daemon, "-D", "-e", "-f", str(folder / "config")], stderr=subprocess.DEVNULL) as process:
        try:
            _wait(lambda: _answers_ssh(port))
            yield Server(port, place, log, _SFTP_REQUEST, folder / "identity")
        finally:
            process.terminate()


@contextmanager
def wire(upstream: int, milliseconds: float) -> Iterator[int]:
    """The port at the near end of a wire to ``upstream`` whose round trip takes so long."""
    words = [sys.executable, "-m", "benchmarks.delay", str(upstream), str(milliseconds)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1]) as process:
        try:
            assert process.stdout is not None
            yield int(process.stdout.readline())
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _wait(answers: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            if answers():
                return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the server did not become ready")


def _answers_http(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2).close()
    except urllib.error.HTTPError as refused:  # it answers, and does not know who asks
        refused.close()
    return True


def _answers_ssh(port: int) -> bool:
    with socket.create_connection(("127.0.0.1", port), timeout=2) as line:
        return line.recv(4) == b"SSH-"
