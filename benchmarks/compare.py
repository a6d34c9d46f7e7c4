"""The comparison: rounds of all tools on all corpora, one after the other, each stored as soon as it is measured.

Tools alternate run by run, so that a slow minute of the machine hits all of them.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import corpora
from benchmarks.measure import CommandFailed
from benchmarks.peers import BASE, Peer
from benchmarks.results import Results
from benchmarks.works import WORKS, Round, warm, works_for

_NEEDED = ("reconciler", BASE)
_SNAPSHOTS = 1000


def compare(results: Results, file: Path, peers: Sequence[Peer], asked: argparse.Namespace, work: Path) -> None:
    """Raises CommandFailed when this program or restic fails; another tool that fails is left out of the rest with a word."""
    names = (asked.corpora or ",".join(["small", "large", "packed", "list", *(["tiny", "dense"] if asked.nightly else [])])).split(",")
    runs = asked.runs or (1 if asked.short else 3)
    wanted = tuple(name for name in WORKS if not asked.rows or any(text in name for text in asked.rows))
    failed: set[str] = set()
    clock = _Remaining(runs)
    for corpus in names:
        source = corpora.make(corpus, work / "corpora", results.share)
        warm(source)
        for number in range(1, runs + 1):
            for peer in peers:
                works = works_for(corpus, peer, wanted)
                if not works or peer.name in failed or (asked.resume and results.has(corpus, works, peer.name, number)):
                    continue
                target = (asked.restore_to or work) / "restored"
                started = time.monotonic()
                try:
                    for sample in Round(corpus, source, peer, number, works, target, max(10, int(_SNAPSHOTS * results.share)))():
                        results.add([sample])
                        print(f"{corpus} {number}: {sample.work}: {peer.name}: {sample.wall_seconds:.2f} s", flush=True)
                except CommandFailed as error:
                    if peer.name in _NEEDED:
                        raise
                    failed.add(peer.name)
                    print(f"{peer.name} is left out from here on: {error}", flush=True)
                results.save(file)
                clock.took(corpus, number, time.monotonic() - started)
            clock.tell(corpus, number)


class _Remaining:
    """Says after the first run of a corpus how long its others will take."""

    def __init__(self, runs: int) -> None:
        self._runs = runs
        self._seconds: dict[tuple[str, int], float] = {}

    def took(self, corpus: str, number: int, seconds: float) -> None:
        self._seconds[corpus, number] = self._seconds.get((corpus, number), 0.0) + seconds

    def tell(self, corpus: str, number: int) -> None:
        seconds, more = self._seconds.get((corpus, number), 0.0), self._runs - number
        if more and seconds:
            print(f"{corpus}: run {number} took {seconds:.0f} s; {more} more: about {more * seconds:.0f} s", flush=True)
