"""JSON documents of the command line: one at once, or one whose list is too long to be held."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from reconciler.base.plain import envelope, plain


def document(kind: str, **content: Any) -> str:
    """One JSON document, ending with a line feed. ``kind``: what it is, in one word."""
    return json.dumps(envelope(kind, **content), indent=2) + "\n"


def rows(kind: str, name: str, items: Iterable[Mapping[str, Any]], after: Callable[[], Mapping[str, Any]], **before: Any) -> Iterator[str]:
    """A document whose field ``name`` is a list too long to be held: a line per item. ``before`` and ``after``: the other fields."""
    head = document(kind, **before)
    yield f'{head.rstrip().removesuffix("}").rstrip()},\n  "{name}": ['
    separator = "\n    "
    for item in items:
        yield separator + json.dumps(plain(item))
        separator = ",\n    "
    tail = json.dumps(plain(after()), indent=2).removeprefix("{").removesuffix("}").strip()
    yield "\n  ]" + (",\n  " + tail if tail else "") + "\n}\n"
