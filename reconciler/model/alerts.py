"""Alerts: what is wrong with one object in one respect, who knows of it, and what is told to whom.

An alert is keyed by its object and its condition, never by its text: the same trouble in other words is the same alert. It fires, a person
may acknowledge it (nobody is reminded any more, unless it gets worse), and it is resolved: by the condition itself, or by a person.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct, field

from reconciler.model.observed import Failure

AlertKey = tuple[str, str, str]
"""Kind of object, name of object, condition."""


class AlertSeverity(StrEnum):
    """How bad it is, worst first; the same four words as the built-in tiers."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return _RANKS[self]

    def worse_than(self, other: AlertSeverity) -> bool:
        return self.rank < other.rank


_RANKS = {severity: rank for rank, severity in enumerate(AlertSeverity)}


def worst(severities: Iterable[AlertSeverity]) -> AlertSeverity:
    """The worst of at least one."""
    return min(severities, key=lambda severity: severity.rank)


class Raised(Struct, frozen=True):
    """Something is wrong now. What both conditions and health checks say; level, not edge: said again in every pass while it lasts."""

    object_kind: str
    """System, Repository, Host, Catalog, Receiver, …"""
    object_name: str
    condition: str
    """Of a closed set: a ConditionType, or the name of a health check."""
    severity: AlertSeverity
    summary: str
    """One sentence for a tired person."""
    detail: str = ""
    """What to do, or more numbers."""
    reason: str = ""
    """CamelCase, of a closed set."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """What routes may ask for: labels of the object, `tier`, `owner`, `host`."""
    quiet: str = ""
    """Why nobody is told although it is so, such as a suspension; empty: people are told."""

    @property
    def key(self) -> AlertKey:
        return (self.object_kind, self.object_name, self.condition)


class AlertState(StrEnum):
    """Where an alert stands."""

    FIRING = "firing"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Told(Struct, frozen=True):
    """What one receiver was told last about one alert."""

    firing: bool
    """False: that it is over."""
    severity: AlertSeverity
    at: datetime
    """When it was last told that the alert fires; the cooldown counts from here, also over a recovery."""
    step: int = 0
    """Of the escalation: the last one in which it was called; 0: it was told by a route."""


class Alert(Struct, frozen=True):
    """One alert, with its whole life."""

    id: str
    object_kind: str
    object_name: str
    condition: str
    severity: AlertSeverity
    state: AlertState
    summary: str
    detail: str
    reason: str
    started_at: datetime
    """When it began to fire; of one that came back within the cooldown, when it first did."""
    changed_at: datetime
    """When state or severity changed last."""
    labels: Mapping[str, str] = field(default_factory=dict)
    quiet: str = ""
    times: int = 1
    """How often it began to fire: more than once, it flaps."""
    acknowledged_by: str = ""
    acknowledged_at: datetime | None = None
    note: str = ""
    """What the person said who acknowledged or resolved it."""
    resolved_by: str = ""
    """Empty: by the condition itself."""
    resolved_at: datetime | None = None
    told: Mapping[str, Told] = field(default_factory=dict)
    """By receiver."""

    @property
    def key(self) -> AlertKey:
        return (self.object_kind, self.object_name, self.condition)

    @property
    def stands(self) -> bool:
        """Whether what it says is still so."""
        return self.state is not AlertState.RESOLVED


class Silence(Struct, frozen=True):
    """A person lets nothing be told about some alerts until then. They fire, are shown and are counted all the same."""

    id: str
    object_kind: str
    """Empty: of every kind."""
    object_name: str
    """Empty: every object; may end with `*`."""
    condition: str
    """Empty: every condition."""
    until: datetime
    reason: str
    by: str
    at: datetime

    def stands(self, now: datetime) -> bool:
        """Whether it is in force. A clock that was set back does not lengthen it beyond what was meant."""
        return now < self.until

    def covers(self, alert: Alert) -> bool:
        """Kind and condition in any case: people type them."""
        name = self.object_name
        fits = alert.object_name.startswith(name[:-1]) if name.endswith("*") else name in {"", alert.object_name}
        pairs = ((self.object_kind, alert.object_kind), (self.condition, alert.condition))
        return fits and all(not word or word.casefold() == of.casefold() for word, of in pairs)


class NoticeKind(StrEnum):
    """Why a receiver is told."""

    FIRING = "firing"
    WORSE = "worse"
    REMINDER = "reminder"
    ESCALATION = "escalation"
    RECOVERED = "recovered"
    DIGEST = "digest"
    TEST = "test"


class NoticeLine(Struct, frozen=True):
    """One alert in a notice."""

    id: str
    object_kind: str
    object_name: str
    condition: str
    severity: AlertSeverity
    state: AlertState
    summary: str
    detail: str
    started_at: datetime
    resolved_at: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


class Notice(Struct, frozen=True):
    """One message to one receiver. ``lines`` holds the worst of ``total`` alerts, so its size is bounded whatever burns."""

    receiver: str
    """`policy/receiver`."""
    kind: NoticeKind
    severity: AlertSeverity
    title: str
    lines: tuple[NoticeLine, ...]
    total: int
    at: datetime
    why: str = ""
    """For people: `fires since 30m and nobody has acknowledged it`."""

    @property
    def id(self) -> str:
        """32 hex digits, the same whenever this message is sent: who gets it twice can tell."""
        said = (self.receiver, self.kind.value, self.title, self.at.isoformat(), *(line.id for line in self.lines))
        return hashlib.sha256("\0".join(said).encode("utf-8", "surrogatepass")).hexdigest()[:32]


class Waiting(Struct, frozen=True):
    """A notice that was not delivered yet."""

    number: int
    notice: Notice
    attempts: int
    next_at: datetime


class ReceiverStatus(Struct, frozen=True):
    """How deliveries to one receiver go."""

    name: str
    kind: str = ""
    delivered: int = 0
    failed: int = 0
    """Attempts."""
    dropped: int = 0
    """Notices given up: too old, refused for good, or too many waiting."""
    waiting: int = 0
    consecutive_failures: int = 0
    last_success_at: datetime | None = None
    last_failure_at: datetime | None = None
    last_failure: Failure | None = None


class AlertsStatus(Struct, frozen=True):
    """Alerts as a part of the published status."""

    firing: Mapping[AlertSeverity, int] = field(default_factory=dict)
    """Those that nobody has acknowledged."""
    acknowledged: Mapping[AlertSeverity, int] = field(default_factory=dict)
    receivers: tuple[ReceiverStatus, ...] = ()
    silences: int = 0
    oldest: Mapping[AlertSeverity, datetime] = field(default_factory=dict)
    """By severity: when the first of those began that nobody has acknowledged."""
