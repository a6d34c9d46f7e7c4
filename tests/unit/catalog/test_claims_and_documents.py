"""Who works on what, and what the loop has accepted."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from reconciler.base.clock import SystemClock
from reconciler.catalog.catalog import Catalog
from reconciler.catalog.process import Process, alive, me
from reconciler.catalog.records import Claim, Document, Holder
from reconciler.model.declared.policy import Retention

HERE = ("orders", "main", "objective")


def test_the_second_to_claim_learns_who_was_first(catalog: Catalog, noon: datetime) -> None:
    first = catalog.claim(*HERE, what="backup of orders", at=noon)
    assert isinstance(first, Claim)
    second = catalog.claim(*HERE, what="verify of orders", at=noon)
    assert second == Holder(os.getpid(), noon, "backup of orders")
    assert catalog.busy() == {HERE}


def test_lanes_do_not_block_each_other(catalog: Catalog, noon: datetime) -> None:
    for lane in ("objective", "upkeep"):
        assert isinstance(catalog.claim("orders", "main", lane, what="x", at=noon), Claim)


def test_a_released_claim_is_free_again(catalog: Catalog, noon: datetime) -> None:
    first = catalog.claim(*HERE, what="x", at=noon)
    assert isinstance(first, Claim)
    catalog.release(first)
    second = catalog.claim(*HERE, what="y", at=noon)
    assert isinstance(second, Claim)
    catalog.release(first)  # a late release by the first must not take it from the second
    assert catalog.busy() == {HERE}


def test_a_process_is_known_by_its_number_and_its_start() -> None:
    assert alive(me())
    assert not alive(Process(os.getpid(), "another start"))
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        process = Process(child.pid, "unknown")
        assert not alive(process)
    assert not alive(Process(child.pid, ""))


def test_a_child_that_nobody_waited_for_counts_as_gone() -> None:
    if not hasattr(os, "fork"):
        pytest.skip("no fork here")
    read, write = os.pipe()
    child = subprocess.Popen([sys.executable, "-c", "from reconciler.catalog.process import me; print(me().start)"], stdout=write)
    os.close(write)
    with os.fdopen(read) as answer:
        start = answer.read().strip()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
    assert not alive(Process(child.pid, start))
    child.wait()


def test_the_lease_counts_up_and_names_its_holder(catalog: Catalog, noon: datetime) -> None:
    assert catalog.lease_holder() is None
    first = catalog.take_lease(noon)
    holder = catalog.lease_holder()
    assert holder is not None
    assert holder.pid == os.getpid()
    catalog.give_back_lease(first)
    assert catalog.lease_holder() is None
    assert catalog.take_lease(noon) > first


def test_last_good_documents_stay_until_removal_is_certain(catalog: Catalog) -> None:
    orders = Document("System", "orders", "systems/orders.yaml", 3, '{"tier": "critical"}')
    mail = Document("System", "mail", "systems/mail.yaml", 1, "{}")
    catalog.put_last_good([orders, mail], [])
    changed = orders._replace(line=9)
    catalog.put_last_good([changed], [("System", "mail")])
    assert catalog.last_good() == {("System", "orders"): changed}


def test_accepted_retention_comes_back_equal(catalog: Catalog) -> None:
    retention = Retention(keep_within=timedelta(days=2), daily=14, minimum=3)
    catalog.put_accepted_retention("orders", Retention(daily=1))
    catalog.put_accepted_retention("orders", retention)
    catalog.put_accepted_retention("mail", Retention())
    assert catalog.accepted_retention() == {"orders": retention, "mail": Retention()}


def test_a_value_is_replaced(catalog: Catalog) -> None:
    assert catalog.get_value("writer") is None
    catalog.put_value("writer", "a")
    catalog.put_value("writer", "b")
    assert catalog.get_value("writer") == "b"


def test_the_last_good_documents_are_read_again_only_when_another_process_has_put_others(path: Path) -> None:
    """A loop asks for all of them in each pass."""
    orders = Document("System", "orders", "orders.yaml", 1, "{}")
    mail = Document("System", "mail", "mail.yaml", 1, "{}")
    with Catalog.open(path, clock=SystemClock()) as mine, Catalog.open(path, clock=SystemClock()) as other:
        mine.put_last_good([orders], [])
        known = mine.last_good()
        assert mine.last_good() is known
        other.put_last_good([mail], [("System", "orders")])
        assert mine.last_good() == {("System", "mail"): mail}
        assert known == {("System", "orders"): orders}
