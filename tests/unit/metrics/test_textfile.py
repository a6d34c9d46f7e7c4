"""Metrics as a file: whole or not there, readable by another account, the same as /metrics shows."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from reconciler.metrics import names
from reconciler.metrics.exposition import Exposition
from reconciler.metrics.textfile import TextfileUnwritable, write
from tests.fakes.statuses import company, pulse


def test_it_says_what_metrics_would_say(tmp_path: Path) -> None:
    file = tmp_path / "reconciler.prom"
    write(company(), file)
    served = Exposition(company, pulse)().decode()
    assert served.startswith(file.read_text())
    live = {metric.family for metric in names.ALL if metric.live}
    rest = set(re.findall(r"^# TYPE (\S+?)(?:_total)? ", served.removeprefix(file.read_text()), re.MULTILINE))
    assert {name for name in rest if not name.startswith("process_")} == live, "what only a living process knows"
    assert file.stat().st_mode & 0o777 == 0o644


def test_the_next_pass_replaces_it_and_leaves_nothing_beside(tmp_path: Path) -> None:
    file = tmp_path / "reconciler.prom"
    file.write_text("old")
    inode = file.stat().st_ino
    write(company(), file)
    assert os.listdir(tmp_path) == ["reconciler.prom"]
    assert file.stat().st_ino != inode, "a reader that has opened the old one reads it to its end"


def test_where_nothing_can_be_written_one_sentence_says_so(tmp_path: Path) -> None:
    with pytest.raises(TextfileUnwritable, match="no such file or directory"):
        write(company(), tmp_path / "nowhere" / "reconciler.prom")
    (tmp_path / "folder.prom").mkdir()
    with pytest.raises(TextfileUnwritable, match="is a directory"):
        write(company(), tmp_path / "folder.prom")
    assert os.listdir(tmp_path) == ["folder.prom"]
