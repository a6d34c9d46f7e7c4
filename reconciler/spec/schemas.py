"""The JSON Schemas that editors read: one per kind, and one for any document."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from reconciler.model.declared.kinds import KINDS, model_of

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, dict[str, Any]]:
    """By file name, ready to be written as JSON. ``reconcile.schema.json`` is the one that a modeline names."""
    models = [model_of(kind) for kind in KINDS]
    result = {f"{model.__name__.lower()}.schema.json": _schema(TypeAdapter(model)) for model in models}
    union: Any = reduce(or_, models)
    anything = _schema(TypeAdapter(Annotated[union, Field(discriminator="kind")]))
    anything.pop("discriminator", None)  # editors tell the kinds apart by the constant `kind`
    result["reconcile.schema.json"] = {"title": "reconciler/v1", **anything}
    return result


def _schema(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    return {"$schema": _DIALECT, **adapter.json_schema(by_alias=True)}
