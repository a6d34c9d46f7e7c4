"""Walks through every order in which the actors of the model can take their steps.

What an actor can do depends on the store and on the actor alone, whatever the others are about to do: each step is worked out once. Stores
and actors get a number at their first sight, and a state is a tuple of small numbers, which is compared and kept quickly (a million states
cost a third of the time that they cost as values).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

from msgspec import Struct

from tests.faults.deletion_actors import PROGRAMS
from tests.faults.deletion_model import Actor, Store, World, lost

State = tuple[int, ...]
"""The number of the store, then the number of each actor."""

Value = TypeVar("Value")


class Explored(Struct, frozen=True):
    """How an exploration ended. ``path``: what led to a loss, step by step; empty when none was found."""

    states: int
    whole: bool
    """Every reachable state was seen."""
    loss: str = ""
    path: tuple[str, ...] = ()


def explore(world: World, actors: dict[str, Actor], most: int) -> Explored:
    """Every order of steps, the shortest first; ends at the first loss, or after ``most`` states.

    An actor runs the program that its first letter names: a writer, a clean-up (g), somebody who forgets, somebody who verifies.
    """
    machine = _Machine(world, actors)
    came: dict[State, tuple[State, str] | None] = {machine.first: None}
    queue = deque([machine.first])
    while queue:
        state = queue.popleft()
        for label, after in machine.next(state):
            if after in came:
                continue
            came[after] = (state, label)
            if loss := machine.losses[after[0]]:
                return Explored(len(came), False, loss, tuple(_path(came, after)))
            if len(came) >= most:
                return Explored(len(came), False)
            queue.append(after)
    return Explored(len(came), True)


def steps(world: World, actors: dict[str, Actor]) -> set[str]:
    """Every step that some order takes."""
    machine = _Machine(world, actors)
    waiting = [machine.first]
    seen, taken = set(waiting), set()
    while waiting:
        for label, after in machine.next(waiting.pop()):
            taken.add(label)
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return taken


class _Machine:
    """The world in motion. ``losses``: by the number of a store, what was lost in it, or None."""

    def __init__(self, world: World, actors: dict[str, Actor]) -> None:
        self.world, self.names = world, tuple(actors)
        self.stores, self.losses = _Numbered[Store](), list[str | None]()
        self.actors = _Numbered[Actor]()
        self.worked_out = [dict[tuple[int, int], list[tuple[str, int, int]]]() for _ in actors]
        self.first: State = (self._store(world.store), *map(self.actors.number, actors.values()))

    def next(self, state: State) -> Iterator[tuple[str, State]]:
        """Each step that is possible now, and the state behind it."""
        store = state[0]
        for place, own in enumerate(state[1:], 1):
            known = self.worked_out[place - 1]
            found = known.get((store, own))
            if found is None:
                found = known[store, own] = self._work_out(self.names[place - 1], store, own)
            for label, changed, after in found:
                yield label, (changed, *state[1:place], after, *state[place + 1 :])

    def _work_out(self, name: str, store: int, own: int) -> list[tuple[str, int, int]]:
        taken = PROGRAMS[name[0]](self.world, self.stores.values[store], self.actors.values[own])
        return [(f"{name} {label}", self._store(changed), self.actors.number(after)) for label, changed, after in taken]

    def _store(self, store: Store) -> int:
        number = self.stores.number(store)
        if number == len(self.losses):
            self.losses.append(lost(self.world, store))
        return number


class _Numbered(Generic[Value]):
    """Values, each with the number of its first sight."""

    def __init__(self) -> None:
        self.values: list[Value] = []
        self._numbers: dict[Value, int] = {}

    def number(self, value: Value) -> int:
        number = self._numbers.setdefault(value, len(self.values))
        if number == len(self.values):
            self.values.append(value)
        return number


def _path(came: dict[State, tuple[State, str] | None], state: State) -> list[str]:
    labels = []
    while (step := came[state]) is not None:
        state, label = step
        labels.append(label)
    return labels[::-1]
