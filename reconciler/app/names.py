"""Names that a person typed, against what is declared, and beginnings of ids against what there is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Protocol, TypeVar

from reconciler.app.errors import Ambiguous, NotFound
from reconciler.model.desired import Desired, DesiredRepository, DesiredSystem

_SHOWN = 10
_DIGITS = 8


class _Identified(Protocol):
    """A snapshot, or its root."""

    @property
    def id(self) -> str: ...
    @property
    def system(self) -> str: ...
    @property
    def as_of(self) -> datetime: ...


_S = TypeVar("_S", bound=_Identified)


def system_named(desired: Desired, name: str) -> DesiredSystem:
    """Raises NotFound when nobody declared it."""
    found = desired.system(name)
    if found is None:
        raise NotFound(f"no system '{name}' is declared", known=", ".join(s.name for s in desired.systems))
    return found


def repository_named(desired: Desired, name: str) -> DesiredRepository:
    """Raises NotFound when nobody declared it."""
    found = desired.repository(name)
    if found is None:
        raise NotFound(f"no repository '{name}' is declared", known=", ".join(r.name for r in desired.repositories))
    return found


def require_systems(desired: Desired, names: Iterable[str]) -> None:
    """Raises NotFound for the first that nobody declared."""
    for name in names:
        system_named(desired, name)


def by_id(snapshots: Iterable[_S], prefix: str, unseen: Mapping[str, str] | None = None) -> tuple[_S, ...]:
    """The one snapshot whose id begins so, as often as it is listed. Raises NotFound (with what could not be seen), Ambiguous with the
    candidates, newest first."""
    matches = [s for s in snapshots if prefix and s.id.startswith(prefix.lower())]
    found = {s.id: s for s in matches}
    if not found:
        raise NotFound(f"no snapshot begins with '{prefix}'", **(unseen or {}))
    if len(found) > 1:
        ordered = sorted(found.values(), key=lambda s: (s.as_of, s.id), reverse=True)
        digits = next((n for n in range(max(_DIGITS, len(prefix) + 1), 33) if len({i[:n] for i in found}) == len(found)), 32)
        listed = {s.id[:digits]: f"{s.system}, {s.as_of:%Y-%m-%d %H:%M:%S}Z" for s in ordered[:_SHOWN]}
        more = {"older": f"{len(ordered) - _SHOWN} more"} if len(ordered) > _SHOWN else {}
        raise Ambiguous(f"'{prefix}' is the beginning of {len(found)} snapshots", **listed, **more)
    return tuple(matches)
