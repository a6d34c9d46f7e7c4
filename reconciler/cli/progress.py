"""How far it is: bars on a terminal (files, bytes, rate, time left), a log line now and then elsewhere."""

from __future__ import annotations

import io
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol, Self

from reconciler.base.clock import SystemClock
from reconciler.base.printable import escape
from reconciler.base.units import format_size
from reconciler.cli.output import is_terminal

if TYPE_CHECKING:
    from reconciler.model.plan import Action

LINE_SECONDS = 15  # between two log lines of one action: enough to see life, little enough for a mail from cron
SILENT_SECONDS = 5


class Amounts(Protocol):
    """How far one action is."""

    @property
    def files(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def total_files(self) -> int | None: ...
    @property
    def stored_bytes(self) -> int: ...


class LiveErrors(io.TextIOBase):
    """Standard error as it is at the moment of writing: while bars are shown, lines go above them."""

    def write(self, text: str) -> int:
        if sys.stderr is not None:
            sys.stderr.write(text)
        return len(text)

    def flush(self) -> None:
        if sys.stderr is not None:
            sys.stderr.flush()

    def isatty(self) -> bool:
        return is_terminal(sys.stderr)


class Progress:
    """Enter it around the work, and call it with how far each thing is; any thread may."""

    def __init__(self, *, quiet: bool = False) -> None:
        """``quiet``: show no bars even on a terminal (the answer is for a program)."""
        self._bars = _Bars() if is_terminal(sys.stderr) and not quiet else None
        self._lines = _Lines()

    def __enter__(self) -> Self:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._bars:
            self._bars.stop()

    def action(self, action: Action, amounts: Amounts) -> None:
        """For the actions of a pass."""
        self.show(f"{action.kind} {action.system} {action.repository}", amounts)

    def show(self, name: str, amounts: Amounts) -> None:
        """``name``: what is under way; the same name is the same bar."""
        (self._bars or self._lines).show(name, amounts)


class _Lines:
    def __init__(self) -> None:
        self._clock = SystemClock()
        self._last: dict[str, float] = {}

    def show(self, name: str, amounts: Amounts) -> None:
        from reconciler.base.log import get

        now = self._clock.monotonic()
        if now - self._last.setdefault(name, now) < LINE_SECONDS:
            return
        self._last[name] = now
        facts = {"files": amounts.files, "of_files": amounts.total_files, "bytes": amounts.bytes, "stored_bytes": amounts.stored_bytes}
        get("cli").info("under way", what=name, **{key: value for key, value in facts.items() if value is not None})


class _Bars:
    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        self._clock = SystemClock()
        self._rich = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[amount]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._tasks: dict[str, Any] = {}
        self._began: dict[str, float] = {}
        self._heard: dict[str, float] = {}

    def start(self) -> None:
        self._rich.start()

    def stop(self) -> None:
        self._rich.stop()

    def show(self, name: str, amounts: Amounts) -> None:
        now = self._clock.monotonic()
        if name not in self._tasks:
            self._tasks[name] = self._rich.add_task(escape(name), total=None, amount="")
            self._began[name] = now
        self._heard[name] = now
        self._drop_silent(now)
        rate = amounts.bytes / max(now - self._began[name], 0.5)
        of = f" of {amounts.total_files:,}" if amounts.total_files else ""
        amount = f"{amounts.files:,}{of} files  {format_size(amounts.bytes)}  {format_size(rate)}/s"
        self._rich.update(self._tasks[name], completed=amounts.files, total=amounts.total_files, amount=amount)

    def _drop_silent(self, now: float) -> None:
        """What has ended says nothing more; its bar makes room."""
        for name in [name for name, heard in self._heard.items() if now - heard > SILENT_SECONDS]:
            self._rich.remove_task(self._tasks.pop(name))
            del self._heard[name], self._began[name]
