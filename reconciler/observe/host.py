"""The host as it is now: load, memory, and the room where our places are. A place that hangs costs seconds, not the look."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial

from msgspec.structs import replace

from reconciler.base.errors import ReconcilerError
from reconciler.model.health import HostReading, Role, Room, Use
from reconciler.observe.deadline import within

PLACE_SECONDS_MAX = 3.0
AT_A_TIME = 32


def read_host(places: Mapping[Use, str], *, seconds_max: float = PLACE_SECONDS_MAX) -> HostReading:
    """``places``: what for, and the path. What lies on one file system is told once; of a missing path, its nearest parent is asked."""
    from concurrent.futures import ThreadPoolExecutor

    import psutil

    found: dict[tuple[str, int], Room] = {}
    with ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="host") as pool:  # many sources may lie on one that hangs
        asked = list(pool.map(partial(_asked, seconds_max), places.values()))
    for number, (name, (device, room)) in enumerate(zip(places, asked, strict=True)):
        key = ("device", device) if device is not None else ("failed", number)
        known = found.get(key, room)
        found[key] = replace(known, uses=(*known.uses, name))
    ordered = (replace(room, uses=tuple(sorted(room.uses, key=_importance))) for room in found.values())
    rooms = sorted(ordered, key=lambda room: _importance(room.uses[0]))
    memory = psutil.virtual_memory()
    return HostReading(os.cpu_count() or 1, psutil.getloadavg()[1], memory.total, memory.available, tuple(rooms))


_ROLES = tuple(Role)


def _importance(use: Use) -> tuple[int, str, str]:
    return _ROLES.index(use.role), use.name, use.path


def _asked(seconds_max: float, path: str) -> tuple[int | None, Room]:
    try:
        return within(seconds_max, partial(_room, path), what=f"the file system of {path}", key=f"room {path}")
    except (ReconcilerError, OSError) as error:
        return None, Room((), failure=str(error))


def _room(path: str) -> tuple[int, Room]:
    import psutil

    there = os.path.abspath(path)
    while not os.path.exists(there) and os.path.dirname(there) != there:
        there = os.path.dirname(there)
    usage = psutil.disk_usage(there)
    room = Room((), usage.free, usage.total)
    if hasattr(os, "statvfs"):
        counted = os.statvfs(there)
        if counted.f_files:
            room = replace(room, free_inodes=counted.f_favail, total_inodes=counted.f_files)
    return os.stat(there).st_dev, room
