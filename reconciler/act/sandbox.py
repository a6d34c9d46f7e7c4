"""The folder of one drill: made anew, entered by this user alone, and cleared away whatever happens."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from reconciler.act.errors import DrillBlocked
from reconciler.base.units import format_size

PREFIX = "reconciler-drill-"
_SPARE = 0.05  # of a file system stays free: others live on it, too


def make(parent: str, drill: str) -> str:
    """A new folder in ``parent``."""
    place = os.path.join(parent, PREFIX + drill)
    try:
        os.makedirs(parent, mode=0o700, exist_ok=True)
        os.mkdir(place, 0o700)
    except OSError as error:
        raise DrillBlocked(f"no sandbox can be made in {parent}: {error.strerror}") from error
    return place


def enough_room(parent: str, needed: int, limit: int | None) -> None:
    """Refuse before the first byte what can be foreseen."""
    if limit is not None and needed > limit:
        raise DrillBlocked(f"the drill needs {format_size(needed)}, and `drill.limits.space` allows {format_size(limit)}")
    while not os.path.exists(parent):
        parent = os.path.dirname(parent)
    usage = shutil.disk_usage(parent)
    free = max(0, usage.free - int(usage.total * _SPARE))
    if needed > free:
        raise DrillBlocked(f"the sandbox has {format_size(free)} to spare in {parent}, the drill needs {format_size(needed)}")


def clear(place: str) -> None:
    """Remove a sandbox and all in it; no link is followed. Harmless when it is gone. Raises DrillBlocked when something of it stays."""
    if not os.path.lexists(place):
        return
    if not os.path.basename(place).startswith(PREFIX) or os.path.islink(place):
        raise DrillBlocked(f"{place} is no sandbox of a drill and stays")
    try:
        empty(place)
        os.rmdir(place)
    except OSError as error:
        raise DrillBlocked(f"the sandbox {place} cannot be cleared away: {error.strerror}") from error


def empty(place: str) -> None:
    """Remove all that is in a folder, also below folders that came back without the right to be changed."""
    for folder, names, _ in os.walk(place):
        os.chmod(folder, 0o700)
        for name in names:
            below = os.path.join(folder, name)
            if not os.path.islink(below):
                os.chmod(below, 0o700)
    for each in Path(place).iterdir():
        if each.is_dir() and not each.is_symlink():
            shutil.rmtree(each)
        else:
            each.unlink()
