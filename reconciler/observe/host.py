"""The host as it is now: load, memory, and the room where our places are. A place that hangs costs seconds, not the look."""

from __future__ import annotations

import os
from collections.abc import Mapping

from msgspec.structs import replace

from reconciler.model.health import HostReading, Role, Room, Use
from reconciler.observe.deadline import each_within

PLACE_SECONDS_MAX = 3.0
_Asked = tuple[int | None, Room]
"""With the device that it is, None when it could not be asked."""


def read_host(places: Mapping[Use, str], *, seconds_max: float = PLACE_SECONDS_MAX) -> HostReading:
    """``places``: what for, and the path. What lies on one file system is told once; of a missing path, its nearest parent is asked."""
    import psutil

    paths = tuple(dict.fromkeys(places.values()))
    asked = each_within(seconds_max, paths, _Rooms().of, key=lambda path: f"room {path}", silent=_silent, what="host")
    by_path = dict(zip(paths, asked, strict=True))
    found: dict[int | Use, tuple[Room, list[Use]]] = {}
    for use, path in places.items():
        device, room = by_path[path]
        found.setdefault(use if device is None else device, (room, []))[1].append(use)
    rooms = [replace(room, uses=tuple(sorted(uses, key=_importance))) for room, uses in found.values()]
    memory = psutil.virtual_memory()
    return HostReading(
        cores=os.cpu_count() or 1,
        load=psutil.getloadavg()[1],
        memory_bytes=memory.total,
        memory_available_bytes=memory.available,
        rooms=tuple(sorted(rooms, key=lambda room: _importance(room.uses[0]))),
    )


_RANKS = {role: rank for rank, role in enumerate(Role)}


def _importance(use: Use) -> tuple[int, str, str]:
    return _RANKS[use.role], use.name, use.path


class _Rooms:
    """Of one look: thousands of places lie on a few file systems, and each of these is counted once."""

    def __init__(self) -> None:
        self._counted: dict[int, Room] = {}

    def of(self, path: str) -> _Asked:
        try:
            there, device = _nearest(path)
            if device not in self._counted:
                self._counted[device] = _counted(there)
        except OSError as error:
            return None, Room((), failure=str(error))
        return device, self._counted[device]


def _nearest(path: str) -> tuple[str, int]:
    """What is there of it, the path itself or a parent, and the device that it lies on."""
    there = os.path.abspath(path)
    while True:
        try:
            return there, os.stat(there).st_dev
        except (OSError, ValueError):
            parent = os.path.dirname(there)
            if parent == there:
                raise
            there = parent


def _counted(path: str) -> Room:
    if not hasattr(os, "statvfs"):
        import psutil

        usage = psutil.disk_usage(path)
        return Room((), usage.free, usage.total)
    counted = os.statvfs(path)
    room = Room((), counted.f_bavail * counted.f_frsize, counted.f_blocks * counted.f_frsize)
    return replace(room, free_inodes=counted.f_favail, total_inodes=counted.f_files) if counted.f_files else room


def _silent(path: str, words: str) -> _Asked:
    return None, Room((), failure=f"the file system of {path} {words}")
