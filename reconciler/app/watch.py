"""The loop that keeps going: passes, workers, the watch over the specs and the endpoints, put together.

The first pass must work (a person is looking); whatever goes wrong later is told and tried again. Where another process runs the loop of
this state directory, this one stands by and takes over when that one ends, is killed, or stands still.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from reconciler.act.context import Watcher
from reconciler.app.alerting import follow
from reconciler.app.house import House
from reconciler.app.steady import SteadyPass
from reconciler.app.supervisor import Supervisor
from reconciler.base.errors import ReconcilerError
from reconciler.base.log import get
from reconciler.model.declared.settings import SettingsSpec

if TYPE_CHECKING:
    from reconciler.catalog.records import Holder
    from reconciler.loop.lease import Lease
    from reconciler.loop.loop import Loop
    from reconciler.web.server import Server

JOIN_SECONDS = 5.0
COURIER_SECONDS = 2.0
"""What is on its way to a receiver has so long when the loop ends; the rest waits for the next start."""
_log = get("app")


def watch(house: House, *, stop: threading.Event, progress: Watcher | None, init: bool) -> None:
    """Until ``stop`` is set; alone in this state directory, after waiting for whoever was there before."""
    from reconciler.loop.lease import Lease

    supervisor = Supervisor.of_environment()
    catalog = house.memory.writing()

    def stand_by(holder: Holder | None) -> None:
        supervisor.ready(lambda: True)
        _log.warning("standing by: another process runs the loop", holder=str(holder) if holder is not None else "unknown")

    lease = Lease.wait(house.memory.state, catalog, house.clock, stop, stand_by)
    if lease is not None:
        with lease:
            _run(house, lease, supervisor, stop=stop, progress=progress, init=init)


def _run(house: House, lease: Lease, supervisor: Supervisor, *, stop: threading.Event, progress: Watcher | None, init: bool) -> None:
    from reconciler.loop import watcher
    from reconciler.loop.loop import Loop
    from reconciler.notify.courier import Courier

    passes = SteadyPass(house, house.memory.writing(), lease.token, progress)
    settings = passes.begin(init=init)
    loop = Loop(passes, concurrency=settings.concurrency, interval=settings.interval, clock=house.clock)
    lease.alive, lease.lost, lease.pulse = loop.alive, loop.lose, loop.pulse
    endpoints = Endpoints(loop)
    endpoints.follow(settings)
    passes.follow = endpoints.follow_if_possible
    courier = Courier(house.memory.writing().alerts, house.clock)
    passes.told = lambda desired, now, complete: follow(courier, house, house.memory.writing(), desired, now, complete=complete)
    courier.start()
    specs = watcher.Watcher(house.specs, loop.now, stop)
    specs.start()
    supervisor.ready(loop.alive)
    try:
        loop.run(stop)
    finally:
        supervisor.stopping()
        passes.close()
        endpoints.close()
        courier.close(wait_seconds=COURIER_SECONDS)
        stop.set()
        specs.join(JOIN_SECONDS)


class Endpoints:
    """The page, the API and the endpoints for scrapers, at the addresses that the specs name now."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._servers: dict[str, tuple[Server, bool]] = {}
        """By address, and whether the page is there."""

    def follow(self, settings: SettingsSpec) -> None:
        """Listen where ``settings`` say; what stays as it is goes on answering. Raises when an address cannot be had."""
        from reconciler.web.server import serve

        wanted = {settings.metrics_listen or settings.listen: False} | {settings.listen: True}
        for address, page in wanted.items():
            server, has_page = self._servers.get(address, (None, False))
            if server is not None and has_page != page:
                self._close(address)  # the same port serves something else now
            if server is None or has_page != page:
                server = serve(self._loop.published, listen=address, pulse=self._loop.pulse, shows_page=page)
                self._servers[address] = server, page
                _log.info("serving the page and metrics" if page else "serving metrics", url=server.url)
        for address in self._servers.keys() - wanted.keys():
            self._close(address)

    def follow_if_possible(self, settings: SettingsSpec) -> None:
        """The same after an edit: the old address stays until the new one can be had."""
        try:
            self.follow(settings)
        except ReconcilerError as error:
            _log.error("cannot serve at the new address", code=error.code, error=error.message, hint=error.hint)

    def close(self) -> None:
        for address in list(self._servers):
            self._close(address)

    def _close(self, address: str) -> None:
        self._servers.pop(address)[0].close()
