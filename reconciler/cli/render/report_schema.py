"""The JSON Schema of the evidence report for programs, made from the classes that the report is made of; docs/report.md tells the rest.

A length of time stands as ``…_seconds``; where there is none, the field stands without that ending and holds null.
"""

from __future__ import annotations

from typing import Any, Final

from reconciler.cli.render.plan_schema import complete, describe

VERSION: Final = 1
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def report_schema() -> dict[str, Any]:
    """Of what `reconcile report -o json` prints, ready to be written as JSON."""
    import msgspec

    from reconciler.model import report as told
    from reconciler.model.objective import ObjectiveStatus
    from reconciler.model.status import Copied

    _, parts = msgspec.json.schema_components([told.Report], ref_template="#/$defs/{name}")
    classes = {name: getattr(told, name, None) for name in parts} | {"ObjectiveStatus": ObjectiveStatus, "Copied": Copied}
    for name, part in parts.items():
        kind = classes[name]
        if kind is not None and "properties" in part:
            describe(part["properties"], kind)
    parts = {name: _in_seconds(complete(part)) for name, part in sorted(parts.items())}
    report = parts.pop("Report")
    head = {
        "format_version": {"type": "string", "description": "Of all documents of the command line."},
        "kind": {"const": "report"},
        "version": {"const": VERSION, "description": "Of this document: goes up when a field goes or changes its meaning."},
        "program": report["properties"].pop("version"),
    }
    properties = head | report["properties"]
    title = {"$schema": _DIALECT, "title": "Report", "description": "What `reconcile report -o json` prints.", "type": "object"}
    return title | {"properties": properties, "required": list(properties), "$defs": parts}


def _in_seconds(part: dict[str, Any]) -> dict[str, Any]:
    """Durations as they are written: a number under ``…_seconds``, or null under the plain name."""
    if "properties" not in part:
        return part
    found: dict[str, Any] = {}
    required = []
    for name, field in part["properties"].items():
        forms = field.get("anyOf", [field])
        if not any(form.get("format") == "duration" for form in forms):
            found[name] = field
            required.append(name)
            continue
        said = {key: value for key, value in field.items() if key in {"description"}}
        found[f"{name}_seconds"] = {"type": "number", **said}
        if len(forms) > 1:
            found[name] = {"type": "null", "description": f"Instead of `{name}_seconds` where there is none."}
        else:
            required.append(f"{name}_seconds")
    return {**part, "properties": found, "required": required}
