"""What differs between two snapshots: a line per path, and what it amounts to."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any

from reconciler.base.printable import escape
from reconciler.base.units import format_size
from reconciler.cli.render import when
from reconciler.cli.render.as_json import rows
from reconciler.cli.render.files import entry_json
from reconciler.cli.render.page import Page

if TYPE_CHECKING:
    from reconciler.app.queries.queries import Comparison
    from reconciler.app.queries.values import FileChange, FileEntry, Tally

_SIGNS = {"added": "+", "removed": "-", "changed": "~", "metadata": "."}
_LINES = 1000


def diff_lines(changes: Iterable[FileChange]) -> Iterator[str]:
    """Some lines at a time: ``+`` added, ``-`` removed, ``~`` changed, ``.`` metadata only."""
    lines = map(_line, changes)
    while batch := list(islice(lines, _LINES)):
        yield "\n".join(batch) + "\n"


def diff_summary(tally: Tally, comparison: Comparison) -> Page:
    """`reconcile diff --summary`, and the end of the long form."""
    page = Page()
    older, newer = comparison.older.snapshot, comparison.newer.snapshot
    page.pairs(
        [
            ("from", f"{when.short(older.id)} of {older.system}, {when.exact(older.as_of)}"),
            ("to", f"{when.short(newer.id)} of {newer.system}, {when.exact(newer.as_of)}"),
            ("added", f"{when.count(tally.added, 'entry', 'entries')}, {format_size(tally.added_bytes)}"),
            ("removed", f"{when.count(tally.removed, 'entry', 'entries')}, {format_size(tally.removed_bytes)}"),
            ("changed", _changed(tally)),
            ("metadata", f"{when.count(tally.metadata, 'entry', 'entries')}, only mode, owner, times or attributes"),
        ]
    )
    return page


def diff_json(comparison: Comparison, tally: Tally, *, summary: bool) -> Iterator[str]:
    """`reconcile diff -o json`. ``tally`` counts along; ``summary``: without the changes themselves."""

    def items() -> Iterator[Mapping[str, Any]]:
        for change in tally.along(comparison.changes):
            if not summary:
                yield _change_json(change)

    return rows("diff", "changes", items(), lambda: {"summary": tally}, older=comparison.older, newer=comparison.newer)


def _change_json(change: FileChange) -> Mapping[str, Any]:
    return change._asdict() | {
        "old": entry_json(change.old) if change.old is not None else None,
        "new": entry_json(change.new) if change.new is not None else None,
    }


def _line(change: FileChange) -> str:
    old, new = change.old, change.new
    sign, path = _SIGNS[change.change], escape(change.path)
    if old is None or new is None:
        entry = new or old
        assert entry is not None, "a change has one side at least"
        size = f"  {format_size(entry.size)}" if entry.type == "file" else f"  {entry.type}"
        return f"{sign} {path}{size}"
    return f"{sign} {path}  {', '.join(_detail(word, old, new) for word in change.what)}"


def _detail(word: str, old: FileEntry, new: FileEntry) -> str:
    match word:
        case "type":
            return f"{old.type} -> {new.type}"
        case "content":
            return f"content {format_size(old.size)} -> {format_size(new.size)}"
        case "link":
            return f"link {escape(old.link or '')} -> {escape(new.link or '')}"
        case "mode":
            return f"mode {stat.S_IMODE(old.mode):04o} -> {stat.S_IMODE(new.mode):04o}"
        case "owner":
            return f"owner {old.uid}:{old.gid} -> {new.uid}:{new.gid}"
        case "mtime":
            return f"time {when.minute(old.mtime_ns)} -> {when.minute(new.mtime_ns)}"
        case "unread":
            return "content not readable any more" if old.readable else "content readable again"
        case _:
            return word


def _changed(tally: Tally) -> str:
    return f"{when.count(tally.changed, 'entry', 'entries')}, {format_size(tally.old_bytes)} -> {format_size(tally.new_bytes)}"
