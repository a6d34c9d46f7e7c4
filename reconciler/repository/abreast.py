"""Several questions to one place at a time, as many as it likes to be asked: a round trip for all of them instead of one for each.

A disk is asked one after another, in the caller's thread. What may be asked side by side is said where it is: an order that a promise
rests on (pending roots before snapshots, packs before their index) is never given up for time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from reconciler.repository.store import Readable

_T = TypeVar("_T")
_R = TypeVar("_R")


def abreast(place: Readable, ask: Callable[[_T], _R], items: Iterable[_T]) -> Iterator[_R]:
    """``ask(item)`` for each, answers in the order of the items; no more than ``place.at_once`` under way or waiting to be taken.

    The first error in that order is raised, and nothing new is begun after it.
    """
    if place.at_once < 2:
        yield from map(ask, items)
        return
    with ThreadPoolExecutor(place.at_once, "abreast") as threads:
        under_way: deque[Future[_R]] = deque()
        try:
            for item in items:
                under_way.append(threads.submit(ask, item))
                if len(under_way) >= place.at_once:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()


def together(place: Readable, *calls: Callable[[], _R]) -> list[_R]:
    """What each of them returns. Raises the first error in their order."""
    return list(abreast(place, lambda call: call(), calls))


def both(place: Readable, one: Callable[[], _T], other: Callable[[], _R]) -> tuple[_T, _R]:
    """What both return. The error of ``one`` comes first."""
    if place.at_once < 2:
        return one(), other()
    with ThreadPoolExecutor(1, "abreast") as thread:
        second = thread.submit(other)
        first = one()
        return first, second.result()
