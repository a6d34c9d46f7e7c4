"""``python -m benchmarks [--short]``: the same work with every tool, alternated, in one run on one machine; prints and stores ratios.

Seconds drift by a third on shared machines: read the ratios to restic. Stored figures: ``benchmarks/results/<date>.json`` and ``.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import corpora
from benchmarks.measure import CommandFailed, Figures, run, tree_bytes
from benchmarks.peers import ALL, Peer

RESULTS = Path(__file__).parent / "results"
BASE = "restic"


@dataclass(frozen=True, slots=True)
class Row:
    """One piece of work with one tool: medians over the runs."""

    corpus: str
    work: str
    peer: str
    wall_seconds: float
    cpu_seconds: float
    memory_bytes: int
    stored_bytes: int | None
    runs: int


def main() -> None:
    words = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    words.add_argument("--short", action="store_true", help="a tenth of each corpus, one run: for every day")
    words.add_argument("--runs", type=int, help="runs of each (default 3; 1 with --short)")
    words.add_argument("--corpora", default="small,large,packed")
    words.add_argument("--peers", default=",".join(peer.name for peer in ALL))
    words.add_argument("--work", type=Path, help="where corpora and repositories lie (default: a temporary folder); kept when given")
    asked = words.parse_args()
    runs = asked.runs or (1 if asked.short else 3)
    with _work_folder(asked.work) as work:
        peers = list(_available(work, asked.peers.split(",")))
        if BASE not in {peer.name for peer, _ in peers}:
            raise SystemExit(
                "restic is never left out: install it, or build it with benchmarks/build_restic.sh and name it in BENCHMARK_PEERS"
            )
        rows: list[Row] = []
        for corpus in asked.corpora.split(","):
            source = corpora.make(corpus, work / "corpora", 0.1 if asked.short else 1.0)
            rows += _compare(corpus, source, [peer for peer, _ in peers], runs, work)
    _store(rows, {peer.name: version for peer, version in peers}, runs, short=asked.short)


class _work_folder:  # noqa: N801 (reads as a function where it is used)
    def __init__(self, given: Path | None) -> None:
        self._given = given

    def __enter__(self) -> Path:
        if self._given is not None:
            self._given.mkdir(parents=True, exist_ok=True)
            return self._given.absolute()
        self._made = tempfile.mkdtemp(prefix="reconciler-benchmark-")
        return Path(self._made)

    def __exit__(self, *_: object) -> None:
        if self._given is None:
            shutil.rmtree(self._made, ignore_errors=True)


def _available(work: Path, names: list[str]) -> Iterator[tuple[Peer, str]]:
    for kind in ALL:
        if kind.name not in names:
            continue
        peer = kind(work / kind.name.replace(" ", ""))
        try:
            yield peer, peer.version()
        except (OSError, subprocess.CalledProcessError):
            print(f"{kind.name}: not on this machine, left out", flush=True)


def _compare(corpus: str, source: Path, peers: list[Peer], runs: int, work: Path) -> Iterator[Row]:
    """Alternate the tools run by run, so that a slow minute of the machine hits all of them."""
    measured: dict[tuple[str, str], list[tuple[Figures, int | None]]] = {}
    subprocess.run(["sh", "-c", 'tar -cf - "$1" | cat >/dev/null', "sh", str(source)], check=True, capture_output=True)  # warm page cache
    for _ in range(runs):
        for peer in peers:
            for name, figures, stored in _one_round(peer, source, work / "restored"):
                measured.setdefault((name, peer.name), []).append((figures, stored))
                print(f"{corpus}: {name}: {peer.name}: {figures.wall_seconds:.2f} s", flush=True)
    for (name, peer_name), taken in measured.items():
        yield Row(
            corpus,
            name,
            peer_name,
            statistics.median(figures.wall_seconds for figures, _ in taken),
            statistics.median(figures.cpu_seconds for figures, _ in taken),
            max(figures.memory_bytes for figures, _ in taken),
            taken[-1][1],
            len(taken),
        )


def _one_round(peer: Peer, source: Path, target: Path) -> Iterator[tuple[str, Figures, int | None]]:
    peer.fresh()
    figures = run(peer.backup(source), peer.environment)
    yield "first backup", figures, tree_bytes(peer.repository)
    if peer.restore(source, target) is None and peer.verify() is None:
        return
    yield "nothing changed", run(peer.backup(source), peer.environment), None
    restore = peer.restore(source, target)
    if restore is not None:
        shutil.rmtree(target, ignore_errors=True)
        yield "restore", run(restore, peer.environment), None
        _same(source, target / str(source).lstrip("/"))
        shutil.rmtree(target, ignore_errors=True)
    verify = peer.verify()
    if verify is not None:
        yield "deep verify", run(verify, peer.environment), None
    shutil.rmtree(peer.work, ignore_errors=True)


def _same(source: Path, restored: Path) -> None:
    if subprocess.run(["diff", "-r", "--no-dereference", str(source), str(restored)], capture_output=True, check=False).returncode:
        raise CommandFailed(f"{restored} differs from {source}")


def _store(rows: list[Row], versions: dict[str, str], runs: int, *, short: bool) -> None:
    RESULTS.mkdir(exist_ok=True)
    at = datetime.now(UTC)  # the only program here that dates its output itself
    machine = {"cores": os.cpu_count(), "machine": platform.machine(), "python": platform.python_version(), "system": platform.system()}
    stem = RESULTS / f"{at:%Y-%m-%d}{'-short' if short else ''}"
    facts = {"at": at.isoformat(timespec="seconds"), "runs": runs, "short": short, "machine": machine, "versions": versions}
    stem.with_suffix(".json").write_text(json.dumps(facts | {"rows": [asdict(row) for row in rows]}, indent=1) + "\n")
    table = _table(rows, versions, runs, short=short)
    stem.with_suffix(".md").write_text(table)
    print(table)


def _table(rows: list[Row], versions: dict[str, str], runs: int, *, short: bool) -> str:
    base = {(row.corpus, row.work): row for row in rows if row.peer == BASE}
    lines = [
        f"Medians of {runs} alternated run{'s' if runs > 1 else ''}{', a tenth of each corpus' if short else ''}; x: ratio to restic.",
        "",
        *(f"* {name}: {version}" for name, version in versions.items()),
        "",
        "| corpus | work | tool | wall s | x | CPU s | peak MiB | stored MB | x |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in sorted(rows, key=lambda row: (row.corpus, row.work, row.peer != "reconciler", row.peer)):
        other = base.get((row.corpus, row.work))
        wall = f"{row.wall_seconds / other.wall_seconds:.2f}" if other else ""
        stored = f"{row.stored_bytes / 1e6:.1f}" if row.stored_bytes is not None else ""
        ratio = f"{row.stored_bytes / other.stored_bytes:.3f}" if other and row.stored_bytes and other.stored_bytes else ""
        memory = f"{row.memory_bytes / 2**20:.0f}"
        cells = (row.corpus, row.work, row.peer, f"{row.wall_seconds:.2f}", wall, f"{row.cpu_seconds:.2f}", memory, stored, ratio)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
