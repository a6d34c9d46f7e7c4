"""Asks a restored tree whether it is of use: files, databases, commands. Nothing outside the tree counts, whatever a link says."""

from __future__ import annotations

import glob
import hashlib
import os
import re
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from reconciler.act.context import Context
from reconciler.act.errors import DrillBlocked
from reconciler.act.hooks import permit
from reconciler.act.words import counted
from reconciler.base.errors import Cancelled
from reconciler.base.units import format_duration, format_size
from reconciler.model.declared.drill import Assertion
from reconciler.model.drill import Asserted
from reconciler.sources.commands import run_to_end
from reconciler.sources.errors import CommandFailed

TIMEOUT = timedelta(minutes=5)
TREE = "RECONCILER_SANDBOX"
_LINE_MAX = 2**20
_STEPS = 10_000  # of SQLite between two looks at the time


class Asking(Struct, frozen=True):
    """Under what a tree is asked."""

    tree: str
    context: Context
    stop: threading.Event
    facts: Mapping[str, str]
    """For the environment of commands."""


def ask(assertion: Assertion, asking: Asking) -> Asserted:
    """Whether it holds. Raises DrillBlocked when it came to no answer in time, Cancelled."""
    began = asking.context.clock.monotonic()
    if assertion.command is not None:
        why = _command(assertion, asking)
    elif assertion.sqlite is not None:
        why = _sqlite(assertion, asking)
    else:
        why = _files(assertion, asking)
    found = Asserted(assertion.title, not why, why or "holds")
    return replace(found, seconds=round(asking.context.clock.monotonic() - began, 3))


def _command(assertion: Assertion, asking: Asking) -> str:
    assert assertion.command is not None
    timeout, clock = assertion.timeout or TIMEOUT, asking.context.clock
    ends_at = clock.monotonic() + timeout.total_seconds()
    under = permit(asking.context, stop=asking.stop, more={**asking.facts, TREE: asking.tree})
    try:
        run_to_end(assertion.command, under, timeout)
    except CommandFailed as error:
        if clock.monotonic() >= ends_at:  # that says something about the command, not about the snapshot
            raise DrillBlocked(error.message) from error
        return error.message
    return ""


def _sqlite(assertion: Assertion, asking: Asking) -> str:
    assert assertion.sqlite is not None
    place = _inside(asking.tree, os.path.join(asking.tree, assertion.sqlite.lstrip("/")))
    if place is None or not os.path.isfile(place):
        return "there is no such file"
    timeout, clock = assertion.timeout or TIMEOUT, asking.context.clock
    ends_at = clock.monotonic() + timeout.total_seconds()
    try:
        with closing(sqlite3.connect(f"{Path(place).as_uri()}?mode=rw", uri=True)) as connection:
            connection.set_progress_handler(lambda: asking.stop.is_set() or clock.monotonic() >= ends_at, _STEPS)
            answers = [str(row[0]) for row in connection.execute("PRAGMA integrity_check(3)")]
    except sqlite3.Error as error:
        if asking.stop.is_set():
            raise Cancelled("the drill was stopped while a database was looked at") from error
        if clock.monotonic() >= ends_at:
            raise DrillBlocked(f"the look at {assertion.sqlite} did not end within {format_duration(timeout)}") from error
        return f"SQLite says: {error}"
    return "" if answers == ["ok"] else f"SQLite says: {'; '.join(answers)}"


def _files(assertion: Assertion, asking: Asking) -> str:
    assert assertion.path is not None
    found = _matches(asking.tree, assertion.path.lstrip("/"))
    if not found:
        return "nothing is there"
    files = sorted({file for place in found for file in _below(place)})
    size = sum(os.lstat(file).st_size for file in files)
    if assertion.min_files is not None and len(files) < assertion.min_files:
        return f"{counted(len(files), 'file')} where at least {assertion.min_files:,} must be"
    if assertion.min_bytes is not None and size < assertion.min_bytes:
        return f"{format_size(size)} where at least {format_size(assertion.min_bytes)} must be"
    if assertion.sha256 is not None:
        if len(files) != 1:
            return f"{counted(len(files), 'file')} where a hash needs exactly one"
        digest = _hash(files[0], asking.stop)
        if digest != assertion.sha256:
            return f"its content has another hash: {digest[:12]}"
    if assertion.contains is not None:
        pattern = re.compile(assertion.contains.encode())
        if not any(pattern.search(line) for file in files for line in _lines(file, asking.stop)):
            return f"no line of {counted(len(files), 'file')} fits"
    return ""


def _matches(tree: str, path: str) -> list[str]:
    exact = os.path.join(tree, path)
    names = [exact] if os.path.lexists(exact) else [os.path.join(tree, name) for name in glob.iglob(path, root_dir=tree, recursive=True)]
    return [real for name in names if (real := _inside(tree, name)) is not None]


def _inside(tree: str, place: str) -> str | None:
    """Where it really is; None when a link leads out of the tree."""
    real, top = os.path.realpath(place), os.path.realpath(tree)
    return real if real.startswith(top.rstrip(os.sep) + os.sep) and os.path.lexists(real) else None


def _below(place: str) -> Iterator[str]:
    if not os.path.isdir(place):
        if os.path.isfile(place):
            yield place
        return
    for folder, _, names in os.walk(place):
        for name in names:
            file = os.path.join(folder, name)
            if os.path.isfile(file) and not os.path.islink(file):
                yield file


def _lines(file: str, stop: threading.Event) -> Iterator[bytes]:
    with open(file, "rb") as lines:
        while line := lines.readline(_LINE_MAX):
            _go_on(stop)
            yield line.rstrip(b"\r\n")


def _hash(file: str, stop: threading.Event) -> str:
    digest = hashlib.sha256()
    with open(file, "rb") as content:
        while piece := content.read(_LINE_MAX):
            _go_on(stop)
            digest.update(piece)
    return digest.hexdigest()


def _go_on(stop: threading.Event) -> None:
    if stop.is_set():
        raise Cancelled("the drill was stopped while files were looked at")
