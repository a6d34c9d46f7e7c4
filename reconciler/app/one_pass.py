"""One pass of the loop: observe, plan, act, record. Each crash point leaves a state that the next pass simply looks at again."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from reconciler.act.context import Context, Result, Watcher
from reconciler.act.run import run as act
from reconciler.app import history
from reconciler.app.acting import accept_retention, close_interrupted, forget_old_wishes, in_order, make_context
from reconciler.app.alerting import deliver_once
from reconciler.app.create import create_missing
from reconciler.app.host_watch import HostWatch
from reconciler.app.house import House
from reconciler.app.recording import end_of_pass, record, record_gaps
from reconciler.app.reports import PassReport
from reconciler.app.scene import Scene, load, look, remember_repositories, remember_specs
from reconciler.app.stock import StockTaker
from reconciler.decide.plan import plan as decide_plan
from reconciler.model.plan import Action, Plan
from reconciler.model.status import Status

if TYPE_CHECKING:
    from reconciler.catalog.catalog import Catalog


def run_once(house: House, *, init: bool, stop: threading.Event, progress: Watcher | None) -> PassReport:
    """The whole pass, alone in this state directory."""
    from reconciler.loop.lease import Lease

    catalog = house.memory.writing()
    with Lease.take(house.memory.state, catalog, house.clock) as lease:
        lease.lost = lambda _error: stop.set()
        interrupted = close_interrupted(house, catalog)
        loaded = load(house, catalog)
        remember_specs(house, catalog, loaded)
        created = create_missing(house, catalog, loaded.desired) if init else ()
        scene = look(house, catalog, loaded)
        remember_repositories(catalog, scene)
        plan = decide_plan(scene.desired, scene.observed, scene.now)
        context = make_context(house, scene, actor="loop", stop=stop, progress=progress, lease=lease.token)
        results = tuple(_each(in_order(plan.to_begin), context))
        accept_retention(catalog, scene)
        forget_old_wishes(catalog, scene)
        history.remember(catalog, scene.observed)
        after, status = _afterwards(house, catalog, scene, results)
        deliver_once(house, catalog, scene.desired, status.at, complete=after.complete, stop=stop)
    return PassReport(
        plan=plan,
        results=results,
        status=status,
        problems=loaded.problems,
        gaps=after.gaps,
        held=after.held,
        created=created,
        interrupted=interrupted,
        notes=(catalog.recovered,) if catalog.recovered else (),
    )


def _each(actions: Iterable[Action], context: Context) -> Iterator[Result]:
    for action in actions:
        if context.stop.is_set():
            return
        yield act(action, context)


def _afterwards(house: House, catalog: Catalog, scene: Scene, results: tuple[Result, ...]) -> tuple[Plan, Status]:
    """Look again at what was worked on, and say how things stand now."""
    touched = frozenset(result.action.repository for result in results)
    after = look(house, catalog, scene.loaded, refresh=touched)
    remember_repositories(catalog, after, touched)
    plan = decide_plan(after.desired, after.observed, after.now)
    record_gaps(catalog, plan.gaps, after.now)
    end_of_pass(catalog, after.now, complete=plan.complete)
    host = HostWatch(house)
    host.look(after, catalog)
    stock = StockTaker(house)
    stock.look(after, catalog)
    stock.keep(after, catalog)
    return plan, record(catalog, after, plan, host, settled=True)
