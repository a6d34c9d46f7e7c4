"""``python -m benchmarks``: the same work with every tool, alternated, in one run on one machine; stores and prints ratios to restic.

Seconds drift by a third on shared machines: read the ratios. What was measured: ``benchmarks/results/<date>.json`` and ``.md``.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import table
from benchmarks.compare import compare
from benchmarks.peers import ALL, BASE, Peer
from benchmarks.plot import svg
from benchmarks.results import Results, this_machine, versions_of
from benchmarks.works import WORKS

RESULTS = Path(__file__).parent / "results"
DOCS = Path(__file__).parents[1] / "docs"
CORPORA = ("small", "large", "packed", "list")


def main() -> None:
    asked = _words().parse_args()
    if asked.show is not None:
        _show(Results.load(asked.show), asked.show, docs=asked.docs)
        return
    with _work_folder(asked.work) as work:
        results, file, peers = _begin(asked, work)
        if asked.many:
            from benchmarks.many import measure

            results.many |= measure(work / "many", results.share)
            results.save(file)
        else:
            compare(results, file, peers, asked, work)
    _show(results, file, docs=asked.docs)


def _words() -> argparse.ArgumentParser:
    words = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    words.add_argument("--short", action="store_true", help="a tenth of each corpus, one run, without the slow tools: for every day")
    words.add_argument("--nightly", action="store_true", help="the corpora of a million tiny files and of one file above 4 GiB, too")
    words.add_argument("--many", action="store_true", help="instead: what a repository with 10,000 snapshots and more costs")
    words.add_argument("--runs", type=int, help="runs of each (default 3; 1 with --short)")
    words.add_argument("--corpora", help=f"of {','.join(CORPORA)},tiny,dense")
    words.add_argument("--peers", help=f"of {','.join(peer.name for peer in ALL)}")
    words.add_argument("--rows", action="append", metavar="TEXT", help="only pieces of work whose name holds TEXT; may be repeated")
    words.add_argument("--share", type=float, help="of the full corpora")
    words.add_argument("--work", type=Path, help="where corpora and repositories lie (default: a temporary folder); corpora are kept there")
    words.add_argument("--restore-to", type=Path, help="where restores go, such as /dev/shm (default: the work folder)")
    words.add_argument("--into", type=Path, help="results to add to (default: those of today)")
    words.add_argument("--resume", action="store_true", help="skip what the results hold already")
    words.add_argument("--show", type=Path, metavar="FILE", help="measure nothing: write the table of these results again")
    words.add_argument("--docs", action="store_true", help="write table and plot into docs/performance.md, too")
    words.epilog = f"Pieces of work: {'; '.join(WORKS)}."
    return words


def _begin(asked: argparse.Namespace, work: Path) -> tuple[Results, Path, list[Peer]]:
    """What is compared, and where the figures go: into those that are there when they fit."""
    peers = list(_available(asked, work))
    at = datetime.now(UTC)
    fresh = Results(
        machine=this_machine(),
        versions=versions_of(peers),
        share=asked.share or (0.1 if asked.short else 1.0),
        restored_to=_kind_of(asked.restore_to or work),
        began_at=at.isoformat(timespec="seconds"),
    )
    file = asked.into or RESULTS / f"{at:%Y-%m-%d}{'-short' if asked.short else ''}.json"
    results = fresh
    if file.exists():
        results = Results.load(file)
        if not results.comparable(fresh):
            raise SystemExit(f"{file} holds figures of another machine, size or version; name another file with --into")
        results.versions |= fresh.versions
    if BASE not in results.versions and not asked.many:
        raise SystemExit(f"{BASE} is never left out: benchmarks/build_peers.sh DIR {BASE}; then name DIR in BENCHMARK_PEERS")
    return results, file, [peer for peer, _ in peers]


def _available(asked: argparse.Namespace, work: Path) -> Iterator[tuple[Peer, str]]:
    wanted = asked.peers.split(",") if asked.peers else [peer.name for peer in ALL if not (asked.short and peer.slow)]
    if asked.many:
        wanted = ["reconciler"]
    for kind in ALL:
        if kind.name not in wanted:
            continue
        peer = kind(work / kind.name.replace(" ", ""))
        try:
            yield peer, peer.version()
        except (OSError, subprocess.CalledProcessError):
            print(f"{kind.name}: not on this machine, left out", flush=True)


@contextmanager
def _work_folder(given: Path | None) -> Iterator[Path]:
    made = Path(tempfile.mkdtemp(prefix="reconciler-benchmark-")) if given is None else given.absolute()
    made.mkdir(parents=True, exist_ok=True)
    try:
        yield made
    finally:
        if given is None:
            shutil.rmtree(made, ignore_errors=True)


def _kind_of(folder: Path) -> str:
    """The name of the file system."""
    folder.mkdir(parents=True, exist_ok=True)
    return subprocess.run(["stat", "-f", "-c", "%T", str(folder)], check=True, capture_output=True, text=True).stdout.strip()


def _show(results: Results, file: Path, *, docs: bool) -> None:
    text = table.markdown(results)
    file.with_suffix(".md").write_text(text)
    print(text)
    if docs:
        table.write_page(results, DOCS / "performance.md")
        (DOCS / "performance.svg").write_text(svg(results))


if __name__ == "__main__":
    main()
