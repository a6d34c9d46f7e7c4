"""The graph that the steps of a recovery plan make: which apply to a disaster, what each waits for, where it bites its own tail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from msgspec import Struct

from reconciler.model.declared.recovery import Step


class Node(Struct, frozen=True):
    """A step that applies, and the applying steps that it waits for."""

    step: Step
    after: tuple[str, ...]

    @property
    def name(self) -> str:
        return self.step.name


def applying(steps: Sequence[Step], scenario: str) -> tuple[Node, ...]:
    """In the order of the plan. Through a step that does not apply, what waits for it waits for what that one waits for.

    The graph has no circle and names no unknown step: the checks of the specs see to it.
    """
    by_name = {step.name: step for step in steps}
    chosen = {step.name for step in steps if not step.applies_to or scenario in step.applies_to}
    found: dict[str, tuple[str, ...]] = {}

    def waits_for(name: str) -> tuple[str, ...]:
        if name not in found:
            passed = (each if each in chosen else None for each in by_name[name].depends_on)
            straight = [each for each in passed if each is not None]
            through = [far for each in by_name[name].depends_on if each not in chosen for far in waits_for(each)]
            found[name] = tuple(dict.fromkeys((*straight, *through)))
        return found[name]

    for step in in_order(steps):  # so that no chain, however long, is walked by recursion
        waits_for(step.name)
    return tuple(Node(step, found[step.name]) for step in steps if step.name in chosen)


def in_order(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Each after what it waits for; those of a circle, and what waits for them, are left out."""
    waiting = {step.name: set(step.depends_on) for step in steps}
    ordered: list[Step] = []
    while True:
        ready = [step for step in steps if step.name in waiting and not waiting[step.name]]
        if not ready:
            return tuple(ordered)
        for step in ready:
            del waiting[step.name]
        done = {step.name for step in ready}
        for others in waiting.values():
            others -= done
        ordered += ready


def before(steps: Iterable[Step], name: str) -> set[str]:
    """Names of all steps that the named one waits for, directly or not."""
    by_name = {step.name: step for step in steps}
    found: set[str] = set()
    waiting = [name]
    while waiting:
        step = by_name.get(waiting.pop())
        fresh = [each for each in step.depends_on if each not in found] if step is not None else []
        found.update(fresh)
        waiting += fresh
    return found


def circle(steps: Sequence[Step]) -> tuple[str, ...]:
    """The names of one shortest circle, beginning at its first step in the plan; empty when there is none."""
    by_name = {step.name: step for step in steps}
    stuck = set(by_name) - {step.name for step in in_order(steps)}
    start = next((step.name for step in steps if step.name in stuck and step.name in before(steps, step.name)), None)
    if start is None:
        return ()
    came_from: dict[str, str] = {}
    waiting = [start]
    for name in waiting:  # grows while it is walked: breadth first
        for each in by_name[name].depends_on:
            if each == start:
                path = [name]
                while path[-1] != start:
                    path.append(came_from[path[-1]])
                return tuple(reversed(path))
            if each in by_name and each not in came_from:
                came_from[each] = name
                waiting.append(each)
    raise AssertionError("a step that waits for itself is on a circle")
