"""What is promised against what is planned: RPO and schedule, RTO and downtime, copies and repositories, what retention leaves."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from reconciler.base.units import format_duration
from reconciler.model.cron import longest_gap
from reconciler.model.declared.envelope import System
from reconciler.model.declared.objectives import Copies, Objectives
from reconciler.model.declared.policy import Compression, Retention, Schedule, Trigger
from reconciler.model.declared.repository import RepositorySpec
from reconciler.model.disaster import DisasterType
from reconciler.model.problem import Problem, Severity
from reconciler.spec.declare import Declared, Key
from reconciler.spec.resolve import Layer, Objects, last_given, layers, merge_block

_KINDS = ("incremental", "differential", "full")
_REFERENCE = datetime(2024, 1, 1, tzinfo=UTC)  # any fixed year would do: the same tree must always give the same problems


def check(objects: Objects, broken: AbstractSet[Key]) -> Iterator[Problem]:
    """Problems of each System by itself, as merged."""
    for declared, system in objects.systems():
        sides = layers(objects, system.spec, declared)
        if sides is None or ("BackupPolicy", system.spec.policy) in broken:
            continue
        tier_side, policy_side = sides
        objectives = merge_block(tier_side, "objectives", Objectives)
        schedule = merge_block(policy_side, "schedule", Schedule)
        yield from _schedule(objects, declared, policy_side, schedule, objectives)
        yield from _downtime(declared, objectives)
        yield from _compression(declared, merge_block(policy_side, "compression", Compression))
        yield from _retention(declared, merge_block(policy_side, "retention", Retention), policy_side)
        repositories, _ = last_given(policy_side, "repositories")
        if not repositories:
            hint = "Name them in the policy's or the System's `repositories`; the first is primary."
            yield declared.problem("no-repository", ("spec",), "has no repository to be backed up into", hint=hint)
        yield from _copies(objects, declared, system, merge_block(tier_side, "copies", Copies), repositories)


def _schedule(objects: Objects, declared: Declared, side: list[Layer], schedule: Schedule, objectives: Objectives) -> Iterator[Problem]:
    triggers = {kind: trigger for kind in _KINDS if (trigger := getattr(schedule, kind)) is not None}
    if objectives.rpo is None:
        if not triggers:
            yield declared.problem("never-backed-up", ("spec",), "neither a schedule nor an RPO would ever make a backup due")
        return
    periods = {kind: _period(trigger) for kind, trigger in triggers.items()}
    fastest = min(periods, key=lambda kind: periods[kind], default=None)
    giver = _giver(side, fastest) if fastest else None
    if fastest is None or giver is None or giver.declared is None:
        return  # what is built in follows the RPO by itself
    every, rpo = periods[fastest], objectives.rpo
    where = ("spec", "schedule", fastest) if giver.declared.key == declared.key else ("spec", "policy")
    elsewhere = "" if giver.declared.key == declared.key else f" ({giver.declared.place.file}:{_line(giver.declared, fastest)})"
    gap = f"leaves up to {_words(every)} between two backups" if triggers[fastest].cron else f"takes one every {_words(every)}"
    if every > rpo:
        message = f"the {fastest} schedule{elsewhere} {gap}, and the RPO is {_words(rpo)}"
        yield declared.problem("rpo-schedule", where, message, hint="Take backups more often, or promise less.")
        return
    expected, look = rpo / 10, 2 * objects.settings()[1].interval
    if every + expected + look > rpo:
        message = (
            f"the {fastest} schedule{elsewhere} {gap}; with {_words(expected)} for the backup and {_words(look)} until the loop looks "
            f"that is {_words(every + expected + look)}, and the RPO is {_words(rpo)}"
        )
        hint = "The loop will start earlier than the schedule says."
        yield declared.problem("rpo-margin", where, message, hint=hint, severity=Severity.WARNING)


def _giver(side: list[Layer], kind: str) -> Layer | None:
    for layer in reversed(side):
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
    given = {key: value for key, value in compression.given().items() if value is not None}
    try:
        Compression.model_validate(given, by_name=True)
    except ValueError:
        message = f"the level {compression.level} does not belong to the algorithm {compression.algorithm} that it ends up with"
        yield declared.problem("compression-level", ("spec", "compression", "level"), message)


def _retention(declared: Declared, retention: Retention, side: list[Layer]) -> Iterator[Problem]:
    """Only where the specs changed what is built in, at the place that did."""
    giver = next((layer for layer in reversed(side) if layer.blocks.get("retention") is not None), None)
    if giver is None or giver.declared is None:
        return
    where = ("spec", "retention") if giver.declared.key == declared.key else ("spec", "policy")
    rules = {key for key, value in retention.given().items() if value}
    if not rules - {"minimum"}:
        message = "no rule of retention is left, so every snapshot is kept for ever"
        yield declared.problem("empty-retention", where, message, severity=Severity.WARNING)
    elif "minimum" not in rules:
        message = "retention has no minimum, so only the newest good snapshot is certain to stay"
        yield declared.problem("no-minimum", where, message, hint="`minimum: 3` is built in.", severity=Severity.WARNING)


def _copies(objects: Objects, declared: Declared, system: System, copies: Copies, names: tuple[str, ...]) -> Iterator[Problem]:
    spec = system.spec
    stores = {d.key[1]: document.spec for d, document in objects.repositories()}
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
