"""The evidence report: the audit log read line by line, the memory of this host, and one look at the repositories."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.app.house import House
from reconciler.app.memory import AUDIT
from reconciler.app.names import require_systems
from reconciler.app.promises import promised_of
from reconciler.app.recording import read_only_status
from reconciler.app.scene import NOTHING, load, look
from reconciler.base.errors import Usage
from reconciler.catalog import audit
from reconciler.decide import report as decide_report
from reconciler.decide.evidence import Ledger
from reconciler.decide.plan import plan as decide_plan
from reconciler.decide.scene import Scene as Decision
from reconciler.model.report import AuditEvidence, Recovery, Report, Span

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.catalog.catalog import Catalog
    from reconciler.catalog.records import RestoreRecord
    from reconciler.model.desired import DesiredSystem

DAYS = 30
"""Without a beginning: so many before the end."""
_ALL = 1_000_000


def report(house: House, begins: datetime | None, ends: datetime | None, systems: Collection[str], *, cached: bool) -> Report:
    """See :meth:`Session.report`."""
    from reconciler import __version__

    period = _period(begins, ends, house.clock.now())
    ledger = Ledger()
    path = house.memory.state / AUDIT
    verdict = audit.verify(path, told=ledger.hear) if path.exists() else audit.Verdict(0, audit.BEGINNING)
    with house.memory.reading() as catalog:
        scene = look(house, catalog, load(house, catalog), refresh=NOTHING if cached else None)
        require_systems(scene.desired, systems)
        status = read_only_status(catalog, scene, decide_plan(scene.desired, scene.observed, scene.now))
        known = _known(catalog, scene.desired.systems)
    intact = AuditEvidence(verdict.fault is None, verdict.lines, verdict.head, verdict.fault or "", ledger.since)
    asked = decide_report.Asked(period, frozenset(systems), __version__)
    return decide_report.report(asked, Decision.of(scene.desired, scene.observed, scene.now), status, ledger, intact, known)


def _period(begins: datetime | None, ends: datetime | None, now: datetime) -> Span:
    """Nobody has evidence of the future."""
    last = ends or now
    first = begins or last - timedelta(days=DAYS)
    for moment, word in ((first, "begin"), (last, "end")):
        if moment.tzinfo is None:
            raise Usage(f"the {word} of the report is a time without an offset", hint="Give it one, such as +01:00 or Z.")
        if moment > now:
            raise Usage(f"the report cannot {word} in the future ({moment.isoformat()})", hint="Only what has happened can be shown.")
    if first >= last:
        said = f"{first.isoformat()} is not before {last.isoformat()}"
        raise Usage(f"the report must begin before it ends: {said}", hint="--from is the earlier moment, --to the later one.")
    return first, last


def _known(catalog: Catalog, systems: tuple[DesiredSystem, ...]) -> decide_report.Known:
    return decide_report.Known(
        alerts=catalog.alerts.newest(_ALL),
        drills=catalog.drills.newest(_ALL),
        recoveries=tuple(_recovery(record) for record in catalog.restores(_ALL)),
        runs=catalog.recoveries.newest(_ALL),
        promised={system.name: promised_of(system) for system in systems},
    )


def _recovery(record: RestoreRecord) -> Recovery:
    return Recovery(
        id=record.id,
        kind=record.kind,
        system=record.system,
        snapshot_id=record.snapshot_id,
        target=record.target,
        actor=record.actor,
        began_at=record.started_at,
        ended_at=record.ended_at,
        outcome=record.outcome.value if record.outcome is not None else "",
        files=record.files,
        bytes=record.bytes,
    )
