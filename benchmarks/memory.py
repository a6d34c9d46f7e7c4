"""``python -m benchmarks.memory``: the peak memory of whole commands over tiny files, and what each file more costs.

Anonymous plus shared memory of the whole tree of processes, what they share counted once; the page cache does not count. Aims: 300 MiB with
120,000 files, less than 100 bytes for each file beyond. The exit code is 1 when one is missed.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks import corpora
from benchmarks.measure import Figures, run
from benchmarks.peers import Call
from benchmarks.peers.reconciler import Reconciler

FEW, MANY = 120_000, 1_000_000
_PEAK_BYTES_MAX, _PER_FILE_BYTES_MAX = 300 * 2**20, 100


def measure(work: Path, files: int) -> dict[str, Figures]:
    """By piece of work, over ``files`` tiny files. Raises CommandFailed. The corpus stays in ``work``, nothing else."""
    source = corpora.make("tiny", work, files / corpora.TINY_FILES)
    peer = Reconciler(work / "reconciler")
    target = work / "restored"
    try:
        peer.fresh(source)
        return {name: run(call.argv, peer.environment, call.cwd) for name, call in _calls(peer, source, target)}
    finally:
        for made in (peer.work, target):
            shutil.rmtree(made, ignore_errors=True)


def _calls(peer: Reconciler, source: Path, target: Path) -> Iterator[tuple[str, Call]]:
    yield "first backup", peer.backup(source)
    yield "nothing changed", peer.backup(source)
    yield "everything read again", peer.reread(source)
    yield "restore", peer.restore(source, target)
    yield "deep verify", peer.verify()


def main() -> None:
    words = argparse.ArgumentParser(prog="python -m benchmarks.memory", description=__doc__)
    words.add_argument("--files", type=int, default=MANY, help=f"of the larger tree (default {MANY:,}); the smaller one has {FEW:,}")
    words.add_argument("--work", type=Path, help="where everything lies, such as /dev/shm/memory (default: a temporary folder)")
    asked = words.parse_args()
    work = asked.work or Path(tempfile.mkdtemp(prefix="reconciler-memory-"))
    try:
        few, many = measure(work, FEW), measure(work, asked.files)
    finally:
        if asked.work is None:
            shutil.rmtree(work, ignore_errors=True)
    print(f"| work | {FEW:,} files, MiB | {asked.files:,} files, MiB | bytes per file more | wall s |\n|---|---:|---:|---:|---:|")
    missed = False
    for name, small in few.items():
        large = many[name]
        each = (large.memory_bytes - small.memory_bytes) / (asked.files - FEW)
        missed |= small.memory_bytes > _PEAK_BYTES_MAX or each >= _PER_FILE_BYTES_MAX
        print(f"| {name} | {small.memory_bytes / 2**20:.0f} | {large.memory_bytes / 2**20:.0f} | {each:.0f} | {large.wall_seconds:.0f} |")
    sys.exit(missed)


if __name__ == "__main__":
    main()
