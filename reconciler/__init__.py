"""Reconciler: declarative backup and disaster recovery.

The public names are resolved when they are first used: ``import reconciler`` costs nothing, and neither does ``reconcile --help``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.act.context import Amount, Result
    from reconciler.app.alerts import AlertList
    from reconciler.app.api import Reconciler
    from reconciler.app.bare import BareRepository, plan_restore_bare, restore_bare, snapshots_bare
    from reconciler.app.choice import Chosen, Wanted
    from reconciler.app.drills import DrillList
    from reconciler.app.planned import PlanReport
    from reconciler.app.queries.queries import bare_queries
    from reconciler.app.queries.values import (
        DiffReport,
        DumpReport,
        FileChange,
        FileEntry,
        FileHistory,
        FileList,
        FileVersion,
        FindReport,
        Sighting,
    )
    from reconciler.app.recover import inside_bare, recover_bare, restore_all_bare
    from reconciler.app.recovery.values import ContinuityReport, GeneratedPlan, RecoveryReport, RecoveryStatus
    from reconciler.app.reports import (
        Explanation,
        InitReport,
        Outlook,
        PassReport,
        RebuildReport,
        RestoreList,
        RestorePlan,
        RestoreReport,
        RestoreRequest,
        SnapshotDetail,
        SnapshotList,
    )
    from reconciler.app.simulate import SimulationReport
    from reconciler.base.errors import ReconcilerError
    from reconciler.catalog.records import RestoreRecord, Run, RunOutcome
    from reconciler.model.alerts import Alert, AlertSeverity, AlertState, Silence
    from reconciler.model.drill import DrillRecord
    from reconciler.model.event import Event
    from reconciler.model.forecast import Forecast, RepositoryForecast, SystemForecast
    from reconciler.model.impact import Impact, ScenarioOutlook, SystemImpact, Verdict
    from reconciler.model.objective import ObjectiveStatus
    from reconciler.model.plan import Action, ActionKind, Gap, Held, Plan, Waiting
    from reconciler.model.recovery import Readiness, RecoveryOutcome, RecoveryRun, StepRecord, StepState
    from reconciler.model.report import Compliance, Report, SystemEvidence
    from reconciler.model.snapshot import BackupKind, Grade, Mark, MarkKind, Snapshot
    from reconciler.model.statistics import RepositoryStatistics, Statistics, Stored, SystemStatistics
    from reconciler.model.status import Condition, ConditionType, Status, SystemStatus, Truth

__version__ = "0.1.0"

_HOMES = {
    "reconciler.act.context": ("Amount", "Result"),
    "reconciler.app.api": ("Reconciler",),
    "reconciler.app.bare": ("BareRepository", "plan_restore_bare", "restore_bare", "snapshots_bare"),
    "reconciler.app.choice": ("Chosen", "Wanted"),
    "reconciler.app.queries.queries": ("bare_queries",),
    "reconciler.app.queries.values": (
        "DiffReport",
        "DumpReport",
        "FileChange",
        "FileEntry",
        "FileHistory",
        "FileList",
        "FileVersion",
        "FindReport",
        "Sighting",
    ),
    "reconciler.app.drills": ("DrillList",),
    "reconciler.app.planned": ("PlanReport",),
    "reconciler.app.simulate": ("SimulationReport",),
    "reconciler.app.recover": ("inside_bare", "recover_bare", "restore_all_bare"),
    "reconciler.app.recovery.values": ("ContinuityReport", "GeneratedPlan", "RecoveryReport", "RecoveryStatus"),
    "reconciler.app.reports": (
        "Explanation",
        "InitReport",
        "PassReport",
        "RebuildReport",
        "Outlook",
        "RestoreList",
        "RestorePlan",
        "RestoreReport",
        "RestoreRequest",
        "SnapshotDetail",
        "SnapshotList",
    ),
    "reconciler.base.errors": ("ReconcilerError",),
    "reconciler.catalog.records": ("RestoreRecord", "Run", "RunOutcome"),
    "reconciler.model.plan": ("Action", "ActionKind", "Gap", "Held", "Plan", "Waiting"),
    "reconciler.model.recovery": ("Readiness", "RecoveryOutcome", "RecoveryRun", "StepRecord", "StepState"),
    "reconciler.model.report": ("Compliance", "Report", "SystemEvidence"),
    "reconciler.model.snapshot": ("BackupKind", "Grade", "Mark", "MarkKind", "Snapshot"),
    "reconciler.app.alerts": ("AlertList",),
    "reconciler.model.alerts": ("Alert", "AlertSeverity", "AlertState", "Silence"),
    "reconciler.model.drill": ("DrillRecord",),
    "reconciler.model.event": ("Event",),
    "reconciler.model.forecast": ("Forecast", "RepositoryForecast", "SystemForecast"),
    "reconciler.model.impact": ("Impact", "ScenarioOutlook", "SystemImpact", "Verdict"),
    "reconciler.model.objective": ("ObjectiveStatus",),
    "reconciler.model.statistics": ("RepositoryStatistics", "Statistics", "Stored", "SystemStatistics"),
    "reconciler.model.status": ("Condition", "ConditionType", "Status", "SystemStatus", "Truth"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Reconciler",
    "ReconcilerError",
    "BareRepository",
    "Wanted",
    "Chosen",
    "bare_queries",
    "Statistics",
    "SystemStatistics",
    "RepositoryStatistics",
    "Stored",
    "FileEntry",
    "FileList",
    "FileChange",
    "DiffReport",
    "Sighting",
    "FileVersion",
    "FileHistory",
    "FindReport",
    "DumpReport",
    "plan_restore_bare",
    "inside_bare",
    "recover_bare",
    "restore_all_bare",
    "restore_bare",
    "snapshots_bare",
    "RestoreRequest",
    "Explanation",
    "InitReport",
    "PassReport",
    "PlanReport",
    "SimulationReport",
    "RebuildReport",
    "RestorePlan",
    "Outlook",
    "RestoreReport",
    "RestoreList",
    "RestoreRecord",
    "SnapshotDetail",
    "SnapshotList",
    "Amount",
    "Result",
    "RunOutcome",
    "Run",
    "Alert",
    "AlertList",
    "AlertSeverity",
    "AlertState",
    "Silence",
    "DrillList",
    "DrillRecord",
    "ObjectiveStatus",
    "Report",
    "SystemEvidence",
    "Compliance",
    "Forecast",
    "RepositoryForecast",
    "SystemForecast",
    "Impact",
    "ScenarioOutlook",
    "SystemImpact",
    "Verdict",
    "Event",
    "Action",
    "ActionKind",
    "Gap",
    "Held",
    "Plan",
    "Waiting",
    "BackupKind",
    "Grade",
    "Mark",
    "MarkKind",
    "Snapshot",
    "ContinuityReport",
    "GeneratedPlan",
    "RecoveryReport",
    "RecoveryStatus",
    "Readiness",
    "RecoveryOutcome",
    "RecoveryRun",
    "StepRecord",
    "StepState",
    "Condition",
    "ConditionType",
    "Status",
    "SystemStatus",
    "Truth",
]


def __getattr__(name: str) -> Any:
    home = _HOME_OF.get(name)
    if home is None:
        raise AttributeError(f"module 'reconciler' has no attribute '{name}'")
    from importlib import import_module

    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
