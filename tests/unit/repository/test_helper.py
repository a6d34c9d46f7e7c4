"""Processes that do a part of the work: two threads ask, both are answered, whatever the moment."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import msgspec
import pytest

from reconciler.repository.helper import Helper, helpers_here

pytestmark = pytest.mark.skipif(not helpers_here(), reason="no helpers here")


class Hello(msgspec.Struct):
    """A setup that says nothing."""

    word: str = "hello"


@pytest.mark.timeout(30)
def test_two_answers_that_come_at_once_reach_both_who_asked() -> None:
    """The second one lay in the buffer of the first reader, while the second waited for something to come through the pipe."""
    inherited = os.open(os.devnull, os.O_RDONLY)
    helper = Helper("tests.fakes.echo_helper", Hello(), inherited)
    try:
        with ThreadPoolExecutor(2) as threads:
            asked = [threads.submit(helper.ask, bytes([number]) * 3, lambda: False) for number in range(2)]
            assert [future.result(20) for future in asked] == [b"\0\0\0", b"\1\1\1"]
    finally:
        helper.close()
        os.close(inherited)


def test_long_messages_pass_both_ways() -> None:
    inherited = os.open(os.devnull, os.O_RDONLY)
    helper = Helper("tests.fakes.echo_helper", Hello(), inherited)
    try:
        with ThreadPoolExecutor(2) as threads:
            asked = [threads.submit(helper.ask, bytes([number]) * 2_000_000, lambda: False) for number in range(2)]
            assert [future.result(20) for future in asked] == [b"\0" * 2_000_000, b"\1" * 2_000_000]
    finally:
        helper.close()
        os.close(inherited)
