"""A value with all that equality does not see: types, and which fields of a block were given."""

from __future__ import annotations

from typing import Any

from msgspec import Struct

from reconciler.model.declared.block import Block


def exact(value: Any) -> Any:
    """Two of these are equal when nothing can tell their values apart but identity."""
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    match value:
        case Struct():
            return kind, [exact(getattr(value, name)) for name in value.__struct_fields__]
        case Block():
            return kind, sorted(value.model_fields_set), {name: exact(inner) for name, inner in value.__dict__.items()}
        case dict():
            return kind, [(exact(key), exact(inner)) for key, inner in value.items()]
        case list() | tuple():
            return kind, [exact(inner) for inner in value]
        case frozenset():
            return kind, sorted(map(exact, value))
        case _:
            return kind, repr(value)
