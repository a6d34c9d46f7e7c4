"""The world as one decision sees it: what is wanted, what was seen and the hour, with an index so that 2,000 systems stay quick.

A snapshot belongs to (realm, system). A rename carries history over only while the former name is nobody else's: with two heirs
or a living namesake the snapshots stay where they are, because doubt keeps.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from reconciler.decide.anomaly import suspects, with_suspects
from reconciler.model.desired import Desired, DesiredSystem
from reconciler.model.drill import DrillRecord
from reconciler.model.listing import Listing, good, newest_first
from reconciler.model.observed import Observed, RepositoryState, RunHistory
from reconciler.model.snapshot import Snapshot
from reconciler.model.wishes import Pause

CLOCK_TOLERANCE = timedelta(minutes=5)
"""Clocks of two machines may differ by this much; what lies further ahead comes from the future."""

_NO_RUNS = RunHistory()


def from_future(moment: datetime, now: datetime) -> bool:
    """Whether ``moment`` cannot be true, even with two clocks that differ a little."""
    return moment > now + CLOCK_TOLERANCE


def sound(snapshots: Sequence[Snapshot], now: datetime) -> Sequence[Snapshot]:
    """Those that a decision may build on: good ones, and none from the future. ``snapshots``: newest first, and so is what comes back."""
    found = good(snapshots)
    if found and from_future(found[0].counted_at, now):  # else none is: the newest comes first
        return [snapshot for snapshot in found if not from_future(snapshot.counted_at, now)]
    return found


def newest_sound(snapshots: Sequence[Snapshot], now: datetime) -> Snapshot | None:
    """The first of them; None: there is none."""
    found = sound(snapshots, now)
    return found[0] if found else None


class Scene(Struct, frozen=True):
    """Built once per decision by :meth:`of`; everything in ``decide/`` looks at the world through it."""

    desired: Desired
    observed: Observed
    now: datetime
    former_names: Mapping[str, str]
    """By system: the name whose history it inherits."""
    suspects: Mapping[str, Mapping[str, str]]
    """By system: snapshots that do not fit its history and are not marked so yet, with the reason."""
    observed_only: frozenset[str]
    """Repositories of another program: looked at and restored from, never written to."""
    _index: Mapping[tuple[str, str], tuple[Snapshot, ...]]
    _safety: Mapping[tuple[str, str], tuple[Snapshot, ...]]
    _drills: Mapping[str, tuple[DrillRecord, ...]]
    _measured: Mapping[str, tuple[DrillRecord, ...]]

    @classmethod
    def of(cls, desired: Desired, observed: Observed, now: datetime, *, before: Scene | None = None) -> Scene:
        """``before``: a scene of the same tree; what it has worked out about the same listings and drills is not worked out again."""
        if before is not None and _same_things(before.observed, observed):
            return replace(before, desired=desired, observed=observed, now=now)
        former = _former_names(desired)
        heirs = {old: new for new, old in former.items()}
        index: dict[tuple[str, str], tuple[Snapshot, ...]] = {}
        safety: dict[tuple[str, str], tuple[Snapshot, ...]] = {}
        for state in observed.repositories.values():
            for (realm, system, is_safety), group in Listing.of(state.snapshots).groups.items():
                if realm == desired.realm:
                    found, key = (safety if is_safety else index), (state.name, heirs.get(system, system))
                    found[key] = newest_first((*found[key], *group)) if key in found else group
        doubted = {system.name: ids for system in desired.systems if (ids := _suspects(system, index))}
        index |= {key: with_suspects(members, doubted[key[1]]) for key, members in index.items() if key[1] in doubted}
        drills = sorted(observed.drills, key=lambda drill: drill.started_at, reverse=True)
        by_system = _grouped(drills, lambda drill: heirs.get(drill.system, drill.system))
        measured = _grouped((drill for drill in drills if drill.measured), lambda drill: drill.repository)
        observed_only = frozenset(r.name for r in desired.repositories if r.observed_only)
        return cls(desired, observed, now, former, doubted, observed_only, index, safety, by_system, measured)

    def snapshots(self, system: str, repository: str) -> tuple[Snapshot, ...]:
        """Those of one system in one repository, newest first; of the own realm only, the former name counts.

        Safety snapshots of restores are not among them: nothing that asks what was backed up may count them.
        """
        return self._index.get((repository, system), ())

    def holdings(self) -> Iterable[tuple[str, str]]:
        """(repository, system) of everything of the own realm that some repository holds, whether or not it is declared."""
        return self._index.keys()

    def stored(self, system: str, repository: str) -> tuple[Snapshot, ...]:
        """The same with the safety snapshots: everything that retention has to judge."""
        safety = self._safety.get((repository, system))
        return newest_first((*self.snapshots(system, repository), *safety)) if safety else self.snapshots(system, repository)

    def drills(self, system: str) -> tuple[DrillRecord, ...]:
        """Those of one system, newest first, whichever repository they used. After a rename those of the former name count."""
        return self._drills.get(system, ())

    def measured(self, repository: str) -> tuple[DrillRecord, ...]:
        """Those of any system out of this repository whose times say something, newest first."""
        return self._measured.get(repository, ())

    def state(self, repository: str) -> RepositoryState | None:
        """The repository as last listed, or None when it was never looked at."""
        return self.observed.repositories.get(repository)

    def reachable(self, repository: str) -> bool:
        """Whether what is known of it may be acted on."""
        state = self.state(repository)
        return state is not None and state.usable

    def history(self, system: str, repository: str) -> RunHistory:
        """What the catalog remembers; after a rename, what it remembers of the former name."""
        runs = self.observed.runs
        return runs.get((system, repository)) or runs.get((self.former_names.get(system, ""), repository)) or _NO_RUNS

    def kept(self, system: DesiredSystem) -> tuple[str, ...]:
        """Its repositories that are ours to write to and to clean."""
        return tuple(name for name in system.repositories if name not in self.observed_only) if self.observed_only else system.repositories

    def here(self, system: DesiredSystem) -> bool:
        """Whether this agent acts on the system; others are only observed."""
        return system.runs_on(self.observed.agent)

    @property
    def pause(self) -> Pause | None:
        """The pause of the loop that is in force."""
        pause = self.observed.pause
        return pause if pause is not None and pause.stands(self.now) else None

    def suspended(self, system: DesiredSystem) -> bool:
        """Whether a person froze its actions and the time has not run out."""
        return system.suspend is not None and self.now < system.suspend.until


def _same_things(one: Observed, other: Observed) -> bool:
    """Whether they saw the very same listings, and equal drills."""
    before, after = one.repositories, other.repositories
    listed = before.keys() == after.keys() and all(before[name].snapshots is state.snapshots for name, state in after.items())
    return listed and one.drills == other.drills


def _grouped(drills: Iterable[DrillRecord], key: Callable[[DrillRecord], str]) -> dict[str, tuple[DrillRecord, ...]]:
    found: dict[str, list[DrillRecord]] = {}
    for drill in drills:
        found.setdefault(key(drill), []).append(drill)
    return {name: tuple(members) for name, members in found.items()}


def _suspects(system: DesiredSystem, index: Mapping[tuple[str, str], tuple[Snapshot, ...]]) -> Mapping[str, str]:
    """Judged where the backups go: copies have the same ids."""
    return suspects(system, index.get((system.repositories[0], system.name), ())) if system.repositories else {}


def _former_names(desired: Desired) -> dict[str, str]:
    claims = Counter(system.previous_name for system in desired.systems)
    living = {system.name for system in desired.systems}
    return {
        s.name: s.previous_name
        for s in desired.systems
        if s.previous_name and s.previous_name not in living and claims[s.previous_name] == 1
    }
