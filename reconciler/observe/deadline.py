"""A call that may hang (a dead network mount blocks in the kernel) and must not take the pass with it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeVar

from reconciler.observe.errors import RepositorySilent

T = TypeVar("T")


def within(seconds: float, call: Callable[[], T], *, what: str) -> T:
    """The result of ``call``, or :class:`RepositorySilent` after ``seconds``.

    A call that hangs keeps its daemon thread: the kernel gives no way to take it back, and it ends with the process.
    """
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
        raise RepositorySilent(f"{what} did not answer within {seconds:.0f} s")
    return box[0]
