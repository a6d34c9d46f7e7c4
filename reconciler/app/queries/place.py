"""Where snapshots are looked for: what the specs declare, or one repository named by its URL and key. Both answer the same questions."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, Self

from reconciler.app.choice import Chosen, Wanted, chosen, chosen_bare, failures, nearest, of_system
from reconciler.app.errors import NotFound
from reconciler.app.house import House
from reconciler.app.scene import look_at_snapshots
from reconciler.base.clock import Clock
from reconciler.model.snapshot import Snapshot
from reconciler.repository import Browser, Repository

if TYPE_CHECKING:
    from reconciler.app.bare import BareRepository


class Place(Protocol):
    """Snapshots as they were listed at ``now``."""

    now: datetime
    options: tuple[str, ...]
    """The words that lead a command to the same place."""
    notes: tuple[str, ...]
    """What could not be seen."""

    def choose(self, wanted: Wanted) -> Chosen:
        """Raises what :func:`~reconciler.app.choice.chosen` raises."""
        ...

    def snapshots(self) -> Iterable[Snapshot]:
        """Every copy of every snapshot."""
        ...

    def of(self, system: str) -> Sequence[Snapshot]:
        """Those of a system, in any order, one copy of each. NotFound when there is no such system."""
        ...

    def browser(self, snapshot: Snapshot) -> Browser:
        """For looking into the repository that holds this copy; the same one for all of its snapshots, for each loads the index."""
        ...


class _Opened:
    """Repositories that are closed together, each with its browser."""

    def __init__(self) -> None:
        self._browsers: dict[str, Browser] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _keep(self, name: str, repository: Repository) -> Repository:
        self._browsers[name] = self._stack.enter_context(repository).browse()
        return repository


class DeclaredPlace(_Opened):
    """The repositories of a spec tree."""

    options: tuple[str, ...] = ()

    def __init__(self, house: House) -> None:
        super().__init__()
        self._house = house
        self._scene = look_at_snapshots(house)
        self.now = self._scene.now
        unseen = failures(self._scene.observed.repositories)
        self.notes = tuple(f"repository {name}: {failure}" for name, failure in sorted(unseen.items()))

    def choose(self, wanted: Wanted) -> Chosen:
        return chosen(self._scene, wanted)

    def snapshots(self) -> Iterable[Snapshot]:
        return (s for state in self._scene.observed.repositories.values() for s in state.snapshots)

    def of(self, system: str) -> Sequence[Snapshot]:
        copies: dict[str, list[Snapshot]] = {}
        for snapshot in of_system(self._scene, system):
            copies.setdefault(snapshot.id, []).append(snapshot)
        return [nearest(self._scene, each, None) if len(each) > 1 else each[0] for each in copies.values()]

    def browser(self, snapshot: Snapshot) -> Browser:
        if snapshot.repository not in self._browsers:
            declared = self._scene.desired.repository(snapshot.repository)
            assert declared is not None, "snapshots come from declared repositories"
            self._keep(snapshot.repository, self._house.open_repository(declared))
        return self._browsers[snapshot.repository]


class BarePlace(_Opened):
    """One repository without specs."""

    notes: tuple[str, ...] = ()

    def __init__(self, where: BareRepository, clock: Clock) -> None:
        from reconciler.app.bare import listed

        super().__init__()
        self.now = clock.now()
        self._where = where
        self._snapshots = listed(where, self._keep(where.url, where.open()), clock)
        kind = () if where.kind == "raw" else ("--key-kind", where.kind)
        self.options = ("--repository", where.url, "--key", os.fspath(where.key_file), *kind)

    def choose(self, wanted: Wanted) -> Chosen:
        return chosen_bare(self._snapshots, self._where.url, wanted)

    def snapshots(self) -> Iterable[Snapshot]:
        return self._snapshots

    def of(self, system: str) -> Sequence[Snapshot]:
        found = [s for s in self._snapshots if s.system == system and not s.safety]
        if not found:
            systems = ", ".join(sorted({s.system for s in self._snapshots}))
            raise NotFound(f"no snapshot of system '{system}' is in {self._where.url}", systems=systems)
        return found

    def browser(self, snapshot: Snapshot) -> Browser:
        return self._browsers[self._where.url]
