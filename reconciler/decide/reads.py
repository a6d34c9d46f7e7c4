"""What a decision about one system looked at beside that system's own things, and what of all this is another than before.

The world is handed to a decision through *windows*: mappings and values that behave like what is behind them, and tell
:class:`Reads` what was asked. A system's own snapshots, runs and sources always count as looked at, so only what is common to many is
written down: whether a repository answers, how fast it was, who this agent is.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from reconciler.decide.scene import Scene
from reconciler.model.listing import Listing, digest
from reconciler.model.observed import Observed, RepositoryState

Read = tuple[Hashable, ...]
"""What it is of, and which one."""
_ANY = ("any",)
_WHICH_STATES = ("states", "")
_SECOND, _FIRST, _WHOLE = 1, 0, None
_OWNER: Mapping[str, int | None] = {
    "_index": _SECOND,
    "_safety": _SECOND,
    "_drills": _WHOLE,
    "suspects": _WHOLE,
    "former_names": _WHOLE,
    "runs": _FIRST,
    "sources": _WHOLE,
    "accepted_retention": _WHOLE,
    "busy": _FIRST,
}
"""Which part of the key names the system that it belongs to."""
_OF_SCENE = ("_index", "_safety", "_drills", "_measured", "suspects", "former_names")
_OF_OBSERVED = ("runs", "sources", "accepted_retention", "pruned", "paces")
_OF_STATE = (*RepositoryState.__struct_fields__, *(name for name, of in vars(RepositoryState).items() if isinstance(of, property)))
_COMMON = tuple(f for f in Observed.__struct_fields__ if f not in {"at", "repositories", "busy", *_OF_OBSERVED})


class Reads:
    """What was looked at since :meth:`begin`."""

    def __init__(self) -> None:
        self.system = ""
        self._found: set[Read] = set()

    def begin(self, system: str) -> None:
        self.system, self._found = system, set()

    def found(self) -> frozenset[Read]:
        """Without what is the system's own."""
        return frozenset(self._found)

    def add(self, field: str, key: Hashable) -> None:
        if owner(field, key) != self.system:
            self._found.add((field, key))

    def add_common(self, read: Read) -> None:
        """What no system owns."""
        self._found.add(read)


def owner(field: str, key: Any) -> str | None:
    """The system whose own it is; None: it is common to all."""
    if field not in _OWNER or key == _ANY:
        return None
    part = _OWNER[field]
    return str(key if part is None else key[part])


def through_windows(scene: Scene, reads: Reads, now: datetime) -> Scene:
    """The same world, telling ``reads`` what is asked of it."""
    windows: dict[str, Any] = {name: _Window(name, getattr(scene, name), reads) for name in _OF_SCENE}
    return replace(scene, now=now, observed=_Seen(scene.observed, reads, now), **windows)


def changed(before: Scene, after: Scene) -> set[Read]:
    """All that is another now. Both are of the same tree."""
    found: set[Read] = set()
    pairs = [(name, getattr(before, name), getattr(after, name)) for name in _OF_SCENE]
    pairs += [(name, getattr(before.observed, name), getattr(after.observed, name)) for name in _OF_OBSERVED]
    for name, old, new in pairs:
        if old is not new:
            found |= {(name, key) for key in old.keys() | new.keys() if _differ(old.get(key), new.get(key))}
    found |= {("busy", key) for key in before.observed.busy ^ after.observed.busy}
    found |= {(field, _ANY) for field, _ in found}
    found |= {("observed", name) for name in _COMMON if _differ(getattr(before.observed, name), getattr(after.observed, name))}
    return found | _changed_states(before.observed.repositories, after.observed.repositories)


def looked_at(scene: Scene, read: Read) -> list[Any]:
    """What ``read`` finds in ``scene``, as values whose content says everything. A word may be of two things; then both are among them."""
    field, key = read
    found: list[Any] = []
    if field in _OF_SCENE or field in _OF_OBSERVED:
        behind: Mapping[Any, Any] = getattr(scene if field in _OF_SCENE else scene.observed, str(field))
        some = sorted(behind) if key == _ANY else [key] if key in behind else []
        found.append([(each, _said(field, behind[each])) for each in some])
    if field == "busy":
        found.append(sorted(scene.observed.busy) if key == _ANY else key in scene.observed.busy)
    if field == "observed":
        found.append(getattr(scene.observed, str(key)))
    if field == _WHICH_STATES[0]:
        found.append(sorted(scene.observed.repositories))
    state = scene.observed.repositories.get(str(field))
    if state is not None and key in _OF_STATE:
        found.append(_said(key, getattr(state, str(key))))
    return found


def own(scene: Scene) -> dict[str, list[Any]]:
    """By system: all that is its own, as values whose content says everything."""
    found: dict[str, list[Any]] = {}
    for field in _OWNER:
        behind: Any = getattr(scene if field in _OF_SCENE else scene.observed, field)
        for key in behind:
            name = owner(field, key)
            assert name is not None
            found.setdefault(name, []).append((field, key, _said(field, behind[key]) if isinstance(behind, Mapping) else None))
    return {name: sorted(said, key=_order) for name, said in found.items()}


def _order(said: tuple[str, Any, Any]) -> tuple[str, Any]:
    return said[:2]


_OF_SNAPSHOTS = frozenset({"_index", "_safety"})


def _said(field: Hashable, value: Any) -> Any:
    """Of snapshots their digest: they are many, and it is known."""
    if field in _OF_SNAPSHOTS:
        return digest(value)
    if field == "snapshots":
        return sorted((*owner, digest(group)) for owner, group in Listing.of(value).groups.items())
    return value


def _changed_states(before: Mapping[str, RepositoryState], after: Mapping[str, RepositoryState]) -> set[Read]:
    if before.keys() != after.keys():
        everything = before.keys() | after.keys()
        return {(name, field) for name in ("states", *everything) for field in ("", *_OF_STATE)}
    pairs = [(name, old, after[name]) for name, old in before.items() if old is not after[name]]
    found: set[Read] = set()
    for name, old, new in pairs:
        for field in _OF_STATE:
            one, other = getattr(old, field), getattr(new, field)
            if one is not other and (field == "snapshots" or one != other):  # of two listings nobody compares each snapshot
                found.add((name, field))
    return found


def _differ(old: object, new: object) -> bool:
    return old is not new and old != new


class _Window(Mapping[Any, Any]):
    """Asked a hundred times about each system, nearly always for what is its own."""

    def __init__(self, field: str, behind: Mapping[Any, Any], reads: Reads) -> None:
        self._field, self._behind, self._reads = field, behind, reads
        self._owned, self._part = field in _OWNER, _OWNER.get(field)

    def __getitem__(self, key: Any) -> Any:
        if not self._owned or (key if self._part is None else key[self._part]) != self._reads.system:
            self._reads.add(self._field, key)
        return self._behind[key]

    def get(self, key: Any, default: Any = None) -> Any:
        if not self._owned or (key if self._part is None else key[self._part]) != self._reads.system:
            self._reads.add(self._field, key)
        return self._behind.get(key, default)

    def __contains__(self, key: object) -> bool:
        self._reads.add(self._field, key)
        return key in self._behind

    def __iter__(self) -> Iterator[Any]:
        self._reads.add(self._field, _ANY)
        return iter(self._behind)

    def __len__(self) -> int:
        self._reads.add(self._field, _ANY)
        return len(self._behind)


class _States(Mapping[str, Any]):
    """Repositories; which there are is part of the tree, nearly."""

    def __init__(self, behind: Mapping[str, RepositoryState], reads: Reads) -> None:
        self._states, self._reads = {name: _State(state, reads) for name, state in behind.items()}, reads

    def __getitem__(self, key: str) -> Any:
        self._reads.add_common(_WHICH_STATES)
        return self._states[key]

    def get(self, key: str, default: Any = None) -> Any:
        self._reads.add_common(_WHICH_STATES)
        return self._states.get(key, default)

    def __iter__(self) -> Iterator[str]:
        self._reads.add_common(_WHICH_STATES)
        return iter(self._states)

    def __len__(self) -> int:
        self._reads.add_common(_WHICH_STATES)
        return len(self._states)


class _State:
    """Asked some dozen times about each system whether it answers."""

    def __init__(self, behind: RepositoryState, reads: Reads) -> None:
        self._behind, self._reads = behind, reads
        self._fields: Mapping[str, Read] = {field: (behind.name, field) for field in _OF_STATE}

    def __getattr__(self, name: str) -> Any:
        known = self._fields.get(name)
        for read in (known,) if known is not None else self._fields.values():
            self._reads.add_common(read)
        return getattr(self._behind, name)


class _Busy:
    def __init__(self, behind: frozenset[tuple[str, str, str]], reads: Reads) -> None:
        self._behind, self._reads = behind, reads

    def __contains__(self, key: object) -> bool:
        self._reads.add("busy", key if isinstance(key, tuple) else _ANY)
        return key in self._behind

    def __iter__(self) -> Iterator[tuple[str, str, str]]:
        self._reads.add("busy", _ANY)
        return iter(self._behind)


class _Seen:
    """What was observed."""

    def __init__(self, behind: Observed, reads: Reads, now: datetime) -> None:
        self._behind, self._reads = behind, reads
        self.at = now
        self.repositories = _States(behind.repositories, reads)
        self.busy = _Busy(behind.busy, reads)
        for name in _OF_OBSERVED:
            setattr(self, name, _Window(name, getattr(behind, name), reads))

    def __getattr__(self, name: str) -> Any:
        self._reads.add_common(("observed", name))
        return getattr(self._behind, name)
