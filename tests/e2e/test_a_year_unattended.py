"""A year of the loop on a virtual clock, with nobody there: backups, verifications, forgetting and clean-ups as declared.

The content changes entirely between two looks, so that most of what is stored is soon of no use.
"""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta

import pytest

from reconciler.app.reports import RestoreRequest
from reconciler.model.plan import ActionKind
from tests.fakes.houses import WholeHouse, quick_folder

pytestmark = pytest.mark.slow

STEP = timedelta(days=4)
SIZE = 60_000
BASE = """\
apiVersion: reconciler/v1
kind: Settings
metadata: {name: settings}
spec: {realm: quiet-otter-41}
---
apiVersion: reconciler/v1
kind: Repository
metadata: {name: main}
spec: {url: ../repository, key: {file: ../keys/main.key}, maintenance: {prune: {every: 7d}}}
"""


def stored(house: WholeHouse) -> int:
    return sum(path.stat().st_size for path in house.repository.glob("packs/*/*"))


def test_a_year_unattended_keeps_what_is_declared_and_gives_back_the_rest() -> None:
    content = random.Random(7)
    done: Counter[tuple[ActionKind, str]] = Counter()
    with quick_folder() as folder:
        house = WholeHouse(folder)
        house.write("base.yaml", BASE)
        house.policy("{keepWithin: null, last: 3, daily: 5, weekly: 4, monthly: 3, minimum: 3}")
        path = house.folder / "specs" / "orders.yaml"
        path.write_text(path.read_text().replace("quick: null, deep: null", "quick: 7d, deep: 30d"))
        sizes, added = [], 0
        for _ in range(timedelta(days=365) // STEP):
            (house.source / "dump").write_bytes(content.randbytes(SIZE))
            report = house.one_pass(init=not sizes)
            for result in report.results:
                assert result.failure is None, result.message
                done[result.action.kind, result.outcome] += 1
                added += result.done.added_bytes
            assert not report.held, [held.why for held in report.held]
            sizes.append(stored(house))
            house.clock.advance(STEP)
        assert done[ActionKind.BACKUP, "succeeded"] > 90
        assert done[ActionKind.PRUNE, "succeeded"] > 15
        assert done[ActionKind.FORGET, "succeeded"] > 50
        assert done[ActionKind.VERIFY, "succeeded"] > 90
        assert sizes[-1] < added / 2, "what nobody needs any more was given back"
        with house.session() as session:
            (report,) = session.plan_prune(["main"])
            assert report.plan is not None
            assert report.plan.freed_bytes < report.plan.total_bytes / 2
        house.clock.advance(-STEP)
        with house.session() as session:
            assert all(result.failure is None for result in session.verify(["orders"], deep=True))
            session.restore(RestoreRequest(str(folder / "target"), system="orders"))
        (back,) = (folder / "target").rglob("dump")
        assert back.read_bytes() == (house.source / "dump").read_bytes()
