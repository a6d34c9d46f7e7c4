"""A drill takes no more of the line to its repository than it is allowed."""

from __future__ import annotations

import os

from reconciler.base.clock import SystemClock
from reconciler.model.drill import DrillOutcome
from tests.fakes.houses import WholeHouse
from tests.unit.app.test_app_drill import PLAIN, begun, drilled


def test_a_drill_reads_no_faster_than_its_bandwidth(house: WholeHouse) -> None:
    """Noise, so that what is read is as much as what is stored."""
    (house.source / "noise.bin").write_bytes(os.urandom(256 * 1024))
    begun(house, *PLAIN, more="    limits: {bandwidth: 512KiB}\n")
    house.clock = SystemClock()  # type: ignore[assignment]
    with house.session() as session:
        snapshot = session.snapshots().snapshots[0].id
    record = drilled(house, snapshot=snapshot)
    assert record.outcome is DrillOutcome.PROVEN
    assert record.restore_seconds >= 0.49, "256 KiB at 512 KiB a second"
