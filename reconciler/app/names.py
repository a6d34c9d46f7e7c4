"""Names that a person typed, against what is declared."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.app.errors import NotFound
from reconciler.model.desired import Desired


def require_systems(desired: Desired, names: Iterable[str]) -> None:
    """Raises NotFound for the first that nobody declared."""
    for name in names:
        if desired.system(name) is None:
            raise NotFound(f"no system '{name}' is declared", known=", ".join(s.name for s in desired.systems))


def require_repository(desired: Desired, name: str) -> None:
    """Raises NotFound when nobody declared it."""
    if desired.repository(name) is None:
        raise NotFound(f"no repository '{name}' is declared", known=", ".join(r.name for r in desired.repositories))
