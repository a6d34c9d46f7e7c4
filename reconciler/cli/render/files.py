"""Entries of a snapshot as lines, as they come: for a pipe, one per line; nothing waits for the last one to know how wide a column is."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from reconciler.base.printable import escape
from reconciler.cli.render import when
from reconciler.cli.render.as_json import rows
from reconciler.cli.render.page import Page, Style

if TYPE_CHECKING:
    from reconciler.app.choice import Chosen
    from reconciler.app.queries.values import FileEntry

_LINES = 1000


def choice_page(chosen: Chosen, word: str = "snapshot") -> Page:
    """Which snapshot, and why; for standard error."""
    page = Page()
    if chosen.at is not None:
        page.line(("wanted: ", Style.FAINT), f"not after {when.exact(chosen.at)}")
    page.line((f"{word}: ", Style.FAINT), chosen.why, hang=len(word) + 2)
    for note in chosen.notes:
        page.line(("note: ", Style.WARN), note, hang=6)
    return page


def file_lines(entries: Iterable[FileEntry]) -> Iterator[str]:
    """Some lines at a time."""
    lines = map(file_line, entries)
    while batch := list(islice(lines, _LINES)):
        yield "\n".join(batch) + "\n"


def file_line(entry: FileEntry) -> str:
    """``-rw-r--r--  root     root              1234  2026-11-23 14:02  /srv/notes.txt``"""
    path, _, mode, size, mtime_ns, uid, gid, user, group, link, _, readable = entry
    at, amount = when.minute(mtime_ns).ljust(16), str(size).rjust(14)  # a quarter quicker than widths in the format
    line = f"{_who(mode, uid, gid, user, group)}{amount}  {at}  {path if path.isprintable() else escape(path)}"
    if link is not None:
        line += f" -> {escape(link)}"
    return line if readable else f"{line}  (content was not readable)"


@lru_cache(1024)
def _who(mode: int, uid: int, gid: int, user: str, group: str) -> str:
    return f"{stat.filemode(mode)}  {escape(user or str(uid)):<8} {escape(group or str(gid)):<8}"


def files_json(chosen: Chosen, entries: Iterable[FileEntry]) -> Iterator[str]:
    """`reconcile files -o json`."""
    return rows("files", "files", map(entry_json, entries), dict, chosen=chosen)


def entry_json(entry: FileEntry) -> Mapping[str, Any]:
    """Mode as people write it, in octal digits."""
    return entry._asdict() | {"mode": f"{stat.S_IMODE(entry.mode):04o}", "modified_at": entry.modified_at}
