"""What the audit log is evidence of: states that were good, promises that were declared, what people decided. Line by line, in order.

A line that lacks what it should hold is of another version, and evidence of nothing. The log is believed only as far as its chain is whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from reconciler.base.units import format_duration
from reconciler.decide.compliance import Point
from reconciler.decide.words import minute
from reconciler.model.report import Deed, Span, SpecEdit, Target

_DECISIONS = frozenset(
    {"accept", "hold", "release", "pause", "resume", "init", "repair", "rebuild", "key-add", "key-remove", "key-rotate", "key-kit"}
)
_REQUESTED = "requested"


class Promised(Struct, frozen=True):
    """What was declared of one system at some moment."""

    rpo: timedelta | None = None
    rto: timedelta | None = None
    mtd: timedelta | None = None
    suspended_until: datetime | None = None
    generation: str = ""


class Declared(Struct, frozen=True):
    """From this moment on these systems were declared so. Systems that are not named stayed as they were."""

    at: datetime
    revision: str
    systems: Mapping[str, Promised]
    removed: tuple[str, ...]


class State(Struct, frozen=True):
    """A backup that ended well: a new snapshot, or an older one found to be as the source still is."""

    system: str
    snapshot: str
    point: Point


class Ledger(Struct):
    """Everything that was heard so far."""

    since: datetime | None = None
    states: list[State] = field(default_factory=list)
    doubted: set[str] = field(default_factory=set)
    """Snapshots that were called suspect, failed a drill or were found damaged, and were not accepted since."""
    declared: list[Declared] = field(default_factory=list)
    pauses: list[Span] = field(default_factory=list)
    deeds: list[Deed] = field(default_factory=list)
    meant: list[Sequence[str]] = field(default_factory=list)
    """Of each deed: the snapshots that it was done to."""
    _begun: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By run: why it was begun, and by whom."""

    def hear(self, line: Mapping[str, Any]) -> None:
        """The next line of the log."""
        at = moment_of(line.get("at"))
        if at is None:
            return
        self.since = self.since or at
        verb, stage = line.get("verb"), line.get("stage")
        if stage == "intent":
            why = str((line.get("reason") if verb in _DECISIONS else line.get("why")) or "")
            self._begun[_run(line)] = why, str(line.get("actor") or "")
            return
        begun = self._begun.pop(_run(line), ("", ""))
        match verb:
            case "backup" if stage == "complete":
                self._backed_up(line, at)
            case "suspect" | "drill" if stage == "complete":
                self._doubt(line)
            case "specs":
                self._specs(line, at)
            case "pause" | "resume":
                self._paused(line, at)
            case _:
                pass
        self.doubted |= set(_texts(line.get("damaged")))
        if verb == "accept" and line.get("outcome") == "succeeded":
            self.doubted -= set(_texts(line.get("snapshots")))
        if verb in _DECISIONS or line.get("approvals") or (verb == "forget" and line.get("reason") == _REQUESTED):
            self.deeds.append(_deed(line, at, *begun))
            self.meant.append(_texts(line.get("snapshots")))

    def _backed_up(self, line: Mapping[str, Any], at: datetime) -> None:
        as_of, snapshot = moment_of(line.get("as_of")), line.get("snapshot")
        if line.get("outcome") in {"succeeded", "unchanged"} and as_of is not None and isinstance(snapshot, str):
            self.states.append(State(_system(line), snapshot, Point(as_of, at)))

    def _doubt(self, line: Mapping[str, Any]) -> None:
        """Of a drill the first snapshot is the one that was asked; a blocked one says nothing, and ends with another code."""
        snapshots = _texts(line.get("snapshots"))
        if line.get("verb") == "suspect" and line.get("outcome") == "succeeded":
            self.doubted |= set(snapshots)
        elif line.get("verb") == "drill" and line.get("code") == "act-drill-failed":
            self.doubted |= set(snapshots[:1])

    def _specs(self, line: Mapping[str, Any], at: datetime) -> None:
        given = line.get("systems")
        systems = {str(name): _promised(value) for name, value in given.items()} if isinstance(given, Mapping) else {}
        self.declared.append(Declared(at, str(line.get("revision") or ""), systems, tuple(_texts(line.get("removed")))))

    def _paused(self, line: Mapping[str, Any], at: datetime) -> None:
        if self.pauses and self.pauses[-1][1] > at:
            self.pauses[-1] = (self.pauses[-1][0], at)
        until = moment_of(line.get("until"))
        if line.get("verb") == "pause" and until is not None and until > at:
            self.pauses.append((at, until))


def targets(ledger: Ledger, system: str, today: Promised, period: Span) -> list[Target]:
    """The RPO over the period. Before the first record it is taken to be today's; a system that was not declared has none."""
    begins, ends = period
    first = ledger.declared[0].at if ledger.declared else ends
    parts = [Target(begins, min(first, ends), today.rpo, recorded=False)]
    parts += [Target(max(b, begins), min(e, ends), p.rpo, recorded=True) for (b, e), p in _terms(ledger, system, ends) if p is not None]
    found: list[Target] = []
    for part in (part for part in parts if part.begins < part.ends):
        before = found[-1] if found else None
        if before is not None and (before.ends, before.rpo, before.recorded) == (part.begins, part.rpo, part.recorded):
            found[-1] = replace(before, ends=part.ends)
        else:
            found.append(part)
    return found


def suspensions(ledger: Ledger, system: str, ends: datetime) -> list[Span]:
    """When nothing was begun for it: it was suspended, or the loop paused."""
    own = [
        (begins, min(until, promise.suspended_until))
        for (begins, until), promise in _terms(ledger, system, ends)
        if promise is not None and promise.suspended_until is not None
    ]
    return [*own, *ledger.pauses]


def edits(ledger: Ledger, period: Span, systems: Iterable[str] | None) -> tuple[SpecEdit, ...]:
    """What became of promises in the period, in words; ``systems``: of these alone."""
    known: dict[str, Promised] = {}
    wanted, found = None if systems is None else set(systems), []
    for declared in ledger.declared:
        said = [
            f"{name}: {_difference(known.get(name), promise)}"
            for name, promise in sorted(declared.systems.items())
            if wanted is None or name in wanted
        ]
        gone = tuple(name for name in declared.removed if wanted is None or name in wanted)
        known |= declared.systems
        if period[0] <= declared.at < period[1] and (said or gone):
            found.append(SpecEdit(declared.at, declared.revision, tuple(said), gone))
    return tuple(found)


def _terms(ledger: Ledger, system: str, ends: datetime) -> Iterable[tuple[Span, Promised | None]]:
    """From record to record what was declared of it; None: it was not declared."""
    current: Promised | None = None
    for number, declared in enumerate(ledger.declared, start=1):
        current = None if system in declared.removed else declared.systems.get(system, current)
        until = ledger.declared[number].at if number < len(ledger.declared) else max(ends, declared.at)
        yield (declared.at, until), current


def promised_in_words(promise: Promised) -> str:
    """``RPO 15m, RTO 1h``; empty when nothing is promised."""
    given = {"RPO": promise.rpo, "RTO": promise.rto, "MTD": promise.mtd}
    return ", ".join(f"{name} {format_duration(value)}" for name, value in given.items() if value is not None)


def _difference(before: Promised | None, after: Promised) -> str:
    if before is None:
        return promised_in_words(after) or "declared, nothing promised"
    pairs = (("RPO", before.rpo, after.rpo), ("RTO", before.rto, after.rto), ("MTD", before.mtd, after.mtd))
    said = [f"{name} {_length(old)} → {_length(new)}" for name, old, new in pairs if old != new]
    if before.suspended_until != after.suspended_until:
        said.append(f"suspended until {minute(after.suspended_until)}" if after.suspended_until else "no longer suspended")
    return ", ".join(said) or "declared otherwise, the same promises"


def _length(value: timedelta | None) -> str:
    return format_duration(value) if value is not None else "none"


def _promised(value: Any) -> Promised:
    given = value if isinstance(value, Mapping) else {}
    return Promised(
        rpo=_span(given.get("rpo")),
        rto=_span(given.get("rto")),
        mtd=_span(given.get("mtd")),
        suspended_until=moment_of(given.get("suspended_until")),
        generation=str(given.get("generation") or ""),
    )


def _deed(line: Mapping[str, Any], at: datetime, why: str, by: str) -> Deed:
    until = moment_of(line.get("until")) if line.get("verb") == "pause" else None
    note = f"until {minute(until)}" if until is not None else ""
    said = str(line.get("reason") or "")
    reason = why or ("" if said == _REQUESTED else said)
    return Deed(
        at=at,
        verb=str(line.get("verb")),
        object=str(line.get("object") or ""),
        actor=str(line.get("actor") or by),
        reason=", ".join(part for part in (reason, note) if part),
        approvals=tuple(_texts(line.get("approvals"))),
        snapshots=len(_texts(line.get("snapshots"))),
        outcome=str(line.get("outcome") or ""),
    )


def _run(line: Mapping[str, Any]) -> str:
    return str(line.get("run") or f"{line.get('verb')} {line.get('object')}")


def _system(line: Mapping[str, Any]) -> str:
    return str(line.get("object") or "").rpartition("@")[0]


def _texts(value: Any) -> Sequence[str]:
    return [str(each) for each in value] if isinstance(value, list) else []


def moment_of(value: Any) -> datetime | None:
    """Aware, or None when it is no moment."""
    try:
        found = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else None


def _span(value: Any) -> timedelta | None:
    return timedelta(seconds=value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None
