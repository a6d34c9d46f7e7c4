"""A SQLite database that may be in use, frozen: SQLite's own online backup copies one moment of it, and the copy is checked.

A read transaction holds that moment while the copy is made, so writers never make it begin again. In WAL mode they go on meanwhile;
with a rollback journal they wait. The live file is never read as a file, and never written. :mod:`~reconciler.sources.copy_sqlite`
does it in a process of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from msgspec import Struct

from reconciler.base.clock import Clock
from reconciler.base.errors import Cancelled
from reconciler.base.units import format_duration, format_size
from reconciler.sources.errors import SourceBusy, SourceDamaged, SourceError, SourceLeftOver, SourceMissing, SourceNoRoom, SourceUnreadable

SIDECARS: Final = (b"-wal", b"-shm", b"-journal")
"""What stands beside a database in use, by the ends of the names. A frozen copy needs none of them."""
_LOCK_SECONDS_MAX = 60.0  # a program that holds its write lock longer than this does not let anybody else in either
_POLL_SECONDS = 0.05
_PROGRAM = Path(__file__).with_name("copy_sqlite.py")


class Freezing(Struct, frozen=True):
    """Where and how copies are made."""

    folder: Path
    """For the copies, which are as secret as the databases: of mode 0700."""
    clock: Clock
    stop: threading.Event
    beat: Callable[[], None] = lambda: None
    """Called again and again while a copy is made within its time."""


class Frozen(Struct, frozen=True):
    """A checked copy."""

    copy: str
    frozen_at: datetime
    """The copy shows this moment or a later one."""


@contextmanager
def place_for_copies(folder: Path) -> Iterator[Path]:
    """A private folder below ``folder`` that goes away afterwards. What processes that died left there goes away, too."""
    from filelock import FileLock

    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with FileLock(folder / "lock"):
        _sweep(folder)
        place = Path(tempfile.mkdtemp(prefix="copies-", dir=folder))
        own = FileLock(place / "lock")
        own.acquire()
    try:
        yield place
    finally:
        own.release()
        shutil.rmtree(place, ignore_errors=True)


def _sweep(folder: Path) -> None:
    from filelock import FileLock, Timeout

    for left in folder.glob("copies-*"):
        lock = FileLock(left / "lock")
        try:
            lock.acquire(timeout=0)
        except (Timeout, OSError):
            continue  # somebody works there
        lock.release()
        shutil.rmtree(left, ignore_errors=True)


def check(path: str) -> None:
    """Raises when this cannot be a database to read: a link, no file, not readable. It is not opened: see copy_sqlite."""
    info = os.lstat(path)
    if stat.S_ISLNK(info.st_mode):
        hint = f"Name what it leads to instead: {os.path.realpath(path)}"
        raise SourceUnreadable(f"the source {path} is a symbolic link, which is not followed", hint=hint, source=path)
    if not stat.S_ISREG(info.st_mode):
        raise SourceUnreadable(f"the source {path} is no SQLite database", hint="Name the database file itself.", source=path)
    if not os.access(path, os.R_OK):
        raise SourceUnreadable(f"the source {path} cannot be read: permission denied", source=path)


def freeze(path: str, target: Path, how: Freezing, timeout: timedelta) -> Frozen:
    """Copy one moment of the database at ``path`` to the new file ``target``, whole and checked. Raises SourceError, Cancelled."""
    try:
        check(path)
    except FileNotFoundError as error:
        raise SourceMissing(f"the source {path} does not exist", source=path) from error
    _enough_room(path, target.parent)
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    frozen_at = how.clock.now()
    answer = _run(path, target, how, timeout)
    if "error" in answer:
        raise _translated(path, str(answer["error"]), str(answer.get("message", "")))
    found = answer.get("found")
    if found != ["ok"]:
        first = str(found[0]).splitlines()[0] if isinstance(found, list) and found else "no answer"
        raise SourceDamaged(f"the database {path} fails its integrity check: {first}", source=path)
    return Frozen(str(target), frozen_at)


def _run(path: str, target: Path, how: Freezing, timeout: timedelta) -> dict[str, object]:
    """The answer of the copying process."""
    deadline = how.clock.monotonic() + timeout.total_seconds()
    lock_milliseconds = int(1000 * min(timeout.total_seconds(), _LOCK_SECONDS_MAX))
    argv = [sys.executable, "-I", "-S", str(_PROGRAM), path, str(target), str(lock_milliseconds)]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        try:
            while True:
                with contextlib.suppress(subprocess.TimeoutExpired):  # not done yet: asked again below
                    printed, _ = process.communicate(timeout=_POLL_SECONDS)
                    break
                if how.stop.is_set():
                    raise Cancelled(f"freezing the database {path} was stopped")
                if how.clock.monotonic() >= deadline:
                    raise SourceBusy(f"freezing the database {path} did not end within {format_duration(timeout)}", source=path)
                how.beat()
        except BaseException:
            process.kill()
            raise
    try:
        answer = json.loads(printed)
    except ValueError as error:
        raise SourceUnreadable(f"the database {path} cannot be read: its copying process ended with {process.returncode}") from error
    return dict(answer)


def _enough_room(path: str, folder: Path) -> None:
    need = 0
    for name in (path, path + "-wal"):
        with contextlib.suppress(OSError):  # there is no log, or the copying says what is wrong
            need += os.stat(name).st_size
    free = shutil.disk_usage(folder).free
    if free < need:
        raise SourceNoRoom(f"{folder} has {format_size(free)} free, the frozen copy of {path} needs up to {format_size(need)}", source=path)


def _translated(path: str, name: str, message: str) -> SourceError:
    """What SQLite says, as what a person does about it."""
    if name.startswith("SQLITE_NOTADB"):
        hint = "Is it another kind of file, or encrypted? `path` stores any file. If it was a database, its beginning is damaged."
        return SourceUnreadable(f"the source {path} is no SQLite database", hint=hint, source=path)
    if name.startswith("SQLITE_CORRUPT"):
        return SourceDamaged(f"the database {path} is damaged: {message}", source=path)
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return SourceBusy(f"the database {path} is locked by a program that writes it", source=path)
    if name.startswith("SQLITE_READONLY"):
        return SourceLeftOver(f"the database {path} waits for a repair from its journal", source=path)
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR_WRITE")):
        return SourceNoRoom(f"there is no room for the frozen copy of {path}", source=path)
    return SourceUnreadable(f"the database {path} cannot be read: {message}", source=path)
