"""Runs one command as a whole process and says what it took: wall and CPU seconds, peak memory of its process tree."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from pathlib import Path

from msgspec import Struct

_COMPILES_EACH_TIME = "PYTHONDONTWRITEBYTECODE"  # set in containers that build images; it hides 0.3 s in each command of ours
_SAMPLE_SECONDS = 0.02
_EXACT_SECONDS = 0.1  # at most so often: the kernel walks all pages for it


class Figures(Struct, frozen=True):
    """Of one run."""

    wall_seconds: float
    cpu_seconds: float
    memory_bytes: int
    """Anonymous plus shared memory of all processes at the worst sample, what several share counted once; page cache does not count."""


class CommandFailed(Exception):
    """The tool ended with an error; its last words are the message."""


def run(argv: list[str], environment: dict[str, str], cwd: Path | None = None, accepted: tuple[int, ...] = (0,)) -> Figures:
    """Run to the end. ``accepted``: exit codes that mean success. What Python compiles is kept, as on every machine that uses a program."""
    began = time.monotonic()
    inherited = {name: value for name, value in os.environ.items() if name != _COMPILES_EACH_TIME}
    with subprocess.Popen(
        argv, env=inherited | environment, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        sampler = _Sampler(process.pid)
        sampler.start()
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        wall = time.monotonic() - began
        sampler.stop()
    if process.returncode not in accepted:
        raise CommandFailed(f"{' '.join(argv[:4])} … exited {process.returncode}: {said[-400:].decode(errors='replace')}")
    return Figures(wall, usage.ru_utime + usage.ru_stime, max(sampler.peak_bytes, 0))


class _Sampler(threading.Thread):
    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._pid = pid
        self._over = threading.Event()
        self.peak_bytes = 0

    def run(self) -> None:
        looked_at = 0.0
        while not self._over.wait(_SAMPLE_SECONDS):
            tree = _tree(self._pid)
            if sum(_mapped(pid) for pid in tree) > self.peak_bytes and time.monotonic() - looked_at >= _EXACT_SECONDS:
                self.peak_bytes = max(self.peak_bytes, sum(_memory(pid) for pid in tree))
                looked_at = time.monotonic()

    def stop(self) -> None:
        self._over.set()
        self.join()


def _tree(pid: int) -> list[int]:
    found, waiting = [], [pid]
    while waiting:
        current = waiting.pop()
        found.append(current)
        try:
            for listed in Path(f"/proc/{current}/task").glob("*/children"):  # each thread has those that it started
                waiting += [int(child) for child in listed.read_text().split()]
        except OSError:
            continue  # ended meanwhile
    return found


def _mapped(pid: int) -> int:
    """Never less than its part of the sum: what several processes share counts in each of them."""
    return _bytes_of(pid, "status", ("RssAnon:", "RssShmem:"))


def _memory(pid: int) -> int:
    """Its part of the sum: a page that it shares with others counts for a part."""
    return _bytes_of(pid, "smaps_rollup", ("Pss_Anon:", "Pss_Shmem:"))


def _bytes_of(pid: int, file: str, names: tuple[str, ...]) -> int:
    try:
        lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
    except OSError:
        return 0  # ended meanwhile
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith(names))


def tree_bytes(folder: Path) -> int:
    """Bytes of all files below a folder, as stored."""
    return sum(entry.stat().st_size for entry in folder.rglob("*") if entry.is_file() and not entry.is_symlink())
