"""`reconcile doctor`: one page for a report of a defect. Reads only, and shows no secret.

Of addresses only their kind is shown, of specs only names, codes and lines, never their text. What the environment holds under a name that
looks secret is struck out wherever it stands, and so is every secret that this process has read.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler import __version__
from reconciler.app.health import health
from reconciler.app.house import House
from reconciler.app.loop_view import loop_view
from reconciler.app.scene import load
from reconciler.app.symptoms import Row, moment, of_catalog, of_clock, of_repositories
from reconciler.base.errors import ReconcilerError
from reconciler.base.printable import escape
from reconciler.base.secret import looks_secret, redact, remember
from reconciler.base.units import format_duration, format_size
from reconciler.model.health import HealthState

if TYPE_CHECKING:
    from reconciler.catalog.catalog import Catalog
    from reconciler.spec import Loaded

EVENTS_SHOWN, PROBLEMS_SHOWN = 10, 20
_LINE_MAX = 600
_ADDRESS = re.compile(r"\b([a-z][a-z0-9+.-]*)://[^\s'\"`]+", re.IGNORECASE)
_RECENT = timedelta(days=7)
_FOR_DEVELOPERS = {"dev", "test"}
_PROGRAMS = ("git", "restic")
_SAID_BY_PEOPLE = {"Paused"}
"""Reasons of warnings whose note somebody typed, who knows what."""


class Section(Struct, frozen=True):
    """One subject."""

    title: str
    rows: tuple[Row, ...]


class Diagnosis(Struct, frozen=True):
    """The whole page; every text in it is safe to be shown to strangers."""

    at: datetime
    sections: tuple[Section, ...]


def doctor(house: House) -> Diagnosis:
    """Everything that somebody asks who has to find a defect. What cannot be read says so in its place."""
    for name, value in os.environ.items():
        if looks_secret(name):
            remember(value.encode())
    now = house.clock.now()
    found: list[tuple[str, Callable[[], Iterable[Row]]]] = [
        ("Program", _program),
        ("Dependencies", _dependencies),
        ("Clock", lambda: _clock(house)),
        ("Places", lambda: _places(house)),
        ("Catalog", lambda: of_catalog(house)),
        ("Specs", lambda: _in_catalog(house, _specs)),
        ("Loop", lambda: _loop(house)),
        ("Repositories", lambda: _in_catalog(house, of_repositories)),
        ("Runs of 7 days", lambda: _in_catalog(house, _runs)),
        ("Health", lambda: _health(house)),
        ("Last warnings", lambda: _in_catalog(house, _warnings)),
    ]
    return Diagnosis(now, tuple(Section(title, tuple(_safe(row) for row in _read(rows))) for title, rows in found))


def _read(rows: Callable[[], Iterable[Row]]) -> Sequence[Row]:
    """An error is a row of its own: the page is for the day on which things do not work."""
    try:
        return tuple(rows())
    except (ReconcilerError, OSError) as error:
        code = error.code if isinstance(error, ReconcilerError) else type(error).__name__
        return (("cannot be read", f"{code}: {error}"),)


def _in_catalog(house: House, rows: Callable[[Catalog, Loaded, House], Iterable[Row]]) -> Sequence[Row]:
    with house.memory.reading() as catalog:
        return tuple(rows(catalog, load(house, catalog), house))


def _program() -> Iterator[Row]:
    yield "reconcile", __version__
    yield "python", f"{platform.python_implementation()} {platform.python_version()}"
    yield "system", f"{platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} cores"
    yield "user", "root" if hasattr(os, "geteuid") and os.geteuid() == 0 else "not root"
    yield "encoding", f"{sys.stdout.encoding}, file names {sys.getfilesystemencoding()}"


def _dependencies() -> Iterator[Row]:
    """Those that the program uses, one row for what it always needs and one for what somebody chose; then the programs beside it."""
    import ssl
    from importlib.metadata import requires

    needed: list[str] = []
    chosen: list[str] = []
    for requirement in requires("reconciler") or ():
        match = re.match(r"[A-Za-z0-9._-]+", requirement)
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", requirement)
        if match is not None and match[0] != "reconciler" and (extra is None or extra[1] not in _FOR_DEVELOPERS):
            (needed if extra is None else chosen).append(match[0])
    yield "sqlite, openssl", f"{sqlite3.sqlite_version}, {ssl.OPENSSL_VERSION}"
    yield "libraries", _versions(needed)
    yield "chosen", _versions(name for name in chosen if name not in needed) or "none"
    found = {name: shutil.which(name) for name in _PROGRAMS}
    yield "programs", ", ".join(f"{name} {place or 'not found'}" for name, place in found.items())


def _versions(names: Iterable[str]) -> str:
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for name in dict.fromkeys(names):  # extras repeat each other
        with suppress(PackageNotFoundError):  # one that nobody asked for
            found.append(f"{name} {version(name)}")
    return ", ".join(found)


def _clock(house: House) -> Iterator[Row]:
    with house.memory.reading() as catalog:
        yield from of_clock(catalog, house)


def _places(house: House) -> Iterator[Row]:
    yield "agent", house.agent
    yield "specs", f"{house.specs}{'' if house.specs.is_dir() else ', not there'}"
    state = house.memory.state
    if not state.is_dir():
        yield "state", f"{state}, not there"
        return
    yield "state", f"{state}, mode {state.stat().st_mode & 0o7777:o}"
    for path in sorted(state.iterdir()):
        files, total = _size(path)
        yield f"  {path.name}", format_size(total) + (f" in {files:,} files" if path.is_dir() else "")


def _size(path: Path) -> tuple[int, int]:
    """(Files, bytes); what goes away meanwhile is not counted."""
    if not path.is_dir() or path.is_symlink():
        return 1, path.lstat().st_size
    files = total = 0
    for folder, _, names in os.walk(path, onerror=lambda _error: None):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_size
            except FileNotFoundError:
                continue  # removed between the listing and the look
            files += 1
    return files, total


def _specs(_catalog: Catalog, loaded: Loaded, _house: House) -> Iterator[Row]:
    desired = loaded.desired
    yield "digest", f"{desired.digest[:12]}{f', revision {desired.revision}' if desired.revision is not None else ''}"
    yield "objects", f"{loaded.objects}, of these {len(desired.systems)} systems and {len(desired.repositories)} repositories"
    yield "clean", "yes" if desired.clean else "no: what is broken stands as it was when it was last good"
    for problem in loaded.problems[:PROBLEMS_SHOWN]:
        yield (
            f"{problem.severity.value} {problem.code}",
            f"{problem.place.file}:{problem.place.line} {problem.kind} {problem.name}".rstrip(),
        )
    if len(loaded.problems) > PROBLEMS_SHOWN:
        yield "more problems", str(len(loaded.problems) - PROBLEMS_SHOWN)


def _loop(house: House) -> Iterator[Row]:
    view = loop_view(house)
    yield "state", view.state.value
    if view.holder is not None:
        yield "lease", f"held by process {view.holder.pid} since {moment(view.holder.at)}"
    else:
        yield "lease", "held by nobody"
    if view.beat_age is not None:
        yield "last sign of life", f"{format_duration(view.beat_age)} ago"
    yield "last complete pass", moment(view.loop.last_success_at) if view.loop.last_success_at else "never"
    yield "passes", f"{view.loop.passes:,}"
    if view.pulse is not None:
        yield "at", f"{view.pulse.doing.value}, {view.pulse.under_way} actions under way, {view.pulse.queued} queued"
    if view.loop.pause is not None:
        yield "paused", f"since {moment(view.loop.pause.at)}, until {moment(view.loop.pause.until)}"


def _runs(catalog: Catalog, _loaded: Loaded, house: House) -> Iterator[Row]:
    begin = house.clock.now() - _RECENT
    counted = Counter((run.kind, run.outcome or "under way") for run in catalog.runs(100_000) if run.started_at >= begin)
    for (kind, outcome), number in sorted(counted.items()):
        yield f"{kind} {outcome}", f"{number:,}"


def _health(house: House) -> Iterator[Row]:
    found = health(house, cached=True)
    yield "checks", ", ".join(f"{sum(c.state is state for c in found.checks)} {state}" for state in HealthState)
    for check in found.checks:
        if check.state is not HealthState.GOOD:
            yield f"{check.state} {check.name}", f"{check.object}: {check.message}"


def _warnings(catalog: Catalog, _loaded: Loaded, house: House) -> Iterator[Row]:
    now = house.clock.now()
    warnings = [event for event in catalog.events(500) if event.kind == "Warning"]
    for event in warnings[:EVENTS_SHOWN]:
        ago = format_duration(max(now - event.last_at, timedelta(0)), parts=1)
        note = "in the words of a person" if event.reason in _SAID_BY_PEOPLE else event.note
        yield f"{event.reason}, {ago} ago", f"{event.object_kind} {event.name}: {note}"


def _safe(row: Row) -> Row:
    title, text = row
    return title, _struck(text)


def _struck(text: str) -> str:
    shown = escape(redact(_ADDRESS.sub(r"\1://…", text)))
    return shown if len(shown) <= _LINE_MAX else shown[: _LINE_MAX - 1] + "…"
