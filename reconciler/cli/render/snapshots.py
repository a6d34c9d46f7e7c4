"""Snapshots: a table, and one of them in full. The same snapshot in several repositories is one line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from reconciler.base.units import format_size
from reconciler.cli.render import when
from reconciler.cli.render.as_json import document
from reconciler.cli.render.page import Cell, Page, Style
from reconciler.model.snapshot import Grade, MarkKind, Snapshot

_GRADES = {
    Grade.COMPLETE: Style.GOOD,
    Grade.OBSERVED: Style.WARN,
    Grade.PARTIAL: Style.WARN,
    Grade.SUSPECT: Style.BAD,
    Grade.SAFETY: Style.FAINT,
}

_ORDER = {kind: place for place, kind in enumerate(MarkKind)}


def snapshots_page(snapshots: Sequence[Snapshot], now: datetime, *, realm: str) -> Page:
    """Oldest first: the newest stands where the eye is, above the prompt. ``realm``: our own, which needs no mention; empty: unknown."""
    realms = {snapshot.realm for snapshot in snapshots}
    realm = realm or (realms.pop() if len(realms) == 1 else "")
    page = Page()
    groups = _by_id(snapshots)
    if not groups:
        page.line("No snapshots.")
        return page
    header = ["ID", "SYSTEM", "KIND", f"AS OF ({when.zone(now)})", "AGE", "GRADE", "FILES", "SIZE", "ADDED", "REPOSITORY", "MARKS"]
    page.table(header, [_row(copies, now, realm) for copies in reversed(groups)], right="....r.rrr")
    page.blank()
    good = sum(copies[0].good for copies in groups)
    newest = max((copies[0].as_of for copies in groups if copies[0].good), default=None)
    page.line(f"{when.count(len(groups), 'snapshot')}, {good} good; newest good: {when.ago(newest, now)}.")
    return page


def snapshots_json(snapshots: Sequence[Snapshot]) -> str:
    """`reconcile snapshots -o json`: one entry per snapshot and repository, newest first."""
    return document("snapshots", snapshots=snapshots)


def snapshot_page(copies: Sequence[Snapshot], now: datetime, verdict: tuple[bool, Sequence[str]] | None = None) -> Page:
    """`reconcile backup info`: everything that is known about one snapshot. ``verdict``: whether retention keeps it, and why."""
    first, page = copies[0], Page()
    page.line((f"Snapshot {first.id}", Style.STRONG))
    rows: list[tuple[str, Cell]] = [
        ("system", f"{first.system} (realm {first.realm})"),
        ("host", first.host),
        ("kind", str(first.kind)),
        ("as of", f"{when.exact(first.as_of)}, {when.ago(first.as_of, now)}"),
        ("took", when.span(first.ended_at - first.as_of)),
        ("grade", (str(first.graded), _GRADES[first.graded])),
        ("content", f"{when.count(first.files, 'file')}, {format_size(first.bytes)}"),
        ("added", f"{format_size(first.added_bytes)} stored anew"),
    ]
    rows += [("defects", f"{first.defects}")] if first.defects else []
    rows += [("parent", first.parent)] if first.parent else []
    if verdict is not None:
        rows.append(("retention", f"{'keeps it' if verdict[0] else 'lets it go'}: {', '.join(verdict[1]) or 'no rule keeps it'}"))
    rows += [("repository", _held_in(copy)) for copy in copies]
    for copy in copies:
        for mark in sorted(copy.marks, key=lambda m: (m.at, m.kind)):
            note = f": {mark.note}" if mark.note else ""
            rows.append((f"{mark.kind}", f"{when.exact(mark.at)} in {copy.repository}{note}"))
    page.pairs(rows, indent=2)
    return page


def _held_in(copy: Snapshot) -> str:
    return f"{copy.repository}, arrived {when.exact(copy.arrived_at)}"


def _by_id(snapshots: Sequence[Snapshot]) -> list[list[Snapshot]]:
    """Newest first, copies of one snapshot together."""
    groups: dict[str, list[Snapshot]] = {}
    for snapshot in sorted(snapshots, key=lambda s: (s.as_of, s.id), reverse=True):
        groups.setdefault(snapshot.id, []).append(snapshot)
    return list(groups.values())


def _row(copies: Sequence[Snapshot], now: datetime, realm: str) -> list[Cell]:
    first = copies[0]
    system = first.system if first.realm == realm else f"{first.system} (realm {first.realm})"
    grade = (f"{first.graded}{f' ({first.defects} defects)' if first.defects else ''}", _GRADES[first.graded])
    return [
        when.short(first.id),
        system,
        str(first.kind),
        when.moment(first.as_of),
        when.age(first.as_of, now),
        grade,
        f"{first.files:,}",
        format_size(first.bytes),
        format_size(first.added_bytes),
        ", ".join(sorted({copy.repository for copy in copies})),
        _marks(copies, now),
    ]


def _marks(copies: Sequence[Snapshot], now: datetime) -> Cell:
    newest: dict[MarkKind, datetime] = {}
    for copy in copies:
        for mark in copy.marks:
            newest[mark.kind] = max(mark.at, newest.get(mark.kind, mark.at))
    text = ", ".join(f"{kind} {when.ago(newest[kind], now)}" for kind in sorted(newest, key=_ORDER.__getitem__))
    return (text, Style.BAD) if MarkKind.DAMAGED in newest or MarkKind.SUSPECT in newest else text
