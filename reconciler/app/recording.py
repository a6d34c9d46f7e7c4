"""From a plan and what came of it to conditions, events and the published status."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from reconciler.app.alerting import alerts_status, take_turn
from reconciler.app.memory import last_recovery
from reconciler.app.scene import Scene
from reconciler.app.stock import read_stock
from reconciler.base.errors import ReconcilerError
from reconciler.base.log import get
from reconciler.decide.conditions import conditions as judge_conditions
from reconciler.decide.memory import catalog_condition
from reconciler.decide.raising import Raising
from reconciler.decide.receiving import receiver_conditions
from reconciler.decide.remembered import Remembered
from reconciler.decide.status import status as make_status
from reconciler.decide.words import pascal
from reconciler.model.event import Event
from reconciler.model.plan import Gap, Plan
from reconciler.model.status import Condition, ConditionType, LoopStatus, Status, Truth

if TYPE_CHECKING:
    from reconciler.app.host_watch import HostWatch
    from reconciler.catalog.catalog import Catalog
    from reconciler.decide.keepsake import Keepsake

_LOOP = "loop"
_log = get("app")


class Kept:
    """What a loop keeps of its last pass, so that the next one judges only what is another."""

    def __init__(self, keepsake: Keepsake | None) -> None:
        """``keepsake``: of the loop before this one."""
        self.remembered = Remembered(keepsake=keepsake)
        self.raising = Raising()


def record(catalog: Catalog, scene: Scene, plan: Plan, host: HostWatch, *, settled: bool, kept: Kept | None = None) -> Status:
    """Put conditions, events and alerts into the catalog; the status as it then is. ``settled``: what was due has been done.

    ``kept``: the same one in each pass of a loop.
    """
    remembered = kept.remembered if kept is not None else None
    judged = _judged(catalog, scene, plan, remembered)
    before = catalog.conditions()
    dated, flips = catalog.put_conditions(judged, scene.now)
    known = {(c.kind, c.name, c.type) for c in before} if flips else set()
    news = [f for f in flips if _event_kind(f) == "Warning" or (f.kind, f.name, f.type) in known]  # well from the beginning: no news
    catalog.add_events([Event.told(_event_kind(f), f.kind, f.name, f.reason, f.message, scene.now) for f in news])
    health, checks = host.judge(catalog, scene)
    status = replace(_status(catalog, scene, plan, dated, remembered), health=health)
    try:
        return take_turn(catalog, scene, status, settled=settled, checks=checks, raising=kept.raising if kept is not None else None)
    except ReconcilerError:
        raise  # the catalog itself, or the lease
    except Exception as error:  # noqa: BLE001 - a defect in what tells people must not end what protects them
        _log.exception("alerts failed unexpectedly")
        note = f"no alert was told in this pass: unexpected {type(error).__name__}"
        catalog.add_event("Warning", "Catalog", "alerts", "AlertsFailed", note, scene.now)
        return status


def _judged(catalog: Catalog, scene: Scene, plan: Plan, remembered: Remembered | None = None) -> tuple[Condition, ...]:
    own = catalog_condition(last_recovery(catalog, scene.now), scene.now)
    receivers = receiver_conditions(scene.desired.alert_policies, catalog.alerts.receivers())
    judged = judge_conditions(scene.desired, scene.observed, plan, scene.now, remembered=remembered)
    if remembered is None:
        return (*judged, own, *receivers)
    return remembered.recall("judged", (judged,), lambda: (*judged, own, *receivers), equal=(own, receivers))


def record_gaps(catalog: Catalog, gaps: Sequence[Gap], now: datetime) -> None:
    """What the loop cannot close is an event, too: the same one again only counts up."""
    of = [("System", gap.system) if gap.system else ("Repository", gap.repository) for gap in gaps]
    told = zip(of, gaps, strict=True)
    catalog.add_events([Event.told("Warning", *about, pascal(gap.code), f"{gap.why}: {gap.person}", now) for about, gap in told])


def read_only_status(catalog: Catalog, scene: Scene, plan: Plan) -> Status:
    """The status without writing anything: `since` is what the catalog knows of a condition that still stands."""
    known = {(c.kind, c.name, c.type): c for c in catalog.conditions()}
    judged = _judged(catalog, scene, plan)
    status = _status(catalog, scene, plan, tuple(_dated(c, known.get((c.kind, c.name, c.type))) for c in judged))
    return replace(status, alerts=alerts_status(catalog, scene.desired, catalog.alerts.live(scene.now), scene.now))


def begin_loop(catalog: Catalog, now: datetime) -> None:
    """A loop that keeps going has started."""
    _put_loop(catalog, replace(read_loop(catalog), started_at=now))


def end_of_pass(catalog: Catalog, now: datetime, *, complete: bool) -> None:
    """Count the pass; a complete one is what the alert "the loop stands still" looks at."""
    known = read_loop(catalog)
    _put_loop(catalog, replace(known, passes=known.passes + 1, last_success_at=now if complete else known.last_success_at))


def read_loop(catalog: Catalog) -> LoopStatus:
    """What is remembered of the loop itself."""
    kept = json.loads(catalog.get_value(_LOOP) or "{}")
    actions, failed = catalog.counters()
    return LoopStatus(
        started_at=_moment(kept.get("started_at")),
        last_success_at=_moment(kept.get("last_success_at")),
        passes=kept.get("passes", 0),
        actions=actions,
        failed=failed,
    )


def _put_loop(catalog: Catalog, loop: LoopStatus) -> None:
    kept = {
        "started_at": loop.started_at.isoformat() if loop.started_at else None,
        "last_success_at": loop.last_success_at.isoformat() if loop.last_success_at else None,
        "passes": loop.passes,
    }
    catalog.put_value(_LOOP, json.dumps(kept))


def _status(catalog: Catalog, scene: Scene, plan: Plan, conditions: tuple[Condition, ...], remembered: Remembered | None = None) -> Status:
    endings, interval = catalog.endings.read(), scene.desired.settings.interval
    loop = replace(read_loop(catalog), interval=interval, durations=endings.durations, epoch=catalog.newest_lease())
    made = make_status(scene.desired, scene.observed, plan, conditions, loop, scene.specs, scene.now, remembered=remembered)
    stock = read_stock(catalog)
    counted = (replace(each, last=endings.well.get(each.name, {}), stock=stock.get(each.name)) for each in made.repositories)
    return replace(made, repositories=tuple(counted))


def _dated(condition: Condition, known: Condition | None) -> Condition:
    return replace(condition, since=known.since) if known is not None and known.status is condition.status else condition


def _event_kind(condition: Condition) -> Literal["Normal", "Warning"]:
    well = condition.status is Truth.TRUE or condition.type is ConditionType.SUSPENDED
    return "Normal" if well else "Warning"


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
