"""The rule 3-2-1-1-0, counted for one system: three copies (the data itself is one), on two media, one at another site, one that this host
cannot delete, and no error in any of them.

Each number says what it was counted from. What could not be seen is unknown: it is never counted, and never taken for an absence either.
The rule is shown whether or not anybody promised it; what was promised is `copies`, judged by ``decide/copies.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from reconciler.base.units import format_duration
from reconciler.decide.copies import Holding, Spread, shielded
from reconciler.decide.objectives import newest_verified_at
from reconciler.decide.scene import Scene
from reconciler.decide.words import counted, minute
from reconciler.model.desired import DesiredRepository, DesiredSystem
from reconciler.model.listing import marked
from reconciler.model.snapshot import MarkKind
from reconciler.model.status import Digit, Truth

_Seen = tuple[int | None, str]
"""(1 or 0, or None where nobody can tell; the sentence that says why)."""


def digits(scene: Scene, system: DesiredSystem, spread: Spread) -> tuple[Digit, ...]:
    """The five numbers, in the order of the rule."""
    declared = [r for name in system.repositories if (r := scene.desired.repository(name)) is not None]
    enough = spread.holding(scene)
    holding = [r for r in declared if r.name in enough]
    unseen = [r for r in declared if not scene.reachable(r.name)]
    return (
        _at_least("copies", 3, [_source(scene, system), *(_copy(scene, system, r.name, spread.holdings[r.name]) for r in declared)]),
        _media(holding, unseen),
        _at_least("offsite", 1, [_offsite(system, r) for r in holding] + _not_seen(unseen)),
        _at_least("immutable", 1, [_immutable(system, r) for r in holding] + _not_seen(unseen)),
        _errors([_error(scene, system, r) for r in holding] + _not_seen(unseen)),
    )


def _at_least(what: str, rule: int, seen: Sequence[_Seen]) -> Digit:
    found, unknown = sum(one or 0 for one, _ in seen), sum(one is None for one, _ in seen)
    met = Truth.TRUE if found >= rule else Truth.UNKNOWN if found + unknown >= rule else Truth.FALSE
    return Digit(what, rule, found, unknown, met, tuple(why for _, why in seen))


def _errors(seen: Sequence[_Seen]) -> Digit:
    """Nothing verified is not the same as nothing wrong; so without any copy it is unknown, too."""
    found, unknown = sum(one or 0 for one, _ in seen), sum(one is None for one, _ in seen)
    met = Truth.FALSE if found else Truth.UNKNOWN if unknown or not seen else Truth.TRUE
    return Digit("errors", 0, found, unknown, met, tuple(why for _, why in seen) or ("no repository holds a copy that could be verified",))


def _media(holding: Sequence[DesiredRepository], unseen: Sequence[DesiredRepository]) -> Digit:
    words = {r.media for r in holding if r.media is not None}
    silent = [r for r in holding if r.media is None]
    perhaps = {r.media for r in unseen if r.media is not None} - words
    unknown = len(silent) + len(perhaps) + sum(r.media is None for r in unseen)
    met = Truth.TRUE if len(words) >= 2 else Truth.UNKNOWN if len(words) + unknown >= 2 else Truth.FALSE
    evidence = [f"{r.name}: {r.media}" if r.media is not None else f"{r.name} declares no media" for r in holding]
    return Digit("media", 2, len(words), unknown, met, (*evidence, *(why for _, why in _not_seen(unseen))))


def _source(scene: Scene, system: DesiredSystem) -> _Seen:
    if not scene.here(system):
        return None, f"the data itself is on {system.host}, which is not seen from here"
    states = scene.observed.sources.get(system.name, ())
    away = [state.path for state in states if not state.exists or not state.readable]
    if away:
        return 0, f"the data itself is not there: {', '.join(away)}"
    return (1, "the data itself") if states else (None, "the data itself was not looked at")


def _copy(scene: Scene, system: DesiredSystem, name: str, holding: Holding) -> _Seen:
    if not scene.reachable(name):
        return None, f"{name} was not listed"
    due = holding.due_in_words(scene.now)
    if holding.newest is not None and holding.enough(scene.now):
        newest = holding.newest
        return 1, f"{name}: snapshot {newest.id[:8]} of {minute(newest.as_of)}{f', a newer copy is {due}' if due else ''}"
    if not scene.snapshots(system.name, name):
        return 0, f"{name} holds none"
    return 0, f"{name} holds none that is recent enough: {due or 'no snapshot in it is good'}"


def _offsite(system: DesiredSystem, repository: DesiredRepository) -> _Seen:
    home, there = system.failure_domain.get("site"), repository.failure_domain.get("site")
    if there is None or home is None:
        return None, f"{repository.name} declares no site" if there is None else "the system declares no site"
    return (0, f"{repository.name} is at the same site {there}") if there == home else (1, f"{repository.name} is at site {there}")


def _immutable(system: DesiredSystem, repository: DesiredRepository) -> _Seen:
    allowed, host = repository.deletable_from, system.host or ""
    if allowed is None and repository.object_lock is not None and shielded(repository, host):
        return 1, f"{repository.name} is locked: each snapshot for {format_duration(repository.object_lock.retain)}"
    if allowed is None:
        return 0, f"{repository.name} can be deleted by every host that writes to it"
    if host in allowed or (not host and allowed):
        return 0, f"{repository.name} can be deleted from {', '.join(allowed)}"
    return 1, f"{repository.name} cannot be deleted with what {host or 'any host of this tree'} knows"


def _error(scene: Scene, system: DesiredSystem, repository: DesiredRepository) -> _Seen:
    """By the marks of this repository alone: that another copy was read says nothing about this one."""
    name, snapshots = repository.name, scene.snapshots(system.name, repository.name)
    proven_at = newest_verified_at(snapshots, scene.now)
    damaged = marked(snapshots, MarkKind.DAMAGED)
    damaged_at = max((at for s in damaged if (at := s.marked(MarkKind.DAMAGED)) is not None), default=None)
    if damaged_at is not None and (proven_at is None or proven_at < damaged_at):
        return 1, f"{name}: {counted(len(damaged), 'snapshot')} damaged, found at {minute(damaged_at)}"
    if repository.observed_only:
        return None, f"{name} belongs to another program and is not verified here"
    if proven_at is None:
        return None, f"{name} was never verified"
    period, said = system.verification.deep, f"{name}: every byte of a snapshot read at {minute(proven_at)}"
    if period is not None and scene.now - proven_at > period:
        return None, f"{said}, every {format_duration(period)} is declared"
    return 0, said


def _not_seen(repositories: Iterable[DesiredRepository]) -> list[_Seen]:
    return [(None, f"{r.name} was not listed") for r in repositories]
