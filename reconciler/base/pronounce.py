"""Random bytes as words that can be read out, written down and typed again: five letters for two bytes, consonants and vowels in turn."""

from __future__ import annotations

from typing import Final

_CONSONANTS: Final = "bdfghjklmnprstvz"
_VOWELS: Final = "aiou"


def pronounceable(data: bytes) -> str:
    """Words joined by hyphens; an even number of bytes. Different bytes give different words."""
    if len(data) % 2:
        raise ValueError("words stand for two bytes each")
    return "-".join(_word(int.from_bytes(data[start : start + 2], "big")) for start in range(0, len(data), 2))


def _word(value: int) -> str:
    return "".join(
        (
            _CONSONANTS[value >> 12 & 15],
            _VOWELS[value >> 10 & 3],
            _CONSONANTS[value >> 6 & 15],
            _VOWELS[value >> 4 & 3],
            _CONSONANTS[value & 15],
        )
    )
