"""A class of importance, referenced by name; four are built in."""

from __future__ import annotations

from reconciler.model.declared.block import Block
from reconciler.model.declared.drill import Drill
from reconciler.model.declared.objectives import Copies, Objectives, Verification


class TierSpec(Block):
    """Objectives shared by the systems that matter equally."""

    objectives: Objectives | None = None
    copies: Copies | None = None
    verification: Verification | None = None
    drill: Drill | None = None
