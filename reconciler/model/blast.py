"""What an edit of the specs does to protection: the blast radius, told before the edit is merged."""

from __future__ import annotations

from enum import StrEnum

from msgspec import Struct

from reconciler.model.desired import Revision
from reconciler.model.problem import Place


class Effect(StrEnum):
    """What one change does to what is promised or kept."""

    LOSS = "loss"
    """Less is protected, promised, kept or proven than before."""
    GAIN = "gain"
    OTHER = "other"


class SpecChange(Struct, frozen=True):
    """One thing that is declared otherwise than before."""

    kind: str
    """System, Repository, AlertPolicy, DeletionApproval or Settings."""
    name: str
    field: str
    """As in the spec, dotted: ``objectives.rpo``; empty when the object itself came or went."""
    before: str
    """As people write it; empty: not there."""
    after: str
    effect: Effect
    why: str = ""
    """What follows from it, where that is not plain."""
    place: Place | None = None
    """Where it is declared now; None when it is gone."""


class Released(Struct, frozen=True):
    """Snapshots of one system in one repository that were kept before, by a retention or as orphans, and are not kept any more."""

    system: str
    repository: str
    snapshots: tuple[str, ...]
    """Sorted ids."""
    total: int
    """Snapshots of that system there."""
    held: int
    """So many of them a guard would hold until a person approves."""
    reach_before: str
    """How far back the snapshots that stay reach, as a duration; empty: none stays."""
    reach_after: str


class BlastRadius(Struct, frozen=True):
    """Everything that an edit changes; in the order of the names."""

    base: Revision
    changes: tuple[SpecChange, ...]
    released: tuple[Released, ...]
    unprotected: tuple[str, ...]
    """Systems that were backed up before and are no longer."""
    unseen: tuple[str, ...]
    """Repositories of which nothing is known: what the edit releases there is not in ``released``."""
    base_clean: bool = True
    """False: the tree had errors at ``base``, so what it lacked there may only have been broken."""
    clean: bool = True
    """False: the tree has errors now, so what it lacks may only be broken: nothing counts as removed."""

    @property
    def losses(self) -> tuple[SpecChange, ...]:
        return tuple(change for change in self.changes if change.effect is Effect.LOSS)

    @property
    def released_count(self) -> int:
        return sum(len(released.snapshots) for released in self.released)

    @property
    def empty(self) -> bool:
        """Whether the edit changes nothing of what is wanted: white space, comments, order."""
        return not self.changes and not self.released
