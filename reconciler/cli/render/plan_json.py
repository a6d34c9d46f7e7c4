"""The plan for programs, and as Markdown for a pull-request comment."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.base.plain import plain
from reconciler.base.printable import escape
from reconciler.cli.render import when
from reconciler.cli.render.approval import approvals_yaml
from reconciler.cli.render.as_json import document
from reconciler.cli.render.blast import SIGNS, blast_notes, blast_rows, blast_summary
from reconciler.cli.render.plan import HELD, PERSON, SYMBOLS, summary
from reconciler.cli.render.plan_schema import VERSION
from reconciler.cli.render.problems import counts
from reconciler.model.blast import BlastRadius
from reconciler.model.desired import Desired
from reconciler.model.plan import ActionKind, Plan
from reconciler.model.problem import Severity
from reconciler.model.wording import cause, causes, deed, names_of

ERRORS_SHOWN = 10


def plan_json(plan: Plan, desired: Desired, blast: BlastRadius | None = None) -> str:
    """As schemas/plan.schema.json says: everything that the text shows, and what it leaves out (``waiting``).

    ``blast_radius`` is there when an edit was asked about.
    """
    spec = {
        "root": desired.root,
        "digest": desired.digest,
        "revision": plain(plan.revision),
        "clean": desired.clean,
        "systems": len(desired.systems),
        "repositories": len(desired.repositories),
    }
    totals = {
        **{str(kind): plan.count(kind) for kind in ActionKind},
        "snapshots_to_mark": sum(len(a.snapshots) for a in plan.actions if a.kind is ActionKind.MARK),
        "snapshots_to_forget": plan.to_forget,
        "snapshots_held": sum(len(h.snapshots) for h in plan.held),
        "gaps": len(plan.gaps),
    }
    fields = {key: value for key, value in plain(plan).items() if key not in {"clean", "spec_digest", "revision"}}
    edit = {"blast_radius": blast} if blast is not None else {}
    return document(
        "plan",
        version=VERSION,
        spec=spec,
        summary=totals,
        **edit,
        **fields,
        approvals=approvals_yaml(plan),
        problems=counts(desired.problems),
    )


def plan_markdown(plan: Plan, desired: Desired, blast: BlastRadius | None = None) -> str:
    """A table per group; names and sentences cannot break out of their cells. An edit stands first: a reviewer asks what it costs."""
    lines = [*_errors(desired), *(_edit(blast) if blast is not None else ())]
    lines += [f"### {cell(summary(plan, len(desired.systems)))}", ""]
    if not plan.complete:
        lines += ["> Some repository could not be observed; the plan knows nothing about it.", ""]
    if plan.pause is not None:
        lines += [
            f"> Paused until {when.universal(plan.pause.until)}, by {cell(plan.pause.by)}: {cell(plan.pause.reason)}.",
            "",
        ]
    rows = [(SYMBOLS[a.kind], a.system, deed(a), cause(a)) for a in plan.actions]
    rows += [(HELD, h.system, f"{len(h.snapshots)} of {h.total} snapshots in {h.repository} stay", h.why) for h in plan.held]
    rows += [(PERSON, names_of(group), group[0].person, group[0].why) for group in causes(plan.gaps)]
    if rows:
        lines += ["| | system | what | why |", "|---|---|---|---|"]
        lines += [f"| `{sign}` | {cell(system)} | {cell(what)} | {cell(why)} |" for sign, system, what, why in rows]
        lines.append("")
    for text in approvals_yaml(plan):
        told = "<details><summary>To let them go, put this into a file of the specs</summary>"
        lines += [told, "", "```yaml", text, "```", "</details>", ""]
    at = f"`{plan.revision.short}`{' with uncommitted changes' * plan.revision.dirty}" if plan.revision else f"`{desired.digest[:12]}`"
    lines.append(f"Specs {at}, observed {when.universal(plan.at)}.")
    return "\n".join(lines) + "\n"


def _errors(desired: Desired) -> Iterator[str]:
    """Where they are: whoever reads a comment has no terminal at hand."""
    errors = [problem for problem in desired.problems if problem.severity is Severity.ERROR]
    if not errors:
        return
    yield f"### {when.count(len(errors), 'error')} in the specs"
    yield ""
    for problem in errors[:ERRORS_SHOWN]:
        yield f"* {cell(str(problem.place))}: {cell(problem.message)}"
    if len(errors) > ERRORS_SHOWN:
        yield f"* and {len(errors) - ERRORS_SHOWN} more, which `reconcile validate` shows"
    yield ""


def _edit(blast: BlastRadius) -> Iterator[str]:
    yield f"### {cell(blast_summary(blast))}"
    yield ""
    for note in blast_notes(blast):
        yield f"> {cell(note)}"
        yield ""
    rows = blast_rows(blast)
    if rows:
        yield "| | who | what | why |"
        yield "|---|---|---|---|"
        for effect, who, what, why in rows:
            yield f"| `{SIGNS[effect]}` | {cell(who)} | {cell(what)} | {cell(why)} |"
        yield ""


def cell(text: str) -> str:
    """Text that stays inside its cell and says nothing to Markdown."""
    safe = escape(text)
    for sign in "\\`*_[]<>|#":
        safe = safe.replace(sign, "\\" + sign)
    return safe
