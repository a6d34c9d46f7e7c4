"""The versions of files over the snapshots: since when, until when, and the command that brings one back."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from reconciler.base.plain import plain
from reconciler.base.units import format_size
from reconciler.cli.render import when
from reconciler.cli.render.as_json import document
from reconciler.cli.render.files import entry_json
from reconciler.cli.render.page import Cell, Page, Style

if TYPE_CHECKING:
    from reconciler.app.queries.values import FileHistory, FileVersion, FindReport

FILES_SHOWN = 50
_NO_FILE = "not readable"


def find_page(report: FindReport, program: Sequence[str]) -> Page:
    """``program``: how this command was called, up to the words of the command itself."""
    page = Page()
    realms = {history.realm for history in report.files}
    for history in report.files[:FILES_SHOWN]:
        page.blank()
        _add_history(page, history, program, realm=len(realms) > 1)
    page.blank()
    more = len(report.files) - FILES_SHOWN
    if more > 0:
        page.line(f"and {more:,} more (-o json shows all)")
    found = when.count(len(report.files), "path") if report.files else "Nothing"
    verb = "fits" if len(report.files) < 2 else "fit"
    page.line(f"{found} {verb} '{report.pattern}' in {when.count(report.snapshots, 'snapshot')}.")
    for note in report.notes:
        page.line(("note: ", Style.WARN), note, hang=6)
    for problem in report.problems:
        page.line(("cannot be read: ", Style.BAD), problem, hang=16)
    return page


def find_json(report: FindReport) -> str:
    """`reconcile find -o json`."""
    files = [{**plain(replace(history, versions=())), "versions": [_version_json(v) for v in history.versions]} for history in report.files]
    return document(
        "versions", pattern=report.pattern, snapshots=report.snapshots, files=files, notes=report.notes, problems=report.problems
    )


def _version_json(version: FileVersion) -> Mapping[str, Any]:
    return {name: getattr(version, name) for name in version.__struct_fields__} | {"entry": entry_json(version.entry)}


def _add_history(page: Page, history: FileHistory, program: Sequence[str], *, realm: bool) -> None:
    where = f"{history.system} (realm {history.realm})" if realm else history.system
    page.line((history.path, Style.NAME), f"  system {where}, {when.count(len(history.versions), 'version')}")
    header = [f"FROM ({when.zone(history.versions[-1].first.as_of)})", "UNTIL", "SNAPSHOTS", "SIZE", "MODIFIED", "WHAT", "RESTORE FROM"]
    page.table(header, [_row(version) for version in history.versions], right="..rr...", indent=2)
    newest = history.versions[-1]
    if newest.until is not None:
        text = f"between {when.exact(newest.last.as_of)} ({when.short(newest.last.id)}) and {when.exact(newest.until.as_of)}"
        page.line("  ", ("deleted ", Style.WARN), f"{text} ({when.short(newest.until.id)})", hang=2)
    restorable = next((version for version in reversed(history.versions) if version.restore), None)
    if restorable is not None:
        page.line("  ", ("restore the newest: ", Style.FAINT), shlex.join([*program, *restorable.restore]))


def _row(version: FileVersion) -> list[Cell]:
    entry, source = version.entry, version.restore_from
    what = ", ".join(version.what)
    restore: Cell = when.short(source.id) if source is not None else (_NO_FILE, Style.BAD)
    if source is not None and not version.good:
        restore = (f"{when.short(source.id)} (not good)", Style.WARN)
    return [
        when.moment(version.first.as_of),
        when.moment(version.last.as_of),
        f"{version.snapshots:,}",
        format_size(entry.size) if entry.type == "file" else entry.type,
        when.minute(entry.mtime_ns),
        {"first": "in the first snapshot", "new": "new", "back": "back again"}.get(what, what),
        restore,
    ]
