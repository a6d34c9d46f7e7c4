"""A restore in place, and its way back, in a process that kills itself at one of its calls that change a disk."""

from __future__ import annotations

import functools
import os
import signal
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

import reconciler.tree.write  # noqa: F401 (asks which calls there are when it is loaded, and must see the real ones)
from reconciler.app.reports import RestoreRequest
from reconciler.app.session import Session
from tests.fakes.clocks import FakeClock

MINUTE = timedelta(minutes=1)
CHANGING = (
    "rename", "link", "unlink", "rmdir", "mkdir", "symlink", "mkfifo", "mknod", "utime", "chmod", "fchmod", "chown", "fchown", "setxattr",
    "pwrite", "write", "ftruncate", "fsync",
)  # fmt: skip


def session(folder: Path, now: datetime) -> Session:
    return Session.open(folder / "specs", state=folder / "state", agent="shop1", clock=FakeClock(now))


def mirror(opened: Session) -> None:
    """Everything back to where it was, extras removed."""
    request = RestoreRequest("", system="orders", in_place=True, on_conflict="mirror")
    outlook = opened.plan_restore(request).outlook
    assert outlook is not None
    opened.restore(replace(request, confirm=outlook.digest))


def die(act: str, restore: str, folder: str, now: datetime, at: int, counted: Any) -> None:
    """``at`` 0: live to the end, and put the number of calls into ``counted``."""
    number = 0

    def deadly(call: Any) -> Any:
        @functools.wraps(call)
        def counting(*words: Any, **named: Any) -> Any:
            nonlocal number
            number += 1
            if number == at:
                os.kill(os.getpid(), signal.SIGKILL)
            return call(*words, **named)

        return counting

    for name in CHANGING:
        setattr(os, name, deadly(getattr(os, name)))
    with session(Path(folder), now) as opened:
        if act == "mirror":
            mirror(opened)
        else:
            opened.rollback(restore)
    counted.value = number
