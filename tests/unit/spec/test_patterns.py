"""Which patterns need no judge."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.spec.patterns import compile_patterns, is_plain


@given(st.text(alphabet="aZ0_.*?/~$@+%=,:-![]\\# ", max_size=12))
def test_what_is_plain_is_a_pattern(line: str) -> None:
    if is_plain(line):
        compile_patterns([line])


@pytest.mark.parametrize("line", ["*.tmp", "~$*", ".DS_Store", "/var/cache/", "!keep.log", "a/**/b", "?"])
def test_usual_patterns_are_plain(line: str) -> None:
    assert is_plain(line)


@pytest.mark.parametrize("line", ["", "!", "[a-z", "a\\", "#a", "a ", "/"])
def test_others_are_judged(line: str) -> None:
    assert not is_plain(line)
