"""Why a verdict is what it is, in a sentence with the numbers; what a scenario takes, in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import lru_cache

from reconciler.base.units import format_duration
from reconciler.decide.impact.incidents import Incident
from reconciler.decide.impact.outcome import Outcome, Side
from reconciler.model.declared.scenario import ANY
from reconciler.model.desired import DesiredScenario
from reconciler.model.impact import Copy, Survival, Verdict


@lru_cache(maxsize=1024)
def span(value: timedelta) -> str:
    """Rounded for reading: nobody wants hours with seconds."""
    step = 3600 if value >= timedelta(days=1) else 60 if value >= timedelta(minutes=10) else 1
    return format_duration(timedelta(seconds=round(value.total_seconds() / step) * step), parts=2)


def why(outcome: Outcome, copies: Sequence[Copy], incident: Incident, now: datetime) -> str:
    """One sentence, without a full stop."""
    match outcome.verdict:
        case Verdict.UNTOUCHED:
            return "nothing of it is taken"
        case Verdict.LOST:
            return f"nothing survives: {_each(copies)}"
        case Verdict.EXPOSED:
            return f"it keeps running; what could be restored meanwhile breaks a promise: {_each(copies, now) or 'too little is left'}"
        case Verdict.UNKNOWN:
            return f"not known: {'; '.join(unknowns(outcome, copies)) or 'whether what it depends on is back in time'}"
        case Verdict.BREACHED:
            return "; ".join(_broken(outcome, copies, incident, now))
        case Verdict.MET:
            return _met(outcome, now)


def unknowns(outcome: Outcome, copies: Sequence[Copy]) -> tuple[str, ...]:
    """What is not known of this system itself, and what would tell."""
    found = [f"{copy.repository}: {copy.why}" for copy in copies if copy.survival is Survival.UNKNOWN]
    timed = outcome.promised.rto is not None or outcome.promised.mtd is not None
    if timed:
        untimed = [c.repository for c in copies if c.survival is Survival.SURVIVES and c.snapshot_id and c.recovery is None]
        found += [f"no drill out of {name} says how long a recovery takes" for name in untimed]
    return tuple(found)


def takes(scenario: DesiredScenario) -> tuple[str, ...]:
    """What it takes away."""
    said = scenario.takes
    verb = "out of reach" if scenario.temporary else "gone"
    found = [
        f"any one {key} {verb}" if value == ANY else f"{key} {value} {verb}"
        for key, values in (said.failure_domain or {}).items()
        for value in values
    ]
    found += ["the data of the system"] if said.sources else []
    hosts = said.credentials or ()
    found += ["any one host, and every copy that its credentials can delete"] if ANY in hosts else []
    found += [f"host {host}, and every copy that its credentials can delete" for host in hosts if host != ANY]
    found += ["the reach of copies at another site"] if said.reach else []
    found += ["snapshots newer than the last verified one"] if said.unverified else []
    found += [f"snapshots younger than {span(scenario.detection_latency)}"] if scenario.detection_latency else []
    return tuple(found)


def _each(copies: Iterable[Copy], now: datetime | None = None) -> str:
    """How each repository fares, for those that explain a bad end."""
    parts = [f"{c.repository}: {c.why}" if c.why else f"{c.repository} holds a state of {_age(c.point_at, now)} ago" for c in copies]
    return "; ".join(parts) or "no repository holds anything of it"


def _broken(outcome: Outcome, copies: Sequence[Copy], incident: Incident, now: datetime) -> Iterator[str]:
    promised, side = outcome.promised, outcome.hopeful
    if outcome.taken and side.option is None:
        yield f"down until it is over, nothing to recover from is within reach: {_each(copies)}"
        return
    if side.option is not None and promised.rpo is not None and now - side.option.point_at > promised.rpo:
        yield (
            f"the newest state of use, in {side.option.repository}, is {_age(side.option.point_at, now)} old, RPO {span(promised.rpo)}"
            f"{_distrust(incident)}"
        )
    if side.blocked_by:
        yield f"it depends on {side.blocked_by}, of which no state comes back that keeps its RPO"
    elif side.total is not None:
        yield from _late(side, promised.rto, promised.mtd)


def _late(side: Side, rto: timedelta | None, mtd: timedelta | None) -> Iterator[str]:
    assert side.total is not None
    along = f" along {' → '.join(side.path)}" if len(side.path) > 1 else ""
    if rto is not None and side.total > rto:
        yield f"back in {span(side.total)}{along}, RTO {span(rto)}"
    if mtd is not None and side.total > mtd:
        yield f"longer than the maximum tolerable downtime of {span(mtd)}"


def _distrust(incident: Incident) -> str:
    latency = incident.scenario.detection_latency
    parts = [f"what is younger than {span(latency)} is not trusted"] if latency else []
    parts += ["what was not verified whole is not trusted"] if incident.scenario.takes.unverified else []
    return f" ({'; '.join(parts)})" if parts else ""


def _met(outcome: Outcome, now: datetime) -> str:
    side = outcome.certain
    if not outcome.taken:
        waits = f"waits for {', '.join(outcome.waits)}" if outcome.waits else "it keeps running, and what is left would keep the promises"
        return f"{waits}, back in {span(side.total)}" if outcome.waits and side.total is not None else waits
    assert side.option is not None
    within = f" in {span(side.total)}" if side.total is not None else ""
    return f"back from {side.option.repository}{within}, as of {_age(side.option.point_at, now)} ago"


def _age(at: datetime | None, now: datetime | None) -> str:
    return span(max(now - at, timedelta(0))) if at is not None and now is not None else "some time"
