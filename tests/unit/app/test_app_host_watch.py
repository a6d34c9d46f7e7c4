"""What is learned about the host never stands between a system and its backup."""

from __future__ import annotations

from typing import Any, cast

from reconciler.app.host_watch import HostWatch, _Look
from reconciler.app.scene import load, look
from tests.fakes.houses import WholeHouse


def test_a_defect_in_judging_the_host_ends_no_pass(house: WholeHouse) -> None:
    house.one_pass(init=True)
    with house.session() as session:
        catalog = session.house.memory.writing()
        scene = look(session.house, catalog, load(session.house, catalog))
        host = HostWatch(session.house)
        host.look(scene, catalog)
        known, _ = host.judge(catalog, scene)
        host._new = _Look(scene.now, cast("Any", None))  # as if it were of a kind that nobody thought of
        after, _ = host.judge(catalog, scene)
    assert after is known, "what was known before stands"
