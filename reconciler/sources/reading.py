"""All sources of a system as one stream of listings: what a scan finds, databases frozen, outputs of commands under a folder of their own.

A frozen database stands at its own path, with the mode, owner and times of the original and without what SQLite keeps beside it. What a
command prints stands at ``.streams/<system>/<name>``: nothing of that name exists on the machine, and nothing is kept on the disk.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from typing import Final, Self

from msgspec import Struct, field

from reconciler.base.errors import ReconcilerError
from reconciler.model.declared.system import Source
from reconciler.sources import live
from reconciler.sources.commands import Permit, Running
from reconciler.sources.errors import CommandSilent, SourceUnreadable
from reconciler.sources.files import scan_roots
from reconciler.sources.sqlite import SIDECARS, Freezing, Frozen, freeze, place_for_copies
from reconciler.tree.entry import NAME, Defect, DefectKind, Given, Listing, Row, join, path_of, walk_key
from reconciler.tree.scan import Scan

STREAMS: Final = b".streams"
TIMEOUT: Final = timedelta(hours=1)


def places(sources: Sequence[Source], system: str) -> tuple[str, ...]:
    """Where each source stands in a snapshot, as an absolute path."""
    return tuple(s.place if s.place is not None else f"/{os.fsdecode(STREAMS)}/{system}/{s.name}" for s in sources)


@contextmanager
def frozen(sources: Sequence[Source], how: Freezing) -> Iterator[Mapping[bytes, Frozen]]:
    """The checked copies of the databases among the sources, by path, as long as the block lasts."""
    databases = [source for source in sources if source.sqlite is not None]
    with ExitStack() as stack:
        folder = stack.enter_context(place_for_copies(how.folder)) if databases else how.folder
        copies = {}
        for number, source in enumerate(databases):
            assert source.sqlite is not None
            copies[path_of(source.sqlite)] = freeze(source.sqlite, folder / f"{number}.sqlite", how, source.timeout or TIMEOUT)
        yield copies


class Reading(Struct):
    """One look at everything; iterate once. ``defects`` is complete when the iteration is.

    Iterating raises RootUnusable when a root is missing.
    """

    sources: Sequence[Source]
    system: str
    copies: Mapping[bytes, Frozen]
    permit: Permit
    skip: frozenset[tuple[int, int]] = frozenset()
    defects: list[Defect] = field(default_factory=list)
    _given: dict[bytes, dict[bytes, Given]] = field(default_factory=dict)
    _marks: Sequence[bytes] = ()

    def expect(self, marks: Sequence[bytes]) -> None:
        """Most of it is as it was, and ``marks`` are folders of then, in order: another process may list a part of it ahead."""
        self._marks = marks

    def __iter__(self) -> Iterator[Listing]:
        for path, copy in self.copies.items():
            folder, _, name = path.rpartition(b"/")
            self._given.setdefault(folder, {})[name] = Given(partial(_Copy, copy.copy), is_file=True)
        scan = self._scan()
        scan.defects = self.defects
        streams = self._streams()
        if not streams:
            yield from map(self._seen, scan)
            return
        waiting = [*streams]
        for listing in map(self._seen, scan):
            if listing.path == b"":
                waiting.pop(0)
                yield self._with_streams(listing)
                continue
            while waiting and walk_key(waiting[0].path) < walk_key(listing.path):
                yield waiting.pop(0)
            yield listing
        yield from waiting

    def _scan(self) -> Scan:
        roots = scan_roots(self.sources)
        if not self._marks or not roots:
            return Scan(roots, skip=self.skip)
        from reconciler.tree import scout

        return Scan(roots, skip=self.skip, scout=scout.Scout(roots, self.skip, self._marks) if scout.possible() else None)

    def _seen(self, listing: Listing) -> Listing:
        """A folder as the disk shows it, with frozen databases in the place of live ones."""
        if listing.encoded is not None and listing.path not in self._given and not live.may_be_in(listing.encoded):
            return listing
        names = [row[NAME] for row in listing.rows]
        given = self._given.get(listing.path, {})
        self._note_live(listing.path, names, given)
        if not given:
            return listing
        beside = {name + end for name in given for end in SIDECARS}
        listing.rows = [row for row in listing.rows if row[NAME] not in beside]
        listing.given = given
        return listing

    def _note_live(self, folder: bytes, names: Collection[bytes], given: Collection[bytes]) -> None:
        for name in live.in_use(names):
            if name not in given:
                path = join(folder, name)
                self.defects.append(Defect(path, DefectKind.LIVE, live.of_sqlite("/" + os.fsdecode(path))))
        if b"postmaster.pid" in names and live.is_cluster(names):
            self.defects.append(Defect(folder, DefectKind.LIVE, live.of_cluster("/" + os.fsdecode(folder))))

    def _streams(self) -> list[Listing]:
        """The folders of outputs, from "/" down; empty without any."""
        commands = [source for source in self.sources if source.command is not None and source.name is not None]
        if not commands:
            return []
        system = os.fsencode(self.system)
        given = {os.fsencode(s.name or ""): Given(partial(_Output, s, self.permit), is_file=False) for s in commands}
        at = int(self.permit.clock.now().timestamp() * 1_000_000) * 1000
        rows = sorted(_row(name, stat.S_IFREG | 0o600, at) for name in given)
        inside = join(STREAMS, system)
        return [
            Listing(b"", 0, [_row(STREAMS, stat.S_IFDIR | 0o700)], None, b"/"),
            Listing(STREAMS, 0, [_row(system, stat.S_IFDIR | 0o700)], None, b"/" + STREAMS),
            Listing(inside, 0, rows, None, b"/" + inside, given),
        ]

    def _with_streams(self, listing: Listing) -> Listing:
        if any(row[NAME] == STREAMS for row in listing.rows):
            name = os.fsdecode(STREAMS)
            raise SourceUnreadable(f"/{name} exists, but outputs of commands are stored under that name", hint=f'Exclude "/{name}/".')
        listing.rows = sorted([*listing.rows, _row(STREAMS, stat.S_IFDIR | 0o700)])
        return listing


def _row(name: bytes, mode: int, mtime_ns: int = 0) -> Row:
    """Owned by whoever runs this; without a place on any disk."""
    user, group = (os.geteuid(), os.getegid()) if hasattr(os, "geteuid") else (0, 0)
    return (name, mode, 0, mtime_ns, 0, 0, user, group, int(stat.S_ISREG(mode)))


class _Copy:
    """A frozen copy, read like a stream."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __enter__(self) -> Self:
        try:
            self._file = open(self._path, "rb", buffering=0)
        except OSError as error:
            raise _lost(error) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def readinto(self, buffer: memoryview, /) -> int | None:
        try:
            return self._file.readinto(buffer)
        except OSError as error:
            raise _lost(error) from error


def _lost(error: OSError) -> ReconcilerError:
    hint = "Is the disk of the state directory in order?"
    return SourceUnreadable(f"the frozen copy of a database cannot be read: {error.strerror}", hint=hint)


class _Output:
    """What a command prints; an empty output is a failure."""

    def __init__(self, source: Source, permit: Permit) -> None:
        assert source.command is not None
        self._name = source.name
        self._command = Running(source.command, permit, source.timeout or TIMEOUT)
        self._printed = False

    def __enter__(self) -> Self:
        self._command.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._command.__exit__(None, None, None)

    def readinto(self, buffer: memoryview, /) -> int:
        count = self._command.readinto(buffer)
        if not count and not self._printed:
            raise CommandSilent(f"the command '{self._command.program}' printed nothing for {self._name}")
        self._printed = self._printed or bool(count)
        return count
