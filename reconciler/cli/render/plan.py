"""The plan as a screen: what would be done and why, grouped by system; what is held; what a person must do; one line that counts it all.

What needs nothing is not listed. Order and wording are stable, so two runs can be compared with diff.
"""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.base.units import format_duration
from reconciler.cli.render import when
from reconciler.cli.render.approval import approvals_yaml
from reconciler.cli.render.page import Cell, Page, Style
from reconciler.cli.render.steer import pause_sentence
from reconciler.model.desired import Desired, DesiredSystem
from reconciler.model.plan import Action, ActionKind, Gap, Plan
from reconciler.model.wording import cause, causes, deed, held_in_words, names_of

SYMBOLS = {
    ActionKind.BACKUP: "+",
    ActionKind.COPY: ">",
    ActionKind.VERIFY: "=",
    ActionKind.SUSPECT: "?",
    ActionKind.DRILL: "&",
    ActionKind.TEST: "%",
    ActionKind.MARK: "~",
    ActionKind.UNMARK: "^",
    ActionKind.FORGET: "-",
    ActionKind.PRUNE: "*",
}
VERBS = {
    ActionKind.BACKUP: "back up",
    ActionKind.COPY: "copy",
    ActionKind.VERIFY: "verify",
    ActionKind.SUSPECT: "call suspect",
    ActionKind.DRILL: "drill",
    ActionKind.TEST: "test",
    ActionKind.MARK: "mark for removal",
    ActionKind.UNMARK: "keep after all",
    ActionKind.FORGET: "forget",
    ActionKind.PRUNE: "clean up",
}
HELD, PERSON = "#", "!"
_STYLES = {
    ActionKind.BACKUP: Style.GOOD,
    ActionKind.COPY: Style.GOOD,
    ActionKind.VERIFY: Style.GOOD,
    ActionKind.SUSPECT: Style.BAD,
    ActionKind.DRILL: Style.GOOD,
    ActionKind.TEST: Style.GOOD,
    ActionKind.MARK: Style.WARN,
    ActionKind.UNMARK: Style.GOOD,
    ActionKind.FORGET: Style.BAD,
    ActionKind.PRUNE: Style.WARN,
}


def plan_page(plan: Plan, desired: Desired) -> Page:
    """The whole screen."""
    page = Page()
    _head(page, plan, desired)
    _legend(page, plan)
    for name in sorted({a.system for a in plan.actions if not a.plan} | {h.system for h in plan.held}):
        _system(page, plan, name, desired.system(name))
    _tests(page, plan)
    add_persons(page, plan.gaps)
    _approvals(page, plan)
    page.blank()
    _leftovers(page, plan)
    page.line((summary(plan, len(desired.systems)), Style.STRONG), hang=6)
    return page


def _head(page: Page, plan: Plan, desired: Desired) -> None:
    state = "clean" if plan.clean else "with errors: broken files stay at their last good version"
    contents = f"{when.count(len(desired.systems), 'system')}, {when.count(len(desired.repositories), 'repository', 'repositories')}"
    seen = f"{when.exact(plan.at)}{'' if plan.complete else ', not completely: what was not seen is not in this plan'}"
    commit = f"; commit {plan.revision}" if plan.revision is not None else ""
    page.pairs([("Specs", f"{desired.root} ({state}; {contents}{commit})"), ("Observed", seen)])
    if plan.pause is not None:
        page.pairs([("Paused  ", (f"{pause_sentence(plan.pause)}; nothing of this is begun", Style.WARN))])
    for repository, at in sorted(plan.observed_at.items()):
        if at is None:
            page.line(("          ", Style.FAINT), (f"{repository} was never seen", Style.WARN))
        elif (plan.at - at).total_seconds() >= 60:
            page.line(("          ", Style.FAINT), f"{repository} as listed {when.ago(at, plan.at)}")


def _legend(page: Page, plan: Plan) -> None:
    used = [f"{SYMBOLS[kind]} {VERBS[kind]}" for kind in ActionKind if plan.count(kind)]
    used += [f"{HELD} held by a guard"] * bool(plan.held) + [f"{PERSON} needs a person"] * bool(plan.gaps)
    if used:
        page.pairs([("Signs   ", "   ".join(used))])


def _system(page: Page, plan: Plan, name: str, system: DesiredSystem | None) -> None:
    page.blank()
    page.line(*_title(name, system))
    here = [action for action in plan.actions if action.system == name and not action.plan]
    rows: list[tuple[str, Style, str, str]] = [(SYMBOLS[a.kind], _STYLES[a.kind], _deed(a), cause(a)) for a in here]
    rows += [(HELD, Style.WARN, held_in_words(h), f"{h.why} (guard {h.guard}, {h.digest[:12]})") for h in plan.held if h.system == name]
    width, before = max(len(what) for _, _, what, _ in rows), ""
    for sign, style, what, why in rows:
        page.line("  ", (sign, style), f" {what:{width}}  ", ("for the same reason" if why == before else why, Style.FAINT), hang=width + 6)
        before = why


def _tests(page: Page, plan: Plan) -> None:
    tests = [action for action in plan.actions if action.plan]
    if tests:
        page.blank()
        page.line(("recovery plans", Style.NAME))
    for action in tests:
        what = _deed(action)
        page.line("  ", (SYMBOLS[action.kind], _STYLES[action.kind]), f" {what}  ", (cause(action), Style.FAINT), hang=len(what) + 6)


def _deed(action: Action) -> str:
    """An action of no system stands under no title that would say where it is declared."""
    return f"{deed(action)}  {action.place.short}" if not action.system and action.place is not None else deed(action)


def _title(name: str, system: DesiredSystem | None) -> tuple[Cell, ...]:
    if not name:
        return (("repositories", Style.NAME),)
    if system is None:
        return ((name, Style.NAME), ("  no longer declared", Style.FAINT))
    rpo = f", RPO {format_duration(system.objectives.rpo)}" if system.objectives.rpo else ""
    old = ", last good version" if system.last_good else ""
    return (
        (name, Style.NAME),
        (f"  tier {system.tier}{rpo}, policy {system.policy}{old}  {system.place.short}", Style.FAINT),
    )


def add_persons(page: Page, gaps: Sequence[Gap]) -> None:
    """What several systems have in common is said once."""
    if not gaps:
        return
    page.blank()
    page.line(("For a person", Style.STRONG))
    for group in causes(gaps):
        page.line("  ", (PERSON, Style.BAD), f" {group[0].person}", hang=4)
        page.line((f"    {_prefixed(names_of(group))}{group[0].why}", Style.FAINT), hang=4)


def _approvals(page: Page, plan: Plan) -> None:
    """Ready to paste: each line as it stands, however wide it is."""
    for text in approvals_yaml(plan):
        page.blank()
        page.line(("To let them go, put this into a file of the specs:", Style.STRONG))
        page.line("---")
        for line in text.split("\n"):
            page.line(line)


def _prefixed(names: str) -> str:
    return f"{names}: " if names else ""


def _leftovers(page: Page, plan: Plan) -> None:
    if plan.orphans:
        total, names = sum(plan.orphans.values()), ", ".join(sorted(plan.orphans))
        page.line((f"Kept: {when.count(total, 'snapshot')} of systems that are no longer declared ({names}).", Style.FAINT), hang=6)
    if plan.foreign:
        page.line((f"Not ours: {when.count(plan.foreign, 'snapshot')} of another realm; only counted.", Style.FAINT), hang=6)
    due = min(plan.waiting, key=lambda w: (w.due_at, w.system), default=None)
    if due is not None:
        page.line(
            (f"Next: {due.system} {when.until(due.due_at, plan.at)}, {due.backup_kind} to {due.repository}: {due.why}", Style.FAINT),
            hang=6,
        )


def summary(plan: Plan, systems: int) -> str:
    """One line; the numbers of the exit code and of JSON come from the same plan."""
    marks, spared = (sum(len(a.snapshots) for a in plan.actions if a.kind is kind) for kind in (ActionKind.MARK, ActionKind.UNMARK))
    counted = (
        ActionKind.BACKUP,
        ActionKind.COPY,
        ActionKind.VERIFY,
        ActionKind.SUSPECT,
        ActionKind.DRILL,
        ActionKind.TEST,
        ActionKind.PRUNE,
    )
    parts = [f"{plan.count(kind)} to {VERBS[kind]}" for kind in counted if plan.count(kind)]
    if plan.to_forget:
        parts.append(f"{when.count(plan.to_forget, 'snapshot')} to forget now")
    if marks:
        parts.append(f"{when.count(marks, 'snapshot')} to mark (removed at the earliest a day later)")
    if spared:
        parts.append(f"{when.count(spared, 'snapshot')} to keep after all")
    if plan.held:
        parts.append(f"{when.count(sum(len(h.snapshots) for h in plan.held), 'snapshot')} held")
    if plan.gaps:
        parts.append(f"{len(causes(plan.gaps))} for a person")
    if not parts and not systems:
        return "Nothing is protected: no system is declared."
    if not parts:
        known = "" if plan.complete else " in what could be seen"
        return f"Nothing to do{known}: {when.count(systems, 'system')} as declared."
    touched = {a.system for a in plan.actions} | {h.system for h in plan.held} | {g.system for g in plan.gaps}
    all_seen = plan.complete and "" not in touched  # a gap of a repository touches every system in it
    quiet = systems - len(touched) if all_seen else 0
    return f"Plan: {', '.join(parts)}." + (f" {when.count(quiet, 'system')} need{'s' if quiet == 1 else ''} nothing." if quiet > 0 else "")
