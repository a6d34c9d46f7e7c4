"""The evidence report as parts with a table each; every format draws the same parts. Moments are UTC, so that readers anywhere agree."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import floor

from msgspec import Struct

from reconciler.base.plain import plain
from reconciler.base.units import format_duration, format_size
from reconciler.cli.render import when
from reconciler.cli.render.as_json import document
from reconciler.cli.render.page import Cell, Page, Style
from reconciler.cli.render.plan_json import cell as cell_of
from reconciler.cli.render.report_schema import VERSION
from reconciler.model.drill import DrillOutcome
from reconciler.model.objective import Verdict
from reconciler.model.recovery import RecoveryOutcome
from reconciler.model.report import Compliance, Deed, Incident, PlanRun, Recovery, Rehearsal, Report, Span, SpecEdit, SystemEvidence

DISCLAIMER = (
    "Controls are named as a help to whoever looks for evidence under them. That is no certification, and not to say that one is met."
)
_VERDICTS = {Verdict.MET: Style.GOOD, Verdict.AT_RISK: Style.WARN, Verdict.BREACHED: Style.BAD, Verdict.UNKNOWN: Style.WARN}
_OUTCOMES = {
    DrillOutcome.PROVEN: Style.GOOD,
    DrillOutcome.RESTORED: Style.WARN,
    DrillOutcome.FAILED: Style.BAD,
    DrillOutcome.BLOCKED: Style.WARN,
}


class Part(Struct, frozen=True):
    """One section. ``right``: as for the tables of a page."""

    key: str
    """As in the controls of the report."""
    title: str
    lead: str
    """What the table shows and how it was found."""
    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    empty: str
    """What is said where there are no rows."""
    right: str = ""


def report_page(report: Report) -> Page:
    """For a terminal."""
    page = Page()
    page.line((title(report), Style.STRONG))
    for name, value in facts(report):
        page.line((f"{name}  ", Style.FAINT), value, hang=len(name) + 2)
    for note in report.notes:
        page.line(("note  ", Style.WARN), note, hang=6)
    for part in parts(report):
        page.blank()
        page.line((part.title, Style.STRONG))
        if part.rows:
            page.table(part.header, part.rows, right=part.right, indent=2)
        else:
            page.line(f"  {part.empty}")
    return page


def report_json(report: Report) -> str:
    """`reconcile report -o json`; docs/report.md and schemas/report.schema.json describe it."""
    told = plain(report)
    return document("report", version=VERSION, program=told.pop("version"), **told)


def report_markdown(report: Report) -> str:
    """Names and sentences cannot break out of their cells."""
    lines = [f"# {cell_of(title(report))}", ""]
    lines += [f"* {name}: {cell_of(_text(value))}" for name, value in facts(report)]
    lines += ["", *(f"> {cell_of(note)}\n" for note in report.notes)]
    for part in parts(report):
        lines += [f"## {part.title}", "", part.lead, ""]
        if part.rows:
            lines += ["| " + " | ".join(part.header) + " |", "|" + "---|" * len(part.header)]
            lines += ["| " + " | ".join(cell_of(_text(cell)) for cell in row) + " |" for row in part.rows]
        else:
            lines.append(part.empty)
        lines += ["", *([f"Controls: {', '.join(report.controls[part.key])}"] if part.key in report.controls else []), ""]
    return "\n".join([*lines, DISCLAIMER, ""])


def title(report: Report) -> str:
    """``Protection of data, 2026-10-01 to 2026-11-01``."""
    return f"Backup and recovery evidence, {moment(report.begins)} to {moment(report.ends)}"


def facts(report: Report) -> list[tuple[str, Cell]]:
    """What identifies the document, and whether it can be believed."""
    audit = report.audit
    lines = when.count(audit.lines, "line")
    believed: Cell = (f"intact, {lines}, newest hash {audit.head}", Style.GOOD)
    if not audit.intact:
        believed = (f"BROKEN after {lines}: {audit.fault}", Style.BAD)
    elif audit.since is None:
        believed = ("none was found on this host", Style.BAD)
    return [
        ("audit log", believed),
        ("period", f"{when.exact(report.begins)} to {when.exact(report.ends)}"),
        ("realm", report.realm),
        ("made", f"{when.exact(report.at)} on {report.agent}, reconciler {report.version}"),
    ]


def parts(report: Report) -> tuple[Part, ...]:
    """All of them, in the order of the document."""
    return (
        _compliance(report),
        _objectives(report),
        _proofs(report),
        _drills(report),
        _incidents(report),
        _recoveries(report),
        _plans(report),
        _decisions(report),
        _edits(report),
    )


def _compliance(report: Report) -> Part:
    return Part(
        "compliance",
        "Recovery point objectives over time",
        "KEPT is the share of the time in which a good state was there that was no older than the RPO of that time. Time without a record "
        "counts as outside; time suspended or without a promise counts for neither. Partial, suspect and damaged snapshots never count.",
        ("SYSTEM", "TIER", "RPO", "KEPT", "INSIDE", "OUTSIDE", "SUSPENDED", "NO PROMISE", "MISSES", "LONGEST MISS", "BACKUPS"),
        tuple(_kept(system) for system in report.systems),
        "No system.",
        "...rrrrrr.r",
    )


def _kept(system: SystemEvidence) -> tuple[Cell, ...]:
    found = system.compliance
    longest: Cell = (span_of(found.longest[0]), Style.BAD) if found.longest else ""
    return (
        (system.name, Style.NAME),
        system.tier,
        _targets(found),
        share(found),
        _length(found.inside),
        (_length(found.outside), Style.BAD) if found.outside else "-",
        _length(found.suspended) if found.suspended else "-",
        _length(found.unpromised) if found.unpromised else "-",
        f"{found.misses:,}",
        longest,
        f"{found.backups:,}",
    )


def share(found: Compliance) -> Cell:
    """``99.98 %``: cut, never rounded up, so that 100 means always."""
    if found.share is None:
        return "-"
    percent = 100.0 if not found.outside else min(floor(found.share * 10_000) / 100, 99.99)
    text = "100 %" if not found.outside else f"{percent:.2f} %"
    return (text, Style.GOOD if not found.outside else Style.BAD if found.share < 0.99 else Style.WARN)


def _targets(found: Compliance) -> str:
    """In their order; what is taken from today is marked."""
    said = [
        f"{format_duration(each.rpo) if each.rpo is not None else 'none'}{'' if each.recorded else ' (as today)'}" for each in found.targets
    ]
    return " → ".join(text for text, before in zip(said, ["", *said], strict=False) if text != before) or "-"


def _objectives(report: Report) -> Part:
    rows = [
        (
            (system.name, Style.NAME),
            each.objective.upper() + (f" after {each.disaster}" if each.disaster else ""),
            format_duration(each.target),
            _maybe(each.current),
            _maybe(each.predicted),
            (each.verdict.value, _VERDICTS[each.verdict]),
            each.reason,
            each.evidence or "-",
        )
        for system in report.systems
        for each in system.objectives
    ]
    return Part(
        "objectives",
        "Objectives when the report was made",
        "NOW is measured, FORESEEN predicted for the size of today. RTO and MTD are met only while a drill's proof stands.",
        ("SYSTEM", "PROMISE", "TARGET", "NOW", "FORESEEN", "VERDICT", "WHY", "EVIDENCE"),
        tuple(rows),
        "Nothing is promised.",
        "..rrr",
    )


def _proofs(report: Report) -> Part:
    return Part(
        "drills",
        "Proofs and copies",
        "Drills are of the period, everything else as of when the report was made. VERIFIED is the oldest of the newest proofs of content "
        "in each repository of the system.",
        ("SYSTEM", "PROVEN", "RESTORED", "FAILED", "BLOCKED", "PROOF COUNTS UNTIL", "VERIFIED", "COPIES", "OFFSITE"),
        tuple(_proof(system, report.at) for system in report.systems),
        "No system.",
        ".rrrr",
    )


def _proof(system: SystemEvidence, now: datetime) -> tuple[Cell, ...]:
    drills, copied = system.drills, system.copied
    until: Cell = "never proven"
    if system.proven_until is not None:
        until = (moment(system.proven_until), Style.GOOD if system.proven_until > now else Style.BAD)
    late = system.verify_every is not None and (system.verified_at is None or now - system.verified_at > system.verify_every)
    verified = moment(system.verified_at) if system.verified_at is not None else "never"
    return (
        (system.name, Style.NAME),
        f"{drills.proven:,}",
        f"{drills.restored:,}",
        (f"{drills.failed:,}", Style.BAD) if drills.failed else "0",
        f"{drills.blocked:,}",
        until,
        (verified, Style.BAD) if late else verified,
        _of(copied.held, copied.declared),
        _of(copied.offsite_held, copied.offsite_declared),
    )


def _of(held: int, declared: int) -> Cell:
    if not declared:
        return f"{held:,}"
    return (f"{held:,} of {declared:,}", Style.GOOD if held >= declared else Style.BAD)


def _drills(report: Report) -> Part:
    header = ("BEGAN", "SYSTEM", "SNAPSHOT", "OUTCOME", "RECOVERY TOOK", "COUNTS UNTIL", "FINDING")
    lead = (
        "Rehearsed recoveries that began in the period: each restored a snapshot into a sandbox, compared it, and showed that it can fail."
    )
    return Part("drills", "Drills", lead, header, tuple(_drill(each) for each in report.drills), "None in this period.", "....r")


def _drill(each: Rehearsal) -> tuple[Cell, ...]:
    return (
        moment(each.began_at),
        (each.system, Style.NAME),
        f"{when.short(each.snapshot_id)} in {each.repository}",
        "under way" if each.outcome is None else (each.outcome.value, _OUTCOMES[each.outcome]),
        _maybe(timedelta(seconds=each.seconds)) if each.seconds else "-",
        moment(each.expires_at) if each.expires_at is not None else "-",
        each.finding or "-",
    )


def _incidents(report: Report) -> Part:
    header = ("BEGAN", "LASTED", "SEVERITY", "OBJECT", "CONDITION", "TIMES", "ACKNOWLEDGED", "ENDED BY", "WHAT")
    rows = tuple(_incident(each, report.at) for each in report.incidents)
    lead = "Alerts that fired at some moment of the period, with who acknowledged them and how long they lasted."
    return Part("incidents", "Incidents", lead, header, rows, "None in this period.", ".r...r")


def _incident(each: Incident, now: datetime) -> tuple[Cell, ...]:
    seen = f"{each.acknowledged_by}, {moment(each.acknowledged_at)}" if each.acknowledged_at is not None else "-"
    return (
        moment(each.began_at),
        _length((each.ended_at or now) - each.began_at),
        each.severity.value,
        f"{each.object_kind} {each.object_name}",
        each.condition,
        f"{each.times:,}",
        seen,
        ("still fires", Style.BAD) if each.ended_at is None else each.resolved_by or "itself",
        each.summary,
    )


def _recoveries(report: Report) -> Part:
    header = ("BEGAN", "TOOK", "WHAT", "SYSTEM", "SNAPSHOT", "TO", "BY", "OUTCOME", "FILES", "SIZE")
    rows = tuple(_recovery(each) for each in report.recoveries)
    lead = "Restores and rollbacks that began in the period."
    return Part("recoveries", "Recoveries", lead, header, rows, "None in this period.", ".r......rr")


def _recovery(each: Recovery) -> tuple[Cell, ...]:
    outcome: Cell = each.outcome or "under way"
    if each.outcome and each.outcome != "succeeded":
        outcome = (each.outcome, Style.BAD)
    return (
        moment(each.began_at),
        _length(each.ended_at - each.began_at) if each.ended_at is not None else "-",
        each.kind,
        (each.system, Style.NAME),
        when.short(each.snapshot_id),
        each.target or "in place",
        each.actor,
        outcome,
        f"{each.files:,}",
        format_size(each.bytes),
    )


def _plans(report: Report) -> Part:
    header = ("BEGAN", "TOOK", "PLAN", "MODE", "DISASTER", "BY", "OUTCOME", "STEPS", "RTO", "FINDING")
    lead = "Recovery plans that were carried out or tested in a sandbox in the period."
    rows = tuple(_plan_run(each) for each in report.plans)
    return Part("plans", "Recovery plans", lead, header, rows, "None in this period.", ".r.....rr")


def _plan_run(each: PlanRun) -> tuple[Cell, ...]:
    outcome: Cell = "under way"
    if each.outcome is not None:
        outcome = (each.outcome.value, Style.GOOD if each.outcome is RecoveryOutcome.RECOVERED else Style.BAD)
    rto: Cell = _maybe(each.rto)
    if each.within_rto is not None:
        rto = (f"{_maybe(each.rto)}, {'kept' if each.within_rto else 'broken'}", Style.GOOD if each.within_rto else Style.BAD)
    return (
        moment(each.began_at),
        _length(each.ended_at - each.began_at) if each.ended_at is not None else "-",
        (each.plan, Style.NAME),
        each.mode.value,
        each.disaster or "-",
        each.actor,
        outcome,
        f"{each.passed:,} of {each.steps:,}",
        rto,
        each.finding or "-",
    )


def _decisions(report: Report) -> Part:
    header = ("AT", "WHAT", "OBJECT", "SNAPSHOTS", "APPROVED AS", "BY", "OUTCOME", "REASON")
    rows = tuple(_decision(each) for each in report.deeds)
    lead = "What people decided, out of the audit log: approved deletions, holds, accepted snapshots, pauses, keys, repairs."
    return Part("decisions", "Approvals and decisions", lead, header, rows, "None in this period.", "...r")


def _decision(each: Deed) -> tuple[Cell, ...]:
    return (
        moment(each.at),
        each.verb,
        each.object,
        f"{each.snapshots:,}" if each.snapshots else "-",
        ", ".join(each.approvals) or "-",
        each.actor or "-",
        each.outcome or "-",
        each.reason or "-",
    )


def _edits(report: Report) -> Part:
    lead = "When the declarations of systems were seen to change, and what became of their promises."
    header = ("SEEN", "REVISION", "CHANGED")
    return Part("edits", "Changes of the specs", lead, header, tuple(_edit(each) for each in report.edits), "None in this period.")


def _edit(each: SpecEdit) -> tuple[Cell, ...]:
    said = (*each.changed, *(f"{name}: removed" for name in each.removed))
    return (moment(each.at), each.revision[:12] or "-", "; ".join(said))


def span_of(span: Span) -> str:
    """``6h from 2026-10-03 04:00Z``."""
    return f"{_length(span[1] - span[0])} from {moment(span[0])}"


def moment(at: datetime | None) -> str:
    """``2026-10-03 04:00Z``."""
    return f"{at:%Y-%m-%d %H:%M}Z" if at is not None else "never"


def _maybe(value: timedelta | None) -> str:
    return _length(value) if value is not None else "-"


def _length(value: timedelta) -> str:
    return "<1s" if timedelta(0) < value < timedelta(seconds=1) else when.span(value)


def _text(cell: Cell) -> str:
    return cell if isinstance(cell, str) else cell[0]
