"""Notices that the spec tree changed, so that an edit acts in a second and not at the next tick.

What the operating system tells is a hint: it goes deaf when the watched folder is removed and made again, and the swap of a Kubernetes
``..data`` link never names the file that changed. So every hint, and every beat without one, leads to a look at the tree itself;
and each tick reads the specs anyway.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from reconciler.base.log import get

BEAT_SECONDS = 2.0  # a look at 2,000 files takes 10 ms
SETTLE_SECONDS = 0.2  # a checkout writes many files: act when two looks agree
RESTLESS_SECONDS_MAX = 3.0  # a tree in which something is written all the time is looked at all the same

Fingerprint = frozenset[tuple[str, int, int, int]]

_log = get("loop")


class Watcher:
    """A thread that calls ``changed`` after the tree has changed and settled, until ``stop`` is set."""

    def __init__(self, root: Path, changed: Callable[[], None], stop: threading.Event) -> None:
        self._root = root
        self._changed = changed
        self._stop = stop
        self._seen = fingerprint(root)
        self._thread = threading.Thread(target=self._watch, name="watcher", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def join(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _watch(self) -> None:
        while not self._stop.is_set():
            for _ in self._hints():
                self._look()
            self._look()
            self._stop.wait(BEAT_SECONDS)

    def _hints(self) -> Iterator[None]:
        """One item per hint or beat, until the folder behind the name is another one, or nothing can be watched."""
        from watchfiles import watch

        identity = _identity(self._root)
        if identity is None:
            return
        beat = int(BEAT_SECONDS * 1000)
        try:
            for _ in watch(self._root, stop_event=self._stop, rust_timeout=beat, yield_on_timeout=True, raise_interrupt=False, step=50):
                yield
                if _identity(self._root) != identity:
                    return
        except OSError as error:  # out of watches, or a file system that has none: looking at every beat goes on
            _log.info("watching the specs without hints", reason=str(error))

    def _look(self) -> None:
        now = fingerprint(self._root)
        if now == self._seen:
            return
        for _ in range(int(RESTLESS_SECONDS_MAX / SETTLE_SECONDS)):
            if self._stop.wait(SETTLE_SECONDS):
                return
            before, now = now, fingerprint(self._root)
            if now == before:
                break
        self._seen = now
        self._changed()


def fingerprint(root: Path) -> Fingerprint:
    """Name, size, time and inode of every file below, links followed to the file; empty when there is no such folder."""
    found = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = os.path.join(folder, name)
            try:
                info = os.stat(path)
            except OSError:  # removed meanwhile, or a link to nothing: its name alone says so
                found.append((path, -1, 0, 0))
            else:
                found.append((path, info.st_size, info.st_mtime_ns, info.st_ino))
    return frozenset(found)


def _identity(root: Path) -> tuple[int, int] | None:
    try:
        info = os.stat(root)
    except OSError:
        return None
    return info.st_dev, info.st_ino
