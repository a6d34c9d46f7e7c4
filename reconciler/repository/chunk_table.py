"""Ids of chunks, packed: which number has a chunk? About 45 bytes for each, where a dictionary of Python takes 180.

The ids lie one after the other in the order in which they came; their place in that order is their *number*. A table of numbers finds them
again: a chunk stands in the first free slot from the one that its first bytes say (ids are hashes, so they spread by themselves). The table
is made when somebody asks for the first time, for a run that finds nothing changed asks for no content at all.
"""

from __future__ import annotations

import sys
import threading
from array import array
from typing import Final

ID_BYTES: Final = 32
_SLOTS_MIN: Final = 1024
_FILLED: Final = 2 / 3  # of the slots at most: beyond that the way to a free one grows long


class ChunkTable:
    """Numbers of chunks, in the order in which they came. One thread adds; others may look meanwhile."""

    def __init__(self) -> None:
        self._ids = bytearray()
        self._slots = _free(_SLOTS_MIN)
        """The number plus one; zero: free."""
        self._entered = 0
        """So many have their slot."""
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Also counts one that came twice."""
        return len(self._ids) // ID_BYTES

    def __contains__(self, chunk: bytes) -> bool:
        return self.find(chunk) is not None

    def add(self, ids: bytes) -> None:
        """Any number of chunks, one after the other."""
        with self._lock:
            self._ids += ids

    def note(self, chunk: bytes) -> None:
        """One chunk. Cheaper than :meth:`add` where each is looked for before the next one comes."""
        with self._lock:
            count, slots = self._entered, self._slots
            is_entered = count * ID_BYTES == len(self._ids) and count < len(slots) * _FILLED
            self._ids += chunk
            if is_entered:
                mask = len(slots) - 1
                slot = int.from_bytes(chunk[:4], sys.byteorder) & mask
                while slots[slot]:
                    slot = slot + 1 & mask
                slots[slot] = self._entered = count + 1

    def find(self, chunk: bytes) -> int | None:
        """Its number; of one that came twice the first."""
        if not self._ids:  # as in each first backup, once for every file
            return None
        if self._entered * ID_BYTES != len(self._ids):
            self._enter()
        slots, is_there = self._slots, self._ids.startswith
        mask = len(slots) - 1
        slot = int.from_bytes(chunk[:4], sys.byteorder) & mask
        while number := slots[slot]:
            if is_there(chunk, (number - 1) * ID_BYTES):
                return number - 1
            slot = slot + 1 & mask
        return None

    def _enter(self) -> None:
        """Give a slot to what has come since the last time."""
        with self._lock:
            count, first, slots = len(self), self._entered, self._slots
            if count > len(slots) * _FILLED:
                slots, first = _free(1 << int(count / _FILLED).bit_length()), 0
            mask = len(slots) - 1
            with memoryview(self._ids)[first * ID_BYTES : count * ID_BYTES] as fresh, fresh.cast("I") as words:
                for number, head in enumerate(words[:: ID_BYTES // 4], first + 1):
                    slot = head & mask
                    while slots[slot]:
                        slot = slot + 1 & mask
                    slots[slot] = number
            self._slots, self._entered = slots, count  # in this order: whoever looks meanwhile sees all of them or waits here


def _free(slots: int) -> array[int]:
    return array("I", [0]) * slots
