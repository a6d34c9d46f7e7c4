"""A repository that does not answer must not take the pass with it."""

from __future__ import annotations

import threading

import pytest

from reconciler.observe.deadline import within
from reconciler.observe.errors import RepositorySilent


def test_the_result_comes_through() -> None:
    assert within(5, lambda: "seen", what="repository main") == "seen"


def test_an_error_comes_through_as_it_is() -> None:
    def broken() -> None:
        raise OSError("unplugged")

    with pytest.raises(OSError, match="unplugged"):
        within(5, broken, what="repository main")


def test_a_call_that_hangs_is_left_behind() -> None:
    release = threading.Event()
    try:
        with pytest.raises(RepositorySilent, match="repository main did not answer") as caught:
            within(0.05, release.wait, what="repository main")
        assert caught.value.retry
    finally:
        release.set()
