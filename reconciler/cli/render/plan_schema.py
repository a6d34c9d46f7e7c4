"""The JSON Schema of the plan for programs, made from the classes that the plan is made of; docs/plan.md tells what it promises.

``VERSION`` goes up when a field goes or changes its meaning. Fields may be added without: the schema allows what it does not name.
"""

from __future__ import annotations

from typing import Any, Final

VERSION: Final = 1

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_AMOUNT: dict[str, Any] = {"type": "integer", "minimum": 0}


def plan_schema() -> dict[str, Any]:
    """Of what `reconcile --dry-run -o json` prints, ready to be written as JSON."""
    import msgspec

    from reconciler.model.blast import BlastRadius, Released, SpecChange
    from reconciler.model.desired import Revision
    from reconciler.model.plan import Action, ActionKind, Estimate, Gap, Held, Plan, Waiting
    from reconciler.model.problem import Place
    from reconciler.model.wishes import Pause

    _, parts = msgspec.json.schema_components([Plan, BlastRadius], ref_template="#/$defs/{name}")
    plan = parts.pop("Plan")
    for told in (Action, BlastRadius, Estimate, Gap, Held, Pause, Place, Released, Revision, SpecChange, Waiting):
        describe(parts[told.__name__]["properties"], told)
    describe(plan["properties"], Plan)
    own = {name: field for name, field in plan["properties"].items() if name not in {"clean", "spec_digest", "revision"}}
    totals = {str(kind): _AMOUNT for kind in ActionKind} | dict.fromkeys(
        ("snapshots_to_mark", "snapshots_to_forget", "snapshots_held", "gaps"), _AMOUNT
    )
    properties = {
        "format_version": {"type": "string", "description": "Of all documents of the command line."},
        "kind": {"const": "plan"},
        "version": {"const": VERSION, "description": "Of this document: goes up when a field goes or changes its meaning."},
        "spec": _object(
            {
                "root": {"type": "string"},
                "digest": {"type": "string"},
                "revision": plan["properties"]["revision"],
                "clean": {"type": "boolean", "description": "False: broken files stand at their last good version."},
                "systems": _AMOUNT,
                "repositories": _AMOUNT,
            }
        ),
        "summary": _object(totals),
        "blast_radius": {"$ref": "#/$defs/BlastRadius", "description": "With --base: what an edit of the specs changes."},
        **own,
        "approvals": {"type": "array", "items": {"type": "string"}, "description": "DeletionApprovals as YAML, ready to paste."},
        "problems": _object({"errors": _AMOUNT, "warnings": _AMOUNT}),
    }
    required = [name for name in properties if name != "blast_radius"]
    defs = {name: complete(part) for name, part in sorted(parts.items())}
    title = {"$schema": _DIALECT, "title": "Plan", "description": "What `reconcile --dry-run -o json` prints."}
    return title | _object(properties) | {"required": required, "$defs": defs}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(properties)}


def describe(properties: dict[str, Any], told: type) -> None:
    """Give each field the sentence that stands below it in its class, and moments their format."""
    import ast
    import inspect
    import textwrap

    body = ast.parse(textwrap.dedent(inspect.getsource(told))).body[0]
    assert isinstance(body, ast.ClassDef)
    for field, after in zip(body.body, [*body.body[1:], None], strict=True):
        if not (isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)):
            continue
        if "datetime" in ast.unparse(field.annotation):
            _be_moments(properties[field.target.id])
        if isinstance(after, ast.Expr):
            words = ast.literal_eval(after.value) if isinstance(after.value, ast.Constant) else ""
            properties[field.target.id]["description"] = " ".join(str(words).replace("``", "`").split())


def _be_moments(schema: dict[str, Any]) -> None:
    """Every text below it is one."""
    if schema.get("type") == "string":
        schema["format"] = "date-time"
    for below in (*schema.get("anyOf", ()), *(schema[key] for key in ("items", "additionalProperties") if key in schema)):
        _be_moments(below)


def complete(part: dict[str, Any]) -> dict[str, Any]:
    """Every field is written, also one that has its default."""
    return part | {"required": list(part["properties"])} if "properties" in part else part
