#!/usr/bin/env python3
"""Writes grafana/dashboards/*.json from grafana/boards: ``python grafana/build.py``; with ``--check`` it only says what would change.

The JSON is committed, so that Grafana needs no Python; a test runs the check. No dependency beyond the standard library.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from boards import internals, overview, recovery, repositories, system

FOLDER = Path(__file__).parent / "dashboards"
BOARDS = (overview, system, recovery, repositories, internals)


def main(arguments: list[str]) -> int:
    """0: the files are as generated (now); 1: with ``--check``, some are not."""
    boards = {f"{module.__name__.rpartition('.')[2]}.json": module.dashboard() for module in BOARDS}
    drifted = [name for name, board in boards.items() if not _same(FOLDER / name, _text(board))]
    if "--check" in arguments:
        for name in drifted:
            sys.stderr.write(f"grafana/dashboards/{name} differs from grafana/boards: run `python grafana/build.py`\n")
        return 1 if drifted else 0
    for name in drifted:
        (FOLDER / name).write_text(_text(boards[name]), encoding="utf-8")
    return 0


def _text(board: dict[str, object]) -> str:
    return json.dumps(board, indent=2) + "\n"


def _same(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
