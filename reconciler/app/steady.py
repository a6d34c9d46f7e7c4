"""What the loop does in each tick and with each action: the same steps as one pass, spread over threads and time.

Between two listings of a repository (`observeEvery`, or after an own action) the catalog's memory of it stands, with its time in the plan;
a deletion needs a listing of the same tick, so it waits for one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconciler.act.context import Amount, Watcher
from reconciler.act.run import run as run_action
from reconciler.app import history
from reconciler.app.acting import accept_retention, close_interrupted, forget_old_wishes, in_order, make_context
from reconciler.app.answers import Answers
from reconciler.app.create import create_missing
from reconciler.app.foresight import Foresight
from reconciler.app.host_watch import HostWatch
from reconciler.app.house import House
from reconciler.app.recording import Kept, begin_loop, end_of_pass, record, record_gaps
from reconciler.app.scene import Scene, load, look, remember_repositories, remember_specs
from reconciler.app.stock import StockTaker
from reconciler.base.lasting import Lasting
from reconciler.base.log import get
from reconciler.decide.plan import plan as decide_plan
from reconciler.loop.errors import ActionOverdue
from reconciler.loop.loop import Tick
from reconciler.loop.rest import Rest
from reconciler.model.board import Board
from reconciler.model.declared.settings import SettingsSpec
from reconciler.model.desired import Desired
from reconciler.model.plan import Action, Gap
from reconciler.model.problem import Place, Problem, Severity
from reconciler.observe.sources import KnownSources
from reconciler.spec import Cache, Loaded, SpecError

if TYPE_CHECKING:
    from reconciler.catalog.catalog import Catalog

EVENTS_SHOWN = 25
LISTINGS_KEPT_EVERY_SECONDS = 3600.0
"""How much of the newest listings a loop that is killed may have to read row by row when it starts again."""
_log = get("app")


class SteadyPass:
    """Given to :class:`~reconciler.loop.loop.Loop`. Ticks come from one thread, actions from others."""

    def __init__(self, house: House, catalog: Catalog, lease: int, progress: Watcher | None) -> None:
        self.follow: Callable[[SettingsSpec], None] = lambda _settings: None
        """Told of the settings in each tick."""
        self.told: Callable[[Desired, datetime, bool], None] = lambda _desired, _now, _complete: None
        """Called when the alerts of a tick are known: (what is wanted, when, whether the pass was complete)."""
        self._house = house
        self._catalog = catalog
        self._lease = lease
        self._progress = progress
        self._cache = Cache(house.memory.parses())
        self._loaded: Loaded | None = None
        self._decided: Mapping[Action, Scene] = {}
        self._gaps: frozenset[Gap] = frozenset()
        self._lock = threading.Lock()
        self._touched: set[str] = set()
        self._is_first = True
        self._rest = Rest(house.clock)
        self._listings_kept_at = house.clock.monotonic()
        self._host = HostWatch(house)
        self._stock = StockTaker(house)
        self._foresight = Foresight()
        self._answers = Answers(house.memory.state)
        self._kept = Kept(self._answers.read())
        self._lasting = Lasting()
        self._sources = KnownSources()

    def begin(self, *, init: bool) -> SettingsSpec:
        """Before the first tick: runs of dead processes, the specs, what is to be created."""
        close_interrupted(self._house, self._catalog)
        begin_loop(self._catalog, self._house.clock.now())
        loaded = self._load()
        for made in create_missing(self._house, self._catalog, loaded.desired) if init else ():
            _log.info("repository created", repository=made.name, url=made.url, id=made.id)
            if made.warning:
                _log.warning("a key was made", warning=made.warning)
        return loaded.desired.settings

    def tick(self, *, jump: timedelta | None, under_way: frozenset[tuple[str, str, str]]) -> Tick:
        """Look, plan, record."""
        now = self._house.clock.monotonic()
        with self._lasting.kept(now):
            tick = self._pass(jump, under_way)
        if now - self._listings_kept_at >= LISTINGS_KEPT_EVERY_SECONDS:
            self._listings_kept_at = now
            self._catalog.keep_listings()
        return tick

    def _pass(self, jump: timedelta | None, under_way: frozenset[tuple[str, str, str]]) -> Tick:
        loaded = self._load()
        listed = self._to_list(loaded.desired)
        seen = look(self._house, self._catalog, loaded, refresh=listed, clock_jump=jump, sources=self._sources)
        scene = replace(seen, observed=replace(seen.observed, busy=seen.observed.busy | under_way))
        remember_repositories(self._catalog, scene, listed)
        self._host.begin(scene)
        self._stock.begin(scene, self._catalog)
        plan = decide_plan(scene.desired, scene.observed, scene.now, remembered=self._kept.remembered)
        accept_retention(self._catalog, scene, self._kept.remembered)
        forget_old_wishes(self._catalog, scene)
        history.remember(self._catalog, scene.observed)
        self._tell(plan.gaps, scene)
        end_of_pass(self._catalog, scene.now, complete=plan.complete)
        found = self._foresight.of(scene, listed=bool(listed))
        self._stock.keep(scene, self._catalog)
        recorded = record(self._catalog, scene, plan, self._host, settled=False, kept=self._kept)
        status = replace(recorded, impact=self._foresight.tallies())
        board = Board(status, plan, self._catalog.events(EVENTS_SHOWN), found)
        self._decided = dict.fromkeys(plan.actions, scene)
        self.follow(loaded.desired.settings)
        self.told(scene.desired, scene.now, plan.complete)
        limits = {r.name: limit for r in loaded.desired.repositories if (limit := r.limits.concurrency) is not None}
        actions = tuple(a for a in in_order(plan.to_begin) if self._rest.over(a))
        return Tick(board, actions, loaded.desired.settings.interval, limits)

    def act(self, action: Action, stop: threading.Event, beat: Callable[[], None], /) -> None:
        """Carry out one action; its repository is listed again in the next tick."""
        scene = self._decided.get(action)
        if scene is None:
            return  # planned by a tick that a newer one has replaced meanwhile: the newer one plans it again

        context = make_context(
            self._house, scene, actor="loop", stop=stop, progress=_Heard(beat, self._progress), beat=beat, lease=self._lease
        )
        try:
            result = run_action(action, context)
            self._rest.ended(action, failed=result.failure is not None)
        finally:
            with self._lock:
                self._touched.add(action.repository)

    def close(self) -> None:
        """After the last tick."""
        self._host.close()
        self._stock.close()
        self._answers.keep(self._kept.remembered)

    def overdue(self, action: Action, error: ActionOverdue) -> None:
        """A hanging action is news for a person."""
        _log.error("action overdue", code=error.code, error=error.message, hint=error.hint)
        self._catalog.add_event("Warning", "System", action.system, "ActionOverdue", error.message, self._house.clock.now())

    def _load(self) -> Loaded:
        """The specs; when the whole tree is gone or unreadable, what was last read stands, and counts as broken."""
        try:
            loaded = load(self._house, self._catalog, cache=self._cache)
        except SpecError as error:
            if self._loaded is None:
                raise
            return _broken(self._loaded, error)
        remember_specs(self._house, self._catalog, loaded)
        self._loaded = loaded
        return loaded

    def _to_list(self, desired: Desired) -> frozenset[str]:
        """All at the first tick; then those that were worked on, were never listed, or whose listing has grown old."""
        with self._lock:
            touched, self._touched = self._touched, set()
        if self._is_first:
            self._is_first = False
            return frozenset(repository.name for repository in desired.repositories)
        known, now = self._catalog.repositories(), self._house.clock.now()

        def old(name: str) -> bool:
            state = known.get(name)
            if state is None or state.listed_at is None or not state.reachable:
                return True
            return abs(now - state.listed_at) >= desired.settings.observe_every

        return frozenset(r.name for r in desired.repositories if r.name in touched or old(r.name))

    def _tell(self, gaps: tuple[Gap, ...], scene: Scene) -> None:
        """Only what is new: a gap that stays is in the status anyway."""
        new = [gap for gap in gaps if gap not in self._gaps]
        for gap in new:
            _log.warning("a person is needed", system=gap.system, repository=gap.repository, why=gap.why, person=gap.person)
        record_gaps(self._catalog, new, scene.now)
        self._gaps = frozenset(gaps)


class _Heard:
    """Progress as the loop hears it: each piece is a sign of life, whether or not somebody watches."""

    def __init__(self, beat: Callable[[], None], watcher: Watcher | None) -> None:
        self._beat = beat
        self._watcher = watcher
        self.wants_total = watcher is not None and getattr(watcher, "wants_total", True)

    def __call__(self, action: Action, amount: Amount, /) -> None:
        self._beat()
        if self._watcher is not None:
            self._watcher(action, amount)


def _broken(last: Loaded, error: SpecError) -> Loaded:
    problem = Problem(Severity.ERROR, error.code, Place(".", 1), error.message, error.hint)
    return replace(last, desired=replace(last.desired, clean=False, problems=(problem,)), problems=(problem,), removed=())
