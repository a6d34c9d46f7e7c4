"""Processes that do a part of the work. Python runs one thread at a time, and every call of the system lets the next thread in line go
first: threads that make many short calls stand in each other's way, whatever the number of cores (measured: docs/adr/0023 and 0022).

A helper reads messages from its input and answers each, in their order. It is in a process group of its own: Ctrl-C is the business of
the process that started it, which tells its helpers to stop. When that process dies, their input ends, and so do they. The first message
may hold the key: it goes through a pipe that nobody else can read, never on a command line, into the environment or a file.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable, Iterable, Sequence
from typing import IO, Final

import msgspec

from reconciler.base import own_process
from reconciler.base.errors import ReconcilerError
from reconciler.repository.errors import HelperLost

HELPERS_MAX: Final = 4  # one process can feed about that many
_LENGTH: Final = struct.Struct(">Q")
_LOOK_SECONDS: Final = 0.2  # how soon a stop reaches a helper
_END_SECONDS: Final = 10


def helpers_here() -> int:
    """How many helpers this machine can use; 0: threads do it as well."""
    most = own_process.processors()
    return min(most, HELPERS_MAX) if most > 1 else 0


class Trouble(msgspec.Struct, frozen=True):
    """An error on its way to the process that asked. ``code`` is empty for one that nobody foresaw; then the text is its traceback."""

    code: str
    message: str
    hint: str
    context: dict[str, str]


class Helper:
    """One process and the two ends of its pipes. Two threads may ask: while one message is worked on, the next is on the way."""

    def __init__(self, module: str, setup: msgspec.Struct, inherited: int) -> None:
        """``module``: whose ``main()`` it runs; ``setup``: the first message; ``inherited``: a handle that it gets, under this number."""
        self._sending, self._receiving = threading.Lock(), threading.Lock()
        self._told = False
        self._process = subprocess.Popen(
            own_process.command(module),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,  # an answer that waits in a buffer of ours would not show in the pipe
            pass_fds=(inherited,),
            process_group=0,
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._input, self._output = self._process.stdin, self._process.stdout
        with contextlib.suppress(BrokenPipeError):  # it ended at once: whoever asks hears of it
            _send(self._input, msgspec.msgpack.encode(setup))

    def ask(self, message: bytes, stopped: Callable[[], bool] | None = None) -> bytes:
        """Its answer. Raises HelperLost. ``stopped``: looked at while it works; then it is told to answer with what it has."""
        with self._sending:  # whoever sends next waits for its answer after this one
            try:
                _send(self._input, message)
            except BrokenPipeError:
                raise self._lost() from None
            self._receiving.acquire()
        try:
            while stopped is not None and not select.select([self._output], [], [], _LOOK_SECONDS)[0]:
                if stopped() and not self._told:
                    self._told = True
                    self._process.terminate()
            answer = _receive(self._output)
        finally:
            self._receiving.release()
        if answer is None:
            raise self._lost()
        return answer

    def tell(self, message: bytes) -> None:
        """Ask without waiting. For one thread, which hears as many answers as it asked for. Raises HelperLost."""
        try:
            _send(self._input, message)
        except BrokenPipeError:
            raise self._lost() from None

    def has_answered(self, seconds: float = 0) -> bool:
        """Whether there is something to hear now, or within so long; its end is something, too."""
        return bool(select.select([self._output], [], [], seconds)[0])

    def hear(self, meanwhile: Callable[[], None] | None = None) -> bytes:
        """The next answer. ``meanwhile`` is called again and again while nothing comes. Raises HelperLost."""
        while meanwhile is not None and not self.has_answered(_LOOK_SECONDS):
            meanwhile()
        answer = _receive(self._output)
        if answer is None:
            raise self._lost()
        return answer

    def close(self) -> None:
        """End it and wait for that."""
        with self._sending, contextlib.suppress(BrokenPipeError):  # it is gone already
            self._input.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._output.close()

    def _lost(self) -> HelperLost:
        status = self._process.wait()
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        return HelperLost(f"a process that did a part of this work was ended {how}")


def hire(module: str, setups: Iterable[msgspec.Struct], inherited: int) -> list[Helper]:
    """One helper for each setup; all or none."""
    helpers: list[Helper] = []
    try:
        for setup in setups:
            helpers.append(Helper(module, setup, inherited))  # noqa: PERF401 (those that run are ended when the next one fails)
    except BaseException:
        close_all(helpers)
        raise
    return helpers


def close_all(helpers: Sequence[Helper]) -> None:
    for helper in helpers:
        helper.close()


class Desk:
    """The side of the helper: what comes in, what goes out, whether to stop."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: self._stop.set())
        self._parent = os.getppid()
        self._input = sys.stdin.buffer
        self._output = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)  # whatever a library prints must not be taken for an answer

    def next(self) -> bytes | None:
        """The next message; None when there will be none, or when nobody waits for an answer any more."""
        message = _receive(self._input)
        return message if os.getppid() == self._parent else None

    def answer(self, message: bytes) -> None:
        _send(self._output, message)

    def stopped(self) -> bool:
        return self._stop.is_set()


def trouble(error: Exception) -> Trouble:
    """An error, told."""
    if isinstance(error, ReconcilerError):
        return Trouble(error.code, error.message, error.hint, {key: str(value) for key, value in error.context.items()})
    return Trouble("", "".join(traceback.format_exception(error)), "", {})


def error_of(told: Trouble) -> Exception:
    """The error as the helper raised it."""
    waiting: list[type[ReconcilerError]] = [ReconcilerError]
    while waiting:
        kind = waiting.pop()
        if kind.code == told.code:
            return kind(told.message, hint=told.hint, **told.context)
        waiting += kind.__subclasses__()
    return RuntimeError(f"a process that did a part of this work failed:\n{told.message}")


def _send(pipe: IO[bytes], message: bytes) -> None:
    left = memoryview(_LENGTH.pack(len(message)) + message)
    while left:
        left = left[pipe.write(left) :]
    pipe.flush()


def _receive(pipe: IO[bytes]) -> bytes | None:
    """The next message; None when the other side has gone, in the middle of one, too."""
    head = _read(pipe, _LENGTH.size)
    return _read(pipe, _LENGTH.unpack(head)[0]) if head is not None else None


def _read(pipe: IO[bytes], length: int) -> bytes | None:
    """Exactly so many bytes, however they come."""
    pieces = []
    while length:
        piece = pipe.read(length)
        if not piece:
            return None
        pieces.append(piece)
        length -= len(piece)
    return b"".join(pieces)
