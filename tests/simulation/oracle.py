"""What must hold, read off the world in true time: promises kept wherever they could be, nothing protected removed, the expired gone.

*Allowed*: the host runs, the primary repository and the sources are there, nobody suspended or removed the system. From the moment at
which it becomes allowed, the loop has :data:`CATCH_UP` to have a good state stored, and from then on the age stays within the RPO.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct, field

from reconciler.catalog.records import RunOutcome
from reconciler.model.declared.policy import Retention
from reconciler.model.desired import Desired, DesiredSystem
from reconciler.model.observed import Failure
from reconciler.model.plan import Action, ActionKind, Plan
from reconciler.model.snapshot import Snapshot
from reconciler.simulate import Store, Witness
from tests.simulation.retention_apart import is_good, is_verified, must_stay

REST = timedelta(hours=24)
DISTURBED = timedelta(hours=1)
"""So much later may be what a slow repository or a wrong clock of the last hours delayed."""


class Promise(Struct):
    """One system: what was really stored, and since when it could have been."""

    rpo: timedelta
    proven: datetime | None = None
    """As of this true moment a good state is stored."""
    allowed: datetime | None = None
    """Since when nothing stands against it; None: something does."""
    reasons: Counter[str] = field(default_factory=Counter)


class Oracle(Witness):
    """Told of everything that happens; holds it against what must be."""

    def __init__(self, tree: Desired, stores: Mapping[str, Store], start: datetime, seconds_max: float) -> None:
        self.violations: list[tuple[datetime, str]] = []
        self.log: list[tuple[datetime, str]] = []
        self.actions: Counter[ActionKind] = Counter()
        self.forgotten = 0
        self.disturbed_until = start
        self.ahead_until = start - REST
        """Until then the clock ran ahead by less than what decide/clocks.py calls a leap: that may cost a mark its day of rest."""
        self._slack = timedelta(seconds=4 * seconds_max + 90)
        self._stores = stores
        self._retentions: dict[tuple[str, str], Retention] = {}
        self._tree = tree
        self._unclean_since: datetime | None = None
        self._edited: dict[tuple[str, str], Retention] = {}
        """By system and repository: the retention before an edit that let too much go at once."""
        self._much: dict[tuple[str, str], tuple[object, bool]] = {}
        """By system and repository: what an edit was measured by last, and whether it was too much."""
        self._pruned: dict[str, datetime] = {}
        self._marked: dict[tuple[str, str], datetime] = {}
        self.promises = {s.name: Promise(_rpo(s), allowed=start) for s in tree.systems}
        self.declared(tree, start)

    # What the schedule tells

    def declared(self, tree: Desired, at: datetime) -> None:
        """The specs are these from now on."""
        for system in tree.systems:
            before = self._tree.system(system.name)
            if before is not None and before.retention != system.retention:
                self._note_edit(before.retention, system, at)
            self._retentions[system.name, system.generation] = system.retention
            promise = self.promises[system.name]
            if promise.rpo != _rpo(system):
                self.check(system.name, at)
                promise.rpo = _rpo(system)
                promise.allowed = at if promise.allowed is not None else None
        if not tree.clean and self._unclean_since is None:
            self._unclean_since = at
        elif tree.clean:
            self._unclean_since = None
        self._tree = tree

    def block(self, name: str, reason: str, at: datetime) -> None:
        self.check(name, at)
        self.promises[name].reasons[reason] += 1
        self.promises[name].allowed = None

    def allow(self, name: str, reason: str, at: datetime) -> None:
        promise = self.promises[name]
        promise.reasons[reason] -= 1
        if not +promise.reasons:
            promise.allowed = at

    def check(self, name: str, at: datetime) -> None:
        """Whether the promise is kept at this moment."""
        promise = self.promises[name]
        if promise.allowed is None:
            return
        slack = self._slack + (DISTURBED if at < self.disturbed_until else timedelta(0))
        catch_up = promise.allowed + min(timedelta(minutes=15), promise.rpo / 4) + 2 * self._slack
        kept_until = promise.proven + promise.rpo if promise.proven is not None else catch_up
        if at > max(catch_up, kept_until) + slack:
            age = at - promise.proven if promise.proven is not None else None
            self._violated(
                at,
                f"{name}: the newest good state is {age} old, the RPO is {promise.rpo}, nothing stood against it since {promise.allowed}",
            )
            promise.allowed = at  # said once

    # What the world tells

    def planned(self, plan: Plan, at: datetime) -> None:
        self._measure_edits(at)
        for name in self.promises:
            self.check(name, at)

    def backed_up(self, action: Action, outcome: RunOutcome, began: datetime, at: datetime, snapshot: Snapshot | None) -> None:
        if outcome not in {RunOutcome.SUCCEEDED, RunOutcome.UNCHANGED}:
            return
        self.check(action.system, at)
        promise = self.promises[action.system]
        promise.proven = max(began, promise.proven) if promise.proven is not None else began

    def ended(self, action: Action, failure: Failure | None, at: datetime) -> None:
        self.actions[action.kind] += 1
        self._measure_edits(at)  # the loop looks at the system again at this instant, and measures anew, too (seed 143)
        if failure is not None:
            self.log.append((at, f"{action.kind} {action.system} {action.repository} failed: {failure.message}"))
        elif action.kind is ActionKind.PRUNE:
            self._pruned[action.repository] = at
        elif action.kind in {ActionKind.MARK, ActionKind.UNMARK}:
            self._note_marks(action, at)

    def forgot(self, action: Action, gone: Sequence[Snapshot], at: datetime) -> None:
        store, retention = self._stores[action.repository], self._retentions[action.system, action.generation]
        there = [*store.of(action.system), *gone]
        self.forgotten += len(gone)
        before = self._edited.get((action.system, action.repository))
        protected = must_stay(there, retention, at)
        protected_before = must_stay(there, before, at) if before is not None else set()
        self.log.append((at, f"forgot {len(gone)} of {len(there)} snapshots of {action.system} in {action.repository}"))
        for snapshot in gone:
            who = f"{action.system}: snapshot {snapshot.id[-6:]} of {snapshot.as_of:%m-%d %H:%M} was removed from {action.repository}"
            if snapshot.id in protected:
                self._violated(at, f"{who}, which had to stay")
            if snapshot.id in protected_before:
                self._violated(at, f"{who} by an edit that lets too much go at once")
            marked_at = self._marked.pop((action.repository, snapshot.id), at)
            if at - marked_at < REST and marked_at > self.ahead_until:
                self._violated(at, f"{who} before it had rested for a day")
            if self._unclean_since is not None and at - self._unclean_since > 2 * self._slack + DISTURBED:
                self._violated(at, f"{who} while the tree was broken")

    # At the end

    def expired(self, now: datetime) -> set[tuple[str, str, str]]:
        """What nothing asks for any more: (repository, system, id)."""
        found = set()
        for repository, store in self._stores.items():
            for system in self._tree.systems:
                there = store.of(system.name)
                staying = must_stay(there, system.retention, now)
                found |= {(repository, system.name, s.id) for s in there if s.id not in staying}
        return found

    def close(self, at: datetime, expired: set[tuple[str, str, str]], held: set[tuple[str, str]]) -> None:
        """``expired``: what was so some days ago. ``held``: where a person has to approve an edit first."""
        for name in self.promises:
            self.check(name, at)
        for repository, system, snapshot in sorted(expired & self.expired(at)):
            if (system, repository) not in held:
                self._violated(at, f"{system}: snapshot {snapshot[-6:]} in {repository} expired days ago and is still there")
        for system in self._tree.systems:
            for repository in system.repositories:
                self._close_proofs(system, repository, at)
            self._close_copies(system, at)
        for repository in self._tree.repositories:
            every = repository.maintenance.prune.every if repository.maintenance.prune is not None else None
            last = self._pruned.get(repository.name)
            if every is not None and (last is None or at - last > every + timedelta(days=2)):
                self._violated(at, f"{repository.name}: last cleaned up {last}, every {every} is declared")

    def _close_proofs(self, system: DesiredSystem, repository: str, at: datetime) -> None:
        deep, late = system.verification.deep, timedelta(days=1, hours=2)
        there = self._stores[repository].of(system.name)
        proofs = [m.at for s in there if is_verified(s) for m in s.marks if m.kind.value == "verified" and m.at <= at]
        if deep is not None and there and (not proofs or at - max(proofs) > deep + late):
            self._violated(at, f"{system.name}: no snapshot in {repository} was verified within {deep}")

    def _close_copies(self, system: DesiredSystem, at: datetime) -> None:
        good = [s for s in self._stores[system.repositories[0]].of(system.name) if is_good(s)]
        for repository in system.repositories[1:]:
            copied = [s.as_of for s in self._stores[repository].of(system.name) if is_good(s)]
            if good and (not copied or max(s.as_of for s in good) - max(copied) > max(_rpo(system), timedelta(days=1))):
                self._violated(at, f"{system.name}: {repository} holds no recent copy")

    # Beneath

    def _note_edit(self, before: Retention, system: DesiredSystem, at: datetime) -> None:
        for repository in system.repositories:
            key = (system.name, repository)
            old = self._edited.get(key, before)
            if self._is_much(system, repository, old, at):
                self._edited[key] = old
            else:
                self._edited.pop(key, None)

    def _measure_edits(self, at: datetime) -> None:
        """Fewer by now: a held change may pass when it became small, because newer snapshots came or others expired (docs/limits.md)."""
        for (name, repository), before in list(self._edited.items()):
            system = self._tree.system(name)
            if system is not None and not self._is_much(system, repository, before, at):
                del self._edited[name, repository]

    def _is_much(self, system: DesiredSystem, repository: str, before: Retention, at: datetime) -> bool:
        """Whether the edit lets more go at once than may pass unseen."""
        there = self._stores[repository].of(system.name)
        asked = (there, before, system.retention)
        known = self._much.get((system.name, repository))
        if known is None or known[0] != asked:
            known = self._much[system.name, repository] = (asked, _is_much(there, before, system.retention, at))
        return known[1]

    def _note_marks(self, action: Action, at: datetime) -> None:
        for snapshot in action.snapshots:
            if action.kind is ActionKind.MARK:
                self._marked[action.repository, snapshot] = at
            else:
                self._marked.pop((action.repository, snapshot), None)

    def _violated(self, at: datetime, sentence: str) -> None:
        self.violations.append((at, sentence))
        self.log.append((at, f"VIOLATED: {sentence}"))


def _is_much(there: Sequence[Snapshot], before: Retention, after: Retention, at: datetime) -> bool:
    if len(there) < 10:
        return False
    tightened = must_stay(there, before, at) - must_stay(there, after, at)
    return len(tightened) * 100 > 30 * len(there) or len(tightened) > 50


def _rpo(system: DesiredSystem) -> timedelta:
    assert system.objectives.rpo is not None
    return system.objectives.rpo
