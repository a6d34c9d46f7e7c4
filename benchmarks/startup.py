"""``python -m benchmarks.startup``: how long whole processes take that have next to nothing to do, beside `borg --help`.

The same words alternate run by run, because seconds drift on shared machines: read the ratios. borg is the one of BENCHMARK_PEERS (or of
the path); its start-up is what people know from a backup program in Python.
"""

from __future__ import annotations

import argparse
import compileall
import statistics
import sys
import tempfile
from pathlib import Path

from msgspec import Struct

from benchmarks.measure import Figures, run
from benchmarks.peers.peer import found

PACKAGE = Path(__file__).parents[1] / "reconciler"
SPECS = PACKAGE.parent / "specs" / "quickstart"
COMMAND = (str(Path(sys.executable).with_name("reconcile")),)
_RUNS = 15


class Line(Struct, frozen=True):
    """Words, and what they may take beside `borg --help`; None: no target."""

    words: tuple[str, ...]
    target: float | None = None
    accepted: tuple[int, ...] = (0,)

    @property
    def title(self) -> str:
        return " ".join(("reconcile", *("specs/quickstart" if word == str(SPECS) else word for word in self.words)))


LINES = (
    Line(("--help",), 0.5),
    Line(("--specs", str(SPECS), "--dry-run", "--cached"), 2.0, (0, 1)),  # 1: nothing of the repository is known yet
    Line(("--version",)),
    Line(("restore", "--help")),
    Line(("--specs", str(SPECS), "validate")),
    Line(("--specs", str(SPECS), "status", "--cached")),
    Line(("--specs", str(SPECS), "snapshots", "--cached")),
)


def measure(runs: int) -> list[tuple[str, float, float, float | None]]:
    """(words, seconds of CPU, ratio to `borg --help`, the ratio that is the target), medians of alternated runs."""
    compileall.compile_dir(PACKAGE, quiet=2)  # as an installation does; a source tree may be run without leave to write byte code
    with tempfile.TemporaryDirectory() as state:
        environment = {"RECONCILER_STATE": f"{state}/state"}
        calls: list[tuple[list[str], tuple[int, ...]]] = [([found("borg"), "--help"], (0,))]
        calls += [([*COMMAND, *line.words], line.accepted) for line in LINES]
        rounds: list[list[Figures]] = [[run(words, environment, accepted=accepted) for words, accepted in calls] for _ in range(runs + 1)]
    seconds = [statistics.median(figures.cpu_seconds for figures in column) for column in zip(*rounds[1:], strict=True)]
    titles = ["borg --help", *(line.title for line in LINES)]
    targets = [None, *(line.target for line in LINES)]
    return [(title, took, took / seconds[0], target) for title, took, target in zip(titles, seconds, targets, strict=True)]


def main() -> None:
    words = argparse.ArgumentParser(prog="python -m benchmarks.startup", description=__doc__)
    words.add_argument("--runs", type=int, default=_RUNS)
    print("| whole process | CPU s | beside `borg --help` | target |\n|---|---:|---:|---:|")
    missed = False
    for title, seconds, ratio, target in measure(words.parse_args().runs):
        print(f"| `{title}` | {seconds:.3f} | {ratio:.2f} | {f'≤ {target:g}' if target else ''} |")
        missed |= target is not None and ratio > target
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
