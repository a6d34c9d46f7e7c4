"""Ordinary histories are left in peace, attacked ones are found. The whole measurement is a command: tests/anomaly/measure.py."""

from __future__ import annotations

import json
import os
import random
import shutil
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pytest

from reconciler.decide.anomaly import judge
from reconciler.model.snapshot import BackupKind, Grade, Snapshot
from reconciler.model.turnover import Turnover
from tests.anomaly.attacks import ATTACKS, BEYOND, EVASIVE
from tests.anomaly.benign import LIVES
from tests.anomaly.measure import measure
from tests.anomaly.measured import stored
from tests.anomaly.record import RECORDED
from tests.anomaly.sources import Sources
from tests.anomaly.trees import Tree, some, turnover
from tests.unit.repository.conftest import Bench

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


DOCS = Path(__file__).parents[2] / "docs"


def test_attacks_are_found_and_ordinary_lives_are_not_suspect() -> None:
    kinds = [*ATTACKS, *EVASIVE]
    found, why = measure(None, 40, kinds, 8, first=7_000)
    assert sum(each.histories for each in found.lives.values()) == 40
    assert found.counted(kinds)[1] >= 240
    assert found.false_alarms <= 0.01, why
    assert found.share_found(kinds, ["at once"]) >= 0.99, why
    assert found.share_found(kinds) >= 0.97, why


def test_the_whole_measurement_keeps_what_is_promised() -> None:
    """Of real things, too. Kept as numbers, for what they are drawn from is too large to be kept here."""
    found = stored()
    assert found.lives.keys() == LIVES.keys()
    assert sum(each.histories for each in found.lives.values()) >= 1_000
    assert found.counted([*ATTACKS, *EVASIVE])[1] >= 1_000
    assert found.attacks.keys() == {*ATTACKS, *EVASIVE, *BEYOND}
    assert found.share_found([*ATTACKS, *EVASIVE]) >= 0.99
    assert found.false_alarms <= 0.01


def test_the_documents_show_what_was_measured() -> None:
    found = stored()
    page, limits = ((DOCS / name).read_text() for name in ("suspect-snapshots.md", "limits.md"))
    assert found.of_lives() in page
    assert found.of_attacks() in page
    assert found.of_hidden() in limits


def recorded() -> dict[str, list[Snapshot]]:
    """Histories of real packages, oldest first."""
    found = {}
    for title, rows in json.loads(RECORDED.read_text()).items():
        found[title] = [
            Snapshot(
                f"{number:032x}", "main", "r", "s", "h", BackupKind.INCREMENTAL, at, at, at, Grade.COMPLETE, files, size, 0,
                turnover=Turnover(*counts),
            )
            for number, (files, size, *counts) in enumerate(rows)
            if (at := NOON + timedelta(hours=number))
        ]  # fmt: skip
    return found


ASKED = {"genproto, real commits 16"}
"""What a person is asked about: a commit that removed 2,660 of 3,709 files."""


def test_real_commits_releases_upgrades_and_servers_are_not_suspect() -> None:
    histories = recorded()
    assert len(histories) >= 40
    assert sum(map(len, histories.values())) >= 1_000
    alarms = {
        f"{title} {number}": signals
        for title, snapshots in histories.items()
        for number in range(1, len(snapshots))
        if (signals := judge(snapshots[number], snapshots[number - 1 :: -1]))
    }
    assert alarms.keys() == ASKED, alarms


def written(tree: Tree, root: Path, before: Tree) -> None:
    for path in before.keys() - tree.keys():
        (root / path).unlink()
    for path, content in tree.items():
        if path not in before or before[path].key != content.key:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).unlink(missing_ok=True)
            (root / path).write_bytes(content.data)


@pytest.mark.parametrize("life", ["log rotation", "mailbox", "office documents"])
def test_real_backups_count_what_the_plain_count_counts(life: str, tmp_path: Path) -> None:
    """Also of moved contents, which are the same object in the model and so the same inode's content on the disk."""
    bench = Bench(tmp_path / "source", tmp_path / "repository")
    bench.source.mkdir()
    bench.init()
    rng = random.Random(life)
    trees = list(islice(LIVES[life](rng, Sources()), 6))
    for attack in [*ATTACKS.values(), *EVASIVE.values(), *BEYOND.values()]:
        last = dict(trees[-1])
        attack(rng, last, some(rng, last, 0.2))
        trees.append(last)
    before, base, stored = Tree(), None, set[bytes]()
    for tree in trees:
        written(tree, bench.source, before)
        taken = bench.take(kind="full" if base is None else "incremental", base=base)
        counted = turnover(before, tree, stored)
        if taken.root is None:
            assert before.keys() == tree.keys()
            continue
        if base is not None:
            assert taken.root.turnover is not None
            assert Turnover(*taken.root.turnover.counts) == counted
        before, base = tree, taken.root.id
    shutil.rmtree(bench.source)
    assert os.listdir(tmp_path) == ["repository"]
