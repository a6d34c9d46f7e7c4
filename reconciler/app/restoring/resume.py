"""What a killed restore has left: the steps that are still to be done, what is none of its work, and its unfinished files."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Sequence

from msgspec import Struct

from reconciler.app.restoring.journal import State
from reconciler.app.restoring.leftovers import sweep
from reconciler.app.restoring.refusals import Refusals, ignored
from reconciler.app.restoring.steps import Policy, Steps, is_folder
from reconciler.repository import Chosen, Comparison, Difference, Entry, Finding, Repository
from reconciler.tree.entry import MODE
from reconciler.tree.standing import Standing

_METADATA = {"mode", "owner", "time", "attributes"}
_CHANGED = "it was changed after the safety snapshot was taken; it is left as it is now"


class Planned(Struct, frozen=True):
    """The entries that a journal is about, of the snapshot that it restores."""

    steps: Steps
    choice: Chosen
    everything: bool = False

    def __contains__(self, entry: Entry) -> bool:
        return self.steps.chooses(entry) and entry in self.choice


def remaining(
    repository: Repository, state: State, choice: Chosen, standing: Standing, stop: threading.Event
) -> tuple[Steps, list[tuple[bytes, str]]]:
    """The steps that are not done, with what stands there now; and entries that somebody else has changed, which stay as they are.

    What is done is seen on the disk, not read in the journal: an entry that is as the snapshot has it needs nothing.
    """
    steps, others = Steps(Policy.OVERWRITE), list[tuple[bytes, str]]()
    for path in state.unsaved:
        if state.steps.writes.pop(path, None) or state.steps.removals.pop(path, None):
            others.append((path, "it could not be saved first and is left as it is"))
    for path, step in state.steps.removals.items():
        seen = standing.at(path)
        if seen is None:
            steps.emptied.add(path.rpartition(b"/")[0])
            continue
        if step.still(seen.row) or (step.now is not None and is_folder(seen.row) and is_folder(step.now)):
            steps.removals[path] = step
        elif path not in state.steps.writes and not state.steps.is_created(path.rpartition(b"/")[0]):
            others.append((path, _CHANGED))
    refusals = Refusals(choice)
    comparison = Comparison(standing, Planned(state.steps, choice), None, stop)
    for finding in comparison.run(repository.entries(state.header.snapshot, refused=refusals)):
        if _is_ours(finding, state.steps, steps):
            steps.take(finding)
        else:
            others.append((finding.path, _CHANGED))
    steps.policy, steps.refused = state.steps.policy, refusals.found
    return steps, others


def leftovers(repository: Repository, state: State, choice: Chosen, standing: Standing) -> None:
    """Remove the temporary files of the killed runs: everything under their names, which nobody else has."""
    prefixes = tuple(os.fsencode(prefix) for prefix in state.prefixes)
    planned = Planned(state.steps, choice)
    entries = repository.entries(state.header.snapshot, refused=ignored) if prefixes else ()
    sweep({entry.folder for entry in entries if entry in planned}, prefixes, standing)


def _is_ours(finding: Finding, planned: Steps, left: Steps) -> bool:
    """Whether what stands there is as it was before the restore, or as the restore has made or half made it."""
    entry, now = finding.entry, finding.now
    if now is None or entry is None or finding.difference is Difference.SAME:
        return True
    if finding.difference is Difference.KIND and finding.path in left.removals:
        return True
    if finding.difference is not Difference.KIND:
        if is_folder(now) or finding.why == "names of one file":
            return True
        if not stat.S_ISREG(now[MODE]) and finding.why in _METADATA:  # a link or a pipe gets its name first
            return True
    step = planned.writes.get(finding.path)
    return step is not None and step.now is not None and step.still(now)


def touched_folders(paths: Sequence[bytes]) -> set[bytes]:
    """The folders that these entries are in."""
    return {path.rpartition(b"/")[0] for path in paths}
