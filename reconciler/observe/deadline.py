"""A call that may hang (a dead network mount blocks in the kernel) and must not take the pass with it.

A call that hangs keeps its daemon thread: the kernel gives no way to take it back, and it ends with the process. So the same thing is not
asked again while it still hangs: a loop that runs for weeks would pile up threads.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from reconciler.observe.errors import RepositorySilent

T = TypeVar("T")

_hanging: dict[str, threading.Thread] = {}
_lock = threading.Lock()


def within(seconds: float, call: Callable[[], T], *, what: str, key: str) -> T:
    """The result of ``call``, or :class:`RepositorySilent` after ``seconds``; at once while the last call of this ``key`` still hangs."""
    if still_hanging(key):
        raise RepositorySilent(f"{what} has not answered since it was asked before")
    box: list[T] = []
    broken: list[BaseException] = []

    def work() -> None:
        try:
            box.append(call())
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread below
            broken.append(error)

    worker = threading.Thread(target=work, name=f"observe {what}", daemon=True)
    worker.start()
    worker.join(seconds)
    if broken:
        raise broken[0]
    if not box:
        remember_hanging(key, worker)
        raise RepositorySilent(f"{what} did not answer within {seconds:.0f} s")
    return box[0]


def still_hanging(key: str) -> bool:
    """Whether a call of this key has not come back yet."""
    with _lock:
        thread = _hanging.get(key)
        if thread is None or thread.is_alive():
            return thread is not None
        del _hanging[key]
        return False


def something_hangs() -> bool:
    """Whether some call may not have come back yet."""
    return bool(_hanging)


def remember_hanging(key: str, thread: threading.Thread) -> None:
    with _lock:
        _hanging[key] = thread
