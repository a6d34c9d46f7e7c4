"""A wire on the loopback that carries bytes until it falls silent: nothing comes through any more, and nobody hangs up."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

_READ_BYTES = 65536


class MuteWire:
    """Threads of its own carry each connection."""

    def __init__(self, upstream: int) -> None:
        self._upstream = upstream
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._held: list[socket.socket] = []
        self._lock = threading.Lock()
        self._left: int | None = None
        self.silent = threading.Event()
        """Set once it has fallen silent."""
        self.met = threading.Event()
        """Set once somebody has asked a silent wire for something."""
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        port: int = self._listener.getsockname()[1]
        return port

    def mute_after(self, sent_bytes: int) -> None:
        """Fall silent once so many bytes more have gone up."""
        with self._lock:
            self._left = sent_bytes
        if not sent_bytes:
            self.silent.set()

    def heal(self) -> None:
        """Carry again; what was under way is gone."""
        with self._lock:
            self._left = None
        self.silent.clear()
        self.met.clear()
        self._drop()

    def close(self) -> None:
        self._listener.close()
        self._drop()

    def _drop(self) -> None:
        held, self._held = self._held, []
        for each in held:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)  # a thread that reads there lets go of it only so
            each.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                self._held.append(near)
                if self.silent.is_set():
                    self.met.set()
                    continue
                far = socket.create_connection(("127.0.0.1", self._upstream))
                self._held.append(far)
                threading.Thread(target=self._carry, args=(near, far, True), daemon=True).start()
                threading.Thread(target=self._carry, args=(far, near, False), daemon=True).start()

    def _carry(self, source: socket.socket, goal: socket.socket, up: bool) -> None:
        with suppress(OSError):
            while piece := source.recv(_READ_BYTES):
                if up and self._counts_out(len(piece)):
                    self.silent.set()
                if self.silent.is_set():
                    self.met.set()
                    return
                goal.sendall(piece)
            goal.shutdown(socket.SHUT_WR)

    def _counts_out(self, size: int) -> bool:
        with self._lock:
            if self._left is None:
                return False
            self._left -= size
            return self._left <= 0


@contextmanager
def mute_wire(upstream: int) -> Iterator[MuteWire]:
    """In front of what listens at this port."""
    wire = MuteWire(upstream)
    try:
        yield wire
    finally:
        wire.close()
