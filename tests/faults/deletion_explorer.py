"""Walks through every order in which the actors of the model can take their steps."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from msgspec import Struct

from tests.faults.deletion_actors import PROGRAMS
from tests.faults.deletion_model import Actor, Store, World, lost

State = tuple[Store, tuple[Actor, ...]]


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
    first: State = (world.store, tuple(actors.values()))
    came: dict[State, tuple[State, str] | None] = {first: None}
    queue = deque([first])
    while queue:
        state = queue.popleft()
        for label, after in _next(world, tuple(actors), state):
            if after in came:
                continue
            came[after] = (state, label)
            loss = lost(world, after[0]) if after[0] is not state[0] else None
            if loss is not None:
                return Explored(len(came), False, loss, tuple(_path(came, after)))
            if len(came) >= most:
                return Explored(len(came), False)
            queue.append(after)
    return Explored(len(came), True)


def steps(world: World, actors: dict[str, Actor]) -> set[str]:
    """Every step that some order takes."""
    waiting: list[State] = [(world.store, tuple(actors.values()))]
    seen, taken = set(waiting), set()
    while waiting:
        for label, after in _next(world, tuple(actors), waiting.pop()):
            taken.add(label)
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return taken


def _next(world: World, names: tuple[str, ...], state: State) -> Iterator[tuple[str, State]]:
    store, actors = state
    for number, name in enumerate(names):
        for label, changed, own in PROGRAMS[name[0]](world, store, actors[number]):
            yield f"{name} {label}", (changed, (*actors[:number], own, *actors[number + 1 :]))


def _path(came: dict[State, tuple[State, str] | None], state: State) -> list[str]:
    labels = []
    while (step := came[state]) is not None:
        state, label = step
        labels.append(label)
    return labels[::-1]
