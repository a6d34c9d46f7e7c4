"""The strict base of every declared noun, and the one merge rule between blocks."""

from __future__ import annotations

from typing import Annotated, Any, Self, TypeVar, cast

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic.alias_generators import to_camel

T = TypeVar("T")


class Block(BaseModel):
    """A mapping in a spec: unknown keys, coerced types and changed instances are errors. YAML keys are camelCase."""

    model_config = ConfigDict(
        defer_build=True,  # a command validates few of these: each is built when it is first used
        extra="forbid",
        strict=True,
        frozen=True,
        alias_generator=to_camel,
        validate_by_alias=True,
        validate_by_name=True,
        hide_input_in_errors=True,
    )

    def merged(self, later: Self | None) -> Self:
        """This block with the keys that ``later`` sets: a value replaces, ``null`` removes. One level, no chains."""
        if later is None:
            return self
        mine, theirs = self.given(), later.given()
        if not mine and None not in theirs.values():
            return later  # equal to what would be made, and one instance for all who say nothing of their own
        values = mine | theirs
        kept = {key for key, value in values.items() if value is not None}
        return cast("Self", self.model_construct(_fields_set=kept, **values))

    def given(self) -> dict[str, Any]:
        """The keys that were written, by field name."""
        return {key: getattr(self, key) for key in self.model_fields_set}


def _as_tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def as_many(value: Any) -> Any:
    """One word as a list of it."""
    return (value,) if isinstance(value, str) else value


Items = Annotated[tuple[T, ...], BeforeValidator(_as_tuple)]
"""A YAML list, immutable once read."""


def _without_repeats(value: tuple[T, ...]) -> tuple[T, ...]:
    seen: set[T] = set()
    for item in value:
        if item in seen:
            raise ValueError(f"must not name `{item}` twice")
        seen.add(item)
    return value


UniqueItems = Annotated[Items[T], AfterValidator(_without_repeats), Field(json_schema_extra={"uniqueItems": True})]
"""A YAML list in which nothing stands twice."""
