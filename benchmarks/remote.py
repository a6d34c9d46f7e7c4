"""``python -m benchmarks.remote``: first backup, nothing changed and restore over a wire, beside restic, on the same S3 server.

Tools alternate run by run, at each delay. The server is versitygw on the loopback, the wire ``benchmarks/delay.py``. Read the ratios: wall
time as a share of restic's; and the requests, which say more about a real wire than seconds on a shared machine do.
"""

from __future__ import annotations

import argparse
import compileall
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import corpora
from benchmarks.measure import run, tree_bytes
from benchmarks.peers import Peer
from benchmarks.peers.peer import Call, found
from benchmarks.peers.reconciler import Reconciler
from benchmarks.peers.restic import Restic
from benchmarks.results import Results, Sample, ratios, this_machine, versions_of
from benchmarks.startup import PACKAGE
from benchmarks.works import FIRST, NOTHING, RESTORE, same, warm

DELAYS = (0, 20, 100)
FILES = 4000
_RUNS = 3
_BUCKET = "benchmark"
_WHO = {"AWS_ACCESS_KEY_ID": "benchmark", "AWS_SECRET_ACCESS_KEY": "secret-of-a-benchmark", "AWS_REGION": "us-east-1"}
_START_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Server:
    """A running store, the folder of its bucket, and the log that has a line for each request."""

    port: int
    bucket: Path
    log: Path

    def requests(self) -> int:
        return self.log.read_bytes().count(b"\n") if self.log.exists() else 0


@contextmanager
def server(folder: Path) -> Iterator[Server]:
    """Ends with the block."""
    bucket = folder / "buckets" / _BUCKET
    bucket.mkdir(parents=True)
    port, log = _free_port(), folder / "requests"
    who = ["--access", _WHO["AWS_ACCESS_KEY_ID"], "--secret", _WHO["AWS_SECRET_ACCESS_KEY"]]
    words = [*who, "--port", f"127.0.0.1:{port}", "--keep-alive", "--quiet", "--access-log", str(log), "posix", str(bucket.parent)]
    with subprocess.Popen([found("versitygw"), *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _wait(port)
            yield Server(port, bucket, log)
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


class FarReconciler(Reconciler):
    """In the bucket. What no spec says comes from the environment."""

    @property
    def place(self) -> str:
        return f"s3://{_BUCKET}/{self.work.name}"


class FarRestic(Restic):
    """In the bucket."""

    @property
    def place(self) -> str:
        return f"s3:{self.environment['AWS_ENDPOINT_URL']}/{_BUCKET}/{self.work.name}"


def measure(source: Path, work: Path, delays: tuple[float, ...], runs: int) -> tuple[list[Sample], dict[tuple[float, str, str], int]]:
    """(samples, requests by delay, work and tool)."""
    samples: list[Sample] = []
    requests: dict[tuple[float, str, str], int] = {}
    with server(work / "server") as there:
        for number in range(runs):
            for delay in delays:
                with wire(there.port, delay) as port:
                    peers = [FarReconciler(work / f"own-{number}-{delay:g}"), FarRestic(work / f"restic-{number}-{delay:g}")]
                    for peer in peers if number % 2 else reversed(peers):
                        peer.environment.update(_WHO, AWS_ENDPOINT_URL=f"http://127.0.0.1:{port}")
                        for sample, asked in _round(peer, source, work / "back", there, delay, number):
                            print(
                                f"{delay:>4g} ms  {sample.work:16} {sample.peer:12} {sample.wall_seconds:7.2f} s  {asked} requests",
                                flush=True,
                            )
                            samples.append(sample)
                            requests[delay, sample.work, sample.peer] = asked
    return samples, requests


def _round(peer: Peer, source: Path, target: Path, there: Server, delay: float, number: int) -> Iterator[tuple[Sample, int]]:
    peer.fresh(source)
    try:
        for work in (FIRST, NOTHING, RESTORE):
            call = peer.restore(source, target) if work == RESTORE else peer.backup(source)
            assert call is not None
            yield _measured(peer, call, work, there, delay, number)
            if work == RESTORE:
                same(source, peer.landed(source, target), peer.name)
    finally:
        for folder in (peer.work, target, there.bucket / peer.work.name):
            shutil.rmtree(folder, ignore_errors=True)


def _measured(peer: Peer, call: Call, work: str, there: Server, delay: float, number: int) -> tuple[Sample, int]:
    before = there.requests()
    figures = run(call.argv, peer.environment)
    sample = Sample(
        f"{delay:g} ms",
        work,
        peer.name,
        number,
        round(figures.wall_seconds, 3),
        round(figures.cpu_seconds, 3),
        figures.memory_bytes,
        tree_bytes(there.bucket / peer.work.name),
    )
    return sample, there.requests() - before


def shown(results: Results, requests: dict[tuple[float, str, str], int]) -> str:
    """A table: one line for each delay and piece of work."""
    rows = results.rows()
    compared = ratios(rows, Restic.name)
    lines = ["| round trip | work | seconds | of restic | ratio | requests | of restic |", "|---:|---|" + "---:|" * 5]
    by_key = {(row.corpus, row.work, row.peer): row for row in rows}
    for (corpus, work, peer), own in by_key.items():
        if peer != Reconciler.name:
            continue
        other = by_key[corpus, work, Restic.name]
        ratio = compared[corpus, work, peer][0]
        delay = float(corpus.split()[0])
        asked = requests[delay, work, peer], requests[delay, work, Restic.name]
        lines.append(f"| {corpus} | {work} | {own.wall_seconds:.2f} | {other.wall_seconds:.2f} | {ratio:.2f} | {asked[0]} | {asked[1]} |")
    return "\n".join(lines)


def main() -> None:
    words = argparse.ArgumentParser(prog="python -m benchmarks.remote", description=__doc__)
    words.add_argument("--runs", type=int, default=_RUNS)
    words.add_argument("--files", type=int, default=FILES)
    words.add_argument("--delays", default=",".join(map(str, DELAYS)), help="round trips in milliseconds")
    words.add_argument("--corpora", type=Path, help="where the corpus is kept (default: nowhere)")
    words.add_argument("--into", type=Path, help="where the figures go, as JSON")
    asked = words.parse_args()
    share = asked.files / corpora.SMALL_FILES
    with tempfile.TemporaryDirectory(prefix="reconciler-remote-") as folder:
        work = Path(folder)
        source = corpora.make("small", asked.corpora or work, share)
        warm(source)
        compileall.compile_dir(PACKAGE, quiet=2)  # as an installation does
        versions = versions_of((peer, peer.version()) for peer in (Reconciler(work), Restic(work)))
        began = datetime.now(UTC).isoformat(timespec="seconds")
        results = Results(this_machine(), versions, share, "disk", began)
        samples, requests = measure(source, work, tuple(float(each) for each in asked.delays.split(",")), asked.runs)
    results.add(samples)
    results.many |= {f"requests, {work}, {delay:g} ms, {peer}": str(count) for (delay, work, peer), count in requests.items()}
    if asked.into is not None:
        results.save(asked.into)
    print(shown(results, requests))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


def _wait(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=2).close()
        except urllib.error.HTTPError as refused:  # it answers, and does not know who asks
            refused.close()
            return
        except OSError:
            time.sleep(0.05)
    raise SystemExit("the server did not become ready")


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
