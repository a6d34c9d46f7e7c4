"""Recovery plans: scenarios, steps and systems that must exist, circles, and an order that keeps to what systems depend on."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

from reconciler.model.declared.envelope import System
from reconciler.model.declared.rare import RecoveryPlan
from reconciler.model.declared.recovery import Step
from reconciler.model.disaster import DisasterType
from reconciler.model.problem import Problem, Severity
from reconciler.model.steps import before, circle, in_order
from reconciler.spec.declare import Declared, Key
from reconciler.spec.objects import Objects

_TYPES = frozenset(disaster.value for disaster in DisasterType)


def check(objects: Objects, broken: AbstractSet[Key]) -> Iterator[Problem]:
    """Problems of each plan; ``broken`` objects count as known."""
    systems = {name for kind, name in (*objects.all, *broken) if kind == "System"}
    scenarios = _TYPES | {name for kind, name in (*objects.all, *broken) if kind == "DisasterScenario"}
    for declared in objects.by_kind.get("RecoveryPlan", ()):
        assert isinstance(declared.document, RecoveryPlan)
        spec = declared.document.spec
        for index, name in enumerate(spec.scenarios):
            if name not in scenarios:
                where = ("spec", "scenarios", index)
                yield _unknown(declared, "unknown-scenario", where, f"there is no scenario `{name}`", name, scenarios)
        yield from _steps(declared, spec.steps, spec.scenarios)
        yield from _systems(declared, spec.steps, systems)
        yield from _dependencies(objects, declared, spec.steps)


def _steps(declared: Declared, steps: tuple[Step, ...], scenarios: tuple[str, ...]) -> Iterator[Problem]:
    names: dict[str, int] = {}
    for index, step in enumerate(steps):
        where = ("spec", "steps", index)
        if names.setdefault(step.name, index) != index:
            yield declared.problem("duplicate-step", (*where, "name"), f"another step of the plan is named `{step.name}`")
    for index, step in enumerate(steps):
        where = ("spec", "steps", index)
        for place, name in enumerate(step.depends_on):
            if name not in names:
                others = names.keys() - {step.name}
                yield _unknown(declared, "unknown-step", (*where, "dependsOn", place), f"the plan has no step `{name}`", name, others)
        for place, name in enumerate(step.applies_to):
            if name not in scenarios:
                message = f"the plan does not name the scenario `{name}`"
                yield _unknown(declared, "unknown-scenario", (*where, "appliesTo", place), message, name, set(scenarios))
    if all(name in names for step in steps for name in step.depends_on) and len(names) == len(steps):
        yield from _circles(declared, steps)


def _circles(declared: Declared, steps: tuple[Step, ...]) -> Iterator[Problem]:
    """One circle, and every step outside of it that would wait for it for ever."""
    members = circle(steps)
    if not members:
        return
    places = {step.name: index for index, step in enumerate(steps)}
    shown = " → ".join((*members, members[0]))
    hint = "Which of them can be done first?"
    where = ("spec", "steps", places[members[0]], "dependsOn")
    yield declared.problem("step-cycle", where, f"steps wait for each other: {shown}", hint=hint)
    runs = {step.name for step in in_order(steps)}
    for step in steps:
        if step.name not in runs and step.name not in before(steps, step.name):
            message = f"step `{step.name}` is never reached: it waits for a circle of steps"
            yield declared.problem("step-unreachable", ("spec", "steps", places[step.name]), message)


def _systems(declared: Declared, steps: tuple[Step, ...], systems: AbstractSet[str]) -> Iterator[Problem]:
    restores = {step.name: step.restore.system for step in steps if step.restore is not None}
    for index, step in enumerate(steps):
        named = step.restore or step.assert_
        if named is None:
            continue
        kind = "restore" if step.restore is not None else "assert"
        where = ("spec", "steps", index, kind, "system")
        if named.system not in systems:
            yield _unknown(declared, "unknown-system", where, f"there is no System `{named.system}`", named.system, systems)
        elif kind == "assert" and named.system not in {restores.get(name) for name in before(steps, step.name)}:
            message = f"no step that `{step.name}` waits for restores `{named.system}`, so there is nothing to ask"
            yield declared.problem("assert-of-nothing", where, message, hint="Let it depend on the step that restores the system.")


def _dependencies(objects: Objects, declared: Declared, steps: tuple[Step, ...]) -> Iterator[Problem]:
    """Only warnings: a dependency may stand untouched in this disaster. What lives on another host has a plan of its own."""
    restores = {step.restore.system: step.name for step in steps if step.restore is not None}
    hosts: dict[str, str] = {}
    for index, step in enumerate(steps):
        system = _declared(objects, step.restore.system) if step.restore is not None else None
        if system is None:
            continue
        there = before(steps, step.name)
        for name in system.spec.depends_on:
            other = _declared(objects, name)
            elsewhere = other is not None and None not in {other.spec.host, system.spec.host} and other.spec.host != system.spec.host
            if restores.get(name) not in there and not elsewhere:
                what = "not before it" if name in restores else "not at all"
                message = f"system `{system.metadata.name}` depends on `{name}`, which the plan restores {what}"
                hint = "Does it stand untouched in this disaster? Else let the step depend on its recovery."
                yield declared.problem("plan-dependency", ("spec", "steps", index), message, hint=hint, severity=Severity.WARNING)
        if step.restore is not None and step.restore.to is None and system.spec.host is not None:
            hosts.setdefault(system.spec.host, system.metadata.name)
            if len(hosts) == 2 and hosts.get(system.spec.host) == system.metadata.name:
                message = f"restores to where files came from on {' and '.join(hosts)}, and is carried out on one host"
                hint = "Make a plan for each host, or restore with `to` into a folder."
                yield declared.problem("plan-hosts", ("spec", "steps", index), message, hint=hint, severity=Severity.WARNING)


def _declared(objects: Objects, name: str) -> System | None:
    held = objects.all.get(("System", name))
    return held.document if held is not None and isinstance(held.document, System) else None


def _unknown(declared: Declared, code: str, where: tuple[str | int, ...], message: str, name: str, known: AbstractSet[str]) -> Problem:
    from reconciler.spec.explain import suggest

    hint = suggest(name, sorted(known)) or (f"Known: {', '.join(sorted(known)[:10])}." if known else "")
    return declared.problem(code, where, message, hint=hint)
