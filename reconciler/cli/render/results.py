"""What was done: one line per action, each failure as a sentence with its hint, then what a person must do."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from reconciler.base.errors import Fate
from reconciler.base.plain import plain
from reconciler.base.units import format_size
from reconciler.cli.render import when
from reconciler.cli.render.as_json import document
from reconciler.cli.render.damage import Lost, add_lost_files
from reconciler.cli.render.page import Cell, Page, Style
from reconciler.cli.render.plan import VERBS, add_persons
from reconciler.cli.render.problems import add_problems, counts
from reconciler.cli.render.status import add_systems
from reconciler.cli.render.steer import pause_sentence
from reconciler.model.observed import Failure
from reconciler.model.plan import Action, ActionKind
from reconciler.model.status import Status
from reconciler.model.wording import held_in_words

if TYPE_CHECKING:
    from reconciler.app.reports import InitReport, PassReport
    from reconciler.model.snapshot import BackupKind

DEFECTS_SHOWN = 5
SYSTEMS_SHOWN = 20  # more belong on the screen of `reconcile status`
_NOTES = {"vanished", "socket"}  # ordinary life of a running system
_BAD_WORDS = {"partial", "refused", "busy", "failed", "damaged", "interrupted", "cancelled"}
_PAST = {
    ActionKind.BACKUP: "backed up",
    ActionKind.COPY: "copied",
    ActionKind.VERIFY: "verified",
    ActionKind.SUSPECT: "called suspect",
    ActionKind.DRILL: "drilled",
    ActionKind.TEST: "tested",
    ActionKind.MARK: "marked",
    ActionKind.UNMARK: "kept after all",
    ActionKind.FORGET: "forgotten",
    ActionKind.PRUNE: "cleaned up",
}


class Unread(Protocol):
    """An entry that could not be read as it should."""

    @property
    def path(self) -> bytes: ...
    @property
    def kind(self) -> str: ...
    @property
    def message(self) -> str: ...


class Deed(Protocol):
    """What an action achieved."""

    @property
    def snapshot_id(self) -> str | None: ...
    @property
    def backup_kind(self) -> BackupKind | None: ...
    @property
    def files(self) -> int: ...
    @property
    def bytes(self) -> int: ...
    @property
    def added_bytes(self) -> int: ...
    @property
    def defects(self) -> Sequence[Unread]: ...
    @property
    def affected(self) -> Sequence[Lost]: ...
    @property
    def advice(self) -> str: ...


class Ended(Protocol):
    """How one action ended."""

    @property
    def action(self) -> Action: ...
    @property
    def done(self) -> Deed: ...
    @property
    def outcome(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def seconds(self) -> float: ...
    @property
    def failure(self) -> Failure | None: ...
    @property
    def fate(self) -> Fate | None: ...


def results_page(results: Sequence[Ended]) -> Page:
    """`reconcile backup create`, `verify` and `forget`."""
    page = Page()
    _results(page, results)
    page.blank()
    page.line((_total(results), Style.STRONG), hang=6)
    return page


def results_json(kind: str, results: Sequence[Ended]) -> str:
    """The same for programs. ``kind``: the command."""
    return document(kind, results=[_plain_result(result) for result in results])


def pass_page(report: PassReport, root: str) -> Page:
    """The bare `reconcile`."""
    page = Page()
    add_problems(page, report.problems, root)
    page.blank()
    for made in report.created:
        add_creation(page, made)
    for run in report.interrupted:
        page.line(
            ("interrupted  ", Style.WARN),
            f"{run.kind} of {run.system} in {run.repository}, begun {when.exact(run.started_at)}: its process is gone",
            hang=13,
        )
    if report.plan.pause is not None:
        page.line(("paused  ", Style.WARN), f"{pause_sentence(report.plan.pause)}; nothing was begun", hang=8)
    for note in report.notes:
        page.line(("note  ", Style.WARN), note, hang=6)
    page.blank()
    _results(page, report.results, why=True)
    said = {result.failure.message for result in report.results if result.failure is not None}
    _held(page, report)
    add_persons(page, [gap for gap in report.gaps if gap.why not in said])
    if report.results and len(report.status.systems) <= SYSTEMS_SHOWN:
        page.blank()
        add_systems(page, report.status)
    page.blank()
    page.line((_conclusion(report), Style.STRONG), hang=6)
    return page


def pass_json(report: PassReport) -> str:
    """The bare `reconcile -o json`."""
    return document(
        "pass",
        results=[_plain_result(result) for result in report.results],
        created=report.created,
        interrupted=report.interrupted,
        held=report.held,
        gaps=report.gaps,
        complete=report.plan.complete,
        problems={**counts(report.problems), "list": plain(report.problems)},
        notes=report.notes,
        status=report.status,
    )


def add_creation(page: Page, made: InitReport) -> None:
    """A repository that exists since now, and the sentence that saves it years later."""
    page.line(("created  ", Style.GOOD), f"repository {made.name} at {made.url}", hang=9)
    if made.created_key:
        page.line(("created  ", Style.GOOD), f"its key, {made.key_file}", hang=9)
    if made.warning:
        page.line(("KEEP     ", Style.BAD), made.warning, hang=9)


def _held(page: Page, report: PassReport) -> None:
    """What a guard keeps, unless a sentence for a person says it already."""
    told = {(gap.system, gap.repository) for gap in report.gaps if gap.code == "change-held"}
    for held in report.held:
        if (held.system, held.repository) not in told:
            page.blank()
            page.line(("held  ", Style.WARN), f"{held.system}: {held_in_words(held)}: {held.why} (guard {held.guard})", hang=6)


def _results(page: Page, results: Sequence[Ended], *, why: bool = False) -> None:
    """``why``: with the reason of each action, where the person did not give it."""
    if not results:
        return
    rows = [[*_row(result), result.action.why if why else ""] for result in results]
    page.table(["SYSTEM", "REPOSITORY", "RESULT", "SNAPSHOT", "TOOK", "DETAIL", "WHY"], rows, right="....r")
    for result in results:
        _trouble(page, result)


def _row(result: Ended) -> list[Cell]:
    action, done = result.action, result.done
    took = f"{result.seconds:.1f}s" if result.seconds < 60 else when.count(round(result.seconds / 60), "min", "min")
    snapshot = when.short(done.snapshot_id) if done.snapshot_id else ""
    system = action.system or (f"plan {action.plan}" if action.plan else "(all)")
    return [(system, Style.NAME), action.repository, _ending(result), snapshot, took if result.seconds else "", _detail(result)]


def _ending(result: Ended) -> Cell:
    kind = result.action.kind
    match result.outcome:
        case "succeeded":
            of = f", {result.done.backup_kind or result.action.backup_kind}" if kind is ActionKind.BACKUP else ""
            return (f"{_PAST[kind]}{of}", Style.GOOD)
        case "unchanged":
            return ("unchanged", Style.GOOD)
        case "partial":
            return ("PARTIAL", Style.WARN)
        case "failed" if result.fate in {Fate.REFUSED, Fate.BUSY}:
            return ("REFUSED" if result.fate is Fate.REFUSED else "BUSY", Style.WARN)
        case "failed" if result.fate is Fate.DAMAGE:
            return ("DAMAGED", Style.BAD)
        case "failed":
            return ("FAILED", Style.BAD)
        case other:
            return (other, Style.WARN)


def _detail(result: Ended) -> str:
    done = result.done
    if result.failure is not None:
        return result.failure.code
    if result.action.kind is ActionKind.BACKUP and result.outcome == "unchanged":
        return "the snapshot still describes the source"
    if result.action.kind is ActionKind.BACKUP:
        return f"{when.count(done.files, 'file')}, {format_size(done.bytes)}; {format_size(done.added_bytes)} new"
    return result.message


def _trouble(page: Page, result: Ended) -> None:
    """Why it failed, and what could not be read."""
    action, failure = result.action, result.failure
    if failure is not None:
        page.blank()
        page.line((f"error[{failure.code}]", Style.BAD), f": {failure.message}", hang=2)
        if failure.hint:
            page.line(("  hint: ", Style.FAINT), failure.hint, hang=8)
        _affected(page, result)
        return
    if result.outcome == "partial":
        _partial(page, result)
    elif result.done.defects:
        kinds = Counter(str(defect.kind) for defect in result.done.defects)
        page.blank()
        noted = ", ".join(f"{kind} {count:,}" for kind, count in sorted(kinds.items()))
        page.line((f"{action.system}: noted while reading, and tolerated: {noted}", Style.FAINT), hang=2)


def _affected(page: Page, result: Ended) -> None:
    """Which snapshots and files damage costs."""
    for each in result.done.affected:
        what = f"{when.count(each.files, 'file')} of {each.system}"
        more = "; a part of the list of files is damaged, too" if each.manifest else ""
        page.line((f"  {when.short(each.snapshot)}", Style.BAD), f"  cannot be restored whole: {what}{more}", hang=4)
        add_lost_files(page, each)


def _partial(page: Page, result: Ended) -> None:
    """What is missing in the snapshot, and what to write if that is meant."""
    done = result.done
    page.blank()
    page.line((f"{result.action.system}: {result.message}", Style.WARN), hang=2)
    worst_first = sorted(done.defects, key=lambda defect: defect.kind in _NOTES)
    for defect in worst_first[:DEFECTS_SHOWN]:
        page.line(f"  {defect.kind:10}  /{os.fsdecode(defect.path).lstrip('/')}")
    if len(worst_first) > DEFECTS_SHOWN:
        page.line(f"  and {len(worst_first) - DEFECTS_SHOWN:,} more (-o json lists them)")
    if done.advice:
        page.line("  A partial snapshot meets no objective. If these may change or stay out, write in the spec of this system:")
        for line in done.advice.rstrip().splitlines():
            page.line("    " + line)


def _conclusion(report: PassReport) -> str:
    next_due = _next_due(report.status)
    if report.results:
        return _total(report.results) + (f" {next_due}" if next_due else "")
    if report.plan.pause is not None:
        return f"Nothing was begun: the loop is paused. {next_due}".rstrip()
    if report.gaps or report.held or not report.plan.complete:
        return f"Nothing could be done now; see above. {next_due}".rstrip()
    if not report.status.systems:
        return "Nothing is protected: no system is declared."
    return f"Nothing to do: {when.count(len(report.status.systems), 'system')} as declared. {next_due}".rstrip()


def _total(results: Sequence[Ended]) -> str:
    number: dict[str, int] = {}
    for result in results:
        word = _PAST[result.action.kind] if result.outcome == "succeeded" else _ending(result)[0].lower()
        number[word] = number.get(word, 0) + 1
    ordered = sorted(number.items(), key=lambda entry: entry[0] in _BAD_WORDS)  # stable: the good news first
    return ", ".join(f"{count} {word}" for word, count in ordered) + "." if number else "Nothing was done."


def _next_due(status: Status) -> str:
    """``Next backup: orders in 6m.``; empty when nothing is waiting."""
    waiting = [(system.next_due_at, system.name) for system in status.systems if system.here and system.next_due_at is not None]
    return f"Next backup: {min(waiting)[1]} {when.until(min(waiting)[0], status.at)}." if waiting else ""


def _plain_result(result: Ended) -> dict[str, object]:
    return {
        "action": plain(result.action),
        "outcome": str(result.outcome),
        "message": result.message,
        "seconds": round(result.seconds, 3),
        "failure": plain(result.failure),
        "fate": result.fate.value if result.fate else None,
        **{
            key: plain(getattr(result.done, key))
            for key in ("snapshot_id", "backup_kind", "files", "bytes", "added_bytes", "defects", "affected", "advice")
        },
        "verb": VERBS[result.action.kind],
    }
