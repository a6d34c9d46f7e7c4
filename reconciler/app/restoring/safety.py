"""The safety snapshot: exactly what a restore in place is about to touch, as it stands, put into the repository before anything changes.

It holds every entry that will be replaced or removed, and the folders that these are in with their own times: enough to bring all of it
back. It is held until the rollback window ends, and no rule of backups ever counts it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping

from msgspec import Struct, field

from reconciler.app.errors import SafetyIncomplete
from reconciler.app.restoring.steps import Do, Steps
from reconciler.base.clock import Clock
from reconciler.model.snapshot import BackupKind, Grade, MarkKind
from reconciler.repository import Repository, Root, TakeRequest
from reconciler.tree.entry import Defect, Listing, Row, walk_key
from reconciler.tree.standing import Standing


class Touched(Struct):
    """The listings of what steps touch, below "/", in the order of a scan."""

    steps: Steps
    _names: dict[bytes, set[bytes]] = field(default_factory=dict)
    defects: tuple[Defect, ...] = ()

    def __post_init__(self) -> None:
        for path, step in (*self.steps.removals.items(), *self.steps.writes.items()):
            nothing = step.do is Do.CREATE and path not in self.steps.removals  # but its folder will change
            self._add(path.rpartition(b"/")[0] if nothing else path)
        for path in self.steps.names:
            self._add(path)

    def _add(self, path: bytes) -> None:
        """It, and every folder on the way to it."""
        while path:
            folder, _, name = path.rpartition(b"/")
            names = self._names.setdefault(folder, set())
            if name in names:
                return
            names.add(name)
            path = folder

    def __iter__(self) -> Iterator[Listing]:
        with Standing("/") as standing:
            for folder in sorted(self._names, key=walk_key):
                there = standing.listing(folder)
                handle = standing.folder(folder)
                if there is None or handle is None:
                    continue
                rows: list[Row] = sorted(there[name].row for name in self._names[folder] if name in there)
                if rows or not folder:
                    yield Listing(folder, os.fstat(handle).st_dev, rows, handle, b"/" + folder)


class SafetyFrame(Struct, frozen=True):
    """Who takes it, and for which restore."""

    restore: str
    host: str
    writer: str
    user: str
    realm: str
    system: str


def take_safety(
    repository: Repository, chosen: Root, steps: Steps, frame: SafetyFrame, clock: Clock, stop: threading.Event
) -> tuple[Root, Mapping[bytes, str]]:
    """The snapshot, held; and by path, why an entry could not be read and so must not be touched.

    Everything is read, whatever looks unchanged: this snapshot has to be right when the one before it was not.
    """
    request = TakeRequest(
        realm=frame.realm,
        system=frame.system,
        host=frame.host,
        kind=BackupKind.FULL.value,
        as_of=clock.now(),
        generation=chosen.generation,
        specs=bytes(chosen.specs),
        writer=frame.writer,
        paths=(),
        user=frame.user,
    )
    taken = repository.take(Touched(steps), request, base=None, judge=lambda _defects: Grade.SAFETY.value, stop=stop)
    if taken.root is None:
        raise SafetyIncomplete(f"no safety snapshot for restore {frame.restore} could be taken")
    repository.mark(taken.root.id, MarkKind.HELD.value, clock.now(), f"rollback of restore {frame.restore}")
    return taken.root, {defect.path: defect.message for defect in taken.defects}
