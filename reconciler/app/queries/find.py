"""Where a file was when: its versions over the snapshots of each system, and from which snapshot each would be restored."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence

from reconciler.app.paths import as_pattern, inside
from reconciler.app.queries.place import Place
from reconciler.app.queries.values import FileHistory, FileVersion, FindReport, Sighting, file_entry
from reconciler.app.queries.versions import Span, in_order, spans
from reconciler.base.errors import Usage
from reconciler.model.snapshot import Snapshot
from reconciler.repository import UNREAD, Pattern, Step

_Timeline = Sequence[tuple[Snapshot, Step]]
_Owners = tuple[Mapping[int, str], Mapping[int, str]]


def find(place: Place, text: str, system: str | None) -> FindReport:
    """``text``: as for restore; it means the entry itself, not what lies below. Raises NotFound, Usage, TooManyMatches."""
    if not text.strip("/"):
        raise Usage("the pattern is empty", hint="Name a file, or write a pattern such as '*.pdf' or '/srv/orders/**/*.pdf'.")
    pattern = Pattern(inside((text,))[0])
    groups = [place.of(system)] if system is not None else _by_system(place.snapshots())
    histories: list[FileHistory] = []
    problems: list[str] = []
    searched = 0
    for snapshots in groups:
        timeline = _timeline(place, snapshots, pattern, problems)
        searched += len(timeline)
        histories += _histories(place, timeline)
    histories.sort(key=lambda history: (history.realm, history.system, history.path))
    return FindReport(text, tuple(histories), searched, place.notes, tuple(problems))


def _by_system(snapshots: Iterable[Snapshot]) -> list[list[Snapshot]]:
    """One copy of each. A snapshot is searched where most of its system is."""
    groups: dict[tuple[str, str], dict[str, list[Snapshot]]] = {}
    for snapshot in snapshots:
        if not snapshot.safety:
            groups.setdefault((snapshot.realm, snapshot.system), {}).setdefault(snapshot.repository, []).append(snapshot)
    return [_once(repositories.values()) for repositories in groups.values()]


def _once(repositories: Iterable[Sequence[Snapshot]]) -> list[Snapshot]:
    found: dict[str, Snapshot] = {}
    for snapshots in sorted(repositories, key=len, reverse=True):
        for snapshot in snapshots:
            found.setdefault(snapshot.id, snapshot)
    return list(found.values())


def _timeline(place: Place, snapshots: Sequence[Snapshot], pattern: Pattern, problems: list[str]) -> _Timeline:
    steps: dict[str, Step] = {}
    by_repository: dict[str, list[Snapshot]] = {}
    for snapshot in sorted(snapshots, key=lambda s: (s.as_of, s.id)):
        by_repository.setdefault(snapshot.repository, []).append(snapshot)
    for name, own in by_repository.items():
        searched = place.browser(own[0]).search([snapshot.id for snapshot in own], pattern)
        problems += [f"{what[:16]} in {name}: {error}" for what, error in searched.problems]
        steps |= {step.snapshot: step for step in searched.steps}
    return in_order(snapshots, steps)


def _histories(place: Place, timeline: _Timeline) -> list[FileHistory]:
    if not timeline:
        return []
    realm, system = timeline[-1][0].realm, timeline[-1][0].system
    good = [number for number, (snapshot, _) in enumerate(timeline) if snapshot.good]
    owners: dict[str, _Owners] = {}

    def version(span: Span) -> FileVersion:
        newest = timeline[span.last][0]
        if newest.id not in owners:
            tree = place.browser(newest).tree(newest.id)
            owners[newest.id] = tree.users, tree.groups
        return _version(place, timeline, span, span.last_of(good), owners[newest.id])

    return [
        FileHistory(realm, system, "/" + os.fsdecode(path), tuple(version(span) for span in found))
        for path, found in spans(timeline).items()
    ]


def _version(place: Place, timeline: _Timeline, span: Span, good: int | None, owners: _Owners) -> FileVersion:
    readable = not span.entry.cold.flags & UNREAD
    best = (good if good is not None else span.last) if readable else None
    return FileVersion(
        entry=file_entry(span.entry, *owners),
        what=span.what,
        after=_sighting(timeline, span.begin - 1) if span.begin else None,
        first=_sighting(timeline, span.begin),
        last=_sighting(timeline, span.last),
        snapshots=span.count,
        ended=span.ended,
        until=_sighting(timeline, span.end) if span.end < len(timeline) else None,
        restore_from=_sighting(timeline, best) if best is not None else None,
        good=good is not None,
        restore=_restore(place, timeline[best][0], span.entry.path) if best is not None else (),
    )


def _sighting(timeline: _Timeline, number: int) -> Sighting:
    snapshot = timeline[number][0]
    return Sighting(snapshot.id, snapshot.as_of)


def _restore(place: Place, snapshot: Snapshot, path: bytes) -> tuple[str, ...]:
    return ("restore", *place.options, "--snapshot", snapshot.id, "--path", as_pattern("/" + os.fsdecode(path)), "--target", "restored")
