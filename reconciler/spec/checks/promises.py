"""What is promised against what is planned: RPO and schedule, RTO and downtime, copies and repositories, what retention leaves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from reconciler.base.units import format_duration
from reconciler.model.cron import longest_gap
from reconciler.model.declared.envelope import System
from reconciler.model.declared.objectives import Copies, Objectives
from reconciler.model.declared.policy import Compression, Retention, Schedule, Trigger
from reconciler.model.declared.repository import RepositorySpec
from reconciler.model.disaster import DisasterType
from reconciler.model.problem import Problem, Severity
from reconciler.spec.declare import Declared, Key
from reconciler.spec.layers import Layer, Side, sides
from reconciler.spec.objects import Objects
from reconciler.spec.shared import Shared

_KINDS = ("incremental", "differential", "full")
_REFERENCE = datetime(2024, 1, 1, tzinfo=UTC)  # any fixed year would do: the same tree must always give the same problems
_FAULTS, _SOUND = Shared(), Shared()


class _Fault(NamedTuple):
    """What is wrong between a schedule and an RPO, whoever takes both."""

    code: str
    where: tuple[str, ...]
    message: str
    hint: str = ""
    severity: Severity = Severity.ERROR


def check(objects: Objects, broken: AbstractSet[Key]) -> Iterator[Problem]:
    """Problems of each System by itself, as merged."""
    stores = {declared.key[1]: document.spec for declared, document in objects.repositories()}
    look = 2 * objects.settings()[1].interval
    for declared, system in objects.systems():
        layers = sides(objects, system.spec, declared)
        if layers is None or ("BackupPolicy", system.spec.policy) in broken:
            continue
        tier, policy = layers
        objectives = tier.block("objectives")
        yield from _schedule(declared, policy, objectives, look)
        yield from _downtime(declared, objectives)
        yield from _compression(declared, policy.block("compression"))
        yield from _retention(declared, policy)
        repositories, _ = policy.last_given("repositories")
        if not repositories:
            hint = "Name them in the policy's or the System's `repositories`; the first is primary."
            yield declared.problem("no-repository", ("spec",), "has no repository to be backed up into", hint=hint)
        yield from _copies(stores, declared, system, tier.block("copies"), repositories)


def _schedule(declared: Declared, policy: Side, objectives: Objectives, look: timedelta) -> Iterator[Problem]:
    """``look``: how long the loop may take until it sees that a backup is due. Judged once for all who take the same from others."""
    schedule: Schedule = policy.block("schedule")
    about = (look, policy.below, schedule, objectives)
    fault = _FAULTS.recall(about, lambda: _fault(declared, policy, objectives, look))
    if fault is not None:
        yield declared.problem(fault.code, fault.where, fault.message, hint=fault.hint, severity=fault.severity)


def _fault(declared: Declared, policy: Side, objectives: Objectives, look: timedelta) -> _Fault | None:
    schedule: Schedule = policy.block("schedule")
    triggers = {kind: trigger for kind in _KINDS if (trigger := getattr(schedule, kind)) is not None}
    if objectives.rpo is None:
        return None if triggers else _Fault("never-backed-up", ("spec",), "neither a schedule nor an RPO would ever make a backup due")
    periods = {kind: _period(trigger) for kind, trigger in triggers.items()}
    fastest = min(periods, key=lambda kind: periods[kind], default=None)
    giver = _giver(policy, fastest) if fastest else None
    if fastest is None or giver is None or giver.declared is None:
        return None  # what is built in follows the RPO by itself
    every, rpo = periods[fastest], objectives.rpo
    where = ("spec", "schedule", fastest) if giver.declared.key == declared.key else ("spec", "policy")
    elsewhere = "" if giver.declared.key == declared.key else f" ({giver.declared.place.file}:{_line(giver.declared, fastest)})"
    gap = f"leaves up to {_words(every)} between two backups" if triggers[fastest].cron else f"takes one every {_words(every)}"
    if every > rpo:
        message = f"the {fastest} schedule{elsewhere} {gap}, and the RPO is {_words(rpo)}"
        return _Fault("rpo-schedule", where, message, "Take backups more often, or promise less.")
    expected = rpo / 10
    if every + expected + look <= rpo:
        return None
    message = (
        f"the {fastest} schedule{elsewhere} {gap}; with {_words(expected)} for the backup and {_words(look)} until the loop looks "
        f"that is {_words(every + expected + look)}, and the RPO is {_words(rpo)}"
    )
    return _Fault("rpo-margin", where, message, "The loop will start earlier than the schedule says.", Severity.WARNING)


def _giver(policy: Side, kind: str) -> Layer | None:
    for layer in policy.newest_first():
        given = layer.blocks.get("schedule")
        if given is not None and kind in given.given():
            return layer
    return None


def _line(declared: Declared, kind: str) -> int:
    return declared.find("spec", "schedule", kind).key_spot.line


def _period(trigger: Trigger) -> timedelta:
    if trigger.every is not None:
        return trigger.every
    assert trigger.cron is not None
    return _gap(trigger.cron, trigger.timezone or "UTC")


@lru_cache(maxsize=1024)
def _gap(cron: str, zone: str) -> timedelta:
    return longest_gap(cron, zone, _REFERENCE)


def _words(value: timedelta) -> str:
    return format_duration(value, parts=2)


def _downtime(declared: Declared, objectives: Objectives) -> Iterator[Problem]:
    cases = [("", objectives.rto, objectives.mtd)]
    for disaster in objectives.disasters:
        promised = objectives.under(DisasterType(disaster))
        cases.append((f"{disaster}: ", promised.rto, promised.mtd))
    for case, rto, mtd in cases:
        if rto is not None and mtd is not None and rto > mtd:
            message = f"{case}the RTO is {_words(rto)}, longer than the maximum tolerable downtime of {_words(mtd)}"
            yield declared.problem("rto-mtd", ("spec", "objectives"), message)
            return  # an RTO without one of its own for the disaster would be told once for each


def _compression(declared: Declared, compression: Compression) -> Iterator[Problem]:
    if not _SOUND.recall((compression,), lambda: _is_sound(compression)):
        message = f"the level {compression.level} does not belong to the algorithm {compression.algorithm} that it ends up with"
        yield declared.problem("compression-level", ("spec", "compression", "level"), message)


def _is_sound(compression: Compression) -> bool:
    given = {key: value for key, value in compression.given().items() if value is not None}
    try:
        Compression.model_validate(given, by_name=True)
    except ValueError:
        return False
    return True


def _retention(declared: Declared, policy: Side) -> Iterator[Problem]:
    """Only where the specs changed what is built in, at the place that did."""
    _, giver = policy.last_given("retention")
    if giver is None or giver.declared is None:
        return
    where = ("spec", "retention") if giver.declared.key == declared.key else ("spec", "policy")
    retention: Retention = policy.block("retention")
    rules = {key for key, value in retention.given().items() if value}
    if not rules - {"minimum"}:
        message = "no rule of retention is left, so every snapshot is kept for ever"
        yield declared.problem("empty-retention", where, message, severity=Severity.WARNING)
    elif "minimum" not in rules:
        message = "retention has no minimum, so only the newest good snapshot is certain to stay"
        yield declared.problem("no-minimum", where, message, hint="`minimum: 3` is built in.", severity=Severity.WARNING)


def _copies(
    stores: Mapping[str, RepositorySpec], declared: Declared, system: System, copies: Copies, names: tuple[str, ...]
) -> Iterator[Problem]:
    spec = system.spec
    if not names or any(name not in stores for name in names):
        return
    chosen = [stores[name] for name in names]
    site = spec.failure_domain.get("site")
    available = {
        "count": len(chosen),
        "media": len({store.media for store in chosen if store.media is not None}),
        "offsite": sum(store.failure_domain.get("site") not in (None, site) for store in chosen),
        "immutable": sum(_cannot_delete(store, spec.host) for store in chosen),
    }
    for key, there in available.items():
        wanted = getattr(copies, key)
        if wanted is not None and wanted > there:
            where = ("spec", "copies", key) if spec.copies is not None and key in spec.copies.given() else ("spec", "tier")
            message = f"copies.{key} is {wanted}, and its repositories ({', '.join(names)}) can give {there}"
            yield declared.problem("copies-impossible", where, message, severity=Severity.WARNING)


def _cannot_delete(store: RepositorySpec, host: str | None) -> bool:
    if store.deletable_from is None:
        return store.object_lock is not None and store.object_lock.binds_everybody
    return host not in store.deletable_from
