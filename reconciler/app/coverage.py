"""Which data of this host no system covers."""

from __future__ import annotations

import os
from collections.abc import Sequence

from reconciler.app.errors import NotFound
from reconciler.app.house import House
from reconciler.app.scene import load
from reconciler.model.uncovered import Uncovered
from reconciler.observe.uncovered import Search

ROOTS = ("/etc", "/home", "/opt", "/root", "/srv", "/var/lib")
"""Where a Unix host keeps what is its own; looked in when no root is named."""


def uncovered(house: House, roots: Sequence[str] = ()) -> tuple[Uncovered, ...]:
    """By path; see :meth:`Session.uncovered`."""
    for root in roots:
        if not os.path.isdir(root):
            raise NotFound(f"{root} is not a folder to look in", hint="Name folders below which data may lie, such as /srv.")
    with house.memory.reading() as catalog:
        desired = load(house, catalog).desired
    places = [source.place for system in desired.systems if system.runs_on(house.agent) for source in system.sources]
    chosen = [os.path.abspath(root) for root in roots] or [root for root in ROOTS if os.path.isdir(root)]
    return Search([place for place in places if place is not None], chosen, house.never_read(desired)).run()
