"""A snapshot beside what stands in a folder now: what is missing, the same, different, of another kind, or there in addition.

*The same* is never guessed from size and time alone: a program can change bytes and put both back. It is when the whole row is as it was
recorded, change time and inode included, or when the content has the recorded hash. Names of one file (hard links) are the same only
together: a name that is written anew would otherwise be a file of its own.

Reads only. What becomes of each difference is not decided here.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from itertools import groupby
from operator import itemgetter
from typing import Final, NamedTuple

from msgspec import Struct, field

from reconciler.base.errors import Cancelled
from reconciler.repository.entries import UNREAD, Cold, Entry
from reconciler.repository.restore import Chosen
from reconciler.tree.attributes import read_xattrs
from reconciler.tree.entry import CTIME, GID, INO, MODE, MTIME, NAME, NLINK, SIZE, UID, Row, join, walk_key
from reconciler.tree.standing import Seen, Standing

_PIECE_BYTES: Final = 2**20
_REMEMBERED_MAX: Final = 1000
_FORMAT, _REGULAR, _FOLDER, _LINK = 0o170000, stat.S_IFREG, stat.S_IFDIR, stat.S_IFLNK
_ROOT_ONLY = (b"security.", b"trusted.")  # attributes that other users can neither set nor, some of them, see
_EMPTY = Cold()

Beyond = Callable[[bytes, Seen], bool]
"""Whether an entry (path, as it stands) that the snapshot does not hold belongs to what the snapshot is a snapshot of."""


class Difference(StrEnum):
    """How one entry stands to the snapshot."""

    MISSING = "missing"
    SAME = "same"
    DIFFERENT = "different"
    """Of the same kind, with other content or metadata."""
    KIND = "kind"
    """Something of another kind stands there: a folder for a file, a link for a folder."""
    EXTRA = "extra"
    """Only there, not in the snapshot."""
    UNREAD = "unread"
    """Its content could not be read when the backup was taken: there is nothing to compare or to bring back."""


class Finding(NamedTuple):
    """One entry compared. A tuple, because a comparison makes one for each entry of a snapshot."""

    path: bytes
    difference: Difference
    entry: Entry | None
    """As the snapshot has it; None for an extra one."""
    now: Row | None
    """As it stands; None when it is missing."""
    device: int
    """st_dev of the folder that it is in, or of the nearest one above that exists."""
    why: str = ""
    """What differs, in a word."""


class Comparison(Struct):
    """Compares once. ``beyond``: asked about what stands beside chosen entries and is not in the snapshot; None: that is not looked for."""

    standing: Standing
    chosen: Chosen
    beyond: Beyond | None = None
    stop: threading.Event | None = None
    _is_root: bool = field(default_factory=lambda: not hasattr(os, "geteuid") or os.geteuid() == 0)
    _devices: dict[bytes, int] = field(default_factory=dict)
    _groups: dict[tuple[int, int], list[Finding]] = field(default_factory=dict)
    _empty: set[bytes] = field(default_factory=set)

    def run(self, entries: Iterable[Entry]) -> Iterator[Finding]:
        """``entries``: of a snapshot, in its order. A finding for each chosen one; names of one file come together at the end."""
        for folder, group in groupby(entries, key=itemgetter(0)):
            self._empty.discard(folder)
            yield from self._folder(folder, list(group))
        for folder in sorted(self._empty, key=walk_key):  # folders that hold nothing in the snapshot, and perhaps something here
            yield from self._folder(folder, [])
        for names in self._groups.values():
            yield from self._together(names)

    def _folder(self, folder: bytes, entries: list[Entry]) -> Iterator[Finding]:
        chosen = entries if self.chosen.everything else [entry for entry in entries if entry in self.chosen]
        if not chosen and self.beyond is None:
            return
        there = self.standing.listing(folder)
        device = self._device(folder)
        if there is None:
            yield from self._missing(folder, chosen, device)
            return
        for entry in chosen:
            self._go_on()
            finding = self._compare(entry, there.get(entry.row[NAME]), device)
            if finding.difference is Difference.KIND and finding.why == "folder" and self.beyond is not None:
                yield from self._extra(finding.path, Seen(finding.now or entry.row, device), device)
            elif self.beyond is not None and entry.row[MODE] & _FORMAT == _FOLDER and finding.now is not None:
                self._empty.add(finding.path)
            if entry.row[NLINK] > 1 and finding.difference is not Difference.UNREAD:
                self._groups.setdefault((entry.device, entry.row[INO]), []).append(finding)
            else:
                yield finding
        if self.beyond is not None:
            known = {entry.row[NAME] for entry in entries}
            for name in sorted(there.keys() - known):
                seen = there[name]
                path = join(folder, name)
                if Entry(folder, 0, seen.row, _EMPTY) in self.chosen and self.beyond(path, seen):
                    yield from self._extra(path, seen, device)

    def _missing(self, folder: bytes, chosen: list[Entry], device: int) -> Iterator[Finding]:
        """Of a folder that does not stand there, as in every restore into a new target: quick, because nothing needs to be compared."""
        self._go_on()
        top = folder + b"/" if folder else b""
        for entry in chosen:
            row, unread = entry.row, entry.cold.flags & UNREAD
            if unread or row[NLINK] > 1:
                finding = self._compare(entry, None, device)
                if not unread:
                    self._groups.setdefault((entry.device, row[INO]), []).append(finding)
                    continue
                yield finding
            else:
                yield Finding(top + row[NAME], Difference.MISSING, entry, None, device)

    def _go_on(self) -> None:
        if self.stop is not None and self.stop.is_set():
            raise Cancelled("the comparison with what is there was stopped; nothing was changed")

    def _device(self, folder: bytes) -> int:
        """Also of a folder that does not exist yet: then that of the nearest one above."""
        place, device = folder, None
        while device is None:
            handle = self.standing.folder(place)
            device = os.fstat(handle).st_dev if handle is not None else self._devices.get(place)
            if device is None and not place:
                device = _device_above(self.standing.root)
            place = place.rpartition(b"/")[0]
        if len(self._devices) > _REMEMBERED_MAX:
            self._devices.clear()
        self._devices[folder] = device
        return device

    def _compare(self, entry: Entry, seen: Seen | None, device: int) -> Finding:
        if entry.cold.flags & UNREAD:
            return Finding(entry.path, Difference.UNREAD, entry, seen.row if seen else None, device, "was not readable for the backup")
        if seen is None:
            return Finding(entry.path, Difference.MISSING, entry, None, device)
        if seen.row[MODE] & _FORMAT != entry.row[MODE] & _FORMAT:
            return Finding(entry.path, Difference.KIND, entry, seen.row, device, kind_of(seen.row))
        why = self._why(entry, seen.row)
        return Finding(entry.path, Difference.DIFFERENT if why else Difference.SAME, entry, seen.row, device, why)

    def _why(self, entry: Entry, now: Row) -> str:
        """What differs; empty for nothing."""
        then, kind = entry.row, entry.row[MODE] & _FORMAT
        if kind == _FOLDER and not (then[MTIME] or then[CTIME]):
            return ""  # only on the way to a source: nothing of it is recorded
        if then[CTIME] and now == then:
            return ""
        if now[SIZE] != then[SIZE]:
            return "size"
        if kind != _LINK and now[MODE] != then[MODE]:
            return "mode"
        if self._is_root and (now[UID], now[GID]) != (then[UID], then[GID]):
            return "owner"
        if kind == _REGULAR and not self._has_content(entry):
            return "content"
        if kind == _LINK and self.standing.link(entry.folder, then[NAME]) != entry.cold.link:
            return "link"
        if kind not in {_REGULAR, _LINK, _FOLDER} and not self._same_device(entry):
            return "device"
        if now[MTIME] != then[MTIME]:
            return "time"
        return "" if self._same_attributes(entry) else "attributes"

    def _has_content(self, entry: Entry) -> bool:
        """Whether the file there has the recorded hash; without any recorded one it counts as different."""
        cold = entry.cold
        name, wanted = ("sha256", cold.sha256) if cold.sha256 is not None else ("md5", cold.md5)
        if wanted is None:
            return False
        file = self.standing.open(entry.folder, entry.row[NAME])
        if file is None:
            return False
        digest = hashlib.new(name, usedforsecurity=False)
        try:
            while piece := os.read(file, _PIECE_BYTES):
                digest.update(piece)
                if self.stop is not None and self.stop.is_set():
                    break
        except OSError:
            return False  # not readable: certainly not what it should be
        finally:
            os.close(file)
        return digest.digest() == wanted

    def _same_device(self, entry: Entry) -> bool:
        handle = self.standing.folder(entry.folder)
        if handle is None:
            return False
        return os.stat(entry.row[NAME], dir_fd=handle, follow_symlinks=False).st_rdev == entry.cold.rdev

    def _same_attributes(self, entry: Entry) -> bool:
        handle = self.standing.folder(entry.folder)
        if handle is None or not os.path.isdir("/proc/self/fd"):
            return not entry.cold.xattrs
        now = read_xattrs(b"/proc/self/fd/%d/%s" % (handle, entry.row[NAME]))
        return self._visible(now) == self._visible(entry.cold.xattrs)

    def _visible(self, attributes: dict[bytes, bytes] | None) -> dict[bytes, bytes]:
        return {key: value for key, value in (attributes or {}).items() if self._is_root or not key.startswith(_ROOT_ONLY)}

    def _together(self, names: list[Finding]) -> Iterator[Finding]:
        """Names of one file: unless all stand as names of one file now, those that stand are different."""
        inodes = {finding.now[INO] for finding in names if finding.now is not None}
        if len(inodes) == 1 and all(finding.difference is Difference.SAME for finding in names):
            yield from names
            return
        for finding in names:
            if finding.difference is Difference.SAME:
                yield Finding(finding.path, Difference.DIFFERENT, finding.entry, finding.now, finding.device, "names of one file")
            else:
                yield finding

    def _extra(self, path: bytes, seen: Seen, device: int) -> Iterator[Finding]:
        """It and everything below it, what a folder holds before the folder; a folder in which something stays, stays."""
        stack = [(path, seen, self._inside(path, seen))]
        stays = [False]
        while stack:
            below = next(stack[-1][2], None)
            if below is None:
                path, seen, _ = stack.pop()
                if not stays.pop():
                    yield Finding(path, Difference.EXTRA, None, seen.row, device)
                elif stays:
                    stays[-1] = True
            elif self.beyond is not None and self.beyond(*below):
                stack.append((*below, self._inside(*below)))
                stays.append(False)
            else:
                stays[-1] = True

    def _inside(self, path: bytes, seen: Seen) -> Iterator[tuple[bytes, Seen]]:
        if seen.row[MODE] & _FORMAT != _FOLDER:
            return iter(())
        there = self.standing.listing(path) or {}
        return iter([(join(path, name), there[name]) for name in sorted(there)])


def kind_of(row: Row) -> str:
    """What it is, in a word."""
    words = {_REGULAR: "file", _FOLDER: "folder", _LINK: "link", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}
    return words.get(row[MODE] & _FORMAT, "device")


def _device_above(root: str) -> int:
    """st_dev of the nearest folder that exists."""
    path = os.path.abspath(root)
    while True:
        try:
            return os.stat(path).st_dev
        except OSError:
            if path == os.path.dirname(path):
                raise
            path = os.path.dirname(path)
