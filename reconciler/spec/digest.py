"""What a spec means: as plain values, and as the digest by which another meaning is told from other white space."""

from __future__ import annotations

import functools
import hashlib
import json
import operator
from collections.abc import Mapping
from datetime import datetime, timedelta
from json.encoder import encode_basestring_ascii
from typing import Any

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from reconciler.base.units import format_duration
from reconciler.spec.shared import Shared

_TEXTS = Shared()


def normal(value: Any) -> Any:
    """A value in a form that JSON writes always the same way; absent and null are the same.

    As pydantic would dump it, without building a serializer per block for the few that a tree holds (a test compares the two).
    """
    if isinstance(value, BaseModel):
        return {alias: normal(inner) for key, alias in _fields(type(value)) if (inner := getattr(value, key)) is not None}
    if isinstance(value, timedelta):
        return format_duration(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): normal(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, (list, tuple)):
        return [normal(inner) for inner in value]
    return value


def digest_of(values: Any) -> str:
    """16 hex digits that change when the meaning changes, and not when white space or the order of keys does."""
    return hashlib.sha256(_text(values).encode()).hexdigest()[:16]


def _text(value: Any) -> str:
    """JSON of the normal form, in which every value has one text. That of a block which thousands of systems share is made once.

    Without the normal form in between: beside a general encoder, that of 2,000 systems takes a quarter of the time.
    """
    kind = type(value)
    if kind is str:
        return encode_basestring_ascii(value)
    if kind is bool:
        return "true" if value else "false"
    if kind is int:
        return str(value)
    if kind is tuple or kind is list:
        return f"[{','.join([_text(inner) for inner in value])}]"
    if kind is dict:
        return _text_of_mapping(value)
    if isinstance(value, BaseModel):
        return _TEXTS.recall((value,), lambda: _text_of_block(value))
    return _encoded(normal(value))


def _text_of_mapping(values: Mapping[Any, Any]) -> str:
    given = sorted([(str(key), inner) for key, inner in values.items() if inner is not None], key=_first)
    return f"{{{','.join([f'{encode_basestring_ascii(key)}:{_text(inner)}' for key, inner in given])}}}"


def _text_of_block(block: BaseModel) -> str:
    given = [said + _text(inner) for key, said in _said(type(block)) if (inner := getattr(block, key)) is not None]
    return f"{{{','.join(given)}}}"


_first = operator.itemgetter(0)
_encoded = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode


@functools.cache
def _fields(model: type[BaseModel]) -> tuple[tuple[str, str], ...]:
    """(name, YAML name) of each field."""
    return tuple((key, field.alias or to_camel(key)) for key, field in model.model_fields.items())


@functools.cache
def _said(model: type[BaseModel]) -> tuple[tuple[str, str], ...]:
    """(name, beginning of its text) of each field, by their YAML names."""
    return tuple((key, f"{encode_basestring_ascii(alias)}:") for key, alias in sorted(_fields(model), key=lambda field: field[1]))
