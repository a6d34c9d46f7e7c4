"""Carries a weighed plan out: exactly its steps, each only while what it was decided on still stands there.

Order: what is in the way goes; everything is written (files whole under a temporary name, synced, then renamed; folders last); what is
only extra goes, and the folders that it was in get their times again. A step whose facts have changed is left out and named: somebody
else is at work there, and no safety snapshot holds what they made.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct, field

from reconciler.app.restoring.steps import Do, Policy, Step, Steps, is_folder
from reconciler.base.errors import Cancelled
from reconciler.repository import Chosen, Entry, Repository, Restoring
from reconciler.tree.standing import Standing
from reconciler.tree.write import Loss, Target

Listener = Callable[[Sequence[bytes]], None]
"""Told the paths of steps that are done, in batches."""
_CHANGED = "it was changed after the plan was made; it is left as it is now"


class Applied(Struct):
    """What became of the steps."""

    files: int = 0
    size: int = 0
    """Bytes of these files."""
    folders: int = 0
    others: int = 0
    deleted: int = 0
    seconds: float = 0.0
    losses: list[Loss] = field(default_factory=list)
    failures: list[tuple[bytes, str]] = field(default_factory=list)
    damaged: int = 0
    """Of the failures: those that are damage in the repository."""

    def add_failures(self, failures: Iterable[tuple[bytes, str]], *, damage: bool) -> None:
        """Each once: what a snapshot cannot give is met by everyone who reads it."""
        known = set(self.failures)
        new = [failure for failure in failures if failure not in known]
        self.failures += new
        self.damaged += len(new) if damage else 0


class Applying(Struct):
    """One run over the steps; used once. ``checks``: what stands there is looked at again before each step, as it has to be in place."""

    repository: Repository
    snapshot: str
    target: Target
    standing: Standing
    steps: Steps
    choice: Chosen
    checks: bool
    stop: threading.Event
    progress: Callable[[Restoring], None] | None = None
    done: Listener | None = None
    prefix: bytes = b""
    """Every chosen entry is known to lie below it."""
    _applied: Applied = field(default_factory=Applied)
    _touched: set[bytes] = field(default_factory=set)
    _deleted_from: set[bytes] = field(default_factory=set)

    def run(self) -> Applied:
        """Raises TargetFull, TargetUnusable, Cancelled, or a RepositoryError that concerns everything."""
        for path in (*self.steps.writes, *self.steps.removals):
            self._touched.add(path.rpartition(b"/")[0])
        self._touched |= self.steps.emptied
        self._remove(Do.CLEAR)
        self._write(self._chosen)
        self._remove(Do.DELETE)
        if self._deleted_from:
            self._write(lambda entry: entry.path in self._deleted_from and entry in self.choice, counted=False)
        self._applied.add_failures(self.steps.refused, damage=True)
        return self._applied

    def _write(self, chosen: Callable[[Entry], bool], *, counted: bool = True) -> None:
        engine = self.repository.restoring(
            self.snapshot, self.target, stop=self.stop, progress=self.progress if counted else None, finished=self._tell
        )
        restored = engine.run(_Asked(chosen), self.prefix)
        applied = self._applied
        applied.losses += restored.losses
        applied.seconds += restored.seconds
        if counted:
            applied.failures += [(bytes(path), why) for path, why in restored.failures]
            applied.damaged += restored.damaged
        else:  # the times of some folders once more
            applied.add_failures(((bytes(path), why) for path, why in restored.failures), damage=restored.damaged > 0)
        if counted:
            applied.files, applied.size = restored.files, restored.bytes
            applied.folders, applied.others = restored.folders, restored.others

    def _chosen(self, entry: Entry) -> bool:
        if not self.choice.everything and entry not in self.choice:
            return False
        step = self.steps.writes.get(entry.path)
        if is_folder(entry.row) and step is None and entry.path in self._touched and self.steps.policy is not Policy.KEEP:
            return True  # it was as it should be; what is written into it moves its time
        if step is None and not self.steps.is_created(entry.folder):
            return False
        if self.checks and not self._still(entry.path, step, folder=is_folder(entry.row)):
            self._applied.failures.append((entry.path, _CHANGED))
            return False
        return True

    def _still(self, path: bytes, step: Step | None, *, folder: bool) -> bool:
        """Whether what is there is what the step was decided on. Folders change with what is in them."""
        seen = self.standing.at(path)
        now = seen.row if seen is not None else None
        if step is None or step.do is Do.CREATE:
            return now is None or (folder and is_folder(now))
        return step.still(now) or (folder and now is not None and is_folder(now))

    def _remove(self, do: Do) -> None:
        done: list[bytes] = []
        for path, step in self.steps.removed(do):
            if self.stop.is_set():
                raise Cancelled("the restore was stopped; what is there is whole")
            why = self._remove_one(path, step)
            if why is not None:
                self._applied.failures.append((path, why))
                continue
            self._applied.deleted += 1
            done.append(path)
            if do is Do.DELETE:
                self._deleted_from.add(path.rpartition(b"/")[0])
            if len(done) >= 1000:
                self._sync_and_tell(done)
        if done:
            self._sync_and_tell(done)

    def _sync_and_tell(self, done: list[bytes]) -> None:
        self.target.sync()
        if self.done is not None:
            self.done(done)
        done.clear()

    def _remove_one(self, path: bytes, step: Step) -> str | None:
        """Why it is still there; None when it is gone."""
        folder, _, name = path.rpartition(b"/")
        seen = self.standing.at(path)
        if seen is None:
            return None
        removes_folder = is_folder(seen.row)
        if not step.still(seen.row) and not (removes_folder and step.now is not None and is_folder(step.now)):
            return _CHANGED
        handle = self.standing.folder(folder)
        try:
            if handle is not None and removes_folder:
                os.rmdir(name, dir_fd=handle)
            elif handle is not None:
                os.unlink(name, dir_fd=handle)
        except OSError as error:
            return f"it cannot be removed: {(error.strerror or 'failed').lower()}"
        return None

    def _tell(self, entries: Sequence[Entry]) -> None:
        if self.done is not None:
            self.done([entry.path for entry in entries])


class _Asked(Struct, frozen=True):
    """A choice that is a function."""

    chosen: Callable[[Entry], bool]
    everything: bool = False

    def __contains__(self, entry: Entry) -> bool:
        return self.chosen(entry)
