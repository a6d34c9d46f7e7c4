"""Seeded errors in the code that guards deletions: each is a line as somebody might write it on a tired evening."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FunctionType, ModuleType

from reconciler.decide import approve, clocks, guard, retention, rollback

MUTANTS: dict[str, tuple[ModuleType, str, str]] = {
    "a mark rests for an hour": (guard, "scene.now - marked_at >= REST", "scene.now - marked_at >= REST / 24"),
    "a system at its last good version counts as clean": (
        guard,
        'if not scene.desired.clean or system.last_good:\n        return "tree"',
        'if not scene.desired.clean:\n        return "tree"',
    ),
    "an old listing is enough": (
        guard,
        "if state is None or not state.reachable or not state.fresh:",
        "if state is None or not state.reachable:",
    ),
    "a repository may go back in time": (guard, "if state.lost:", "if False:"),
    "a clock that leapt is believed": (guard, "if scene.observed.clock_unsettled is not None:", "if False:"),
    "a clock that jumped is believed": (guard, "if scene.observed.clock_jump is not None:", "if False:"),
    "snapshots from the future are harmless": (guard, "    if ahead:", "    if False:"),
    "a damaged proof is a proof": (guard, "any(s.good and s.marked(MarkKind.VERIFIED)", "any(s.marked(MarkKind.VERIFIED)"),
    "twice the percentage passes": (guard, "count * 100 > percent * total", "count * 50 > percent * total"),
    "the count is no limit": (guard, "return count > most or", "return"),
    "any approval approves everything": (guard, "unapproved = tightened - yes.keys()", "unapproved = set() if yes else tightened"),
    "a retention is accepted while an approval carries it": (guard, "ruling.held or ruling.approvals", "ruling.held"),
    "a retention is accepted although it is held": (guard, "ruling.held or ruling.approvals", "ruling.approvals"),
    "few snapshots are many": (guard, "SMALL = 10", "SMALL = 5"),
    "an approval never expires": (approve, "if approval.expires <= scene.now:", "if False:"),
    "an approval counts a year before its end": (approve, "LIFE_MAX = timedelta(days=14)", "LIFE_MAX = timedelta(days=365)"),
    "an edited approval counts": (approve, "if approval.change != change_digest(", "if not change_digest("),
    "the newest proven one may go": (retention, "s in [s for s in good if s.marked(MarkKind.VERIFIED)][:1]", "s in good[:1]"),
    "a hold keeps nothing": (retention, "if snapshot.held(now):", "if False:"),
    "a clock that went back is believed": (clocks, "last_seen - now > BACK", "False"),
    "a leap is believed at once": (clocks, "now - unsettled < SETTLE", "False"),
    "what leaves is missed": (rollback, "return not head.leaving and", "return"),
    "a repository is back when its writer went on": (rollback, "(vanished | set(missed))", "vanished"),
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """While it is open, the program has this error: in the module, and wherever a function of it was imported to."""
    module, right, wrong = MUTANTS[name]
    source = inspect.getsource(module)
    assert source.count(right) == 1, f"the line of the mutant `{name}` is there {source.count(right)} times"
    before = dict(module.__dict__)
    exec(compile(source.replace(right, wrong), module.__file__ or "", "exec"), module.__dict__)
    _rebind(before, module.__dict__)
    try:
        yield
    finally:
        mutated = dict(module.__dict__)
        module.__dict__.update(before)
        _rebind(mutated, before)


def _rebind(old: dict[str, object], new: dict[str, object]) -> None:
    functions = {id(value): name for name, value in old.items() if isinstance(value, FunctionType)}
    for module in [m for n, m in sys.modules.items() if n.startswith(("reconciler.", "tests.property."))]:
        for name, value in list(vars(module).items()):
            if isinstance(value, FunctionType) and id(value) in functions and new.get(functions[id(value)]) is not value:
                setattr(module, name, new[functions[id(value)]])
