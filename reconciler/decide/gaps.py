"""Objectives that are not met and that the loop cannot close: each with the sentence that begins with what a person does.

A cause that many systems share is told once, for the repository (its system is empty). Codes are a closed set: the codes of a
repository's failure, and those in this file.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from reconciler.base.units import format_duration
from reconciler.decide.copies import missing, shortfalls
from reconciler.decide.guard import suspect_snapshots, suspicion
from reconciler.decide.objectives import expected_duration, recovery_point
from reconciler.decide.rollback import lost_sentence
from reconciler.decide.scene import Scene
from reconciler.decide.words import counted, minute
from reconciler.model.desired import DesiredRepository, DesiredSystem
from reconciler.model.observed import RunHistory, SourceState
from reconciler.model.plan import Gap, Held
from reconciler.model.snapshot import Grade

FAILING = 3
"""So many failures in a row are no accident any more."""

_REPOSITORY_ADVICE = {
    "repository-not-initialised": "Mount the disk if the repository exists; if it is new, run `reconcile repository init {name}`",
    "repository-header-lost": "Write the lost header of {name} anew: `reconcile repair {name}` shows what that would do",
    "repository-wrong-key": "Give {name} its own key: the key file that was written when it was created",
    "repository-is-another": "Mount the right disk: another repository answers at the URL of {name}",
    "repository-unreachable": "Make {name} reachable: is the disk mounted, and may this user read and write there?",
}
_WENT_BACK = (
    "Find out who put the repository back to an earlier state, and bring the newer one back; if that is impossible, accept it as it is "
    "with `reconcile catalog rebuild`: until then nothing is removed from it"
)
_SUSPECT_ADVICE = (
    "Look at what changed: `reconcile diff {id}`. If that was meant, say so: `reconcile accept {system} --reason TEXT`. If not, restore "
    "the snapshot before it; nothing older is removed meanwhile"
)
_HELD_ADVICE = {
    "tightening": "Put the former retention back if this was not meant; if it was, add the DeletionApproval that "
    "`reconcile --dry-run` prints",
    "floor": "Report this with the output of `reconcile --dry-run`: two parts of the decision disagree, so nothing goes",
    "clock": "Set the clock of this host right; a snapshot with a wrong date leaves with `reconcile forget ID --reason TEXT`",
}


def gaps_of_repositories(scene: Scene) -> list[Gap]:
    """What stands between the loop and each repository, whatever the systems."""
    return [gap for repository in scene.desired.repositories for gap in _of_repository(scene, repository)]


def gaps_of_system(scene: Scene, system: DesiredSystem, held: Iterable[Held]) -> list[Gap]:
    """Its own, with the changes to it that are ``held``; in no particular order."""
    return [*_of_system(scene, system), *(_of_held(change) for change in held if change.guard in _HELD_ADVICE)]


def gaps_of_request(scene: Scene, names: Sequence[str]) -> list[Gap]:
    """Why what a person asked for cannot be done."""
    gaps = [gap for repository in scene.desired.repositories for gap in _of_repository(scene, repository)]
    asked = [s for s in scene.desired.systems if s.name in names or (not names and scene.here(s))]
    for system in asked:
        if not scene.here(system):
            why = f"its sources are read by host {system.host}, this is {scene.observed.agent}"
            gaps.append(_gap(system, "other-host", why, f"Run the same command on {system.host}"))
        elif system.suspend is not None and scene.suspended(system):
            why = f"suspended until {minute(system.suspend.until)}: {system.suspend.reason}"
            gaps.append(_gap(system, "suspended", why, "Take `suspend` out of its spec first"))
        gaps += _of_sources(scene, system)
    known = {system.name for system in asked}
    for name in sorted(set(names) - known):
        gaps.append(Gap(name, "", "not-declared", f"no System is named '{name}'", "Correct the name: `reconcile status` lists the systems"))
    return gaps


def _of_repository(scene: Scene, repository: DesiredRepository) -> list[Gap]:
    state = scene.state(repository.name)
    if state is not None and state.lost:
        return [Gap("", repository.name, "repository-went-back", lost_sentence(state), _WENT_BACK, repository.place)]
    if state is None or state.failure is None:
        return []
    failure = state.failure
    advice = _REPOSITORY_ADVICE.get(failure.code, failure.hint or "Look at the message").format(name=repository.name)
    return [Gap("", repository.name, failure.code, failure.message, advice, repository.place)]


def _of_system(scene: Scene, system: DesiredSystem) -> list[Gap]:
    if not scene.here(system):
        return _elsewhere(scene, system)
    sources = _of_sources(scene, system)
    said = {gap.why for gap in sources}
    return [
        *sources,
        *_of_primary(scene, system, said),
        *_of_copies(scene, system),
        *_of_proofs(system),
        *_of_suspects(scene, system),
    ]


def _elsewhere(scene: Scene, system: DesiredSystem) -> list[Gap]:
    """Of another host only what its repository shows for certain: that it never delivered anything."""
    known = [name for name in system.repositories if scene.reachable(name)]
    if len(known) < len(system.repositories) or any(scene.snapshots(system.name, name) for name in known):
        return []
    why = f"host {system.host} has never backed it up"
    return [_gap(system, "never-backed-up-elsewhere", why, f"Run `reconcile --watch` on {system.host}, or correct `host`")]


def _of_sources(scene: Scene, system: DesiredSystem) -> list[Gap]:
    """A source that a hook brings (it mounts the disk) may be away until then."""
    states = scene.observed.sources.get(system.name, ())
    brought = {"source-missing", "source-unreadable"} if system.hooks.before else set()
    gaps = [gap for state in states if (gap := _of_source(system, state)) is not None and gap.code not in brought]
    return gaps + [
        _gap(system, "live-database", sentence, "Declare it as a source of its own kind: the snapshot may hold a broken copy of it")
        for state in states
        for sentence in state.warnings
    ]


def _of_source(system: DesiredSystem, state: SourceState) -> Gap | None:
    if state.failure is not None:
        advice = state.failure.hint or "Make the source readable, or correct its path"
        return _gap(system, state.failure.code, state.failure.message, advice)
    if not state.exists:
        return _gap(system, "source-missing", f"the source {state.path} does not exist", "Mount it, or correct its path")
    if not state.readable:
        return _gap(system, "source-unreadable", f"the source {state.path} cannot be read", "Run as a user who may read it")
    return None


def _of_primary(scene: Scene, system: DesiredSystem, said: Collection[str]) -> list[Gap]:
    """What stands between the sources and the first repository. ``said``: reasons that need not be told once more as those of failures."""
    if not system.repositories:
        return [_gap(system, "no-repository", "no repository is named for it", "Name a repository in its policy")]
    primary = system.repositories[0]
    if scene.state(primary) is None:
        return [
            _gap(system, "repository-unobserved", f"repository {primary} was never looked at", f"Declare the repository {primary}", primary)
        ]
    if primary in scene.observed_only:
        return _of_observed(scene, system, primary)
    history, gaps = scene.history(system.name, primary), []
    failure = history.last_failure
    if history.consecutive_failures >= FAILING and (failure is None or failure.message not in said):
        why = f"failed {history.consecutive_failures} times in a row" + (f": {failure.message}" if failure is not None else "")
        gaps.append(_gap(system, "failing", why, (failure.hint if failure is not None else "") or "Look at `reconcile events`", primary))
    snapshots = scene.snapshots(system.name, primary)
    if snapshots and snapshots[0].grade is Grade.PARTIAL and recovery_point(snapshots, history, scene.now) is None:
        why = f"every snapshot so far is partial, the newest with {counted(snapshots[0].defects, 'defect')}; none meets an objective"
        gaps.append(_gap(system, "only-partial", why, "Make the files readable, exclude them, or list them under `tolerate`", primary))
    rpo, interval = system.objectives.rpo, scene.desired.settings.interval
    expected = expected_duration(history, rpo)
    if rpo is not None and history.durations and expected + 2 * interval > rpo:
        why = f"a backup takes {format_duration(expected, parts=2)}, with two intervals of {format_duration(interval)} more than the RPO"
        gaps.append(_gap(system, "rpo-too-tight", f"{why} of {format_duration(rpo)}", "Allow a longer RPO, or split the system", primary))
    return gaps


def _of_observed(scene: Scene, system: DesiredSystem, primary: str) -> list[Gap]:
    """Backups that another program takes: nothing here can make them come."""
    rpo, point = system.objectives.rpo, recovery_point(scene.snapshots(system.name, primary), RunHistory(), scene.now)
    if rpo is None or not scene.reachable(primary) or (point is not None and scene.now - point.at <= rpo):
        return []
    age = f"the newest is {format_duration(scene.now - point.at, parts=2)} old" if point is not None else "none of its snapshots fits"
    person = f"Look at the job that backs it up into {primary}, and at `contains` of that repository"
    return [_gap(system, "observed-late", f"{age}, the RPO is {format_duration(rpo)}, and another program takes them", person, primary)]


def _of_copies(scene: Scene, system: DesiredSystem) -> list[Gap]:
    gaps = []
    for shortfall in shortfalls(scene, system):
        if not shortfall.repository:
            advice = "Name a repository that adds what is missing, or lower `copies`"
        elif shortfall.repository in scene.observed_only:
            advice = f"Run the backup of {system.name} into {shortfall.repository} by its own program: from here it is only looked at"
        elif scene.suspended(system):
            advice = "Take `suspend` out of its spec: nothing is copied while it is there"
        elif missing(scene, system, shortfall.repository):
            continue  # the loop copies
        else:
            advice = "Make another repository reachable that holds a good snapshot, or take a new backup: then it is copied by itself"
        gaps.append(_gap(system, shortfall.code, shortfall.why, advice, shortfall.repository))
    return gaps


def _of_proofs(system: DesiredSystem) -> list[Gap]:
    gaps = []
    if system.verification.quick is not None and system.verification.deep is None:
        why = "quick verification alone is declared"
        gaps.append(_gap(system, "deep-not-declared", why, "Declare `verification.deep`, too: intactness is proven by reading every byte"))
    if system.drill.every is not None and not system.drill.assertions:
        why = f"a drill every {format_duration(system.drill.every)} is declared, and no assertion says what is of use"
        gaps.append(_gap(system, "assertions-missing", why, "Declare `drill.assertions`: without any, only readability is proven"))
    return gaps


def _of_suspects(scene: Scene, system: DesiredSystem) -> list[Gap]:
    found = suspect_snapshots(scene, system)
    if not found:
        return []
    newest = found[0]
    more = f", and {counted(len(found) - 1, 'other')}" if len(found) > 1 else ""
    why = f"snapshot {newest.id[:8]}{more} is suspect: {suspicion(newest)}"
    return [_gap(system, "suspect-snapshot", why, _SUSPECT_ADVICE.format(system=system.name, id=newest.id[:8]), newest.repository)]


def _of_held(change: Held) -> Gap:
    why = f"{len(change.snapshots)} of {counted(change.total, 'snapshot')} in {change.repository} held: {change.why}"
    return Gap(change.system, change.repository, "change-held", why, _HELD_ADVICE[change.guard], change.place)


def _gap(system: DesiredSystem, code: str, why: str, person: str, repository: str = "") -> Gap:
    return Gap(system.name, repository, code, why, person, system.place)
