"""The blast radius of an edit: what it lets go, whom it leaves unprotected, what it loosens; and the one line that counts it all."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.cli.render import when
from reconciler.cli.render.page import Page, Style
from reconciler.model.blast import BlastRadius, Effect, Released, SpecChange

SIGNS = {Effect.LOSS: "!", Effect.GAIN: "+", Effect.OTHER: "~"}
_STYLES = {Effect.LOSS: Style.BAD, Effect.GAIN: Style.GOOD, Effect.OTHER: Style.WARN}
_NAMES_SHOWN = 3
_ORDER = (Effect.LOSS, Effect.OTHER, Effect.GAIN)

Row = tuple[Effect, str, str, str]
"""Effect, who, what, why."""


def add_blast(page: Page, blast: BlastRadius) -> None:
    """The part of the plan that stands first when an edit is looked at."""
    page.pairs([("Edit    ", f"since {blast.base.short}")])
    _notes(page, blast)
    rows = blast_rows(blast)
    widths = [max((len(row[column]) for row in rows), default=0) for column in (1, 2)]
    for effect, who, what, why in rows:
        cells = (f" {who:{widths[0]}}  {what:{widths[1]}}  ", (why, Style.FAINT))
        page.line("  ", (SIGNS[effect], _STYLES[effect]), *cells, hang=sum(widths) + 7)
    page.line((blast_summary(blast), Style.STRONG), hang=6)
    page.blank()


def blast_rows(blast: BlastRadius) -> list[Row]:
    """Losses first; among them the snapshots that could go. What a policy does to all its systems is said once."""
    rows = [(Effect.LOSS, found.system, _release(found), _consequence(found)) for found in blast.released]
    alike: dict[tuple[Effect, str, str], list[SpecChange]] = {}
    for change in blast.changes:
        alike.setdefault((change.effect, _deed(change), change.why), []).append(change)
    rows += [(effect, _names(group), deed, _reason(group, why)) for (effect, deed, why), group in alike.items()]
    return sorted(rows, key=lambda row: _ORDER.index(row[0]))


def blast_summary(blast: BlastRadius) -> str:
    """``Blast radius: 41 snapshots could go, 1 system loses its protection, 2 further losses, 3 gains.``"""
    if blast.empty and not blast.clean:
        return "Blast radius: none in what could be read."
    if blast.empty:
        return "Blast radius: none; the edit changes nothing of what is wanted."
    lost, gained = len(blast.losses), sum(change.effect is Effect.GAIN for change in blast.changes)
    alone = [change for change in blast.losses if not (change.kind == "System" and not change.field)]
    parts = []
    if blast.released_count:
        parts.append(f"{when.count(blast.released_count, 'snapshot')} could go")
    if blast.unprotected:
        number = len(blast.unprotected)
        parts.append(f"{when.count(number, 'system')} {'loses its' if number == 1 else 'lose their'} protection")
    if alone:
        parts.append(f"{when.count(len(alone), 'loss', 'losses')}{' beside' * bool(parts)}")
    if other := len(blast.changes) - lost - gained:
        parts.append(f"{when.count(other, 'change')} without a direction")
    if gained:
        parts.append(when.count(gained, "gain"))
    return f"Blast radius: {', '.join(parts)}."


def _notes(page: Page, blast: BlastRadius) -> None:
    for note in blast_notes(blast):
        page.line(("          ", Style.FAINT), (note, Style.WARN), hang=10)


def blast_notes(blast: BlastRadius) -> Sequence[str]:
    """What the answer does not know."""
    notes = []
    if blast.unseen:
        notes.append(f"nothing is known of {', '.join(blast.unseen)}: snapshots that the edit would let go there are not counted")
    if not blast.base_clean:
        notes.append("the specs had errors at that revision: what was broken there counts as new")
    if not blast.clean:
        notes.append("the specs have errors now: what is broken or missing is not compared, and nothing counts as removed")
    return notes


def _release(found: Released) -> str:
    return f"{len(found.snapshots)} of {when.count(found.total, 'snapshot')} in {found.repository} could go"


def _consequence(found: Released) -> str:
    parts = []
    if found.reach_after != found.reach_before:
        parts.append(f"what stays reaches back {found.reach_after or 'nowhere'} instead of {found.reach_before}")
    if found.held:
        parts.append(f"a guard holds {'them' if found.held == len(found.snapshots) else f'{found.held} of them'} as things stand")
    return "; ".join(parts)


def _deed(change: SpecChange) -> str:
    if not change.field:
        return f"{change.kind.lower()} {'added' if change.after else 'removed'} ({change.after or change.before})"
    return f"{change.field} {change.before or 'not set'} → {change.after or 'not set'}"


def _names(group: Sequence[SpecChange]) -> str:
    first = ", ".join(change.name for change in group[:_NAMES_SHOWN])
    return first if len(group) <= _NAMES_SHOWN else f"{first} and {len(group) - _NAMES_SHOWN} more"


def _reason(group: Sequence[SpecChange], why: str) -> str:
    alone = group[0].place if len(group) == 1 else None
    place = f"{alone.file}:{alone.line}" if alone is not None else ""
    return "; ".join(part for part in (why, place) if part)
