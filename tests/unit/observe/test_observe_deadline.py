"""A repository that does not answer must not take the pass with it."""

from __future__ import annotations

import threading

import pytest

from reconciler.observe.deadline import within
from reconciler.observe.errors import RepositorySilent


def test_the_result_comes_through() -> None:
    assert within(5, lambda: "seen", what="repository main", key="/srv/main") == "seen"


def test_an_error_comes_through_as_it_is() -> None:
    def broken() -> None:
        raise OSError("unplugged")

    with pytest.raises(OSError, match="unplugged"):
        within(5, broken, what="repository main", key="/srv/main")


def test_a_call_that_hangs_is_left_behind() -> None:
    release = threading.Event()
    try:
        with pytest.raises(RepositorySilent, match="repository main did not answer") as caught:
            within(0.05, release.wait, what="repository main", key="/srv/main")
        assert caught.value.retry
        with pytest.raises(RepositorySilent, match="since it was asked before"):
            within(60, release.wait, what="repository main", key="/srv/main")
        assert within(5, lambda: "seen", what="repository other", key="/srv/other") == "seen"
    finally:
        release.set()
    until = [thread for thread in threading.enumerate() if thread.name == "observe repository main"]
    for thread in until:
        thread.join(5)
    assert within(5, lambda: "again", what="repository main", key="/srv/main") == "again"
