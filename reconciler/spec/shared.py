"""A memory of what was worked out about things that thousands of systems share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

T = TypeVar("T")


class Shared:
    """What was worked out about objects that thousands of systems share, such as the blocks of a policy, by their identity.

    To compare two blocks takes as long as to merge them. So they are told apart by where they are in memory, and held as long as something
    is remembered about them: nothing else can be there meanwhile. For what depends on these objects alone, which nobody changes.
    A bounded memory; when it is full it begins anew.
    """

    def __init__(self, kept_max: int = 512) -> None:
        self._kept_max = kept_max
        self._known: dict[tuple[int, ...], tuple[tuple[object, ...], object]] = {}

    def recall(self, about: tuple[object, ...], make: Callable[[], T]) -> T:
        """What ``make`` made for the very same objects before, else now."""
        key = tuple(map(id, about))
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= self._kept_max:
                self._known.clear()
            known = self._known[key] = (about, make())
        return cast("T", known[1])
