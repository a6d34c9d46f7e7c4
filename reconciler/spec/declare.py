"""From a YAML document to a declared noun, or to the problems that stand in the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field
from msgspec.structs import replace
from pydantic import ValidationError

from reconciler.model.declared.envelope import API_VERSION
from reconciler.model.declared.kinds import KINDS, model_of
from reconciler.model.problem import Place, Problem, Severity
from reconciler.spec.node import Found, Layout, ListNode, Scalar, Spot, find, pointer
from reconciler.spec.parse import Parsed, show
from reconciler.spec.source import Source

if TYPE_CHECKING:
    from reconciler.model.declared.kinds import AnyDocument

_BLOCKS = (
    "objectives", "copies", "verification", "drill", "schedule", "retention", "compression", "checksums", "repositories", "guard", "hooks",
    "failureDomain", "impact", "suspend", "takes",
)  # fmt: skip
WHO_LENGTH_MAX = 80  # a name has 63 characters at most
Key = tuple[str, str]
"""Kind and name."""


class Declared(Struct, frozen=True):
    """One valid object. Without ``layout`` it is the last good version of one that is broken or missing now."""

    document: AnyDocument
    value: dict[str, Any]
    """As written, plain: what is kept as its last good version."""
    place: Place
    layout: Layout | None = None
    source: Source = field(default_factory=lambda: Source("", ()))
    faulty: bool = False
    """It has problems of its own: compared with the others so that all problems show at once, and never used."""

    @property
    def key(self) -> Key:
        return (self.document.kind, self.document.metadata.name)

    @property
    def last_good(self) -> bool:
        return self.layout is None

    def find(self, *location: str | int) -> Found:
        """Where ``location`` stands; for a last good version: where the object stood."""
        if self.layout is None:
            spot = Spot(self.place.line, self.place.column, self.place.column + 1)
            return Found(Scalar(None, spot), spot, spot, ())
        return find(self.layout.node(), location)

    def problem(
        self, code: str, location: Sequence[str | int], message: str, *, hint: str = "", severity: Severity = Severity.ERROR
    ) -> Problem:
        """A problem of this object, shown at ``location``."""
        found = self.find(*location)
        return _problem(self.source, code, found.spot, message, hint, self.key, pointer(location), severity)


def _problem(
    source: Source, code: str, spot: Spot, message: str, hint: str, who: Key, at: str, severity: Severity = Severity.ERROR
) -> Problem:
    place = Place(source.file, spot.line, spot.column)
    return Problem(severity, code, place, message, hint, kind=who[0], name=who[1], pointer=at, snippet=source.snippet(spot))


def declare(source: Source, parsed: Parsed) -> tuple[Declared | None, list[Problem]]:
    """The object (None when it does not even validate) and every problem of the document."""
    layout, value = parsed.layout, parsed.layout.value
    if not isinstance(value, dict):
        message = "the document is not a mapping with apiVersion, kind, metadata and spec"
        return None, [*parsed.problems, source.problem("not-an-object", layout.spot, message)]
    who = _who(value)
    problems = [replace(problem, kind=who[0], name=who[1]) for problem in parsed.problems]
    model, found = _model(source, layout, who)
    problems += found
    if model is None:
        return None, problems
    document, found = _validate(source, model, layout, who)
    seen = {problem.place for problem in problems}
    problems += [problem for problem in found if problem.place not in seen]
    problems += [problem for problem in _empty_blocks(source, layout, who) if problem.place not in seen]
    if document is None:
        return None, problems
    place = Place(source.file, layout.spot.line, layout.spot.column)
    return Declared(document, value, place, layout, source, bool(problems)), problems


def revive(kind: str, value: dict[str, Any], place: Place) -> Declared | None:
    """The last good version of an object, or None when it is not valid any more."""
    if kind not in KINDS:
        return None
    try:
        return Declared(model_of(kind).model_validate(value, by_alias=True, by_name=False), value, place)
    except ValidationError:
        return None


def _who(value: Mapping[str, Any]) -> Key:
    kind, metadata = value.get("kind"), value.get("metadata")
    return _word(kind), _word(metadata.get("name")) if isinstance(metadata, dict) else ""


def _word(value: object) -> str:
    """As it stands there, right or wrong; no longer than a message bears."""
    return "" if value is None or isinstance(value, (dict, list)) else show(value)[:WHO_LENGTH_MAX]


def _model(source: Source, layout: Layout, who: Key) -> tuple[type[AnyDocument] | None, list[Problem]]:
    for key in ("apiVersion", "kind"):
        if key not in layout.value:
            return None, [_problem(source, "missing-field", layout.spot, "is required", "", who, f"/{key}")]
    version = layout.value["apiVersion"]
    if version != API_VERSION:
        message = f"must be {API_VERSION}" + ("" if isinstance(version, (dict, list)) else f" (got `{show(version)}`)")
        spot = find(layout.node(), ["apiVersion"]).spot
        return None, [_problem(source, "unknown-api-version", spot, message, "", who, "/apiVersion")]
    if who[0] not in KINDS:
        from reconciler.spec.explain import suggest

        hint, spot = suggest(who[0], KINDS) or f"Known: {', '.join(KINDS)}.", find(layout.node(), ["kind"]).spot
        return None, [_problem(source, "unknown-kind", spot, f"there is no kind `{who[0]}`", hint, who, "/kind")]
    return model_of(who[0]), []


def _validate(source: Source, model: type[AnyDocument], layout: Layout, who: Key) -> tuple[AnyDocument | None, list[Problem]]:
    try:
        return model.model_validate(layout.value, by_alias=True, by_name=False), []
    except ValidationError as error:
        rows = error.errors(include_url=False)
    from reconciler.spec.explain import explain

    problems, node = [], layout.node()
    for row in rows:
        found = find(node, row["loc"])
        if row["type"] == "too_short" and isinstance(found.node, ListNode) and found.node.children:
            continue  # it counts valid items only, and each invalid one has a problem of its own
        sentence = explain(row, model, found.node)
        spot = found.key_spot if row["type"] in {"extra_forbidden", "missing"} or row["loc"][-1:] == ("[key]",) else found.spot
        where = (*found.path, row["loc"][-1]) if row["type"] == "missing" else found.path
        problems.append(_problem(source, sentence.code, spot, sentence.message, sentence.hint, who, pointer(where)))
    return None, problems


def _empty_blocks(source: Source, layout: Layout, who: Key) -> list[Problem]:
    """``retention:`` with nothing below it says neither "inherit" nor "keep everything"; the person decides."""
    spec = layout.value.get("spec")
    empty = [key for key, value in spec.items() if key in _BLOCKS and value is None] if isinstance(spec, dict) else []
    if not empty:
        return []
    node = layout.node()
    message, hint = "is written and says nothing", "Remove it, or give it keys; `null` removes a single key."
    return [_problem(source, "empty-block", find(node, ("spec", key)).key_spot, message, hint, who, f"/spec/{key}") for key in empty]
