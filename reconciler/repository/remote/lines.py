"""Connections to one HTTP endpoint: kept open, bounded in number, each with one question at a time, never silent for ever."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from reconciler.base.clock import Clock
from reconciler.base.files import Buffer
from reconciler.repository.remote.route import Route
from reconciler.repository.remote.throttle import PIECE_BYTES, Throttle
from reconciler.repository.remote.waiting import Waiting

_SLOWEST = 1024  # bytes per second over the whole answer: less is a place that only pretends to be there
_READ_BYTES = 256 * 1024


class Answer(NamedTuple):
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


class Lost(Exception):
    """The connection broke or fell silent before the answer was whole. What was asked for may have been done all the same."""


class TooLong(Exception):
    """The answer is longer than anybody asked for."""


class Lines:
    """All connections to one endpoint. Threads may share it."""

    def __init__(
        self, route: Route, connections: int, silence_seconds: float, throttle: Throttle, clock: Clock, waiting: Waiting | None = None
    ) -> None:
        self._route = route
        self.host = route.place
        self._silence = silence_seconds
        self._throttle = throttle
        self._clock = clock
        self._waiting = waiting or Waiting(None, clock, route.place)
        self._seats = threading.BoundedSemaphore(connections)
        self._lock = threading.Lock()
        self._idle: list[http.client.HTTPConnection] = []
        self.asked = 0
        """Questions so far; tests of what a run costs count them."""

    def ask(self, method: str, target: str, headers: Mapping[str, str], body: Sequence[Buffer], limit: int) -> Answer:
        """Raises Lost, or TooLong when more than ``limit`` bytes come, or Cancelled."""
        return self._waiting.beside(lambda: self._asked(method, target, headers, body, limit))

    def _asked(self, method: str, target: str, headers: Mapping[str, str], body: Sequence[Buffer], limit: int) -> Answer:
        with self._seats:
            while True:
                with self._lock:
                    self.asked += 1
                    line = self._idle.pop() if self._idle else None
                try:
                    return self._over(line or self._new(), method, target, headers, body, limit)
                except Lost:
                    if line is None:
                        raise
                    # it was kept open and the other side had closed it: nothing was answered, so a fresh one is asked at once

    def close(self) -> None:
        with self._lock:
            idle, self._idle = self._idle, []
        for line in idle:
            line.close()

    def _new(self) -> http.client.HTTPConnection:
        try:
            return self._route.line()
        except OSError as error:
            raise Lost(_words(error)) from error

    def _over(
        self,
        line: http.client.HTTPConnection,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: Sequence[Buffer],
        limit: int,
    ) -> Answer:
        whole = False
        try:
            response = self._sent(line, method, target, headers, body)
            self._route.check(response.status)
            answer = Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, b"")
            if method != "HEAD":
                answer = answer._replace(body=self._received(response, limit))
            else:
                response.read()
            whole = not response.will_close
            return answer
        except (OSError, http.client.HTTPException) as error:
            raise Lost(_words(error)) from error
        finally:
            if whole:
                with self._lock:
                    self._idle.append(line)
            else:
                line.close()

    def _sent(
        self, line: http.client.HTTPConnection, method: str, target: str, headers: Mapping[str, str], body: Sequence[Buffer]
    ) -> http.client.HTTPResponse:
        length = sum(memoryview(piece).nbytes for piece in body)
        target, sent = self._route.written(target, headers)
        if body or method in {"PUT", "POST"}:
            sent["content-length"] = str(length)
        try:
            line.request(method, target, self._pieces(body) if length else None, sent)
        except (BrokenPipeError, ConnectionResetError):
            try:  # it may have refused before it had heard everything
                return line.getresponse()
            except (OSError, http.client.HTTPException) as error:
                raise Lost(_words(error)) from error
        return line.getresponse()

    def _pieces(self, body: Sequence[Buffer]) -> Iterator[memoryview]:
        for part in body:
            view = memoryview(part)
            for start in range(0, view.nbytes, PIECE_BYTES):
                piece = view[start : start + PIECE_BYTES]
                self._throttle.take(piece.nbytes)
                self._waiting.alive()
                yield piece

    def _received(self, response: http.client.HTTPResponse, limit: int) -> bytes:
        began = self._clock.monotonic()
        pieces: list[bytes] = []
        size = 0
        while True:
            piece = response.read1(_READ_BYTES)
            if not piece:
                break
            self._waiting.alive()
            pieces.append(piece)
            size += len(piece)
            if size > limit:
                raise TooLong
            self._throttle.take(len(piece))
            elapsed = self._clock.monotonic() - began
            if elapsed > self._silence and size < elapsed * _SLOWEST:
                raise Lost(f"only {size} bytes in {elapsed:.0f} seconds")
        response.close()  # whole or not: http.client lets nobody ask again over a line whose last answer is not closed
        expected = response.headers.get("content-length")
        if expected is not None and expected.isdigit() and int(expected) != size:
            raise Lost(f"{size} bytes of {expected} came")
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _words(error: Exception) -> str:
    """Of a proxy its own sentence, of anything else what the system says."""
    from reconciler.base.proxy import ProxyTrouble

    return str(error.strerror if isinstance(error, ProxyTrouble) else error) or type(error).__name__
