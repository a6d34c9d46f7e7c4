"""What happened and is worth telling: from the loop to `events`, the page and the report."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from msgspec import Struct


class Event(Struct, frozen=True):
    """Something worth telling a person; the same one again only counts up."""

    kind: Literal["Normal", "Warning"]
    object_kind: str
    name: str
    reason: str
    note: str
    count: int
    first_at: datetime
    last_at: datetime

    @classmethod
    def told(cls, kind: Literal["Normal", "Warning"], object_kind: str, name: str, reason: str, note: str, at: datetime) -> Event:
        """For the first time."""
        return cls(kind, object_kind, name, reason, note, 1, at, at)
