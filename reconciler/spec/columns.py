"""Values of the model in a form that a file holds, and that thousands of them are made of again at once.

Many values of one kind are written together, field by field: a *column* holds one field of all of them, and its values are columns again.
What thousands share is written once and is one object again afterwards. Only what the model is made of can be written: anything else is
refused, so nothing comes back as something else than it was.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from importlib import import_module
from itertools import chain, islice
from operator import attrgetter
from typing import Any

from msgspec import Struct

from reconciler.model.declared.block import Block

Column = list[Any]
"""The word of its form, and what is said in that form."""
FOREIGN = (LookupError, TypeError, ValueError, AttributeError, ImportError)
"""What :func:`unpack` raises for what :func:`pack` did not write."""
_MODEL = "reconciler.model."
_PLAIN = (type(None), bool, int, float, str)
_MICROSECOND = timedelta(microseconds=1)
_INDEX = "I"  # four bytes


def pack(values: Sequence[Any]) -> Column:
    """``values`` as one column. Raises TypeError where one of them, or something in it, is not of the model."""
    kinds = list(dict.fromkeys(map(type, values)))
    if len(kinds) > 1:
        numbers = {kind: number for number, kind in enumerate(kinds)}
        return ["mixed", bytes(numbers[type(value)] for value in values), [pack([v for v in values if type(v) is kind]) for kind in kinds]]
    kind = kinds[0] if kinds else type(None)
    distinct = {(value if kind is str else id(value)): value for value in values}
    if len(distinct) < len(values) and (kind not in _PLAIN or kind is str):
        places = {key: place for place, key in enumerate(distinct)}
        indexes = array(_INDEX, [places[value if kind is str else id(value)] for value in values])
        return ["shared", indexes.tobytes(), pack(list(distinct.values()))]
    return ["plain", list(values)] if kind in _PLAIN else _packed(kind, values)


def unpack(column: Column) -> list[Any]:
    """The values again, of the same types."""
    return _FORMS[column[0]](*column[1:])


def _packed(kind: type[Any], values: Sequence[Any]) -> Column:
    if kind is tuple:
        return ["tuple", list(map(len, values)), pack(list(chain.from_iterable(values)))]
    if kind is frozenset:
        return ["set", pack([tuple(sorted(value)) for value in values])]
    if kind is dict:
        return ["dict", list(map(len, values)), pack(list(chain.from_iterable(values))), pack([v for d in values for v in d.values()])]
    if kind is timedelta:
        return ["span", [value // _MICROSECOND for value in values]]
    if kind is datetime and all(value.tzinfo is UTC for value in values):
        return ["moment", [value.isoformat() for value in values]]
    if issubclass(kind, Enum):
        return ["enum", _name(kind), pack([value.value for value in values])]
    if issubclass(kind, Struct):
        return ["struct", _name(kind), [pack(list(map(attrgetter(name), values))) for name in kind.__struct_fields__]]
    if issubclass(kind, Block) and all(value.__pydantic_private__ is None for value in values):
        given = [" ".join(sorted(value.model_fields_set)) for value in values]
        return ["block", _name(kind), pack(given), [pack(list(map(attrgetter(name), values))) for name in kind.model_fields]]
    raise TypeError(f"a {kind.__name__} is no value of the model")


def _name(kind: type[Any]) -> str:
    if not kind.__module__.startswith(_MODEL):
        raise TypeError(f"a {kind.__name__} is no value of the model")
    return f"{kind.__module__}:{kind.__name__}"


@cache
def _kind(name: str) -> Any:
    module, _, word = name.partition(":")
    if not module.startswith(_MODEL):
        raise LookupError(name)
    found = getattr(import_module(module), word)
    if not issubclass(found, (Enum, Struct, Block)):
        raise TypeError(f"a {word} is no value of the model")
    return found


def _mixed(order: bytes, columns: Iterable[Column]) -> list[Any]:
    waiting = [unpack(column)[::-1] for column in columns]
    return [waiting[number].pop() for number in order]


def _shared(indexes: bytes, column: Column) -> list[Any]:
    return list(map(unpack(column).__getitem__, array(_INDEX, indexes)))


def _tuples(lengths: Iterable[int], column: Column) -> list[Any]:
    values = iter(unpack(column))
    return [tuple(islice(values, length)) for length in lengths]


def _dicts(lengths: Iterable[int], keys: Column, column: Column) -> list[Any]:
    rows: Iterator[tuple[Any, Any]] = zip(unpack(keys), unpack(column), strict=True)
    return [dict(islice(rows, length)) for length in lengths]


def _blocks(name: str, given: Column, columns: Iterable[Column]) -> list[Any]:
    kind, told = _kind(name), unpack(given)
    sets, names = {said: set(said.split()) for said in told}, tuple(kind.model_fields)
    return [_block(kind, sets[said], dict(zip(names, row, strict=True))) for said, *row in zip(told, *map(unpack, columns), strict=True)]


def _block(kind: type[Block], given: set[str], values: dict[str, Any]) -> Block:
    """As pickle makes it. ``model_construct`` looks for aliases and defaults of each field, which takes ten times as long."""
    made = kind.__new__(kind)
    made.__setstate__({"__dict__": values, "__pydantic_fields_set__": given, "__pydantic_extra__": None, "__pydantic_private__": None})
    return made


_FORMS: dict[str, Callable[..., list[Any]]] = {
    "plain": lambda values: values,
    "mixed": _mixed,
    "shared": _shared,
    "tuple": _tuples,
    "set": lambda column: list(map(frozenset, unpack(column))),
    "dict": _dicts,
    "span": lambda counts: [count * _MICROSECOND for count in counts],
    "moment": lambda texts: list(map(datetime.fromisoformat, texts)),
    "enum": lambda name, column: list(map(_kind(name), unpack(column))),
    "struct": lambda name, columns: list(map(_kind(name), *map(unpack, columns))),
    "block": _blocks,
}
