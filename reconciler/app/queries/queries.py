"""The questions about snapshots, over one place. What can be large comes as it is read; the place must stay open as long."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct

from reconciler.app.choice import Chosen, Wanted, moment_said
from reconciler.app.errors import NotAFile
from reconciler.app.house import House
from reconciler.app.names import by_id
from reconciler.app.paths import inside
from reconciler.app.queries.find import find
from reconciler.app.queries.guess import nothing_fits
from reconciler.app.queries.place import BarePlace, DeclaredPlace, Place
from reconciler.app.queries.values import (
    DiffReport,
    DumpReport,
    FileChange,
    FileEntry,
    FileList,
    FindReport,
    Tally,
    file_entries,
    file_entry,
)
from reconciler.base.clock import Clock, SystemClock
from reconciler.repository import CONTENT, Change, Damaged, Entry, Selection, SnapshotTree, differences
from reconciler.tree.entry import MODE

if TYPE_CHECKING:
    from reconciler.app.bare import BareRepository


class Listing(Struct, frozen=True):
    """Entries of one snapshot. Iterating raises Damaged or ObjectMissing."""

    chosen: Chosen
    entries: Iterator[FileEntry]


class Comparison(Struct, frozen=True):
    """What differs between two snapshots. Iterating raises Damaged or ObjectMissing."""

    older: Chosen
    newer: Chosen
    changes: Iterator[FileChange]


class Dump(Struct, frozen=True):
    """One file. Iterating raises Damaged, ObjectMissing or Unread; every piece that comes was checked."""

    chosen: Chosen
    entry: FileEntry
    pieces: Iterator[memoryview | bytes]


class Queries:
    """Over a place that is open."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self.now = place.now

    def files(self, wanted: Wanted, patterns: Sequence[str] = ()) -> Listing:
        """What a snapshot holds; ``patterns`` as for restore: a folder stands for what lies below, too. Raises NoSuchPath."""
        chosen = self._place.choose(wanted)
        browser = self._place.browser(chosen.snapshot)
        tree = browser.tree(chosen.snapshot.id)
        users, groups = tree.users, tree.groups
        if not patterns:
            parts = (file_entries(folder, found, users, groups) for folder, found in browser.folders(tree))
            return Listing(chosen, chain.from_iterable(parts))
        entries = browser.entries(tree, Selection(inside(patterns)))
        first = next(entries, None)
        if first is None:
            raise nothing_fits(browser, tree, chosen, patterns)
        return Listing(chosen, (file_entry(entry, users, groups) for entry in chain((first,), entries)))

    def diff(self, older: Wanted, newer: Wanted) -> Comparison:
        """From one snapshot to another, whichever is older."""
        ours, theirs = self._place.choose(older), self._place.choose(newer)
        old, new = (self._place.browser(each.snapshot).tree(each.snapshot.id) for each in (ours, theirs))
        return Comparison(ours, theirs, (_change(change, old, new) for change in differences(old, new)))

    def find(self, pattern: str, system: str | None = None) -> FindReport:
        """Which versions of a file there are, over all snapshots of a system, or of every system."""
        return find(self._place, pattern, system)

    def dump(self, wanted: Wanted, path: str) -> Dump:
        """The content of one file. Raises NoSuchPath with what may have been meant, NotAFile."""
        chosen = self._place.choose(wanted)
        browser = self._place.browser(chosen.snapshot)
        tree = browser.tree(chosen.snapshot.id)
        wanted_path = os.fsencode(path).strip(b"/")
        entry = next((entry for entry in browser.entries(tree, Selection((wanted_path,), literal=True)) if entry.path == wanted_path), None)
        if entry is None:
            raise nothing_fits(browser, tree, chosen, [f"/{path.strip('/')}"])
        shown = file_entry(entry, tree.users, tree.groups)
        if not stat.S_ISREG(entry.row[MODE]):
            raise NotAFile(_what_it_is(shown), hint=_what_to_do(shown, chosen))
        return Dump(chosen, shown, _checked(browser.content(entry), entry))

    def meant(self, word: str, system: str | None) -> Wanted:
        """A snapshot as people name it: the beginning of its id or, for a system, a moment, ``latest`` or ``last-verified``."""
        if system is None:
            return Wanted(None, word)
        matches = [s for s in self._place.of(system) if word and s.id.startswith(word.lower())]
        if matches:
            return Wanted(None, by_id(matches, word)[0].id)
        at, verified = moment_said(word, self.now)
        return Wanted(system, None, at, verified)


@contextmanager
def declared_queries(house: House) -> Iterator[Queries]:
    """Over what the specs declare."""
    with DeclaredPlace(house) as place:
        yield Queries(place)


@contextmanager
def bare_queries(where: BareRepository, *, clock: Clock | None = None) -> Iterator[Queries]:
    """Over one repository, with nothing but its key."""
    with BarePlace(where, clock or SystemClock()) as place:
        yield Queries(place)


def collected_files(listing: Listing) -> FileList:
    """All of it at once."""
    return FileList(listing.chosen, tuple(listing.entries))


def collected_diff(comparison: Comparison) -> DiffReport:
    """All of it at once, counted."""
    tally = Tally()
    return DiffReport(comparison.older, comparison.newer, tuple(tally.along(comparison.changes)), tally)


def written(dump: Dump, to: BinaryIO) -> DumpReport:
    """All of it, into an open file. Damage in the middle raises after what was good before it is written."""
    count = 0
    for piece in dump.pieces:
        to.write(piece)
        count += len(piece)
    return DumpReport(dump.chosen, dump.entry, count)


def _change(change: Change, older: SnapshotTree, newer: SnapshotTree) -> FileChange:
    old = file_entry(change.old, older.users, older.groups) if change.old is not None else None
    new = file_entry(change.new, newer.users, newer.groups) if change.new is not None else None
    shown = new or old
    assert shown is not None, "a change has one side at least"
    word = "added" if old is None else "removed" if new is None else "changed" if CONTENT & set(change.what) else "metadata"
    return FileChange(shown.path, word, change.what, old, new)


def _checked(pieces: Iterator[memoryview | bytes], entry: Entry) -> Iterator[memoryview | bytes]:
    """At the end also against the SHA-256 of the whole file, where that was recorded."""
    digest = hashlib.sha256() if entry.cold.sha256 is not None else None
    for piece in pieces:
        if digest is not None:
            digest.update(piece)
        yield piece
    if digest is not None and digest.digest() != entry.cold.sha256:
        raise Damaged("the content does not have the SHA-256 that was recorded with the file")


def _what_it_is(entry: FileEntry) -> str:
    if entry.type == "link":
        return f"{entry.path} is a link to {entry.link}"
    return f"{entry.path} is a {entry.type}, not a file"


def _what_to_do(entry: FileEntry, chosen: Chosen) -> str:
    if entry.type == "folder":
        return f"`reconcile files {chosen.snapshot.system} {entry.path}` lists it; `reconcile restore --path` brings it back."
    if entry.type == "link":
        goal = os.path.normpath(os.path.join(os.path.dirname(entry.path), entry.link or ""))
        return f"Dump {goal}, if the snapshot holds that."
    return "It has no content in a snapshot; `reconcile restore --path` makes it again."
