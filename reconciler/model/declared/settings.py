"""One object for the tree as a whole."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from reconciler.model.declared.block import Block, UniqueItems
from reconciler.model.declared.health import HealthSettings
from reconciler.model.declared.scalars import Duration, Name
from reconciler.model.declared.system import Suspend


def _address(value: str) -> str:
    match = re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[^:\s]+):(\d{1,5})", value)
    if match is None or not 0 <= int(match[2]) <= 65535:
        raise ValueError("must be an address with a port, such as 127.0.0.1:9477")
    return value


def _loopback(value: str) -> str:
    if _address(value).rsplit(":", 1)[0] not in {"127.0.0.1", "localhost", "[::1]"}:
        raise ValueError("must be a loopback address; put a reverse proxy with authentication in front, or set `metricsListen`")
    return value


class Records(Block):
    """How the records of each host are protected: its specs, runs, events and audit log, as the built-in system `reconciler.<host>`."""

    tier: Name = Field("low", description="A Tier.")
    policy: Name = Field("default", description="A BackupPolicy: schedule and retention.")
    repositories: UniqueItems[Name] | None = Field(
        None, description="Default: the first repository of every policy in use. An empty list: the records are kept nowhere."
    )
    suspend: Suspend | None = None


class SettingsSpec(Block):
    """How the loop runs; at most one Settings object in a tree."""

    realm: Name = Field("default", description="A random word that says whose snapshots these are; written by `reconcile init`.")
    interval: Duration = Field("30s", validate_default=True, description="How often the loop looks.")
    observe_every: Duration = Field("5m", validate_default=True, description="How often a repository is listed again.")
    concurrency: Annotated[int, Field(ge=1, le=64)] = Field(2, description="Actions at a time; one more for what the RPO needs.")
    listen: Annotated[str, AfterValidator(_loopback)] = Field("127.0.0.1:9477", description="Page and API: loopback only.")
    metrics_listen: Annotated[str, AfterValidator(_address)] | None = Field(
        None, description="/metrics, /healthz and /readyz; default: the same as `listen`."
    )
    records: Records = Field(default_factory=Records.model_construct, description="How what the program itself knows is protected.")
    health: HealthSettings = Field(default_factory=HealthSettings.model_construct, description="From when on the host worries us.")
