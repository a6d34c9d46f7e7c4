"""Values of the model in the types of JSON: the field names of the classes, moments as ISO 8601 UTC, durations in seconds.

``format_version`` is raised in its second part when fields are added, in its first when one changes or goes. docs/command-line.md
describes the documents.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

from msgspec import Struct

FORMAT_VERSION = "1.0"


def envelope(kind: str, **content: Any) -> dict[str, Any]:
    """What every document begins with, then its content. ``kind``: what it is, in one word."""
    return {"format_version": FORMAT_VERSION, "kind": kind} | {key: plain(value) for key, value in content.items()}


def plain(value: Any) -> Any:
    """``value`` in the types of JSON. A field that holds a duration gets ``_seconds`` behind its name."""
    if isinstance(value, Struct):
        return _fields({name: getattr(value, name) for name in value.__struct_fields__})
    if hasattr(value, "model_dump"):
        return _fields({name: getattr(value, name) for name in type(value).model_fields})
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (set, frozenset)):
        return [plain(item) for item in sorted(value)]
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [plain(item) for item in value]
    return _scalar(value)


def _fields(values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{name}_seconds" if isinstance(value, timedelta) else name: plain(value) for name, value in values.items()}


def _scalar(value: Any) -> Any:
    match value:
        case None | bool() | int() | float():
            return value
        case Enum():
            return value.value
        case str():
            return value
        case bytes():
            return value.decode("utf-8", "surrogateescape")
        case datetime():
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case timedelta():
            return value.total_seconds()
        case _:
            return str(value)
