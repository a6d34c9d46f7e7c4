"""Looking at a whole declared repository, and putting it right again: plan first, apply what was agreed to, delete nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.act.context import Amount
from reconciler.app.house import House
from reconciler.app.names import repository_named
from reconciler.app.scene import load
from reconciler.base.errors import ReconcilerError
from reconciler.catalog import heads
from reconciler.model.desired import Desired

if TYPE_CHECKING:
    from reconciler.repository import Checked, Donor, Repaired, RepairPlan

Reporter = Callable[[Amount], None]


class CheckReport(Struct, frozen=True):
    """How a repository is."""

    repository: str
    checked: Checked


class RepairReport(Struct, frozen=True):
    """What a repair would do, or what it did."""

    repository: str
    plan: RepairPlan
    repaired: Repaired | None = None
    """None: it was only planned."""
    asked: tuple[str, ...] = ()
    """Repositories that were asked for what is lost here."""
    silent: tuple[str, ...] = ()
    """Those that could not be asked, with the reason."""


def check(house: House, name: str, *, deep: bool, stop: threading.Event | None = None, progress: Reporter | None = None) -> CheckReport:
    """Look at every object of a repository; ``deep``: at every byte. Changes nothing."""
    with house.open_repository(repository_named(_desired(house), name), headerless=True) as repository:
        return CheckReport(name, repository.check(deep=deep, stop=stop, progress=_bytes(progress)))


def plan_repair(
    house: House, name: str, *, deep: bool, stop: threading.Event | None = None, progress: Reporter | None = None
) -> RepairReport:
    """What a repair would do now, and its digest. Changes nothing."""
    with house.open_repository(repository_named(_desired(house), name), headerless=True) as repository:
        return RepairReport(name, repository.plan_repair(deep=deep, stop=stop, progress=_bytes(progress)))


def repair(
    house: House, name: str, digest: str, *, deep: bool, stop: threading.Event | None = None, progress: Reporter | None = None
) -> RepairReport:
    """Carry out the plan with this digest. Every other declared repository is asked for what is lost in this one."""
    desired = _desired(house)
    declared = repository_named(desired, name)
    audit = house.memory.audit()
    with house.open_repository(declared, headerless=True) as repository, _donors(house, desired, name) as (donors, silent):
        audit.append("intent", "repair", name, digest=digest, actor="cli")
        try:
            done = repository.repair(digest, deep=deep, donors=list(donors.values()), stop=stop, progress=_bytes(progress))
        except ReconcilerError as error:
            audit.append("complete", "repair", name, digest=digest, outcome="failed", code=error.code)
            raise
        heads.write(house.memory.writing(), name, heads.Heads())  # a root that was set aside is gone on purpose
        audit.append("complete", "repair", name, digest=digest, outcome="succeeded", set_aside=list(done.set_aside), healed=done.healed)
    return RepairReport(name, done.plan, done, tuple(donors), silent)


@contextmanager
def _donors(house: House, desired: Desired, name: str) -> Iterator[tuple[dict[str, Donor], tuple[str, ...]]]:
    """The other repositories that can be opened, by name, and why the rest cannot."""
    found: dict[str, Donor] = {}
    silent = []
    with ExitStack() as opened:
        for other in desired.repositories:
            if other.name == name:
                continue
            try:
                found[other.name] = opened.enter_context(house.open_repository(other)).donor()
            except ReconcilerError as error:
                silent.append(f"{other.name}: {error.message}")
        yield found, tuple(silent)


def _bytes(progress: Reporter | None) -> Callable[[int], None] | None:
    return None if progress is None else lambda content: progress(Amount(0, content))


def _desired(house: House) -> Desired:
    with house.memory.reading() as catalog:
        return load(house, catalog).desired
