"""Status to metric families; live.py adds what is not in one.

Nothing is kept from one Status to the next: what one no longer holds is gone with the next scrape, and after a restart nothing begins at 0.
"""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric as Family

from reconciler import __version__
from reconciler.metrics import names
from reconciler.metrics.host import of_host
from reconciler.metrics.metric import Metric, MetricType, Sample
from reconciler.model.alerts import AlertSeverity, AlertsStatus
from reconciler.model.disaster import Tally
from reconciler.model.drill import DrillOutcome, RecoveryTime, Rehearsed
from reconciler.model.durations import BOUNDS, Durations
from reconciler.model.impact import Verdict
from reconciler.model.plan import GUARDS, ActionKind
from reconciler.model.recovery import PlanStanding
from reconciler.model.standing import unwell
from reconciler.model.status import (
    Condition,
    LoopStatus,
    Planned,
    ProtectionStatus,
    RepositoryStatus,
    SpecStatus,
    Status,
    SystemStatus,
    Truth,
)

_RESULTS: dict[DrillOutcome | None, float] = {DrillOutcome.PROVEN: 1, DrillOutcome.FAILED: 0}
_THREAT = {verdict.value: float(Verdict.MET.rank - verdict.rank) for verdict in Verdict if not verdict.well}
_TRUTH = {Truth.TRUE: 1.0, Truth.FALSE: 0.0, Truth.UNKNOWN: -1.0}


def families(status: Status | None) -> Iterator[Family]:
    """Every metric of names.ALL that is not live, in that order, also without a sample: a query then finds the name and its help."""
    for metric, values in collected(status):
        yield histogram(metric, status) if metric.type is MetricType.HISTOGRAM else family(metric, values)


def collected(status: Status | None) -> Iterator[tuple[Metric, dict[tuple[str, ...], float]]]:
    """The same with its values by labels; of a histogram there are none here."""
    told = [metric for metric in names.ALL if not metric.live]
    values: dict[str, dict[tuple[str, ...], float]] = {metric.name: {} for metric in told}
    for metric, labels, value in samples(status):
        values[metric.name][labels] = value
    for metric in told:
        yield metric, values[metric.name]


def samples(status: Status | None) -> Iterator[Sample]:
    """The values alone, unordered; not what is in histograms."""
    yield names.BUILD, (__version__, platform.python_version()), 1
    yield from _of_loop(status.loop if status is not None else LoopStatus(), declared=status is not None)
    if status is None:
        return
    yield from _of_spec(status.spec)
    yield from _of_planned(status.planned)
    for system in status.systems:
        yield from _of_system(system)
    for repository in status.repositories:
        yield from _of_repository(repository)
    yield from _of_conditions(status.conditions)
    yield from _of_alerts(status.alerts)
    for tally in status.impact:
        yield from _of_impact(tally)
    for plan in status.recovery_plans:
        yield from _of_plan(plan)
    yield from of_host(status.health)


def _of_impact(tally: Tally) -> Iterator[Sample]:
    for verdict, number in tally.verdicts.items():
        yield names.IMPACT, (tally.scenario, verdict), number
    for system, verdict in tally.threatened.items():
        yield names.IMPACT_VERDICT, (tally.scenario, system), _THREAT[verdict]
    yield names.IMPACT_LEFT_OUT, (tally.scenario,), tally.left_out


def _of_alerts(alerts: AlertsStatus) -> Iterator[Sample]:
    for severity in AlertSeverity:
        yield names.ALERTS_FIRING, (severity.value,), alerts.firing.get(severity, 0)
        yield names.ALERTS_ACKNOWLEDGED, (severity.value,), alerts.acknowledged.get(severity, 0)
        yield names.ALERTS_OLDEST, (severity.value,), _timestamp(alerts.oldest.get(severity))
    yield names.SILENCES, (), alerts.silences
    for receiver in alerts.receivers:
        name = (receiver.name,)
        yield names.NOTIFICATIONS, name, receiver.delivered
        yield names.NOTIFICATIONS_FAILED, name, receiver.failed
        yield names.NOTIFICATIONS_DROPPED, name, receiver.dropped
        yield names.NOTIFICATIONS_WAITING, name, receiver.waiting


def _of_loop(loop: LoopStatus, *, declared: bool) -> Iterator[Sample]:
    yield names.LOOP_LAST_SUCCESS, (), _timestamp(loop.last_success_at)
    if declared:
        yield names.LOOP_INTERVAL, (), loop.interval.total_seconds()
        yield names.LOOP_STARTED, (), _timestamp(loop.started_at)
        yield names.LEASE_EPOCH, (), loop.epoch
        yield names.PAUSED, (), loop.pause is not None
        yield names.PAUSE_END, (), _timestamp(loop.pause.until if loop.pause is not None else None)
    for metric, counts in ((names.ACTIONS, loop.actions), (names.ACTIONS_FAILED, loop.failed)):
        for action in dict.fromkeys([*(kind.value for kind in ActionKind), *map(str, counts)]):  # 0 is there before the first one happens
            yield metric, (action,), counts.get(action, 0)


def _of_planned(planned: Planned) -> Iterator[Sample]:
    for metric, words, counts in ((names.PLAN_ACTIONS, tuple(ActionKind), planned.actions), (names.PLAN_HELD, GUARDS, planned.held)):
        for word in dict.fromkeys([*map(str, words), *counts]):
            yield metric, (word,), counts.get(word, 0)
    yield names.PLAN_GAPS, (), planned.gaps


def _of_spec(spec: SpecStatus) -> Iterator[Sample]:
    yield names.SPEC_SUCCESSFUL, (), spec.clean and spec.errors == 0
    yield names.SPEC_LOADED, (), _timestamp(spec.loaded_at)
    yield names.SPEC_PROBLEMS, ("error",), spec.errors
    yield names.SPEC_PROBLEMS, ("warning",), spec.warnings
    yield names.SPEC_OBJECTS, (), spec.objects
    commit, dirty = (spec.revision.short, str(spec.revision.dirty).lower()) if spec.revision is not None else ("", "")
    yield names.SPEC, (commit, dirty), 1


def _of_system(system: SystemStatus) -> Iterator[Sample]:
    name = (system.name,)
    yield names.SYSTEM, (system.name, system.tier, system.policy, system.owner, system.host), 1
    if system.rpo is not None:
        yield names.RPO_TARGET, name, system.rpo.total_seconds()
    if system.rto is not None:
        yield names.RTO_TARGET, name, system.rto.total_seconds()
    if system.rpo is not None and system.here:
        yield names.RPO_BREACH, name, _timestamp(system.rpo_breach_at)
    if system.mtd is not None:
        yield names.MTD_TARGET, name, system.mtd.total_seconds()
    yield names.HELD, name, system.held
    yield names.SUSPENDED, name, system.suspended
    if system.readiness is not None:
        yield names.READINESS, name, system.readiness.score / 100
    for protection in system.protection:
        pair = (system.name, protection.repository)
        yield names.RECOVERY_POINT, pair, _timestamp(protection.recovery_point_at)
        yield names.SNAPSHOTS, pair, protection.snapshots
        yield names.VERIFIED, pair, _timestamp(protection.newest_verified_at)
        yield names.CHECKED, pair, _timestamp(protection.newest_checked_at)
        if protection.trails is not None:
            yield names.COPY_LAG, pair, protection.trails.total_seconds()
        if protection.copy_due_at is not None:
            yield names.COPY_DUE, pair, _timestamp(protection.copy_due_at)
        if system.here:
            yield from _of_runs(pair, protection)
    yield from _of_copies(name, system)
    yield from _of_recovery(name, system.recovery, system.rehearsed)
    yield from _of_conditions(system.conditions)


def _of_copies(name: tuple[str], system: SystemStatus) -> Iterator[Sample]:
    copied = system.copied
    yield names.COPIES_HELD, name, copied.held
    yield names.COPIES_OFFSITE_HELD, name, copied.offsite_held
    if copied.declared:
        yield names.COPIES_TARGET, name, copied.declared
    if copied.offsite_declared:
        yield names.COPIES_OFFSITE_TARGET, name, copied.offsite_declared
    if copied.lag is not None:
        yield names.COPY_LAG_TARGET, name, copied.lag.total_seconds()
    for depth, period in (("deep", system.verification.deep), ("quick", system.verification.quick)):
        if period is not None:
            yield names.VERIFICATION_TARGET, (*name, depth), period.total_seconds()


def _of_recovery(name: tuple[str], recovery: RecoveryTime, rehearsed: Rehearsed) -> Iterator[Sample]:
    if recovery.predicted is not None:
        yield names.RTO_PREDICTED, (*name, "borrowed" if recovery.borrowed else "own"), recovery.predicted.total_seconds()
    if recovery.measured is not None:
        yield names.RTO_MEASURED, name, recovery.measured.total_seconds()
    if rehearsed.every is not None:
        yield names.DRILL_TARGET, name, rehearsed.every.total_seconds()
    if rehearsed.every is not None or rehearsed.last_at is not None:
        yield names.DRILL_LAST, name, _timestamp(rehearsed.last_at)
        yield names.DRILL_RESULT, name, _RESULTS.get(rehearsed.last_outcome, -1)
        yield names.DRILL_PROVEN, name, _timestamp(rehearsed.proven_at)
        yield names.DRILL_EXPIRY, name, _timestamp(rehearsed.proven_until)


def _of_plan(plan: PlanStanding) -> Iterator[Sample]:
    name = (plan.plan,)
    yield names.PLAN_TESTED, name, _timestamp(plan.tested_at)
    yield names.PLAN_TEST_EXPIRY, name, _timestamp(plan.valid_until)
    if plan.every is not None:
        yield names.PLAN_TEST_INTERVAL, name, plan.every.total_seconds()
    yield names.PLAN_RESULT, name, -1 if plan.passed is None else plan.passed
    if plan.expected_seconds is not None:
        yield names.PLAN_EXPECTED, name, plan.expected_seconds


def _of_runs(pair: tuple[str, str], protection: ProtectionStatus) -> Iterator[Sample]:
    history = protection.history
    yield names.LAST_SUCCESS, pair, _timestamp(history.last_success_at)
    yield names.LAST_ATTEMPT, pair, _timestamp(history.last_attempt_at)
    yield names.CONSECUTIVE_FAILURES, pair, history.consecutive_failures
    if history.last_duration is not None:
        yield names.LAST_DURATION, pair, history.last_duration.total_seconds()
    if history.last_bytes is not None:
        yield names.LAST_BYTES, pair, history.last_bytes
    if history.last_added_bytes is not None:
        yield names.LAST_ADDED_BYTES, pair, history.last_added_bytes


def _of_repository(repository: RepositoryStatus) -> Iterator[Sample]:
    name = (repository.name,)
    yield names.REPOSITORY_UP, name, repository.reachable
    yield names.REPOSITORY_LISTED, name, _timestamp(repository.listed_at)
    yield names.REPOSITORY_ORPHANED, name, repository.orphaned
    if repository.free_bytes is not None:
        yield names.REPOSITORY_FREE, name, repository.free_bytes
    if repository.stock is not None:
        yield names.REPOSITORY_USED, name, repository.stock.bytes
        yield names.REPOSITORY_OBJECTS, name, repository.stock.objects
        yield names.REPOSITORY_COUNTED, name, _timestamp(repository.stock.at)
    for action, at in repository.last.items():
        yield names.REPOSITORY_LAST, (repository.name, action), _timestamp(at)
    if repository.prune_every is not None:
        yield names.PRUNE_TARGET, name, repository.prune_every.total_seconds()
    yield from _of_conditions(repository.conditions)


def _of_conditions(conditions: tuple[Condition, ...]) -> Iterator[Sample]:
    for condition in conditions:
        labels = (condition.kind, condition.name, condition.type.value)
        yield names.CONDITION, labels, _TRUTH[condition.status]
        if unwell(condition) and condition.since is not None:
            yield names.UNWELL_SINCE, labels, _timestamp(condition.since)


def _timestamp(moment: datetime | None) -> float:
    return 0.0 if moment is None else moment.timestamp()


def family(metric: Metric, values: Mapping[tuple[str, ...], float]) -> Family:
    """With these samples, by their labels."""
    match metric.type:
        case MetricType.GAUGE:
            gauge = GaugeMetricFamily(metric.family, metric.help, labels=metric.labels)
            for labels, value in values.items():
                gauge.add_metric(labels, value)
            return gauge
        case MetricType.COUNTER:
            counter = CounterMetricFamily(metric.family, metric.help, labels=metric.labels)
            for labels, value in values.items():
                counter.add_metric(labels, value)
            return counter
        case MetricType.INFO:
            info = InfoMetricFamily(metric.family, metric.help)
            for labels in values:
                info.add_metric((), dict(zip(metric.labels, labels, strict=True)))
            return info
        case MetricType.HISTOGRAM:
            raise AssertionError(f"{metric.name} has no single values")


def histogram(metric: Metric, status: Status | None) -> Family:
    """How long actions took."""
    by_kind: Mapping[str, Durations] = status.loop.durations if status is not None else {}
    found = HistogramMetricFamily(metric.family, metric.help, labels=metric.labels)
    for kind in dict.fromkeys([*(kind.value for kind in ActionKind), *by_kind]):  # 0 is there before the first one happens
        took = by_kind.get(kind, Durations())
        bounds = zip([*map(str, BOUNDS), "+Inf"], accumulate(took.counts), strict=True)
        found.add_metric((kind,), list(bounds), took.seconds)
    return found
