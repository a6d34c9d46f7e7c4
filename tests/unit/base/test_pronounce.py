"""Random bytes as words."""

import pytest

from reconciler.base.pronounce import pronounceable


def test_different_bytes_give_different_words_of_five_letters() -> None:
    words = {pronounceable(value.to_bytes(2, "big")) for value in range(65536)}
    assert len(words) == 65536
    assert {len(word) for word in words} == {5}
    assert pronounceable(bytes.fromhex("7f000001")) == "lusab-babad"


def test_half_a_word_is_refused() -> None:
    with pytest.raises(ValueError, match="two bytes"):
        pronounceable(b"abc")
