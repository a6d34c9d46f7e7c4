"""Records what backups of real things say, state by state: ``python -m tests.anomaly.record FOLDER``, filled by :mod:`tests.anomaly.fetch`.

The things themselves are too large to be kept here; the numbers of their turnovers are what is judged.
"""

from __future__ import annotations

import json
import random
import sys
from itertools import islice
from pathlib import Path

from msgspec.structs import astuple

from tests.anomaly import real
from tests.anomaly.benign import commits, upgrades
from tests.anomaly.measure import Recorder
from tests.anomaly.sources import Sources, load
from tests.anomaly.trees import Tree

RECORDED = Path(__file__).parent / "real_histories.json"
_COMMITS_MAX = 60
_DRAWN = 3


def histories(sources: Sources) -> dict[str, list[Tree]]:
    found: dict[str, list[Tree]] = {}
    for name, versions in sources.packages.items():
        found[f"{name}, releases"] = list(versions)
        found[f"{name}, commits"] = list(islice(commits(random.Random(name), Sources(packages={name: versions})), _COMMITS_MAX))
    for kind, states in (("commits", sources.commits), ("repository", sources.repositories), ("server", sources.servers)):
        found |= {f"{name}, real {kind}": list(each) for name, each in states.items()}
    for number in range(_DRAWN):
        found[f"upgrade {number}"] = list(upgrades(random.Random(number), sources))
        for life in (real.hosts, real.formatters, real.refactorings, real.real_dumps, real.real_logs):
            found[f"{life.__name__} {number}"] = list(life(random.Random(number), sources))
    return found


def main() -> None:
    told = {}
    for title, trees in histories(load(Path(sys.argv[1]))).items():
        recorder = Recorder()
        for tree in trees:
            recorder.take(tree)
        told[title] = [[s.files, s.bytes, *astuple(s.turnover)] for s in reversed(recorder.snapshots) if s.turnover is not None]
    lines = [f"{json.dumps(title)}: {json.dumps(rows, separators=(',', ':'))}" for title, rows in sorted(told.items())]
    RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
