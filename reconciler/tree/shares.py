"""Which folders of a tree another process lists, so that two processors do the work of one.

*Marks* are folders of the last snapshot, in the order of a scan; from one to the next reaches a *stretch*. Both processes know the marks
and with them whose each folder is, new ones, too, without a word.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import accumulate
from typing import Final

from reconciler.tree.entry import walk_key

MARKS_MAX: Final = 4096
_HEAD_START: Final = 16  # stretches at most, one in eight: until the other process has started
_OF: Final = 3
_SCOUTS: Final = frozenset({1, 2})  # of three: who compares has work besides


class Shares:
    """One tree."""

    def __init__(self, marks: Sequence[bytes]) -> None:
        keys = sorted({walk_key(mark) for mark in marks[:: len(marks) // MARKS_MAX + 1]})
        start = min(len(keys) // 8, _HEAD_START)
        self._keys = keys
        self._scouts = [number >= start and number % _OF in _SCOUTS for number in range(len(keys))]
        self._before = [0, *accumulate(self._scouts)]

    def is_scouts(self, key: bytes) -> bool:
        """Whether the other process lists the folder with this :func:`walk_key`."""
        stretch = bisect_right(self._keys, key) - 1
        return stretch >= 0 and self._scouts[stretch]

    def touches(self, path: bytes) -> bool:
        """Whether it lists this folder or anything below it."""
        key = walk_key(path)
        first = max(bisect_right(self._keys, key) - 1, 0)
        last = bisect_left(self._keys, key + b"\1") if key else len(self._keys)
        return self._before[max(last, first)] > self._before[first]
