"""What happened and is worth telling: from the loop to `events`, the page and the report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Event:
    """Something worth telling a person; the same one again only counts up."""

    kind: Literal["Normal", "Warning"]
    object_kind: str
    name: str
    reason: str
    note: str
    count: int
    first_at: datetime
    last_at: datetime
