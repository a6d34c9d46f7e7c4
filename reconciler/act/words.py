"""Words that several actions use: numbers with their nouns, and the reason of what a person asked for."""

from __future__ import annotations

REQUESTED = "requested"


def counted(number: int, noun: str) -> str:
    """``1 file``, ``1,204 files``."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
