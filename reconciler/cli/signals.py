"""Ctrl-C and SIGTERM: the first asks to stop after the checkpoint, the second ends the process now.

Ending now is safe: everything is written so that a crash at any line is fine. It uses `os._exit`, because a worker thread deep in a
compression would keep an ordinary exit waiting.
"""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any, Self

from reconciler.base.errors import ReconcilerError
from reconciler.cli.exits import EndedBySignal, ExitCode

_CODES = {signal.SIGINT: ExitCode.INTERRUPTED}
if hasattr(signal, "SIGTERM"):
    _CODES[signal.SIGTERM] = ExitCode.TERMINATED


class StopSignals:
    """While it is entered, ``stop`` is set by the first signal; ``code`` is then the exit code."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.code: ExitCode | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in _CODES:
            self._before[number] = signal.signal(number, self._hear)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self.code is not None and isinstance(error, ReconcilerError):
            raise EndedBySignal(error, self.code) from error

    def outcome(self, code: ExitCode) -> ExitCode:
        """The exit code of a command that would end with ``code``: a signal wins."""
        return self.code or code

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        code = _CODES[signal.Signals(number)]
        if self.code is not None:
            _say("\x1b[?25h" if sys.stderr is not None and sys.stderr.isatty() else "")  # a progress bar hides the cursor
            os._exit(code)
        self.code = code
        # Not set here: this runs in the midst of the thread that waits for it, and a wait begins by taking the lock that setting needs.
        # For the same reason not by `threading`, which takes a lock to begin a thread.
        _thread.start_new_thread(self.stop.set, ())
        _say("\nStopping after the checkpoint; what is stored stays. Once more stops now.\n")


def _say(text: str) -> None:
    """Straight to the handle: a signal may interrupt a half-done write of the buffered stream."""
    try:
        os.write(2, text.encode())
    except OSError:
        return  # nobody reads standard error; stopping goes on
