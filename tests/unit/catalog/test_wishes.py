"""What people want of the loop, as the catalog keeps it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from reconciler.base.clock import SystemClock
from reconciler.catalog.catalog import Catalog
from reconciler.catalog.records import RunOutcome
from reconciler.model.snapshot import BackupKind
from reconciler.model.wishes import Pause, Wish

MINUTE = timedelta(minutes=1)


def wish(at: datetime, kind: BackupKind = BackupKind.INCREMENTAL, system: str = "orders") -> Wish:
    return Wish(system, kind, at, "maria")


def run(catalog: Catalog, at: datetime, kind: BackupKind, outcome: RunOutcome, system: str = "orders") -> None:
    begun = catalog.begin_run(
        kind="backup", system=system, repository="main", lane="objective", backup_kind=kind.value, generation="g", reason="x", at=at
    )
    catalog.end_run(begun, outcome=outcome, at=at + MINUTE)


def test_a_wish_stands_until_a_backup_that_began_later_has_ended(catalog: Catalog, noon: datetime) -> None:
    catalog.put_wish(wish(noon))
    catalog.put_wish(wish(noon, system="ledger"))
    run(catalog, noon - MINUTE, BackupKind.FULL, RunOutcome.SUCCEEDED)
    assert len(catalog.wishes()) == 2, "it had begun before anybody asked"
    run(catalog, noon + MINUTE, BackupKind.INCREMENTAL, RunOutcome.UNCHANGED)
    assert catalog.wishes() == (wish(noon, system="ledger"),)


@pytest.mark.parametrize("outcome", [RunOutcome.CANCELLED, RunOutcome.INTERRUPTED])
def test_a_backup_that_did_not_end_by_itself_fulfils_nothing(catalog: Catalog, noon: datetime, outcome: RunOutcome) -> None:
    catalog.put_wish(wish(noon))
    run(catalog, noon + MINUTE, BackupKind.FULL, outcome)
    assert catalog.wishes() == (wish(noon),)


def test_a_failed_backup_ends_the_wish_so_that_the_back_off_rules_again(catalog: Catalog, noon: datetime) -> None:
    catalog.put_wish(wish(noon))
    run(catalog, noon + MINUTE, BackupKind.INCREMENTAL, RunOutcome.FAILED)
    assert catalog.wishes() == ()


def test_a_lighter_backup_does_not_fulfil_the_wish_for_a_heavier_one(catalog: Catalog, noon: datetime) -> None:
    for kind in BackupKind:
        catalog.put_wish(wish(noon, kind))
    run(catalog, noon + MINUTE, BackupKind.DIFFERENTIAL, RunOutcome.SUCCEEDED)
    assert [w.kind for w in catalog.wishes()] == [BackupKind.FULL]


def test_the_same_wish_again_is_one_wish(catalog: Catalog, noon: datetime) -> None:
    catalog.put_wish(wish(noon))
    catalog.put_wish(wish(noon + MINUTE))
    assert catalog.wishes() == (wish(noon + MINUTE),)
    catalog.drop_wishes(noon + 2 * MINUTE)
    assert catalog.wishes() == ()


def test_wishes_and_the_pause_survive_the_process(path: Path, noon: datetime) -> None:
    pause = Pause(noon + MINUTE, "moving the disks", "maria", noon)
    with Catalog.open(path, clock=SystemClock()) as catalog:
        assert catalog.pause() is None
        catalog.put_pause(pause)
        catalog.put_wish(wish(noon))
    with Catalog.peek(path) as view:
        assert (view.pause(), view.wishes()) == (pause, (wish(noon),))
    with Catalog.open(path, clock=SystemClock()) as catalog:
        catalog.put_pause(None)
        assert catalog.pause() is None
