"""``python -m benchmarks.remote``: first backup, nothing changed and restore over a wire, beside restic, on the same servers.

Tools alternate run by run, at each delay. The servers are versitygw (S3) and OpenSSH (SFTP) on the loopback, the wire is
``benchmarks/delay.py``. Read the
ratios: wall time as a share of restic's; and the requests, which say more about a real wire than seconds on a shared machine do.
"""

from __future__ import annotations

import argparse
import compileall
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import corpora
from benchmarks.measure import run, tree_bytes
from benchmarks.peers import Peer
from benchmarks.peers.far import PAIRS, reach
from benchmarks.peers.peer import Call
from benchmarks.peers.reconciler import Reconciler
from benchmarks.peers.restic import Restic
from benchmarks.results import Results, Sample, ratios, this_machine, versions_of
from benchmarks.servers import Server, bucket, ssh, wire
from benchmarks.startup import PACKAGE
from benchmarks.works import FIRST, NOTHING, RESTORE, same, warm

DELAYS = (0, 20, 100)
FILES = 4000
_RUNS = 3
_SERVERS = {"s3": bucket, "sftp": ssh}

_Asked = dict[tuple[str, str, str], int]
"""Requests, by corpus (place and round trip), work and tool."""


def measure(kind: str, source: Path, work: Path, delays: tuple[float, ...], runs: int) -> tuple[list[Sample], _Asked]:
    """(samples, requests)."""
    samples: list[Sample] = []
    requests: _Asked = {}
    with _SERVERS[kind](work / f"server-{kind}") as there:
        for number in range(runs):
            for delay in delays:
                with wire(there.port, delay) as port:
                    peers = [made(work / f"{made.name}-{number}-{delay:g}") for made in PAIRS[kind]]
                    for peer in peers if number % 2 else reversed(peers):
                        peer.environment.update(reach(kind, there, port, peer.work.name))
                        for sample, asked in _round(peer, source, work / "back", there, f"{kind} {delay:g} ms", number):
                            print(
                                f"{sample.corpus:>11}  {sample.work:16} {sample.peer:12} {sample.wall_seconds:7.2f} s  "
                                f"{sample.cpu_seconds:6.2f} s of CPU  {asked} requests",
                                flush=True,
                            )
                            samples.append(sample)
                            requests[sample.corpus, sample.work, sample.peer] = asked
    return samples, requests


def _round(peer: Peer, source: Path, target: Path, there: Server, corpus: str, number: int) -> Iterator[tuple[Sample, int]]:
    peer.fresh(source)
    try:
        for work in (FIRST, NOTHING, RESTORE):
            call = peer.restore(source, target) if work == RESTORE else peer.backup(source)
            assert call is not None
            yield _measured(peer, call, work, there, corpus, number)
            if work == RESTORE:
                same(source, peer.landed(source, target), peer.name)
    finally:
        for folder in (peer.work, target, there.folder / peer.work.name):
            shutil.rmtree(folder, ignore_errors=True)


def _measured(peer: Peer, call: Call, work: str, there: Server, corpus: str, number: int) -> tuple[Sample, int]:
    before = there.requests()
    figures = run(call.argv, peer.environment)
    sample = Sample(
        corpus,
        work,
        peer.name,
        number,
        round(figures.wall_seconds, 3),
        round(figures.cpu_seconds, 3),
        figures.memory_bytes,
        tree_bytes(there.folder / peer.work.name),
    )
    return sample, there.requests() - before


def shown(results: Results, requests: _Asked) -> str:
    """A table: one line for each delay and piece of work."""
    rows = results.rows()
    compared = ratios(rows, Restic.name)
    lines = ["| place, round trip | work | seconds | of restic | ratio | requests | of restic |", "|---:|---|" + "---:|" * 5]
    by_key = {(row.corpus, row.work, row.peer): row for row in rows}
    for (corpus, work, peer), own in by_key.items():
        if peer != Reconciler.name:
            continue
        other = by_key[corpus, work, Restic.name]
        ratio = compared[corpus, work, peer][0]
        asked = requests[corpus, work, peer], requests[corpus, work, Restic.name]
        lines.append(f"| {corpus} | {work} | {own.wall_seconds:.2f} | {other.wall_seconds:.2f} | {ratio:.2f} | {asked[0]} | {asked[1]} |")
    return "\n".join(lines)


def main() -> None:
    words = argparse.ArgumentParser(prog="python -m benchmarks.remote", description=__doc__)
    words.add_argument("--runs", type=int, default=_RUNS)
    words.add_argument("--files", type=int, default=FILES)
    words.add_argument("--places", default=",".join(_SERVERS), help="s3, sftp")
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
        delays = tuple(float(each) for each in asked.delays.split(","))
        requests: _Asked = {}
        for kind in asked.places.split(","):
            samples, more = measure(kind, source, work, delays, asked.runs)
            results.add(samples)
            requests |= more
    results.many |= {f"requests, {work}, {corpus}, {peer}": str(count) for (corpus, work, peer), count in requests.items()}
    if asked.into is not None:
        results.save(asked.into)
    print(shown(results, requests))


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main()
