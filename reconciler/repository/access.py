"""What it takes to reach a place beside its address: who asks, how fast, how many at a time. Values only; nothing here opens anything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.base.secret import Secret

if TYPE_CHECKING:
    from reconciler.base.proxy import Proxies

PATIENCE_SECONDS = 900.0
SILENCE_SECONDS = 120.0


class Credentials(Struct, frozen=True):
    """Who asks. For an object store the two halves of an access key; for SFTP a private key, or a password as ``secret``."""

    access: str = ""
    secret: Secret | None = None
    token: Secret | None = None
    """Of temporary access keys."""
    identity: Secret | None = None
    """A private SSH key, as in its file."""


class Lock(Struct, frozen=True):
    """What a place must not remove, for whomever."""

    mode: str
    """compliance or governance: whether nobody, or only who has a right of its own, can remove it before."""
    retain: timedelta
    """So long every snapshot stays whole, counted from when it was stored."""

    slack: timedelta
    """So much longer a lock is set, so that not each later snapshot must prolong it."""

    @property
    def held(self) -> timedelta:
        """How long a lock is set."""
        return self.retain + self.slack


class Access(Struct, frozen=True):
    """How a place is to be reached."""

    endpoint: str | None = None
    """Of an object store; None: Amazon's own of the region."""
    region: str | None = None
    credentials: Callable[[], Credentials] | None = None
    """Asked before the first call, and again when the place refuses what it said: keys are replaced and expire."""
    proxies: Proxies | None = None
    """Of the web, on the way to an object store; None: it is asked directly."""
    known_hosts: str | None = None
    """File with the host keys of SSH servers; None: that of this user."""
    connections: int | None = None
    """Questions under way at a time; None: 5 of an object store, 64 over the one connection of SFTP."""
    bandwidth: int | None = None
    """Bytes per second, both ways together."""
    lock: Lock | None = None
    """Of an object store: what is stored is locked there."""
    patience_seconds: float = PATIENCE_SECONDS
    """How long one call is tried again before it counts as failed. Before the first answer ever it is ten seconds at most."""
    silence_seconds: float = SILENCE_SECONDS
    """A connection that brings nothing for so long is given up."""
    stopped: Callable[[], bool] | None = None
    """Says that somebody has asked to stop: then nobody waits for a silent place any more, nor paces himself. None: nobody can."""
