"""A repository of restic at one instant. Never fresh: what is seen through another program is no ground for removing anything."""

from __future__ import annotations

import shutil
from datetime import datetime

from reconciler.model.desired import DesiredRepository
from reconciler.model.listing import Listing
from reconciler.model.observed import RepositoryState
from reconciler.restic import Program, listed


def state_of_restic(wanted: DesiredRepository, program: Program, realm: str, now: datetime) -> RepositoryState:
    """As it is now. Raises ResticError and its like."""
    identity, snapshots = listed(program, wanted.name, wanted.contains, realm)
    free = None if wanted.is_remote else shutil.disk_usage(wanted.url).free
    return RepositoryState(wanted.name, now, reachable=True, id=identity, snapshots=Listing(snapshots), free_bytes=free)
