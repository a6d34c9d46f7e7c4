"""Processes that write the files of a large restore. Python runs one thread at a time; a file costs ten short calls of the system, and
two threads that hand the lock to each other at each of them are slower than one (measured: docs/adr/0023).

Each helper gets the handle of the target and, through a pipe that nobody else can read, the key; batches come with their part of the
index. It is in a process group of its own: Ctrl-C is the business of the restore, which tells its helpers to stop. When the restore dies,
their input ends, and so do they.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

from reconciler.base.errors import ReconcilerError
from reconciler.repository.entries import Entry
from reconciler.repository.errors import HelperLost
from reconciler.repository.index import Position, SegmentPlace
from reconciler.repository.restore_files import FileWriter, Written
from reconciler.repository.restore_wire import Answer, Setup, Task, Trouble, receive, send
from reconciler.repository.store import LocalStore
from reconciler.tree.write import Loss

HELPERS_MAX: Final = 4  # one process can plan for about that many
_MAIN: Final = "import sys; sys.path[:] = sys.argv[1:]; from reconciler.repository.restore_helper import main; main()"
_CHUNKS_BYTES_MAX: Final = 32 * 16384  # of one file: its part of the index would take 2 MB
_LOOK_SECONDS: Final = 0.2  # how soon a stop reaches the helpers
_END_SECONDS: Final = 10


def suits(writer: FileWriter) -> bool:
    """Whether helpers can write what ``writer`` writes: from a local repository into a new target, on more than one core."""
    store = writer.fetcher.store
    return isinstance(store, LocalStore) and store.is_plain and not writer.target.replaces and _cores() > 1 and bool(sys.executable)


class Crew:
    """Running helpers. Any number of threads may ask; each helper holds one batch and has the next one on the way."""

    def __init__(self, writer: FileWriter) -> None:
        """``writer`` says what is read and written; it writes by itself what is too large to be explained to a helper."""
        self._writer = writer
        self._fetcher = writer.fetcher
        seals, target = writer.seals, writer.target
        self._own = threading.local()
        self._lock = threading.Lock()
        self._helpers: list[_Helper] = []
        try:
            for number in range(min(_cores(), HELPERS_MAX)):
                prefix = b"%s.%d." % (target.prefix, number)
                setup = Setup(
                    os.getpid(), writer.fetcher.store.url, seals.repository.hex(), seals.master, target.root, target.handle, prefix
                )
                self._helpers.append(_Helper(setup))
        except BaseException:
            self.close()
            raise
        self._turn = itertools.cycle(self._helpers)

    @property
    def threads(self) -> int:
        """How many threads keep every helper busy."""
        return 2 * len(self._helpers)

    def write(self, batch: Sequence[Entry]) -> Written:
        """As :meth:`FileWriter.write`. Raises HelperLost, too."""
        if len(batch) == 1 and len(batch[0].cold.chunks) > _CHUNKS_BYTES_MAX:
            return self._writer.write(batch)
        helper: _Helper | None = getattr(self._own, "helper", None)
        if helper is None:
            with self._lock:
                helper = self._own.helper = next(self._turn)
        chunks: dict[bytes, Position] = {}
        segments: dict[int, SegmentPlace] = {}
        for chunk in _chunks(batch):
            position = self._fetcher.position(chunk)
            if position is not None:
                chunks[chunk] = position
                segments[position.segment] = self._fetcher.place(position.segment)
        answer = helper.ask(Task(list(batch), chunks, segments), self._writer.stopped)
        if answer.error is not None:
            raise _raised(answer.error)
        self._writer.target.learn(answer.made, spans_devices=answer.spans_devices)
        return Written(answer.files, answer.failures, [Loss(*loss) for loss in answer.losses])

    def close(self) -> None:
        """End all helpers and wait for them."""
        for helper in self._helpers:
            helper.close()


class _Helper:
    """One process and the two ends of its pipes."""

    def __init__(self, setup: Setup) -> None:
        self._sending, self._receiving = threading.Lock(), threading.Lock()
        self._told = False
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-c", _MAIN, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=(setup.handle,),
            process_group=0,
        )
        self._encoder, self._decoder = msgspec.msgpack.Encoder(), msgspec.msgpack.Decoder(Answer)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._tasks, self._answers = self._process.stdin, self._process.stdout
        send(self._tasks, self._encoder.encode(setup))

    def ask(self, task: Task, stopped: Callable[[], bool]) -> Answer:
        message = self._encoder.encode(task)
        with self._sending:  # whoever sends next waits for its answer after this one
            try:
                send(self._tasks, message)
            except BrokenPipeError:
                raise self._lost() from None
            self._receiving.acquire()
        try:
            return self._answer(stopped)
        finally:
            self._receiving.release()

    def _answer(self, stopped: Callable[[], bool]) -> Answer:
        while not select.select([self._answers], [], [], _LOOK_SECONDS)[0]:
            if stopped() and not self._told:
                self._told = True
                self._process.terminate()  # a request: it answers with what it has
        message = receive(self._answers)
        if message is None:
            raise self._lost()
        return self._decoder.decode(message)

    def _lost(self) -> HelperLost:
        status = self._process.wait()
        how = f"by signal {-status}" if status < 0 else f"with status {status}"
        return HelperLost(f"a process that wrote files of this restore was ended {how}")

    def close(self) -> None:
        with self._sending, contextlib.suppress(BrokenPipeError):  # it is gone already
            self._tasks.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._answers.close()


def _chunks(batch: Sequence[Entry]) -> Iterator[bytes]:
    for entry in batch:
        chunks = entry.cold.chunks
        if len(chunks) <= 32:
            if chunks:
                yield chunks
        else:
            for start in range(0, len(chunks), 32):
                yield chunks[start : start + 32]


def _raised(trouble: Trouble) -> Exception:
    """The error as the helper raised it."""
    waiting: list[type[ReconcilerError]] = [ReconcilerError]
    while waiting:
        kind = waiting.pop()
        if kind.code == trouble.code:
            return kind(trouble.message, hint=trouble.hint, **trouble.context)
        waiting += kind.__subclasses__()
    return RuntimeError(f"a process that wrote files of this restore failed:\n{trouble.message}")


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
