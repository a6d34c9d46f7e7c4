"""Who acts in the model: a writer, a clean-up, somebody who forgets and somebody who verifies.

An actor is a tuple that begins with its place in the program; a program yields the steps that are possible now.
"""

from __future__ import annotations

from collections.abc import Iterator

from tests.faults.deletion_cleaner import collect
from tests.faults.deletion_model import Actor, Step, Store, World
from tests.faults.deletion_writer import write


def forget(world: World, store: Store, actor: Actor) -> Iterator[Step]:
    """A person lets one snapshot go."""
    _, name = actor
    root = next((found for found in store.snapshots if found[0] == name), None)
    if root is not None:
        changed = store._replace(snapshots=store.snapshots - {root}, acknowledged=store.acknowledged - {name})
        yield f"forgets {name}", changed, ("end", name)


def verify(world: World, store: Store, actor: Actor) -> Iterator[Step]:
    """A reader finds a rotten pack and marks it."""
    for pack in sorted(world.rotten & store.packs - store.marks):
        yield f"marks {pack}", store._replace(marks=store.marks | {pack}), ("verify", "v")


PROGRAMS = {"w": write, "g": collect, "f": forget, "v": verify}
"""By the first letter of the name of an actor."""
