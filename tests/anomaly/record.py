"""Records what backups of real packages say, release by release and commit by commit: ``python -m tests.anomaly.record WHEELS``.

The packages themselves are too large to be kept here; the numbers of their turnovers are what is judged.
"""

from __future__ import annotations

import json
import random
import sys
from itertools import islice
from pathlib import Path

from msgspec.structs import astuple

from tests.anomaly.benign import commits, upgrades
from tests.anomaly.measure import Recorder
from tests.anomaly.trees import releases

RECORDED = Path(__file__).parent / "real_releases.json"
_COMMITS_MAX = 60


def main() -> None:
    packages = releases(Path(sys.argv[1]))
    histories = {}
    for name, versions in packages.items():
        histories[f"{name}, releases"] = list(versions)
        histories[f"{name}, commits"] = list(islice(commits(random.Random(name), {name: versions}), _COMMITS_MAX))
    for number in range(4):
        histories[f"upgrade {number}"] = list(upgrades(random.Random(number), packages))
    told = {}
    for title, trees in histories.items():
        recorder = Recorder()
        for tree in trees:
            recorder.take(tree)
        told[title] = [[s.files, s.bytes, *astuple(s.turnover)] for s in reversed(recorder.snapshots) if s.turnover is not None]
    lines = [f"{json.dumps(title)}: {json.dumps(rows, separators=(',', ':'))}" for title, rows in sorted(told.items())]
    RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
