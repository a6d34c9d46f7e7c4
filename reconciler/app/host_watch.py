"""The host, looked at beside the passes: what hangs there delays no backup. A pass takes the newest look that is there."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.app.health import measure
from reconciler.app.house import House
from reconciler.app.scene import Scene
from reconciler.base.errors import ReconcilerError
from reconciler.base.log import get
from reconciler.decide.health import alert_key, judge_host, raised
from reconciler.decide.hysteresis import Memory
from reconciler.decide.raising import Found
from reconciler.model.health import Health, HostReading, Seen

if TYPE_CHECKING:
    from reconciler.catalog.catalog import Catalog

CLOSE_SECONDS = 3.0
_log = get("app")


class _Look(Struct, frozen=True):
    at: datetime
    reading: HostReading


class HostWatch:
    """Of one process. :meth:`begin` and :meth:`judge` are called by the passes, which come from one thread."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._thread: threading.Thread | None = None
        self._begun_at: datetime | None = None
        self._new: _Look | None = None
        self._health: Health | None = None

    def begin(self, scene: Scene) -> None:
        """Look at the host in another thread, when the last look is older than `observeEvery` and not under way."""
        every = scene.desired.settings.observe_every
        if self._thread is not None and self._thread.is_alive():
            return
        if self._begun_at is not None and abs(scene.now - self._begun_at) < every:
            return
        self._begun_at = scene.now
        self._thread = threading.Thread(target=self._look, args=(scene,), name="host", daemon=True)
        self._thread.start()

    def look(self, scene: Scene, catalog: Catalog) -> None:
        """The same for a single pass: at once, unless an earlier pass has looked within `observeEvery`."""
        last = catalog.looks.last_at()
        if last is None or abs(scene.now - last) >= scene.desired.settings.observe_every:
            self._look(scene)

    def judge(self, catalog: Catalog, scene: Scene) -> tuple[Health | None, Found]:
        """How the host is, as last looked at by this process, and what is to be raised because of it.

        Without a look what is remembered of the checks is neither raised anew nor over: a restart ends no alert.
        """
        new, self._new = self._new, None
        known = catalog.looks.memory() if new is not None or self._health is None else {}
        if new is not None:
            self._health = self._judged(catalog, scene, new, known) or self._health
        if self._health is None:
            return None, Found((), frozenset(alert_key(key, self._house.agent) for key in known))
        silent = [name for name, state in scene.observed.repositories.items() if not state.reachable]
        return self._health, raised(self._health.checks, self._house.agent, silent)

    def _judged(self, catalog: Catalog, scene: Scene, new: _Look, known: Memory) -> Health | None:
        """None: it could not be judged."""
        limits = scene.desired.settings.health
        try:
            checks, memory = judge_host(new.reading, limits, known, new.at)
        except Exception:  # noqa: BLE001 - a defect in judging must not end what protects everything
            _log.exception("the host could not be judged")
            return None
        catalog.looks.put(Seen(new.at, {c.key: (c.value, c.state) for c in checks}), memory, kept=limits.history)
        ordered = tuple(sorted(checks, key=lambda check: check.state.rank))
        return Health(new.at, self._house.agent, ordered, new.reading)

    def close(self) -> None:
        """Let a look that is under way end, if it does soon."""
        if self._thread is not None:
            self._thread.join(CLOSE_SECONDS)

    def _look(self, scene: Scene) -> None:
        try:
            self._new = _Look(scene.now, measure(self._house, scene.desired, scene.observed, asks=True))
        except ReconcilerError as error:
            _log.error("the host cannot be looked at", code=error.code, error=error.message)
        except Exception:  # noqa: BLE001 - a defect in looking must not end what protects everything
            _log.exception("looking at the host failed unexpectedly")
