"""Decisions made wrong on purpose, one at a time: each has to be caught, or the oracle looks away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest.mock import patch

from msgspec import Struct
from msgspec.structs import replace

from reconciler.decide import backoff, due, guard, plan, proofs, replicate, retention
from reconciler.model.snapshot import Snapshot
from reconciler.simulate import loop as simulated_loop


class Mutant(Struct, frozen=True):
    """One wrong decision: what is put in place of what."""

    name: str
    module: Any
    attribute: str
    wrong: Callable[[Any], Any]
    """Given the right one."""

    @contextmanager
    def at_work(self) -> Iterator[None]:
        with (
            patch.object(self.module, self.attribute, self.wrong(getattr(self.module, self.attribute))),
            patch.object(retention, "_let_go", _judged),
        ):
            yield


def _judged(group: Any, rules: Any) -> frozenset[str]:
    """Not the quick way, which a property holds to the one that gives reasons: only what both say goes, so one wrong way harms nobody."""
    return frozenset(verdict.snapshot.id for verdict in retention.judge(group, rules, group.newest_at) if not verdict.keep)


def _late(right: Callable[..., Any]) -> Callable[..., Any]:
    def by_promise(case: Any, kind: Any) -> Any:
        found = right(case, kind)
        return replace(found, due_at=found.due_at + case.system.objectives.rpo / 3) if found is not None else None

    return by_promise


def _first_rule_only(right: Callable[..., Any]) -> Callable[..., Any]:
    return lambda ordered, good, rules: list(right(ordered, good, rules))[:1]


def _always(value: Any) -> Callable[[Any], Any]:
    return lambda _right: lambda *_arguments, **_named: value


MUTANTS = (
    Mutant("a backup is due a third of the RPO too late", due, "_by_promise", _late),
    Mutant("back-off grows without bound", backoff, "wait", lambda _right: lambda failures, _rpo: timedelta(hours=9) * min(failures, 20)),
    Mutant("a partial snapshot counts as good", Snapshot, "good", lambda _right: property(lambda _self: True)),
    Mutant("no rule of retention but the first keeps anything", retention, "_by_rules", _first_rule_only),
    Mutant("neither the newest good nor the newest verified is safe", retention, "_by_safety", _always(())),
    Mutant("a mark needs no rest", guard, "REST", lambda _right: timedelta(0)),
    Mutant("a broken tree is no doubt", guard, "_doubt", _always(None)),
    Mutant("tightening is never held", guard, "_tightened", _always(set())),
    Mutant("whatever was judged once counts as accepted", simulated_loop, "settled_retention", lambda _right: _everything_accepted),
    Mutant("a wrong clock is believed", due, "from_future", _always(False)),
    Mutant("nothing is ever let go", plan, "plan_retention", _always(((), ()))),
    Mutant("what was marked is never removed", guard, "_rested", _always([])),
    Mutant("a proof never grows old", proofs, "_is_due", lambda _right: lambda last, _period, _now: last is None),
    Mutant("copies are never missing", replicate, "missing", _always(())),
    Mutant("clean-up is never due", plan, "plan_maintenance", _always(())),
)


def _everything_accepted(desired: Any, _observed: Any, _now: Any) -> Any:
    return {system.name: system.retention for system in desired.systems}
