"""The JSON Schemas that editors read: one per kind, and one for any document."""

from __future__ import annotations

from typing import Any

from pydantic import TypeAdapter

from reconciler.model.declared.envelope import KINDS, Document

_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schemas() -> dict[str, dict[str, Any]]:
    """By file name, ready to be written as JSON. ``reconcile.schema.json`` is the one that a modeline names."""
    result = {f"{model.__name__.lower()}.schema.json": _schema(TypeAdapter(model)) for model in KINDS}
    anything = _schema(TypeAdapter(Document))
    anything.pop("discriminator", None)  # editors tell the kinds apart by the constant `kind`
    result["reconcile.schema.json"] = {"title": "reconciler/v1", **anything}
    return result


def _schema(adapter: TypeAdapter[Any]) -> dict[str, Any]:
    return {"$schema": _DIALECT, **adapter.json_schema(by_alias=True)}
