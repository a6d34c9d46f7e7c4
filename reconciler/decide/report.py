"""The report on a period, put together from what the audit log, the catalog and the repositories say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from reconciler.decide.compliance import Point, compliance
from reconciler.decide.evidence import Ledger, Promised, edits, suspensions, targets
from reconciler.decide.scene import Scene, from_future
from reconciler.decide.words import counted, minute
from reconciler.model.alerts import Alert
from reconciler.model.desired import DesiredSystem
from reconciler.model.drill import DrillOutcome, DrillRecord
from reconciler.model.recovery import RecoveryRun
from reconciler.model.report import (
    AuditEvidence,
    Deed,
    DrillCounts,
    Incident,
    PlanRun,
    Recovery,
    Rehearsal,
    Report,
    Span,
    SystemEvidence,
)
from reconciler.model.status import ProtectionStatus, Status, SystemStatus

CONTROLS: Mapping[str, tuple[str, ...]] = {
    "compliance": ("ISO/IEC 27001:2022 A.8.13", "SOC 2 A1.2", "NIST SP 800-53 CP-9"),
    "objectives": ("ISO/IEC 27001:2022 A.5.30", "SOC 2 A1.2", "NIST SP 800-53 CP-10"),
    "drills": ("ISO/IEC 27001:2022 A.5.30", "ISO/IEC 27001:2022 A.8.13", "SOC 2 A1.3", "NIST SP 800-53 CP-9(1)", "NIST SP 800-53 CP-10"),
    "incidents": ("ISO/IEC 27001:2022 A.5.30", "SOC 2 A1.2"),
    "recoveries": ("ISO/IEC 27001:2022 A.5.30", "SOC 2 A1.3", "NIST SP 800-53 CP-10"),
    "plans": ("ISO/IEC 27001:2022 A.5.30", "SOC 2 A1.3", "NIST SP 800-53 CP-4", "NIST SP 800-53 CP-10"),
    "decisions": ("ISO/IEC 27001:2022 A.8.13", "NIST SP 800-53 CP-9"),
    "edits": ("ISO/IEC 27001:2022 A.8.13", "NIST SP 800-53 CP-9"),
    "audit": ("ISO/IEC 27001:2022 A.8.13", "NIST SP 800-53 CP-9(8)"),
}
"""Where an auditor may look for each section. Named by the publishers of these texts; a help, not a certification."""
ALERTS_KEPT = timedelta(days=90)
OF_REPOSITORIES = frozenset({"init", "repair", "hold", "release", "accept", "key-add", "key-remove", "key-rotate", "key-kit"})
"""Decisions whose object is a repository."""


class Known(Struct, frozen=True):
    """What the memory of this host holds beside the audit log."""

    alerts: Sequence[Alert]
    drills: Sequence[DrillRecord]
    recoveries: Sequence[Recovery]
    runs: Sequence[RecoveryRun]
    """Of recovery plans, tests included."""
    promised: Mapping[str, Promised]
    """By system: as declared today."""


class Asked(Struct, frozen=True):
    """What the report is to be about."""

    period: Span
    systems: Collection[str]
    """Names; empty: all."""
    version: str

    def about(self, system: str) -> bool:
        return not self.systems or system in self.systems


class Concern(Struct, frozen=True):
    """What else the systems that are asked for have to do with. What concerns no system by name (the loop, the host) concerns all."""

    asked: Asked
    repositories: frozenset[str]
    plans: Mapping[str, Collection[str]]
    """Systems by the recovery plan that brings them back."""
    restored: Mapping[str, str]
    """System by the id of a restore."""
    backed_up: Mapping[str, str]
    """System by the id of a snapshot."""

    @classmethod
    def of(cls, asked: Asked, scene: Scene, ledger: Ledger, recoveries: Iterable[Recovery]) -> Concern:
        systems = [system for system in scene.desired.systems if asked.about(system.name)]
        present = {s.id: s.system for state in scene.observed.repositories.values() for s in state.snapshots} if asked.systems else {}
        return cls(
            asked,
            frozenset(name for system in systems for name in system.repositories),
            {plan.name: plan.systems for plan in scene.desired.recovery_plans},
            {each.id: each.system for each in recoveries},
            {**{state.snapshot: state.system for state in ledger.states}, **present},
        )

    def repository(self, name: str) -> bool:
        return not self.asked.systems or name in self.repositories

    def run(self, run: RecoveryRun) -> bool:
        """One of a plan that is no longer declared, and of which no restore is on record, may have concerned any."""
        systems = {self.restored[step.restore] for step in run.steps if step.restore in self.restored}
        systems.update(self.plans.get(run.plan, ()))
        return not systems or any(self.asked.about(system) for system in systems)

    def incident(self, alert: Alert) -> bool:
        if alert.object_kind == "Repository":
            return self.repository(alert.object_name)
        return alert.object_kind != "System" or self.asked.about(alert.object_name)

    def deed(self, deed: Deed, snapshots: Iterable[str]) -> bool:
        """The object is a system in a repository, a repository with or without ``snapshots``, or something that is everybody's."""
        system, at, _ = deed.object.rpartition("@")
        owners = {self.backed_up[each] for each in snapshots if each in self.backed_up}
        if at and system:
            return self.asked.about(system)
        if owners:
            return any(self.asked.about(owner) for owner in owners)
        return deed.verb not in OF_REPOSITORIES or self.repository(deed.object)


def report(asked: Asked, scene: Scene, status: Status, ledger: Ledger, audit: AuditEvidence, known: Known) -> Report:
    """``ledger``: what the good lines of the log said; ``status``: as of the same look as ``scene``."""
    concern = Concern.of(asked, scene, ledger, known.recoveries)
    drills = [drill for drill in known.drills if _within(drill.started_at, asked.period) and asked.about(drill.system)]
    chosen = [(s, found) for s in scene.desired.systems if asked.about(s.name) and (found := _status_of(status, s.name)) is not None]
    return Report(
        at=scene.now,
        begins=asked.period[0],
        ends=asked.period[1],
        agent=scene.observed.agent,
        realm=scene.desired.realm,
        version=asked.version,
        audit=audit,
        notes=tuple(_notes(asked, scene, ledger, audit, [system for system, _ in chosen])),
        systems=tuple(_system(asked, scene, system, found, ledger, known, drills) for system, found in chosen),
        drills=tuple(_rehearsal(drill) for drill in sorted(drills, key=lambda drill: drill.started_at)),
        incidents=tuple(_incidents(concern, known.alerts)),
        recoveries=tuple(sorted(_recoveries(asked, known.recoveries), key=lambda each: each.began_at)),
        plans=tuple(sorted(_plan_runs(concern, known.runs), key=lambda r: r.began_at)),
        deeds=tuple(
            deed
            for deed, meant in zip(ledger.deeds, ledger.meant, strict=True)
            if _within(deed.at, asked.period) and concern.deed(deed, meant)
        ),
        edits=edits(ledger, asked.period, asked.systems or None),
        controls=CONTROLS,
    )


def good_points(scene: Scene, system: DesiredSystem, ledger: Ledger) -> list[Point]:
    """Every good state that is on record or still there, once. What is known to be bad now was never good."""
    names = {system.name, scene.former_names.get(system.name, system.name)}
    present = [s for name in system.repositories for s in scene.snapshots(system.name, name)]
    good = {s.id for s in present if s.good}
    bad = ({s.id for s in present} | ledger.doubted) - good
    found: dict[tuple[str, datetime], datetime] = {}
    states = [(s.snapshot, s.point) for s in ledger.states if s.system in names and s.snapshot not in bad]
    states += [(s.id, Point(s.counted_at, s.ended_at)) for s in present if s.id in good and not from_future(s.counted_at, scene.now)]
    for snapshot, point in states:
        key = (snapshot, point.at)
        found[key] = min(found.get(key, point.known_at), point.known_at)
    return [Point(at, known_at) for (_, at), known_at in found.items()]


def _system(
    asked: Asked,
    scene: Scene,
    system: DesiredSystem,
    status: SystemStatus,
    ledger: Ledger,
    known: Known,
    drills: Iterable[DrillRecord],
) -> SystemEvidence:
    today = known.promised.get(system.name, Promised())
    parts = targets(ledger, system.name, today, asked.period)
    away = suspensions(ledger, system.name, asked.period[1])
    outcomes = [drill.outcome for drill in drills if drill.system == system.name]
    return SystemEvidence(
        name=system.name,
        tier=system.tier,
        owner=status.owner,
        host=status.host,
        compliance=compliance(parts, good_points(scene, system, ledger), away, asked.period),
        drills=DrillCounts(*(outcomes.count(each) for each in DrillOutcome)),
        proven_at=status.rehearsed.proven_at,
        proven_until=status.rehearsed.proven_until,
        verified_at=_verified_at(status.protection),
        verify_every=status.verification.deep,
        copied=status.copied,
        objectives=tuple(status.objectives),
    )


def _notes(asked: Asked, scene: Scene, ledger: Ledger, audit: AuditEvidence, systems: Sequence[DesiredSystem]) -> Iterable[str]:
    begins, ends = asked.period
    if not audit.intact:
        good = counted(audit.lines, "line")
        yield f"The audit log is not as it was written ({audit.fault}). Only its first {good} are taken as evidence here."
    if audit.since is None:
        yield "No audit log was found on this host: only what the repositories still hold is evidence."
    elif audit.since > begins:
        yield f"The audit log begins at {minute(audit.since)}: before that only what the repositories still hold is evidence."
    for name in sorted({name for system in systems for name in system.repositories if not scene.reachable(name)}):
        yield f"Repository {name} could not be listed: its snapshots stand as they were last seen, or not at all."
    elsewhere = sorted(system.name for system in systems if not scene.here(system))
    if elsewhere:
        names = ", ".join(elsewhere)
        yield f"Backed up by other hosts: {names}. What they confirmed or let go is known there alone: make a report there, too."
    first = ledger.declared[0].at if ledger.declared else None
    if first is None or first > begins:
        until = f"before {minute(min(first, ends))}" if first is not None else "in this period"
        yield f"What was promised {until} is not recorded: the targets declared today are taken for it."
    if scene.now - begins > ALERTS_KEPT:
        yield f"Alerts that ended more than {ALERTS_KEPT.days} days ago are no longer on record: incidents from before are missing."
    if not systems:
        yield "No system is declared."


def _incidents(concern: Concern, alerts: Iterable[Alert]) -> list[Incident]:
    begins, ends = concern.asked.period
    found = [
        Incident(
            object_kind=alert.object_kind,
            object_name=alert.object_name,
            condition=alert.condition,
            severity=alert.severity,
            summary=alert.summary,
            began_at=alert.started_at,
            ended_at=alert.resolved_at,
            times=alert.times,
            acknowledged_by=alert.acknowledged_by,
            acknowledged_at=alert.acknowledged_at,
            resolved_by=alert.resolved_by,
        )
        for alert in alerts
        if alert.started_at < ends and (alert.resolved_at is None or alert.resolved_at > begins)
        if concern.incident(alert)
    ]
    return sorted(found, key=lambda incident: (incident.began_at, incident.object_name, incident.condition))


def _recoveries(asked: Asked, recoveries: Iterable[Recovery]) -> Iterable[Recovery]:
    return (each for each in recoveries if _within(each.began_at, asked.period) and asked.about(each.system))


def _rehearsal(drill: DrillRecord) -> Rehearsal:
    return Rehearsal(
        id=drill.id,
        system=drill.system,
        repository=drill.repository,
        snapshot_id=drill.snapshot_id,
        began_at=drill.started_at,
        outcome=drill.outcome,
        seconds=round(drill.recovery_seconds, 3) if drill.measured else 0.0,
        expires_at=drill.expires_at,
        finding="; ".join(drill.findings[:1]),
    )


def _plan_runs(concern: Concern, runs: Iterable[RecoveryRun]) -> Iterable[PlanRun]:
    return (_plan_run(run) for run in runs if _within(run.started_at, concern.asked.period) and concern.run(run))


def _plan_run(run: RecoveryRun) -> PlanRun:
    return PlanRun(
        id=run.id,
        plan=run.plan,
        mode=run.mode,
        disaster=run.disaster,
        actor=run.actor,
        began_at=run.started_at,
        ended_at=run.ended_at,
        outcome=run.outcome,
        steps=len(run.steps),
        passed=sum(step.state.passed for step in run.steps),
        rto=timedelta(seconds=run.rto_seconds) if run.rto_seconds is not None else None,
        within_rto=run.within_rto,
        finding="; ".join(run.findings[:1]),
    )


def _verified_at(protection: Iterable[ProtectionStatus]) -> datetime | None:
    proofs = [part.newest_verified_at for part in protection if part.snapshots]
    return min((at for at in proofs if at is not None), default=None) if None not in proofs else None


def _status_of(status: Status, name: str) -> SystemStatus | None:
    return next((system for system in status.systems if system.name == name), None)


def _within(at: datetime, period: Span) -> bool:
    return period[0] <= at < period[1]
