"""What a repository with very many snapshots costs, and the index per million chunks: figures without a counterpart.

Warm: whole processes that found the cache of an earlier one. Cold: what a first look from a new machine reads. 10,000 snapshots, each with
a mark, over a hundred small files, so that nothing but their number costs.
"""

from __future__ import annotations

import os
import shutil
import statistics
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from math import ceil
from pathlib import Path

from benchmarks import corpora, queries
from benchmarks.history import repeat
from benchmarks.measure import run
from benchmarks.peers import Call
from benchmarks.peers.reconciler import Reconciler
from reconciler.base.secret import Secret
from reconciler.repository import Repository
from reconciler.repository.format import Packed, Type
from reconciler.repository.index import load_index, write_index_objects
from reconciler.repository.pack import PackEntry, Segment
from reconciler.repository.store import Found, LocalStore

SNAPSHOTS = 10_000
CHUNKS = 1_000_000
_RUNS = 3
_PER_SEGMENT, _SEGMENTS = 64, 40
_PAGE = 1000  # names in one answer of an object storage


class Counting(LocalStore):
    """Counts what a remote place would be asked for."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.requests = self.read_bytes = self.pages = 0

    def get(self, name: str, limit: int) -> bytes:
        data = super().get(name, limit)
        self.requests += 1
        self.read_bytes += len(data)
        return data

    def list(self, prefix: str) -> Iterator[Found]:
        found = list(super().list(prefix))
        self.pages += max(1, ceil(len(found) / _PAGE))
        return iter(found)

    def stamp(self, folder: str) -> None:
        """A bucket has no folders that could tell when they changed."""

    def stamps(self, prefix: str) -> None:
        """The same."""

    def names(self, folder: str) -> None:
        """The same."""


def measure(work: Path, share: float) -> dict[str, str]:
    """By name. ``share`` makes it smaller."""
    snapshots, chunks = max(20, int(SNAPSHOTS * share)), max(10_000, int(CHUNKS * share))
    peer = Reconciler(work / "own")
    try:
        return _snapshots(peer, corpora.make("list", work, 1.0), snapshots) | _index(work / "index", chunks) | queries.measure(work, share)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _snapshots(peer: Reconciler, source: Path, count: int) -> dict[str, str]:
    peer.fresh(source)
    few = {"list": _seconds(peer, peer.list()), "backup": _seconds(peer, peer.backup(source))}
    repeat(peer.repository, peer.key, count, marked=True)
    peer.quietly(*peer.backup(source).argv)  # fills the cache
    warm = {"list": _seconds(peer, peer.list()), "backup": _seconds(peer, peer.backup(source))}
    store = Counting(str(peer.repository))
    started = time.perf_counter()
    with Repository.open(str(peer.repository), Secret(peer.key.read_bytes()), store=store) as repository:
        opened = time.perf_counter() - started
        repository.listing()
        anew = time.perf_counter() - started - opened
        read, asked = store.requests, store.pages
        started = time.perf_counter()
        repository.listing()
        known = time.perf_counter() - started
    of = f"with {count:,} snapshots"
    return {
        f"`reconcile snapshots` {of}, warm, whole process": warm["list"],
        "`reconcile snapshots` with one": few["list"],
        f"`reconcile backup create` {of}, nothing changed, warm, whole process": warm["backup"],
        "`reconcile backup create` with one": few["backup"],
        f"opening {of}": f"{opened:.3f} s",
        f"listing {of}, known": f"{known:.2f} s",
        f"listing {of}, cold": f"{anew:.2f} s",
        f"objects read by a cold look {of}": f"{read:,}",
        f"pages of lists of a cold look {of}": f"{asked:,}",
        f"objects read, and pages of lists, of a look that knows what is there {of}": f"{store.requests - read:,}, {store.pages - asked:,}",
        f"bytes read by a cold look {of}": f"{store.read_bytes / 1e6:.1f} MB",
    }


def _seconds(peer: Reconciler, call: Call) -> str:
    """Of a whole process; CPU beside wall, for other work on the machine shows in one and not in the other."""
    runs = [run(call.argv, peer.environment) for _ in range(_RUNS)]
    wall, cpu = (statistics.median(values) for values in zip(*((each.wall_seconds, each.cpu_seconds) for each in runs), strict=True))
    return f"{wall:.2f} s, {cpu:.2f} s of CPU"


def _index(place: Path, chunks: int) -> dict[str, str]:
    """Load an index of so many chunks from its objects, and say what that took."""
    key = Secret(os.urandom(32).hex().encode())
    with Repository.init(str(place), key, created_at=datetime.now(UTC)) as repository:
        store, seals = repository._store, repository._seals
        written = write_index_objects(store, seals, (_entry() for _ in range(chunks // (_PER_SEGMENT * _SEGMENTS))))
        sizes = [len(data) for _, data in written]
        del written
        before, started = _anonymous_bytes(), time.perf_counter()
        index, _ = load_index(store, seals)
        index.find(os.urandom(32))  # the first look makes the table
        seconds, grown = time.perf_counter() - started, _anonymous_bytes() - before
    millions = len(index) / 1e6
    return {
        "index, seconds of CPU per million chunks": f"{seconds / millions:.2f} s",
        "index, memory per million chunks": f"{grown / millions / 2**20:.0f} MiB",
        "index, stored bytes per million chunks": f"{sum(sizes) / millions / 1e6:.1f} MB in {len(sizes) / millions:.0f} objects",
    }


def _entry() -> PackEntry:
    length = 16_384
    segments = [
        Segment(
            Type.DATA,
            Packed.ZSTD,
            2**18,
            length * _PER_SEGMENT,
            os.urandom(32 * _PER_SEGMENT),
            length.to_bytes(4, "little") * _PER_SEGMENT,
        )
        for _ in range(_SEGMENTS)
    ]
    return PackEntry(os.urandom(32), 2**18 * _SEGMENTS + 2**16, segments)


def _anonymous_bytes() -> int:
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssAnon"))
    return int(line.split()[1]) * 1024
