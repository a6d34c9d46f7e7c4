"""A person at a terminal who stands by while a recovery plan is carried out: reads instructions, types answers, sees each step.

Reading an answer never holds up a stop or a timeout: the terminal is asked again and again whether there is a line.
"""

from __future__ import annotations

import select
import sys
import threading
from typing import TYPE_CHECKING

from reconciler.cli.output import write_page

if TYPE_CHECKING:
    from reconciler.app.recovery.values import Answer
    from reconciler.cli.render.page import Page
    from reconciler.model.declared.recovery import Step
    from reconciler.model.recovery import RecoveryRun, StepRecord

_POLL_SECONDS = 0.2


class Terminal:
    """A Guide. ``by``: who sits there."""

    def __init__(self, by: str) -> None:
        self._by = by
        self._line = threading.Lock()

    def asked(self, step: Step, instruction: str, stop: threading.Event, /) -> tuple[Answer, str]:
        from reconciler.app.recovery.values import Answer
        from reconciler.cli.render.recovery import instruction_page

        word = (step.manual.confirm if step.manual is not None else None) or "yes"
        self._show(instruction_page(step.name, instruction, word))
        meant = {word.lower(): Answer.DONE, "later": Answer.LATER, "failed": Answer.FAILED}
        return self._answer(meant, stop), self._by

    def interrupted(self, step: Step, record: StepRecord, stop: threading.Event, /) -> Answer:
        from reconciler.app.recovery.values import Answer
        from reconciler.cli.render.recovery import interrupted_page

        self._show(interrupted_page(step, record))
        return self._answer({"done": Answer.DONE, "again": Answer.AGAIN, "later": Answer.LATER}, stop)

    def told(self, _run: RecoveryRun, step: StepRecord, /) -> None:
        from reconciler.cli.render.recovery import told_page

        self._show(told_page(step))

    def begin(self, stop: threading.Event) -> bool:
        """Whether it may."""
        from reconciler.cli.render.page import Page

        page = Page()
        page.line("Begin? Type yes, or anything else to leave.")
        self._show(page)
        if self._read(stop) == "yes":
            return True
        page = Page()
        page.line("Nothing was begun: yes was not typed.")
        self._show(page)
        return False

    def _answer(self, meant: dict[str, Answer], stop: threading.Event) -> Answer:
        """A word of these; LATER when the terminal has gone or a stop was asked for."""
        from reconciler.app.recovery.values import Answer
        from reconciler.cli.render.page import Page

        while True:
            said = self._read(stop)
            if said is None:
                return Answer.LATER
            if said in meant:
                return meant[said]
            page = Page()
            page.line(f"'{said}' is no answer here. One of {', '.join(meant)}.")
            self._show(page)

    def _read(self, stop: threading.Event) -> str | None:
        """None: a stop was asked for, or the terminal has gone."""
        while not stop.is_set():
            try:
                there, _, _ = select.select([sys.stdin], [], [], _POLL_SECONDS)
                line = sys.stdin.readline() if there else None
            except (OSError, ValueError):
                return None
            if line is not None:
                return line.strip().lower() if line else None
        return None

    def _show(self, page: Page) -> None:
        with self._line:
            write_page(page, error=True)


class Telling:
    """Nobody answers, and every step is told as a line. What was said beforehand counts."""

    def __init__(self, done: frozenset[str], again: frozenset[str], by: str, *, quiet: bool) -> None:
        from reconciler.app.recovery.values import Unattended

        self._unattended = Unattended(done, again, by)
        self._quiet = quiet
        self._line = threading.Lock()

    def asked(self, step: Step, instruction: str, stop: threading.Event, /) -> tuple[Answer, str]:
        return self._unattended.asked(step, instruction, stop)

    def interrupted(self, step: Step, record: StepRecord, stop: threading.Event, /) -> Answer:
        return self._unattended.interrupted(step, record, stop)

    def told(self, _run: RecoveryRun, step: StepRecord, /) -> None:
        from reconciler.cli.render.recovery import told_page

        if not self._quiet:
            with self._line:
                write_page(told_page(step), error=True)
