"""When a folder of a disk last changed: what was listed in it before stands while that is the same, and nobody has to list it again.

Believed only of file systems that are known to tell it, and of a folder that had rested when it was looked at: two changes within one tick
of the clock look like one. What changes inside of an object shows in no folder; whoever doubts an object reads it.
"""

from __future__ import annotations

import os
import re
from functools import lru_cache
from stat import S_ISDIR

_TELLING = frozenset({"bcachefs", "btrfs", "ext2", "ext3", "ext4", "f2fs", "jfs", "tmpfs", "xfs", "zfs"})  # disks of this machine
_MOUNTS = "/proc/self/mountinfo"
_REST_SECONDS = 2.0
_OCTAL = re.compile(r"\\([0-7]{3})")


Stamp = tuple[int, int]
"""Inode of a folder, and when it changed last, in nanoseconds. A new, a removed and a renamed name make another; nobody can set it."""


def stamp_of(info: os.stat_result, now: float) -> Stamp | None:
    """None: it changed a moment ago, or later than ``now``, in seconds since 1970."""
    return (info.st_ino, info.st_ctime_ns) if info.st_ctime < now - _REST_SECONDS else None


def stamps_in(place: str, prefix: str, now: float) -> dict[str, Stamp | None] | None:
    """Of the folders in the folder ``place``, each under ``prefix``. None: something else is there, too, or went meanwhile.

    Ten thousand of them are asked for in each look: a call of the system and nothing more.
    """
    rested = now - _REST_SECONDS
    stamps: dict[str, Stamp | None] = {}
    with os.scandir(place) as entries:
        try:
            for entry in entries:
                info = entry.stat(follow_symlinks=False)
                if not S_ISDIR(info.st_mode):
                    return None
                stamps[prefix + entry.name] = (info.st_ino, info.st_ctime_ns) if info.st_ctime < rested else None
        except FileNotFoundError:
            return None
    return stamps


def is_telling(place: str) -> bool:
    """Whether folders of the file system at ``place`` tell when they changed. A network, or what we do not know, need not."""
    return _is_telling(place, os.stat(place).st_dev)


@lru_cache(maxsize=64)
def _is_telling(place: str, device: int) -> bool:
    """``device``: so that another disk at the same place is asked anew."""
    try:
        with open(_MOUNTS, encoding="utf-8", errors="surrogateescape") as lines:
            mounts = [_mount(line) for line in lines]
    except (OSError, LookupError):
        return False
    path = os.path.realpath(place)
    below = [(len(point), kind) for point, kind in mounts if path == point or path.startswith(point.rstrip("/") + "/")]
    longest = max((length for length, _ in below), default=0)
    return next((kind for length, kind in reversed(below) if length == longest), "") in _TELLING  # of two at one point the later covers


def _mount(line: str) -> tuple[str, str]:
    """Where it is mounted, and of which kind it is."""
    before, _, after = line.partition(" - ")
    point = _OCTAL.sub(lambda found: chr(int(found[1], 8)), before.split(" ")[4])
    return point, after.split(" ")[0]
