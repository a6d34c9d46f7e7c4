"""Blocks of the specs in the words of the specs: keys as they are written, durations as they are written, in the declared order."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from typing import Any

from reconciler.base.units import format_duration
from reconciler.model.declared.block import Block


def given(block: Block) -> dict[str, Any]:
    """What is set, by its key in the specs; the order is the model's, not that of a set."""
    names = [name for name in type(block).model_fields if name in block.model_fields_set]
    return {camel(name): value for name in names if (value := getattr(block, name)) is not None}


def camel(name: str) -> str:
    """``keep_within`` as ``keepWithin``."""
    first, *rest = name.split("_")
    return first + "".join(part.title() for part in rest)


def sentence(block: Block) -> str:
    """A block in one line: ``keepWithin 2d, daily 14``."""
    return ", ".join(f"{key} {words(value)}" for key, value in given(block).items())


def words(value: object) -> str:
    """One value for a person; what stands below ``every`` needs no key."""
    match value:
        case timedelta():
            return format_duration(value)
        case Enum():
            return str(value.value)
        case bool():
            return str(value).lower()
        case Block():
            return words(given(value))
        case Mapping():
            return " ".join(words(inner) if key == "every" else f"{key} {words(inner)}" for key, inner in value.items())
        case tuple() | list():
            return ", ".join(words(item) for item in value)
        case _:
            return str(value)
