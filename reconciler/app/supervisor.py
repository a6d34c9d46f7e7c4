"""Tells a service manager that the loop works: systemd's notify protocol, which is one datagram per remark.

Without ``NOTIFY_SOCKET`` in the environment everything here does nothing. The variable is taken out of the environment, so that no command
of a spec can speak for the loop. Protocol: sd_notify(3), sd_watchdog_enabled(3).
"""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable

from reconciler.base.log import get

_log = get("app")


class Supervisor:
    """One per watching process."""

    def __init__(self, address: str | None, watchdog_seconds: float | None) -> None:
        """``watchdog_seconds``: how often the manager wants a sign of life at the latest; None: never."""
        self._address = address
        self._watchdog_seconds = watchdog_seconds
        self._ended = threading.Event()
        self._alive: Callable[[], bool] = lambda: True
        self._beating = False

    @classmethod
    def of_environment(cls) -> Supervisor:
        """Whoever started this process."""
        address = os.environ.pop("NOTIFY_SOCKET", None)
        micros, meant = os.environ.pop("WATCHDOG_USEC", ""), os.environ.pop("WATCHDOG_PID", "")
        mine = micros.isdigit() and int(micros) > 0 and meant in {"", str(os.getpid())}
        return cls(address, int(micros) / 1e6 if mine else None)

    def ready(self, alive: Callable[[], bool]) -> None:
        """It works, or stands by. From now on a sign of life goes out while ``alive()``, at half the time that the manager waits.

        May be said again: the newer ``alive`` counts.
        """
        self._alive = alive
        self._tell("READY=1")
        if self._address is not None and self._watchdog_seconds is not None and not self._beating:
            self._beating = True
            threading.Thread(target=self._beat, args=(self._watchdog_seconds / 2,), name="watchdog", daemon=True).start()

    def stopping(self) -> None:
        """The loop ends; what is under way goes to its checkpoint."""
        self._ended.set()
        self._tell("STOPPING=1")

    def _beat(self, seconds: float) -> None:
        while not self._ended.is_set():
            if self._alive():
                self._tell("WATCHDOG=1")
            self._ended.wait(seconds)

    def _tell(self, remark: str) -> None:
        if self._address is None:
            return
        name = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
                channel.connect(name)
                channel.send(remark.encode())
        except OSError as error:
            _log.warning("the service manager cannot be told", remark=remark, error=error.strerror or str(error))
