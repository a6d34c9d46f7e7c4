"""Numbers with their nouns, as a person would say them."""

from __future__ import annotations


def counted(number: int, noun: str) -> str:
    """``1 file``, ``1,204 files``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
