"""Commands that a spec names: keys, dumps, hooks. They run only where this host allows it: whoever may edit the specs must not thereby
run programs.

The allow-list is a list of directories, given by option or environment, never by a spec. A directory that others can write would hand
the decision to them, so it is refused. argv only: no shell, no interpolation. A command has a process group of its own, so that what
it started ends with it, and no standard input.
"""

from __future__ import annotations

import contextlib
import io
import os
import selectors
import signal
import stat
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec import Struct, field

from reconciler.base.clock import Clock, SystemClock
from reconciler.base.errors import Cancelled
from reconciler.base.printable import escape
from reconciler.base.units import format_duration
from reconciler.sources.errors import CommandFailed, CommandNotAllowed

KEY_SECONDS = 30.0  # a key command asks an agent or a file; one that hangs must not hold the pass
KEY_BYTES_MAX = 65536
GRACE_SECONDS = 5.0
_HAS_GROUPS = hasattr(os, "killpg") and hasattr(signal, "SIGKILL") and hasattr(signal, "SIGTERM")
_POLL_SECONDS = 0.1
_COMPLAINT_BYTES_MAX = 400
_COMPLAINTS_BYTES_MAX = 64 * 2**20


class Permit(Struct, frozen=True):
    """Under what a command of a spec runs."""

    allowed: tuple[Path, ...] = ()
    """Directories whose programs may run; empty: none may."""
    environment: Mapping[str, str] | None = None
    """None: that of this process."""
    stop: threading.Event = field(default_factory=threading.Event)
    clock: Clock = field(default_factory=SystemClock)
    beat: Callable[[], None] = lambda: None
    """Called again and again while it runs within its time: whoever looks after the action must not take it for hanging."""


def check_allowed(argv: Sequence[str], allowed: Sequence[Path]) -> str:
    """The real path of the program, or :class:`CommandNotAllowed` with the reason."""
    program = Path(argv[0])
    if not program.is_absolute():
        raise CommandNotAllowed(f"the command '{argv[0]}' is not an absolute path")
    real = program.resolve()
    folder = next((place.resolve() for place in allowed if place.resolve() in real.parents), None)
    if folder is None:
        raise CommandNotAllowed(f"the command '{real}' is not in a directory that this host allows")
    for path in (real, *_up_to(real, folder)):
        if _others_can_write(path):
            raise CommandNotAllowed(f"the command '{real}' is not safe: other users can write {path}")
    return str(real)


def run_for_output(argv: Sequence[str], allowed: Sequence[Path]) -> bytes:
    """What the command prints. Its error output is shown only as a count: it may repeat the secret."""
    printed = bytearray()
    room = memoryview(bytearray(KEY_BYTES_MAX + 1))
    with Running(argv, Permit(tuple(allowed)), timedelta(seconds=KEY_SECONDS), quiet=True) as command:
        while count := command.readinto(room):
            printed += room[:count]
            if len(printed) > KEY_BYTES_MAX:
                raise CommandFailed(f"the command '{command.program}' printed more than {KEY_BYTES_MAX} bytes where a key was expected")
    return bytes(printed)


def run_to_end(argv: Sequence[str], permit: Permit, timeout: timedelta) -> None:
    """Run it; what it prints is dropped. Raises unless it ends with 0 in time. What it leaves running (a service) runs on."""
    with Running(argv, permit, timeout, output=False) as command:
        command.wait()


class Running:
    """A running command whose output is read. The read that would answer "that was all" raises unless it ended with 0 and in time.

    Leaving the block before it has ended ends it, with everything that it started and that stayed in its group.
    """

    def __init__(self, argv: Sequence[str], permit: Permit, timeout: timedelta, *, output: bool = True, quiet: bool = False) -> None:
        """``output``: it is to be read. ``quiet``: what it says on its error output may be secret and is never shown."""
        self.program = check_allowed(argv, permit.allowed)
        self._argv = [self.program, *argv[1:]]
        self._permit = permit
        self._timeout = timeout
        self._output = output
        self._quiet = quiet
        self._ended = False
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._complaint = tempfile.TemporaryFile()
        self._deadline = self._permit.clock.monotonic() + self._timeout.total_seconds()
        try:
            self._process = subprocess.Popen(
                self._argv,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if self._output else subprocess.DEVNULL,
                stderr=self._complaint,
                bufsize=0,
                cwd="/",
                env=self._permit.environment,
                start_new_session=_HAS_GROUPS,
            )
        except (OSError, ValueError) as error:
            self._complaint.close()
            reason = getattr(error, "strerror", None) or error
            raise CommandFailed(f"the command '{self.program}' cannot be run: {reason}") from error
        if not _HAS_GROUPS:  # no waiting for a pipe either: reading blocks until somebody ends the command
            self._timer = threading.Timer(self._timeout.total_seconds(), self._process.kill)
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._process is not None
        self._end(self._process)
        self._complaint.close()

    def readinto(self, buffer: memoryview) -> int:
        """Bytes of its output; 0 when it has ended well. Raises CommandFailed, or Cancelled when somebody asked to stop."""
        process = self._process
        assert process is not None
        assert process.stdout is not None
        if _HAS_GROUPS:
            with selectors.DefaultSelector() as selector:
                selector.register(process.stdout, selectors.EVENT_READ)
                while not selector.select(_POLL_SECONDS):
                    self._look_at_the_time()
        self._look_at_the_time()
        assert isinstance(process.stdout, io.RawIOBase)
        count = process.stdout.readinto(buffer) or 0
        if not count:
            self.wait()
        return count

    def wait(self) -> None:
        """Until it has ended; its exit code decides."""
        process = self._process
        assert process is not None
        while True:
            with contextlib.suppress(subprocess.TimeoutExpired):
                code = process.wait(_POLL_SECONDS)
                break
            self._look_at_the_time()
        self._ended = True
        if code:
            how = f"ended with {code}" if code > 0 else f"was ended by signal {-code}"
            raise CommandFailed(f"the command '{self.program}' {how}{self._said()}", error_bytes=self._said_bytes())

    def _look_at_the_time(self) -> None:
        if self._permit.stop.is_set():
            raise Cancelled(f"the command '{self.program}' was ended because a stop was asked for")
        if self._said_bytes() > _COMPLAINTS_BYTES_MAX:
            raise CommandFailed(f"the command '{self.program}' does not stop complaining{self._said()}")
        if self._permit.clock.monotonic() >= self._deadline:
            raise CommandFailed(f"the command '{self.program}' did not end within {format_duration(self._timeout)}{self._said()}")
        self._permit.beat()

    def _said_bytes(self) -> int:
        return os.fstat(self._complaint.fileno()).st_size

    def _said(self) -> str:
        """The end of its error output, on one line."""
        size = self._said_bytes()
        if self._quiet or not size:
            return ""
        self._complaint.seek(max(0, size - _COMPLAINT_BYTES_MAX))
        words = " ".join(self._complaint.read(_COMPLAINT_BYTES_MAX).decode("utf-8", "replace").split())
        return f", saying: {escape(words)}" if words else ""

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        """Nothing of a command that did not end by itself runs on: politely first, then for certain."""
        if process.stdout is not None:
            process.stdout.close()
        if not _HAS_GROUPS:
            self._timer.cancel()
            process.kill()
        elif not self._ended:
            _signal_group(process, signal.SIGTERM)
            for _ in range(int(GRACE_SECONDS / _POLL_SECONDS)):
                if _is_over(process):
                    break
                time.sleep(_POLL_SECONDS)
            _signal_group(process, signal.SIGKILL)
        process.wait()


def _is_over(process: subprocess.Popen[bytes]) -> bool:
    """Without reaping it: until then nobody else can get its number, and the group can still be meant by it."""
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _signal_group(process: subprocess.Popen[bytes], number: int) -> None:
    """To everything that the command started and that did not leave its group; it may be gone already."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, number)


def _up_to(path: Path, folder: Path) -> list[Path]:
    """The folders above ``path`` up to and including ``folder``."""
    above = list(path.parents)
    return above[: above.index(folder) + 1]


def _others_can_write(path: Path) -> bool:
    try:
        info = path.stat()
    except OSError as error:
        raise CommandNotAllowed(f"the command '{path}' cannot be looked at: {error.strerror}") from error
    if os.name != "posix":
        return False
    return bool(info.st_mode & (stat.S_IWGRP | stat.S_IWOTH)) or info.st_uid not in ({0, os.geteuid()} if hasattr(os, "geteuid") else {0})
