"""Foreign text: the fast way for text that is safe as it is lets nothing unsafe through."""

from __future__ import annotations

import sys

from reconciler.base import printable


def test_no_unsafe_character_takes_the_fast_way() -> None:
    unsafe = [chr(code) for code in range(sys.maxunicode + 1) if printable._UNSAFE.match(chr(code))]
    assert len(unsafe) > 2000
    assert not any(character.isprintable() for character in unsafe)
    assert all(printable.escape(f"a{character}b") != f"a{character}b" for character in unsafe)
