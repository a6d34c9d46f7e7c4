"""What was measured: one sample per corpus, work, tool and run, kept as JSON, so that a table or a plot can be made again at any time.

A run that was interrupted goes on where it stopped; single rows measured again replace their older samples.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

import msgspec
from msgspec import Struct, field

from benchmarks.peers.peer import Peer

FORMAT = 1


class Sample(Struct, frozen=True):
    """One piece of work done once by one tool."""

    corpus: str
    work: str
    peer: str
    run: int
    wall_seconds: float
    cpu_seconds: float
    """User and system, children included."""
    memory_bytes: int
    """Anonymous and shared, of all its processes, at the worst moment."""
    stored_bytes: int | None = None

    @property
    def key(self) -> tuple[str, str, str, int]:
        return self.corpus, self.work, self.peer, self.run


class Row(Struct, frozen=True):
    """Medians over the runs; memory is the worst of them."""

    corpus: str
    work: str
    peer: str
    wall_seconds: float
    cpu_seconds: float
    memory_bytes: int
    stored_bytes: int | None
    runs: int


class Results(Struct):
    """All samples of one machine with one set of tools."""

    machine: dict[str, Any]
    versions: dict[str, str]
    share: float
    """Of the full corpora."""
    restored_to: str
    began_at: str
    samples: dict[tuple[str, str, str, int], Sample] = field(default_factory=dict)
    many: dict[str, Any] = field(default_factory=dict)
    """Figures of a repository with very many snapshots; see ``many.py``."""

    def add(self, samples: Iterable[Sample]) -> None:
        self.samples.update((sample.key, sample) for sample in samples)

    def has(self, corpus: str, works: Iterable[str], peer: str, run: int) -> bool:
        return all((corpus, work, peer, run) in self.samples for work in works)

    def rows(self) -> list[Row]:
        """In the order in which they were first measured."""
        groups: dict[tuple[str, str, str], list[Sample]] = {}
        for sample in self.samples.values():
            groups.setdefault((sample.corpus, sample.work, sample.peer), []).append(sample)
        return [_row(group) for group in groups.values()]

    def comparable(self, other: Results) -> bool:
        """Whether samples of both may stand in one table."""
        shared = self.versions.keys() & other.versions.keys()
        same = all(self.versions[name] == other.versions[name] for name in shared)
        return same and (self.machine, self.share, self.restored_to) == (other.machine, other.share, other.restored_to)

    def save(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        plain = msgspec.to_builtins(self) | {"format": FORMAT, "samples": [msgspec.to_builtins(sample) for sample in self.samples.values()]}
        fresh = file.with_name(file.name + ".new")
        fresh.write_text(json.dumps(plain, indent=1) + "\n")
        fresh.replace(file)

    @classmethod
    def load(cls, file: Path) -> Self:
        plain = json.loads(file.read_text())
        if plain.pop("format", None) != FORMAT:
            raise SystemExit(f"{file} was written by another version of this benchmark")
        samples = [Sample(**each) for each in plain.pop("samples")]
        loaded = cls(**plain)
        loaded.add(samples)
        return loaded


def this_machine() -> dict[str, Any]:
    return {"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version(), "system": platform.system()}


def versions_of(peers: Iterable[tuple[Peer, str]]) -> dict[str, str]:
    return {peer.name: version for peer, version in peers}


def ratios(rows: Iterable[Row], base: str) -> dict[tuple[str, str, str], tuple[float | None, float | None]]:
    """Of each row: wall time and stored bytes as a share of those of ``base``; None where that has no such row."""
    rows = list(rows)
    bases = {(row.corpus, row.work): row for row in rows if row.peer == base}
    found = {}
    for row in rows:
        other = bases.get((row.corpus, row.work))
        wall = row.wall_seconds / other.wall_seconds if other is not None and other.wall_seconds else None
        stored = row.stored_bytes / other.stored_bytes if other is not None and row.stored_bytes and other.stored_bytes else None
        found[row.corpus, row.work, row.peer] = (wall, stored)
    return found


def _row(samples: list[Sample]) -> Row:
    first = samples[0]
    stored = [sample.stored_bytes for sample in samples if sample.stored_bytes is not None]
    return Row(
        first.corpus,
        first.work,
        first.peer,
        statistics.median(sample.wall_seconds for sample in samples),
        statistics.median(sample.cpu_seconds for sample in samples),
        max(sample.memory_bytes for sample in samples),
        int(statistics.median(stored)) if stored else None,
        len(samples),
    )
