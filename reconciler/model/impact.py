"""What a disaster would do: for each scenario and system what survives it, how much is lost, how long it takes, and what would mend it."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import Struct

from reconciler.model.disaster import DisasterType, Tally


class Verdict(StrEnum):
    """Worst first."""

    LOST = "lost"
    """Nothing survives."""
    BREACHED = "breached"
    """Something survives, and a promise is broken."""
    EXPOSED = "exposed"
    """Nothing is lost by it; if the data had to come back while it lasts, a promise would be broken."""
    UNKNOWN = "unknown"
    """What is not known decides."""
    MET = "met"
    """What survives keeps every promise."""
    UNTOUCHED = "untouched"
    """It takes nothing of this system."""

    @property
    def rank(self) -> int:
        """0 is the worst."""
        return _ORDER.index(self)

    @property
    def letter(self) -> str:
        """One that tells them apart without colour."""
        return _LETTERS[self]

    @property
    def well(self) -> bool:
        return self in {Verdict.MET, Verdict.UNTOUCHED}


_ORDER = tuple(Verdict)
_LETTERS = {
    Verdict.LOST: "L", Verdict.BREACHED: "B", Verdict.EXPOSED: "e", Verdict.UNKNOWN: "?", Verdict.MET: "ok", Verdict.UNTOUCHED: "·",
}  # fmt: skip


NAMED = 5000
"""Threatened systems that a status names over all scenarios: so many samples cost a scrape some 25 ms."""


class Survival(StrEnum):
    """What becomes of a repository, or of what it holds of one system."""

    SURVIVES = "survives"
    TAKEN = "taken"
    UNKNOWN = "unknown"


class Copy(Struct, frozen=True):
    """One system in one repository, after the disaster."""

    repository: str
    survival: Survival
    why: str
    snapshot_id: str | None = None
    """The newest that is of use; None: it holds none, or it is taken."""
    point_at: datetime | None = None
    """The state that it brings back."""
    recovery: timedelta | None = None
    """How long the system alone takes out of it; None: nothing to go by."""


class RemedyKind(StrEnum):
    """What mends, the cheapest first."""

    VERIFY = "verify"
    BACKUP = "backup"
    COPY = "copy"
    DELETABLE = "deletableFrom"
    REPOSITORY = "repository"
    SITE = "another site"
    DETECT = "detection"
    PROMISE = "promise"


class Remedy(Struct, frozen=True):
    """One change that makes the verdict better: judged by the function that gave the verdict, with that change made."""

    kind: RemedyKind
    what: str
    verdict: Verdict
    """Afterwards."""


class SystemImpact(Struct, frozen=True):
    """One system in one scenario: the worst of what may fail in it."""

    scenario: str
    type: DisasterType
    system: str
    tier: str
    incident: str
    """What fails: `site office`."""
    verdict: Verdict
    why: str
    copies: tuple[Copy, ...] = ()
    """The repositories of the system in their order, then others that hold something of it."""
    repository: str | None = None
    """The one that it would be recovered from."""
    snapshot_id: str | None = None
    point_at: datetime | None = None
    loss: timedelta | None = None
    """The achieved RPO: how old the state is that comes back; zero: nothing is lost; None: nothing comes back, or nobody knows."""
    recovery: timedelta | None = None
    """The predicted RTO, with everything that must be there before; None: nothing to go by, or nothing comes back."""
    recovery_from: str = ""
    """Where that number comes from."""
    path: tuple[str, ...] = ()
    """The critical path: systems that are recovered one after the other, this one last."""
    rpo: timedelta | None = None
    rto: timedelta | None = None
    mtd: timedelta | None = None
    users: int | None = None
    cost: float | None = None
    """Of the outage, `costPerHour` times the predicted RTO; None: not declared, or not known."""
    remedies: tuple[Remedy, ...] = ()
    """The cheapest first."""
    unknowns: tuple[str, ...] = ()
    """What is not known, and what would tell."""


class ScenarioOutlook(Struct, frozen=True):
    """One scenario in this tree."""

    name: str
    type: DisasterType
    description: str
    takes: tuple[str, ...]
    """What it takes away, in words."""
    detection_latency: timedelta
    temporary: bool
    declared: str
    """Where it is declared; empty: it is built in."""
    incidents: int
    """What may fail in it, one at a time."""
    systems: int
    """Systems that it takes, in any of these."""
    worst: str = ""
    """The one that takes most, and what: `site office: 13 systems, repository office`."""


class SinglePoint(Struct, frozen=True):
    """One thing whose loss takes more than one system, or the last copy of one."""

    kind: str
    """repository, key, or the word of a failure domain: site, device, host."""
    name: str
    systems: tuple[str, ...]
    """Whose own data goes with it."""
    last_copies: tuple[str, ...]
    """Of which no copy is left without it."""
    gone: tuple[str, ...]
    """Of both: nothing is left at all."""


class Impact(Struct, frozen=True):
    """All scenarios, all systems, at one instant."""

    at: datetime
    scenarios: tuple[ScenarioOutlook, ...]
    systems: tuple[SystemImpact, ...]
    """Scenario by scenario; in each the most critical system first."""
    single_points: tuple[SinglePoint, ...] = ()

    def tallies(self, named: int = NAMED) -> tuple[Tally, ...]:
        """One for each scenario. ``named``: so many threatened systems are named over all of them, the worst first."""
        counts = {scenario.name: {verdict.value: 0 for verdict in Verdict} for scenario in self.scenarios}
        for each in self.systems:
            counts[each.scenario][each.verdict.value] += 1
        found: dict[str, dict[str, str]] = {name: {} for name in counts}
        threatened = sorted((each for each in self.systems if not each.verdict.well), key=lambda each: each.verdict.rank)
        for each in threatened[:named]:
            found[each.scenario][each.system] = each.verdict.value
        left_out = Counter(each.scenario for each in threatened[named:])
        return tuple(Tally(name, verdicts, found[name], left_out[name]) for name, verdicts in counts.items())

    @property
    def worst(self) -> Verdict:
        return min((each.verdict for each in self.systems), key=lambda verdict: verdict.rank, default=Verdict.UNTOUCHED)
