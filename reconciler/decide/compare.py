"""What is declared otherwise than before, field by field, and whether that protects more or less.

Every field of what is wanted is looked at: one that has no direction of its own is told as it is, with the effect *other*. What a
system ends up with is compared, not how it is written: a policy that loosens shows in each system that follows it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from msgspec import Struct
from pydantic.alias_generators import to_camel

from reconciler.base.units import format_duration
from reconciler.decide.guard import FORGET_COUNT_MAX, FORGET_PERCENT_MAX
from reconciler.decide.retention import RULES, is_empty
from reconciler.decide.words import minute
from reconciler.model.blast import Effect, SpecChange
from reconciler.model.declared.block import Block
from reconciler.model.declared.drill import Drill
from reconciler.model.declared.objectives import Objectives
from reconciler.model.declared.policy import GuardLimits, Retention
from reconciler.model.declared.system import Source, Tolerate
from reconciler.model.desired import Desired, DesiredRepository, DesiredSystem
from reconciler.model.disaster import DisasterType

Found = tuple[str, str, str, Effect, str]
"""Field, before, after, effect, why."""


class _Better(Struct, frozen=True):
    """Which way a value protects more. An absent one promises nothing, so it is worse than any."""

    smaller: bool

    def effect(self, before: Any, after: Any) -> Effect:
        if before is None or after is None:
            return Effect.GAIN if before is None else Effect.LOSS
        return Effect.GAIN if (after < before) is self.smaller else Effect.LOSS


_SMALLER, _LARGER = _Better(smaller=True), _Better(smaller=False)

_DIRECTIONS: Mapping[str, Mapping[str, _Better]] = {
    "objectives": dict.fromkeys(("rpo", "rto", "mtd"), _SMALLER),
    "copies": {**dict.fromkeys(("count", "media", "offsite", "immutable"), _LARGER), "lag": _SMALLER},
    "verification": dict.fromkeys(("quick", "deep"), _SMALLER),
    "drill": dict.fromkeys(("every", "valid_for"), _SMALLER),
    "retention": dict.fromkeys((*RULES, "minimum"), _LARGER),
}
_PROMISES = frozenset({"objectives", "copies", "verification", "drill"})
_TOLD_APART = frozenset({("objectives", "disasters"), ("drill", "assertions")})
LOOSENED = "loosened promise"
_NOT_COMPARED = {"name", "place", "generation", "last_good", "previous_name", "sources", "repositories", "guard", "suspend"}
"""What a person did not declare, or what has a comparison of its own."""


def compare_systems(before: DesiredSystem, after: DesiredSystem) -> Iterator[SpecChange]:
    """What differs for one system; ``before`` may have had another name."""
    for name, old, new, effect, why in _system(before, after):
        yield SpecChange("System", after.name, name, old, new, effect, why, after.place)


def compare_repositories(before: DesiredRepository, after: DesiredRepository, snapshots: int) -> Iterator[SpecChange]:
    """What differs for one repository. ``snapshots``: how many the old place was last seen to hold."""
    for name in (field for field in DesiredRepository.__struct_fields__ if field not in {"name", "place", "last_good"}):
        old, new = getattr(before, name), getattr(after, name)
        if old == new:
            continue
        effect, why = Effect.OTHER, ""
        if name == "url":
            effect, why = Effect.LOSS, f"what lies at the old place ({snapshots} snapshots when last seen) is no longer looked at"
        elif name == "format" and new != "reconciler":
            effect, why = Effect.LOSS, "nothing is backed up, copied or verified there any more: it is only looked at"
        elif name == "deletable_from":
            grown = new is None or (old is not None and not set(new) <= set(old))
            effect, why = (Effect.LOSS, "more hosts could delete it") if grown else (Effect.GAIN, "")
        elif name == "object_lock":
            looser = new is None or (old is not None and (new.retain < old.retain or old.mode == "compliance" != new.mode))
            effect, why = (Effect.LOSS, "what is stored from now on can be removed earlier") if looser else (Effect.GAIN, "")
        yield SpecChange("Repository", after.name, to_camel(name), _text(old), _text(new), effect, why, after.place)


def compare_settings(before: Desired, after: Desired) -> Iterator[SpecChange]:
    """What differs for the agent as a whole."""
    for name in type(after.settings).model_fields:
        old, new = getattr(before.settings, name), getattr(after.settings, name)
        if old != new:
            realm = name == "realm"
            why = "every snapshot of the old realm becomes foreign: kept, and no longer counted for anything" if realm else ""
            yield SpecChange("Settings", "settings", to_camel(name), _text(old), _text(new), Effect.LOSS if realm else Effect.OTHER, why)


def _system(before: DesiredSystem, after: DesiredSystem) -> Iterator[Found]:
    if before.name != after.name:
        yield "metadata.name", before.name, after.name, Effect.OTHER, "its history is carried over"
    yield from _repositories(before.repositories, after.repositories)
    yield from _sources(before.sources, after.sources)
    yield from _guard(before.guard, after.guard)
    if before.suspend != after.suspend:
        new = f"until {minute(after.suspend.until)}: {after.suspend.reason}" if after.suspend else ""
        yield "suspend", "suspended" if before.suspend else "", new, Effect.LOSS if after.suspend else Effect.GAIN, ""
    yield from _disasters(before.objectives, after.objectives)
    yield from _assertions(before.drill, after.drill)
    for field in DesiredSystem.__struct_fields__:
        old, new = getattr(before, field), getattr(after, field)
        if field in _NOT_COMPARED or old == new:
            continue
        if field == "retention" and is_empty(old) != is_empty(new):
            yield _everything(old, new)
        elif field in _DIRECTIONS:
            yield from _block(field, old, new, _DIRECTIONS[field])
        elif field == "checksums":
            fewer = not set(old) <= set(new)
            yield "checksums", _text(old), _text(new), Effect.LOSS if fewer else Effect.GAIN, ""
        elif isinstance(old, Block) and isinstance(new, Block):
            yield from _block(field, old, new, {})
        else:
            yield to_camel(field), _text(old), _text(new), Effect.OTHER, ""


def _block(name: str, before: Block, after: Block, directions: Mapping[str, _Better]) -> Iterator[Found]:
    for key in type(after).model_fields:
        old, new = getattr(before, key), getattr(after, key)
        if old != new and (name, key) not in _TOLD_APART:
            effect = directions[key].effect(old, new) if key in directions else _every(old, new)
            yield f"{name}.{to_camel(key)}", _text(old), _text(new), effect, LOOSENED if _is_promise(name, effect) else ""


def _is_promise(block: str, effect: Effect) -> bool:
    return block in _PROMISES and effect is Effect.LOSS


def _disasters(before: Objectives, after: Objectives) -> Iterator[Found]:
    """By what holds while each lasts: without a promise of its own that is the general one."""
    for word in sorted({*before.disasters, *after.disasters}):
        own = {key for each in (before, after) if word in each.disasters for key in each.disasters[word].given()}
        old, new = before.under(DisasterType(word)), after.under(DisasterType(word))
        for key in sorted(own):
            was, now = getattr(old, key), getattr(new, key)
            if was != now:
                effect = _SMALLER.effect(was, now)
                yield f"objectives.disasters.{word}.{key}", _text(was), _text(now), effect, LOOSENED if effect is Effect.LOSS else ""


def _assertions(before: Drill, after: Drill) -> Iterator[Found]:
    """One that is asked no longer proves no longer; a changed one is one that went and one that came."""
    old, new = [each.title for each in before.assertions], [each.title for each in after.assertions]
    for title in (title for title in old if title not in new):
        yield "drill.assertions", title, "", Effect.LOSS, LOOSENED
    for title in (title for title in new if title not in old):
        yield "drill.assertions", "", title, Effect.GAIN, ""
    if old == new and before.assertions != after.assertions:
        yield "drill.assertions", _text(before.assertions), _text(after.assertions), Effect.OTHER, ""


def _every(before: Any, after: Any) -> Effect:
    """A schedule that only comes more or less often has a direction; any other change of it has none."""
    old, new = getattr(before, "every", None), getattr(after, "every", None)
    return _SMALLER.effect(old, new) if old is not None and new is not None and old != new else Effect.OTHER


def _everything(before: Retention, after: Retention) -> Found:
    """Between no rule at all, which keeps everything, and some rules."""
    if is_empty(before):
        return "retention", "everything", _text(after), Effect.LOSS, "without a rule everything is kept"
    return "retention", _text(before), "everything", Effect.GAIN, "without a rule everything is kept"


def _guard(before: GuardLimits, after: GuardLimits) -> Iterator[Found]:
    """What is not declared has a default here, so it is compared by its meaning."""
    for key, default in (("max_forget_percent", FORGET_PERCENT_MAX), ("max_forget_count", FORGET_COUNT_MAX)):
        old, new = getattr(before, key) or default, getattr(after, key) or default
        if old != new:
            yield f"guard.{to_camel(key)}", str(old), str(new), Effect.LOSS if new > old else Effect.GAIN, ""
    watched, watches = before.anomalies is not False, after.anomalies is not False
    if watched != watches:
        yield "guard.anomalies", _text(watched), _text(watches), Effect.LOSS if watched else Effect.GAIN, ""
    lures, left = before.canaries or (), after.canaries or ()
    if set(lures) != set(left):
        yield "guard.canaries", _text(lures), _text(left), Effect.LOSS if set(lures) - set(left) else Effect.GAIN, ""


def _repositories(before: Sequence[str], after: Sequence[str]) -> Iterator[Found]:
    if tuple(before) == tuple(after):
        return
    gone = sorted(set(before) - set(after))
    why = f"nothing more goes to {', '.join(gone)}; what is there stays" if gone else ""
    if before[:1] != after[:1] and not gone:
        why = "the first is the one that backups go to"
    effect = Effect.LOSS if gone else Effect.GAIN if set(after) - set(before) else Effect.OTHER
    yield "repositories", _text(before), _text(after), effect, why


def _sources(before: Sequence[Source], after: Sequence[Source]) -> Iterator[Found]:
    old, new = {_identity(source): source for source in before}, {_identity(source): source for source in after}
    for key in sorted(old.keys() - new.keys()):
        yield "sources", old[key].title, "", Effect.LOSS, "it is no longer read"
    for key in sorted(new.keys() - old.keys()):
        yield "sources", "", new[key].title, Effect.GAIN, ""
    for key in sorted(old.keys() & new.keys()):
        for name in Source.model_fields:
            was, now = getattr(old[key], name), getattr(new[key], name)
            if was != now:
                effect, why = _SOURCE.get(name, _no_direction)(was, now)
                yield f"sources[{new[key].title}].{to_camel(name)}", _text(was), _text(now), effect, why


def _identity(source: Source) -> tuple[str, str]:
    if source.command is not None:
        return "command", source.name or ""
    return ("path", source.path) if source.path is not None else ("sqlite", source.sqlite or "")


def _patterns(before: Sequence[str], after: Sequence[str]) -> tuple[Effect, str]:
    """More patterns read less. Beside one that brings something back (``!``) order counts, too, and only a person can tell."""
    more = sorted(set(after) - set(before))
    if set(before) == set(after) or any(pattern.startswith("!") for pattern in (*before, *after)):
        return Effect.OTHER, "a pattern with `!` stands among them: read them in their order" if more else ""
    return (Effect.LOSS, f"no longer read: {', '.join(more)}") if more else (Effect.GAIN, "")


def _tolerance(before: Tolerate | None, after: Tolerate | None) -> tuple[Effect, str]:
    old = {*before.changing, *before.unreadable} if before else set()
    new = {*after.changing, *after.unreadable} if after else set()
    return (Effect.LOSS, "more defects leave a snapshot complete") if new - old else (Effect.GAIN, "")


def _names(before: Sequence[str], after: Sequence[str]) -> tuple[Effect, str]:
    more = sorted(set(after) - set(before))
    return (Effect.LOSS, f"folders that hold {' or '.join(more)} are left out") if more else (Effect.GAIN, "")


def _largest(before: int | None, after: int | None) -> tuple[Effect, str]:
    less = after is not None and (before is None or after < before)
    return (Effect.LOSS, "larger files are left out") if less else (Effect.GAIN, "")


def _no_direction(before: Any, after: Any) -> tuple[Effect, str]:
    return Effect.OTHER, ""


_SOURCE: Mapping[str, Callable[[Any, Any], tuple[Effect, str]]] = {
    "exclude": _patterns,
    "exclude_caches": lambda before, after: (
        Effect.LOSS if after else Effect.GAIN,
        "folders with a CACHEDIR.TAG are left out" if after else "",
    ),
    "exclude_if_present": _names,
    "exclude_larger_than": _largest,
    "one_file_system": lambda before, after: (Effect.LOSS if after else Effect.GAIN, "what is mounted below is left out" if after else ""),
    "tolerate": _tolerance,
}


def _text(value: Any) -> str:
    """A declared value as a person writes it; empty when there is none."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case timedelta():
            return format_duration(value)
        case Block():
            return ", ".join(f"{to_camel(key)} {_text(inner)}" for key, inner in sorted(value.given().items()) if inner is not None)
        case Mapping():
            return ", ".join(f"{key}: {_text(inner)}" for key, inner in sorted(value.items()))
        case list() | tuple():
            return ", ".join(_text(item) for item in value)
        case _:
            return str(value)
