"""Puts what pydantic found into a sentence a person can act on: code, message, hint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, get_args

from reconciler.base.secret import REDACTED, looks_secret, redact
from reconciler.model.declared.block import Block
from reconciler.model.declared.envelope import LABEL_KEY_PATTERN
from reconciler.model.declared.policy import CLOCK_PATTERN
from reconciler.model.declared.scalars import FILE_NAME_PATTERN, NAME_PATTERN
from reconciler.model.declared.secret import VARIABLE_PATTERN, SecretFrom
from reconciler.spec.node import ListNode, MapNode, Node
from reconciler.spec.parse import show
from reconciler.spec.scalar import resolve
from reconciler.spec.source import visible

_PATTERNS = {
    NAME_PATTERN: "must be a name: lower-case letters, digits, `.`, `_` and `-`, at most 63, with a letter or digit at both ends",
    FILE_NAME_PATTERN: "must be a file name: letters, digits, `.`, `_` and `-`, at most 100, with a letter or digit first",
    LABEL_KEY_PATTERN: "must be a label key: letters, digits, `.`, `_`, `/` and `-`, at most 63",
    VARIABLE_PATTERN: "must be the name of an environment variable: letters, digits and `_`",
    CLOCK_PATTERN: "must be a time of day in quotes, such as '22:00'",
}
_TYPES = {
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "bool_type": "must be true or false",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "model_attributes_type": "must be a mapping",
}


class Sentence(NamedTuple):
    code: str
    message: str
    hint: str = ""


def explain(error: Mapping[str, Any], model: type[Block], node: Node) -> Sentence:
    """``model``: the class that was validated; ``node``: the value that the error is about."""
    kind, context, location = str(error["type"]), error.get("ctx", {}), error["loc"]
    if kind == "missing":
        return Sentence("missing-field", "is required")
    if kind == "extra_forbidden":
        return _unknown(location, model)
    if kind in _TYPES and _is_secret(model, location):
        return Sentence("wrong-type", f"must be a mapping (got {REDACTED})", "Name the `file`, `env` or `command` that holds it.")
    if kind in _TYPES:
        hint = "Write it in quotes." if kind == "string_type" and not isinstance(node, (MapNode, ListNode)) else ""
        return Sentence("wrong-type", f"{_TYPES[kind]} ({got(node, location)})", hint)
    if kind == "literal_error":
        allowed = [part.strip().strip("'") for part in str(context["expected"]).replace(" or ", ", ").split(",")]
        close = suggest(show(error.get("input")), allowed)
        return Sentence("wrong-value", f"must be {' or '.join(allowed)} ({got(node, location)})", close)
    where = f" ({got(node, location)})" if not isinstance(node, (MapNode, ListNode)) else ""
    return Sentence("wrong-value", _value(kind, context, error) + where)


def _is_secret(model: type[Block], location: tuple[str | int, ...]) -> bool:
    found = block_at(model, location) if isinstance(location[-1], str) else None
    return found is not None and issubclass(found, SecretFrom)


def _value(kind: str, context: Mapping[str, Any], error: Mapping[str, Any]) -> str:
    match kind:
        case "value_error":
            return str(context["error"])
        case "string_pattern_mismatch":
            return _PATTERNS.get(context["pattern"], f"must match {context['pattern']}")
        case "string_too_short" | "too_short":
            return "must not be empty"
        case "string_too_long" | "too_long":
            return f"must not be longer than {context['max_length']}"
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "less_than_equal":
            return f"must be at most {context['le']}"
        case _:
            return str(error["msg"])[:1].lower() + str(error["msg"])[1:]


def _unknown(location: tuple[str | int, ...], model: type[Block]) -> Sentence:
    name = str(location[-1])
    block = block_at(model, location[:-1])
    fields = [field.alias or key for key, field in block.model_fields.items()] if block else []
    if looks_secret(name) or (location[-2:-1] == ("key",) and name in {"value", "literal"}):
        return Sentence(
            "unknown-field",
            f"there is no field `{visible(name)}` here",
            "A secret never stands in a spec: name a `file`, `env` or `command` that holds it.",
        )
    hint = suggest(name, fields) or (f"Known here: {', '.join(f'`{field}`' for field in fields)}." if fields else "")
    return Sentence("unknown-field", f"there is no field `{visible(name)}` here", hint)


def suggest(word: str, known: Iterable[str]) -> str:
    """``Did you mean …?`` when one of ``known`` is close to ``word``, else nothing."""
    from difflib import get_close_matches

    by_plain = {_plain(name): name for name in known}
    close = get_close_matches(_plain(word), by_plain, n=1, cutoff=0.6)
    return f"Did you mean `{by_plain[close[0]]}`?" if close else ""


def _plain(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "")


def got(node: Node, location: tuple[str | int, ...] = ()) -> str:
    """What stands there instead, short; never a secret."""
    if isinstance(node, MapNode):
        return "got a mapping"
    if isinstance(node, ListNode):
        return "got a list" if node.children else "got an empty list"
    if node.value is None:
        return "got nothing"
    if any(looks_secret(str(part)) for part in location):
        return f"got {REDACTED}"
    if node.value == "":
        return "got empty text"
    text = redact(show(node.value))  # an address may hold a password
    if isinstance(node.value, str) and not _reads_as_text(text):
        return f"got the text '{text}'"
    return f"got `{text if len(text) <= 60 else text[:60] + '…'}`"


def _reads_as_text(word: str) -> bool:
    try:
        return isinstance(resolve(word), str)
    except ValueError:
        return True


def block_at(model: type[Block], location: Iterable[str | int]) -> type[Block] | None:
    """The block that validates the mapping at ``location``, or None where keys are free (labels)."""
    current: type[Block] | None = model
    for part in location:
        if isinstance(part, int) or current is None:
            continue
        field = next((f for key, f in current.model_fields.items() if part in (f.alias, key)), None)
        current = _block_in(field.annotation) if field is not None else None
    return current


def _block_in(annotation: Any) -> type[Block] | None:
    if isinstance(annotation, type) and issubclass(annotation, Block):
        return annotation
    return next((found for part in get_args(annotation) if (found := _block_in(part)) is not None), None)
