"""Memory that child processes see, too: what one of them needs is not copied through a pipe.

On Linux a file without a name, which a child inherits by its handle; elsewhere ordinary memory, and then nobody can share it.
"""

from __future__ import annotations

import mmap
import os
from typing import NamedTuple

_PAGE = mmap.PAGESIZE


class Region(NamedTuple):
    """A piece of memory."""

    view: memoryview
    offset: int | None
    """Where it lies in the arena; None: it is private to this process."""


class Arena:
    """Hands out regions until its size is used up; then, or where nothing can be shared, private ones. Only touched pages take memory."""

    def __init__(self, size: int) -> None:
        """``size``: bytes."""
        self.size = size
        self.handle = -1
        """To be inherited by a child, which maps it with :func:`attach`; -1: nothing is shared."""
        self._used = 0
        self._view = memoryview(b"")
        self._given: list[memoryview] = []
        if hasattr(os, "memfd_create"):
            try:
                self.handle = os.memfd_create("reconciler")
                os.ftruncate(self.handle, size)
                self._view = attach(self.handle, size)
            except OSError:  # no such call in this kernel or container
                self.close()

    @property
    def is_shared(self) -> bool:
        return self.handle >= 0

    def take(self, size: int) -> Region:
        """A region that nobody else gets."""
        start = self._used
        if not self.is_shared or start + size > self.size:
            return Region(memoryview(bytearray(size)), None)
        self._used += -(-size // _PAGE) * _PAGE
        view = self._view[start : start + size]
        self._given.append(view)
        return Region(view, start)

    def close(self) -> None:
        """Give the memory back; nobody may use a shared region any more. Without it, memory and a handle stay until the collector of
        cycles finds them."""
        for view in (*self._given, self._view):
            view.release()
        self._given.clear()
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1


def attach(handle: int, size: int) -> memoryview:
    """The whole memory of an arena, by its handle."""
    return memoryview(mmap.mmap(handle, size))
