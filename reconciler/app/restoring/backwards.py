"""The way back: the steps that undo a restore in place, from its journal and its safety snapshot.

What it replaced or removed comes back from the safety snapshot, what it created goes, and the folders in between get their old times.
"""

from __future__ import annotations

import threading

from msgspec import Struct

from reconciler.app.restoring.journal import State
from reconciler.app.restoring.refusals import Refusals, ignored
from reconciler.app.restoring.resume import Planned, touched_folders
from reconciler.app.restoring.steps import Digest, Do, Policy, Step, Steps, is_folder
from reconciler.repository import Chosen, Comparison, Entry, Repository
from reconciler.tree.entry import INO, Row
from reconciler.tree.standing import Seen, Standing


class _Touched(Struct, frozen=True):
    """The entries of a safety snapshot that its restore was about to change."""

    steps: Steps
    folders: set[bytes]
    names: frozenset[bytes]
    everything: bool = False

    def __contains__(self, entry: Entry) -> bool:
        path = entry.path
        if path in self.steps.writes or path in self.steps.removals or path in self.names:
            return True
        return path in self.folders and is_folder(entry.row)


class _Nothing:
    """Single entries that were refused were never restored either; only where the list itself is lost is something missed."""

    everything = False

    def __contains__(self, _entry: Entry) -> bool:
        return False


def undoing(repository: Repository, state: State, choice: Chosen, standing: Standing, stop: threading.Event) -> tuple[Steps, str]:
    """The steps, and the digest of them. ``choice``: of the restore that is undone. Reads only."""
    assert state.safety is not None, "what was begun has a safety snapshot"
    steps, refusals = Steps(Policy.OVERWRITE), Refusals(_Nothing())
    digest = Digest(state.safety, state.header.id)
    before = _before(repository, state)
    for path, seen in reversed(_created(repository, state, choice, standing, refusals)):  # what is inside first
        old, now = before.get(path), seen.row
        if old is None or (is_folder(old) != is_folder(now)):
            steps.removals[path] = Step(Do.CLEAR, now, "the restore created it")
            steps.tally.delete += 1
            steps.names.note((seen.device, now[INO]), path, touched=True)
            digest.add(path, steps.removals[path])
    folders = touched_folders([*state.steps.writes, *state.steps.removals])
    touched = _Touched(state.steps, folders, frozenset(state.steps.names))
    unsaved = Refusals(touched)
    for finding in Comparison(standing, touched, None, stop).run(repository.entries(state.safety, refused=unsaved)):
        step = steps.take(finding)
        if step is not None:
            digest.add(finding.path, step)
    steps.refused = [*refusals.found, *unsaved.found]
    return steps, digest.hexdigest()


def _created(repository: Repository, state: State, choice: Chosen, standing: Standing, refusals: Refusals) -> list[tuple[bytes, Seen]]:
    """What the restore created and what still stands there, in the order of the tree."""
    planned, found = Planned(state.steps, choice), []
    for entry in repository.entries(state.header.snapshot, refused=refusals):
        if entry not in planned:
            continue
        step = state.steps.writes.get(entry.path)
        if step is not None and step.do is not Do.CREATE:
            continue
        seen = standing.at(entry.path)
        if seen is not None:
            found.append((entry.path, seen))
    return found


def _before(repository: Repository, state: State) -> dict[bytes, Row]:
    """What stood where the restore created something: a file where a folder came, a folder where a file came."""
    assert state.safety is not None
    places = state.steps.removals.keys()
    return {entry.path: entry.row for entry in repository.entries(state.safety, refused=ignored) if entry.path in places}
