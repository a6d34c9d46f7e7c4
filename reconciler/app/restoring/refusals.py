"""What a snapshot itself cannot give, because its list is damaged or claims what cannot be: gathered for whoever names it at the end."""

from __future__ import annotations

from msgspec import Struct, field

from reconciler.repository import Chosen, Refusal


class Refusals(Struct):
    """Hears refusals; keeps those that concern what was asked for."""

    choice: Chosen
    found: list[tuple[bytes, str]] = field(default_factory=list)
    """(path, why)."""

    def __call__(self, refusal: Refusal) -> None:
        if refusal.entry is None or refusal.entry in self.choice:
            self.found.append((refusal.path, refusal.why))


def ignored(_refusal: Refusal) -> None:
    """For a second look at a snapshot whose refusals are named already."""
