"""How well host, repositories and backups are at one instant: what was read, and what each check makes of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from reconciler.base.proxy import Proxy


class HealthState(StrEnum):
    """The one scale for all that is judged, worst first: checks, systems, repositories. What could not be looked at is never good."""

    BAD = "bad"
    """A promise is broken, or will be soon unless a person acts."""
    UNKNOWN = "unknown"
    WARNING = "warning"
    """A person should look; nothing is broken."""
    GOOD = "good"

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return _RANKS[self]


_RANKS = {state: rank for rank, state in enumerate(HealthState)}


class CheckName(StrEnum):
    """What is asked. The first ones are about the host: they have thresholds, a memory, metrics, a history and alerts."""

    CPU = "cpu"
    MEMORY = "memory"
    SPACE = "space"
    INODES = "inodes"
    NETWORK = "network"
    CERTIFICATE = "certificate"
    RECOVERY = "recovery"
    """Whether a key opens its repository, and the newest snapshot can be read there."""
    RECOVERY_SPACE = "recovery space"
    CATALOG = "catalog"
    REPOSITORY = "repository"
    BACKUP_AGE = "backup age"
    FAILURE_RATE = "failure rate"


HOST_CHECKS = tuple(CheckName)[:8]
"""Those about the host, in the order in which they are shown."""


class Role(StrEnum):
    """What something is to us, the most important first."""

    STATE = "state"
    SANDBOX = "sandbox"
    """Where drills restore."""
    REPOSITORY = "repository"
    SOURCE = "source"
    RECEIVER = "receiver"


class Use(Struct, frozen=True):
    """Why a file system or an address matters."""

    role: Role
    name: str = ""
    """Of the repository, system or receiver."""
    path: str = ""
    """Of a source, where its system has several; for people alone."""

    def __str__(self) -> str:
        if self.role is Role.SOURCE:
            return f"source {self.path} of {self.name}" if self.path else f"source of {self.name}"
        return f"{self.role} {self.name}".strip()


class Room(Struct, frozen=True):
    """One file system."""

    uses: tuple[Use, ...]
    """The most important first."""
    free_bytes: int | None = None
    """For us, without what is kept for root; None: it could not be asked, as ``failure`` says."""
    total_bytes: int = 0
    free_inodes: int | None = None
    """None: this file system does not count them."""
    total_inodes: int = 0
    failure: str = ""


class Security(StrEnum):
    """How a connection is protected."""

    NONE = "none"
    TLS = "tls"
    STARTTLS = "starttls"
    """TLS inside SMTP."""


class Endpoint(Struct, frozen=True):
    """An address on the network that specs name."""

    use: Use
    host: str
    port: int
    security: Security = Security.NONE
    authorities: str | None = None
    """A file of certificates to trust instead of the system's."""
    proxy: Proxy | None = None
    """The web proxy through which it is reached."""
    secret: bool = False
    """The address came from a secret: it is not shown."""
    failure: str = ""
    """Why it is not known: then there is no host."""


class Reached(Struct, frozen=True):
    """What came of a connection to one address."""

    uses: tuple[Use, ...]
    address: str
    """``host:port``; empty for one that is a secret."""
    seconds: float | None = None
    """From the name to the end of the greeting; None: it failed."""
    failure: str = ""
    secured: bool = False
    """TLS was wanted."""
    certificate_until: datetime | None = None
    """Also of a certificate that is not trusted."""
    certificate_failure: str = ""


class Probe(Struct, frozen=True):
    """What came of reading a little of a repository."""

    repository: str
    seconds: float = 0.0
    snapshot_id: str = ""
    """Empty: there is none yet."""
    system: str = ""
    failure: str = ""


class Largest(Struct, frozen=True):
    """The system whose newest good snapshot takes most room when it is restored."""

    system: str
    bytes: int


class HostReading(Struct, frozen=True):
    """The host as it is now."""

    cores: int
    load: float
    """Processes that run or wait to run, on average over five minutes."""
    memory_bytes: int
    memory_available_bytes: int
    rooms: tuple[Room, ...]
    reached: tuple[Reached, ...] = ()
    probes: tuple[Probe, ...] = ()
    largest: Largest | None = None


class HealthCheck(Struct, frozen=True):
    """One question and its answer."""

    name: CheckName
    object: str
    """For people, such as `state, repository main and 2 more`."""
    state: HealthState
    message: str
    subject: str = ""
    """The same in every look, whatever else changes; empty: as ``object``."""
    value: float | None = None
    """What the history draws: load per core, share left, seconds, days left, rate of failures."""

    @property
    def key(self) -> CheckKey:
        return (self.name.value, self.subject or self.object)


CheckKey = tuple[str, str]
"""Name of the check, subject."""


class Held(Struct, frozen=True):
    """What is remembered of a check that is not good: it becomes better only when it stays better."""

    state: HealthState
    better: int = 0
    """Looks in a row that found it better."""


class Health(Struct, frozen=True):
    """All of them, the worst first."""

    at: datetime
    agent: str
    checks: tuple[HealthCheck, ...]
    reading: HostReading | None = None
    """What the checks of the host are about."""

    @property
    def well(self) -> bool:
        """Nothing is bad, and nothing is unknown."""
        return all(check.state in (HealthState.GOOD, HealthState.WARNING) for check in self.checks)


class Seen(Struct, frozen=True):
    """What one look at the host gave, or all those of an hour: by check and subject."""

    at: datetime
    values: Mapping[CheckKey, tuple[float | None, HealthState]]
    """The value (of an hour: the mean) and the state (of an hour: the worst)."""
