"""Restores over what stands there, in the words of the tests about them."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from reconciler.app.reports import RestorePlan, RestoreReport, RestoreRequest
from tests.fakes.houses import WholeHouse
from tests.fakes.trees import plant

HOUR = timedelta(hours=1)
TREE = {"a/one": "one", "a/two": "two", "b/three": "three", "link": "-> a/one", "empty/": None}


def backed_up(house: WholeHouse, **more: str) -> None:
    plant(house.source, {**TREE, **more})
    house.one_pass(init=not (house.repository / "header").exists())
    house.clock.advance(2 * HOUR)


def request(house: WholeHouse, target: Path | None = None, **words: object) -> RestoreRequest:
    return RestoreRequest(str(target) if target else "", system="orders", in_place=target is None, **words)  # type: ignore[arg-type]


def planned(house: WholeHouse, target: Path | None = None, **words: object) -> RestorePlan:
    with house.session(read_only=True) as session:
        return session.plan_restore(request(house, target, **words))


def restored(house: WholeHouse, target: Path | None = None, **words: object) -> RestoreReport:
    with house.session() as session:
        return session.restore(request(house, target, **words))


def mirrored(house: WholeHouse, target: Path | None = None, **words: object) -> RestoreReport:
    plan = planned(house, target, on_conflict="mirror", **words)
    assert plan.outlook is not None
    return restored(house, target, on_conflict="mirror", confirm=plan.outlook.digest, **words)
