"""A held change as the spec that approves it: what a person pastes into a file of the tree, reads, and proposes as a pull request."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from reconciler.model.plan import Held, Plan

_LIFE = timedelta(days=7)
"""Time for a review and for the day between mark and removal."""
_PER_LINE = 2


def approvals_yaml(plan: Plan) -> tuple[str, ...]:
    """One document for each change that an approval can release."""
    return tuple("\n".join(_lines(held, plan.at)) for held in plan.held if held.guard == "tightening")


def _lines(held: Held, now: datetime) -> Iterator[str]:
    ids = held.snapshots
    yield "apiVersion: reconciler/v1"
    yield "kind: DeletionApproval"
    yield f"metadata: {{name: approve-{held.digest[:12]}}}"
    yield "spec:"
    yield f'  change: "{held.digest}"'
    yield f"  system: {held.system}"
    yield f"  repository: {held.repository}"
    yield "  reason: the retention was tightened on purpose  # say why"
    yield f'  expires: "{now + _LIFE:%Y-%m-%dT%H:%MZ}"'
    yield "  snapshots:"
    yield "    ["
    for begin in range(0, len(ids), _PER_LINE):
        quoted = ", ".join(f'"{one}"' for one in ids[begin : begin + _PER_LINE])
        yield f"      {quoted},"
    yield "    ]"
