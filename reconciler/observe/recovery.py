"""Whether something could be restored from each repository now: its key opens it, and a piece of the newest snapshot can be read."""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import partial

from reconciler.base.clock import Clock
from reconciler.base.errors import ReconcilerError
from reconciler.model.desired import DesiredRepository
from reconciler.model.health import Probe
from reconciler.observe.deadline import within
from reconciler.observe.repositories import Opener

SECONDS_MAX = 30.0
"""A passphrase takes a second, a place on another continent some; beyond it is hanging."""


def probe(
    repositories: Sequence[DesiredRepository], opener: Opener, clock: Clock, *, seconds_max: float = SECONDS_MAX
) -> tuple[Probe, ...]:
    """One answer per repository. A random block of the newest manifest is read, decrypted and held against its id."""
    return tuple(_asked(repository, opener, clock, seconds_max) for repository in repositories)


def _asked(repository: DesiredRepository, opener: Opener, clock: Clock, seconds_max: float) -> Probe:
    what = f"repository {repository.name}"
    try:
        return within(seconds_max, partial(_read, repository, opener, clock), what=what, key=f"probe {what}")
    except ReconcilerError as error:
        return Probe(repository.name, failure=error.message)


def _read(repository: DesiredRepository, opener: Opener, clock: Clock) -> Probe:
    began = clock.monotonic()
    with opener(repository) as opened:
        listing = opened.listing()
        if listing.roots:
            newest = listing.roots[0]
            tree = opened.browse().tree(newest.id)
            if tree.refs:
                tree.block(random.choice(tree.refs))
            return Probe(repository.name, clock.monotonic() - began, newest.id, newest.system)
        if listing.damaged:
            raise listing.damaged[0][1]
    return Probe(repository.name, clock.monotonic() - began)
