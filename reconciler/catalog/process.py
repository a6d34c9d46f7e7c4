"""Which process wrote a row, and whether it still lives: (pid, start), because pids are used again.

The start is counted from boot where the system says so (Linux): a start on the wall clock moves when somebody sets the clock, and
a living process would look dead. A state directory belongs to one machine: a process of another one is taken for gone.
"""

from __future__ import annotations

import os
from functools import cache
from typing import NamedTuple


class Process(NamedTuple):
    """The identity of a process, on this machine and since this boot."""

    pid: int
    start: str


def me() -> Process:
    """This process (after a fork: the child)."""
    pid = os.getpid()
    return Process(pid, _start_of(pid) or "")


def alive(process: Process) -> bool:
    """Whether that very process still runs."""
    return _start_of(process.pid) == process.start


def _start_of(pid: int) -> str | None:
    """When the process with this number began, or None when there is none. A dead child not yet waited for counts as none."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()  # the name before it may hold spaces and brackets
    except OSError:
        return None if _boot_id() else _start_by_psutil(pid)
    if fields[0] in (b"Z", b"X"):
        return None
    return f"{_boot_id()}:{fields[19].decode()}"  # starttime, field 22 of proc(5), in ticks since boot


@cache
def _boot_id() -> str:
    try:
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""  # not Linux


def _start_by_psutil(pid: int) -> str | None:
    import psutil

    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else f"{process.create_time():.3f}"
    except psutil.NoSuchProcess:
        return None
