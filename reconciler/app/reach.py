"""From what a spec says of a place on the network to how it is reached: who asks, through which door, how fast.

What no spec says comes from the environment, under the names that every tool for such places knows: AWS_ACCESS_KEY_ID and
AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL. So a bare machine needs no spec for it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from reconciler.app import keys
from reconciler.base.secret import Secret
from reconciler.model.declared.repository import Credentials as Said
from reconciler.model.declared.repository import Limits, ObjectLock
from reconciler.model.declared.secret import SecretFrom

if TYPE_CHECKING:
    from reconciler.model.desired import DesiredRepository
    from reconciler.repository import Access, Credentials


def access_to(repository: DesiredRepository, allowed: Sequence[Path], stopped: Callable[[], bool] | None = None) -> Access:
    """As its spec says. ``stopped`` says that nobody should wait for the place any more."""
    made = _access(
        repository.url, repository.endpoint, repository.region, repository.credentials, repository.limits, allowed, repository.object_lock
    )
    return replace(made, stopped=stopped)


def access_bare(url: str, stopped: Callable[[], bool] | None = None) -> Access:
    """With nothing but the environment."""
    return replace(_access(url, None, None, Said(), Limits(), ()), stopped=stopped)


def _access(
    url: str,
    endpoint: str | None,
    region: str | None,
    said: Said,
    limits: Limits,
    allowed: Sequence[Path],
    locked: ObjectLock | None = None,
) -> Access:
    from reconciler.base.proxy import Proxies
    from reconciler.repository import Access, Lock

    amazon = url.startswith("s3://")
    made = Access(
        endpoint=endpoint or (_first("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL") if amazon else None),
        region=region or (_first("AWS_REGION", "AWS_DEFAULT_REGION") if amazon else None),
        credentials=lambda: _credentials(said, allowed, os.environ if amazon else {}),
        proxies=Proxies.of(os.environ) if amazon else None,
        known_hosts=said.known_hosts,
        bandwidth=limits.bandwidth,
        lock=Lock(locked.mode, locked.retain, locked.slack) if locked is not None else None,
    )
    return made if limits.connections is None else replace(made, connections=limits.connections)


def _credentials(said: Said, allowed: Sequence[Path], environment: Mapping[str, str]) -> Credentials:
    """As they are now. Raises KeyMissing and its like."""
    from reconciler.repository import Credentials

    access = _looked_up(said.access, allowed, environment.get("AWS_ACCESS_KEY_ID"))
    return Credentials(
        access=access.reveal().decode("ascii", "replace") if access is not None else "",
        secret=_looked_up(said.secret, allowed, environment.get("AWS_SECRET_ACCESS_KEY")),
        token=_looked_up(said.token, allowed, environment.get("AWS_SESSION_TOKEN") if said.access is None else None),
        identity=_looked_up(said.identity, allowed, None),
    )


def _looked_up(reference: SecretFrom | None, allowed: Sequence[Path], otherwise: str | None) -> Secret | None:
    if reference is not None:
        return keys.load(reference, allowed=allowed)
    return Secret(otherwise.encode()) if otherwise else None


def _first(*names: str) -> str | None:
    return next((value for name in names if (value := os.environ.get(name))), None)
