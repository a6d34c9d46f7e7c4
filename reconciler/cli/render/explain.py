"""Why one system is as it is: what is promised, how it stands, what comes next, and what happens to each snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.cli.render import when
from reconciler.cli.render.as_json import document
from reconciler.cli.render.block import given, sentence, words
from reconciler.cli.render.copies import add_copies
from reconciler.cli.render.page import Cell, Page, Style
from reconciler.cli.render.plan import HELD, SYMBOLS, add_persons
from reconciler.model.desired import DesiredSystem
from reconciler.model.status import Condition, ConditionType, Truth
from reconciler.model.wording import deed, held_in_words

if TYPE_CHECKING:
    from reconciler.app.reports import Explanation, KeepVerdict

SNAPSHOTS_SHOWN = 15
_TRUTHS = {Truth.TRUE: Style.GOOD, Truth.FALSE: Style.BAD, Truth.UNKNOWN: Style.WARN}


def explain_page(explanation: Explanation, now: datetime) -> Page:
    """The whole screen."""
    page = Page()
    _wanted(page, explanation.system)
    _conditions(page, explanation.status.conditions, now)
    add_copies(page, explanation.status)
    _next(page, explanation, now)
    add_persons(page, explanation.gaps)
    for repository, verdicts in explanation.verdicts.items():
        _snapshots(page, repository, verdicts, now)
    _runs(page, explanation, now)
    return page


def explain_json(explanation: Explanation) -> str:
    """`reconcile explain SYSTEM -o json`."""
    return document("explanation", explanation=explanation)


def _wanted(page: Page, system: DesiredSystem) -> None:
    place = system.place.short + (" (broken now: this is its last good version)" if system.last_good else "")
    page.line((system.name, Style.NAME), f"  {place}")
    rows: list[tuple[str, Cell]] = [
        ("tier", f"{system.tier}{_promises(system)}"),
        ("policy", f"{system.policy}, into {', '.join(system.repositories) or 'no repository'}"),
        ("sources", ", ".join(source.title for source in system.sources)),
        ("host", system.host or "any agent"),
        ("owner", system.owner or "nobody is named"),
        ("schedule", sentence(system.schedule) or "none"),
        ("retention", sentence(system.retention) or "keeps everything"),
    ]
    if system.hooks.before or system.hooks.after:
        moments = {"before": system.hooks.before, "after": system.hooks.after}
        named = [f"{moment} {hook.command[0]}" for moment, hooks in moments.items() for hook in hooks or ()]
        rows.append(("hooks", ", ".join(named)))
    if system.suspend:
        rows.append(("suspended", (f"until {when.exact(system.suspend.until)}: {system.suspend.reason}", Style.WARN)))
    page.pairs(rows, indent=2)


def _promises(system: DesiredSystem) -> str:
    return "".join(f", {name.upper()} {words(value)}" for name, value in given(system.objectives).items())


def _conditions(page: Page, conditions: Sequence[Condition], now: datetime) -> None:
    page.blank()
    page.line(("Now", Style.STRONG))
    rows: list[list[Cell]] = [
        [
            str(c.type),
            (str(c.status), _TRUTHS[c.status] if c.type is not ConditionType.SUSPENDED else Style.WARN),
            _since(c, now),
            c.message or c.reason,
        ]
        for c in conditions
    ]
    page.table(["CONDITION", "STATUS", "SINCE", "WHY"], rows, indent=2)


def _since(condition: Condition, now: datetime) -> str:
    return when.ago(condition.since, now) if condition.since else ""


def _next(page: Page, explanation: Explanation, now: datetime) -> None:
    page.blank()
    page.line(("Next", Style.STRONG))
    rows: list[list[Cell]] = [[SYMBOLS[a.kind], deed(a), a.why] for a in explanation.actions]
    rows += [[HELD, held_in_words(h), h.why] for h in explanation.held]
    rows += [
        ["", f"{w.backup_kind} to {w.repository} {when.until(w.due_at, now)} ({when.moment(w.due_at)})", w.why] for w in explanation.waiting
    ]
    page.table(["", "WHAT", "WHY"], rows, indent=2)
    if not rows:
        page.line("  Nothing: this host does not act on it." if not explanation.status.here else "  Nothing is due.")


def _snapshots(page: Page, repository: str, verdicts: Sequence[KeepVerdict], now: datetime) -> None:
    page.blank()
    page.line(
        (f"Snapshots in {repository}", Style.STRONG),
        f"  {len(verdicts):,}, of which retention lets go {sum(not v.keep for v in verdicts):,}",
    )
    rows = [_verdict(v, now) for v in verdicts[:SNAPSHOTS_SHOWN]]
    page.table(["ID", "AS OF", "AGE", "GRADE", "STAYS", "WHY"], rows, right="..r", indent=2)
    if len(verdicts) > SNAPSHOTS_SHOWN:
        page.line((f"  and {len(verdicts) - SNAPSHOTS_SHOWN:,} older ones (-o json shows all)", Style.FAINT))


def _verdict(verdict: KeepVerdict, now: datetime) -> list[Cell]:
    s = verdict.snapshot
    stays: Cell = "yes" if verdict.keep else ("no", Style.WARN)
    why = ", ".join(verdict.reasons) or ("" if verdict.keep else "no rule keeps it")
    return [when.short(s.id), when.moment(s.as_of), when.age(s.as_of, now), str(s.graded), stays, why]


def _runs(page: Page, explanation: Explanation, now: datetime) -> None:
    if not explanation.runs:
        return
    page.blank()
    page.line(("Last runs", Style.STRONG))
    rows: list[list[Cell]] = []
    for run in explanation.runs:
        outcome = str(run.outcome) if run.outcome else "under way"
        bad = outcome in {"failed", "interrupted", "partial"}
        what = f"{run.kind}{f', {run.backup_kind}' if run.backup_kind else ''}"
        said = run.failure.message if run.failure else (f"snapshot {when.short(run.snapshot_id)}" if run.snapshot_id else "")
        rows.append([when.ago(run.started_at, now), what, run.repository, (outcome, Style.BAD) if bad else outcome, run.reason, said])
    page.table(["BEGAN", "WHAT", "REPOSITORY", "OUTCOME", "BECAUSE", "SAID"], rows, indent=2)
