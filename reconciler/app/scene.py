"""What is wanted and what is seen, at one instant: the input of every decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.app.house import House
from reconciler.model.desired import Desired
from reconciler.model.observed import Observed
from reconciler.model.status import SpecStatus
from reconciler.observe.world import Look, observe
from reconciler.spec import Loaded

if TYPE_CHECKING:
    from reconciler.catalog.catalog import Catalog


@dataclass(frozen=True, slots=True)
class Scene:
    """One look at everything."""

    loaded: Loaded
    observed: Observed
    now: datetime

    @property
    def desired(self) -> Desired:
        return self.loaded.desired
