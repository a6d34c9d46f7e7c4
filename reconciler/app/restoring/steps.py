"""What a restore does to each entry: a pure function of how it stands and of the policy, counted and named by one digest.

*Refuse* changes nothing that is there and does nothing at all when something differs; *keep* leaves it and writes the rest; *overwrite*
replaces what differs; *mirror* also removes what the snapshot does not have. Existing folders are never in conflict: they get the recorded
metadata unless everything is to be kept. What is the same is left alone whatever the policy.
"""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Collection, Iterable, Iterator
from enum import StrEnum

from msgspec import Struct, field

from reconciler.repository import Difference, Entry, Finding
from reconciler.tree.entry import INO, MODE, MTIME, NLINK, SIZE, Row

_FORMAT, _REGULAR, _FOLDER = 0o170000, stat.S_IFREG, stat.S_IFDIR


class Policy(StrEnum):
    """What becomes of entries that are there already and differ."""

    REFUSE = "refuse"
    KEEP = "keep"
    OVERWRITE = "overwrite"
    MIRROR = "mirror"

    @property
    def replaces(self) -> bool:
        return self in {Policy.OVERWRITE, Policy.MIRROR}


class Do(StrEnum):
    """One step. In this order of safety: what is in the way goes first, what is only extra goes last."""

    CLEAR = "clear"
    """Removed before anything is written: it is in the way, or would be read together with what is written (the log of a database)."""
    CREATE = "create"
    REPLACE = "replace"
    SET = "set"
    """Metadata of a folder that exists."""
    DELETE = "delete"
    """Removed when everything is written."""


class Step(Struct, frozen=True):
    """What is done to one entry, and what stood there when that was decided; None: nothing."""

    do: Do
    now: Row | None = None
    why: str = ""

    def still(self, now: Row | None) -> bool:
        """Whether that very thing still stands there. The change time may move: another name of it may have been replaced."""
        if now is None or self.now is None:
            return now is self.now
        return all(now[place] == self.now[place] for place in (MODE, SIZE, MTIME, INO))


_CREATED = Step(Do.CREATE)


class Tally(Struct):
    """How many entries of each fate."""

    create: int = 0
    replace: int = 0
    metadata: int = 0
    """Existing folders that get other metadata."""
    delete: int = 0
    same: int = 0
    kept: int = 0
    files: int = 0
    """To be written, created or replaced."""
    bytes: int = 0
    """Of these files."""
    replaced_bytes: int = 0
    """Of what they replace: what a safety snapshot has to read."""
    deleted_bytes: int = 0


class Below:
    """Folders, and the question whether another one is among them or below one of them. Asked folder after folder."""

    def __init__(self) -> None:
        self.folders: set[bytes] = set()
        self._last = (b"", False)

    def add(self, folder: bytes) -> None:
        self.folders.add(folder)

    def holds(self, folder: bytes) -> bool:
        if self._last[0] != folder or not self._last[1]:
            self._last = (folder, bool(self.folders) and self._look(folder))
        return self._last[1]

    def _look(self, folder: bytes) -> bool:
        while folder and folder not in self.folders:
            folder = folder.rpartition(b"/")[0]
        return bool(folder)


class Names:
    """Names that stay of files of which another name is touched: a rollback has to make them names of one file again."""

    def __init__(self, stay: Iterable[bytes] = ()) -> None:
        self._stay: dict[tuple[int, int], list[bytes]] = {(0, 0): list(stay)}
        self._touched = {(0, 0)}

    def note(self, inode: tuple[int, int], path: bytes, *, touched: bool) -> None:
        if touched:
            self._touched.add(inode)
        else:
            self._stay.setdefault(inode, []).append(path)

    def __iter__(self) -> Iterator[bytes]:
        return (path for inode, paths in self._stay.items() if inode in self._touched for path in paths)


class Steps(Struct):
    """All steps of one restore.

    ``covering``: a created folder stands for everything in it that was chosen, so that a restore into a new target remembers nothing per
    file. Not when the choice cannot be made again from paths alone.
    """

    policy: Policy
    covering: bool = True
    writes: dict[bytes, Step] = field(default_factory=dict)
    """CREATE, REPLACE and SET by path."""
    removals: dict[bytes, Step] = field(default_factory=dict)
    """CLEAR and DELETE by path; a folder after what it holds."""
    conflicts: list[tuple[bytes, str]] = field(default_factory=list)
    """Why the policy forbids the whole restore."""
    unread: list[tuple[bytes, str]] = field(default_factory=list)
    refused: list[tuple[bytes, str]] = field(default_factory=list)
    """What the snapshot cannot give: its list is damaged there, or claims what cannot be."""
    left: set[bytes] = field(default_factory=set)
    """What differs and stays, but for what lies below such a thing."""
    emptied: set[bytes] = field(default_factory=set)
    """Folders in which a run that was interrupted removed something: they get their times again."""
    names: Names = field(default_factory=Names)
    tally: Tally = field(default_factory=Tally)
    _created: Below = field(default_factory=Below)
    _kept: Below = field(default_factory=Below)

    def take(self, finding: Finding) -> Step | None:
        """Decide about one finding; None: nothing is done. Findings come in the order of a comparison."""
        if finding.difference is Difference.MISSING and not self._kept.folders and finding.entry is not None:
            self.tally.create += 1  # nearly every entry of a restore into a new target
            return self._write(finding.path, finding.entry, _CREATED)
        step = self._decide(finding)
        if finding.now is not None and finding.now[NLINK] > 1:
            self.names.note((finding.device, finding.now[INO]), finding.path, touched=step is not None)
        return step

    def _decide(self, finding: Finding) -> Step | None:
        entry = finding.entry
        if finding.difference is Difference.SAME:
            self.tally.same += 1
            return None
        if entry is None:
            return self._remove(finding)
        if finding.difference is Difference.UNREAD and finding.now is not None:
            self.unread.append((finding.path, "its content could not be read when the backup was taken; what is there stays"))
            return None
        if self._kept.holds(entry.folder):  # something that is kept stands where its folder would be
            self.tally.kept += 1
            return None
        if finding.now is None:
            self.tally.create += 1
            return self._write(finding.path, entry, _CREATED)
        if finding.difference is Difference.KIND:
            return self._other_kind(finding, entry, finding.now)
        if is_folder(entry.row):
            return self._set(finding)
        return self._replace(finding, entry, finding.now, finding.why)

    def chooses(self, entry: Entry) -> bool:
        """Whether the entry is written (or, a folder, set)."""
        return entry.path in self.writes or self.is_created(entry.folder)

    def is_created(self, folder: bytes) -> bool:
        """Whether the folder is made by this restore, with all that the snapshot has in it."""
        return self._created.holds(folder)

    def put_write(self, path: bytes, step: Step, *, folder: bool) -> None:
        """A step as it was decided before: a journal is read again."""
        self.writes[path] = step
        if folder and step.do is Do.CREATE and self.covering:
            self._created.add(path)

    def removed(self, do: Do) -> Iterator[tuple[bytes, Step]]:
        """What goes in the beginning, or at the end."""
        return ((path, step) for path, step in self.removals.items() if step.do is do)

    @property
    def created(self) -> Collection[bytes]:
        """Folders that stand for everything in them."""
        return self._created.folders

    @property
    def nothing(self) -> bool:
        return not self.writes and not self.removals

    def _write(self, path: bytes, entry: Entry, step: Step) -> Step:
        if entry.row[MODE] & _FORMAT == _REGULAR:
            self.tally.files += 1
            self.tally.bytes += entry.row[SIZE]
        if step.do is Do.REPLACE or not self.is_created(entry.folder):
            self.put_write(path, step, folder=is_folder(entry.row))
        return step

    def _replace(self, finding: Finding, entry: Entry, now: Row, why: str) -> Step | None:
        if not self.policy.replaces:
            self._leave(finding, entry, why)
            return None
        self.tally.replace += 1
        self.tally.replaced_bytes += now[SIZE]
        return self._write(finding.path, entry, Step(Do.REPLACE, now, why))

    def _other_kind(self, finding: Finding, entry: Entry, now: Row) -> Step | None:
        what = f"a {finding.why} stands there"
        if not is_folder(now) and not is_folder(entry.row):
            return self._replace(finding, entry, now, what)
        if not self.policy.replaces:
            self._leave(finding, entry, what)
            return None
        if is_folder(now):
            return self._replace_folder(finding.path, entry, what)
        self.tally.replace += 1
        self.tally.replaced_bytes += now[SIZE]
        self.removals[finding.path] = Step(Do.CLEAR, now, "a folder comes there")
        return self._write(finding.path, entry, Step(Do.CREATE))

    def _replace_folder(self, path: bytes, entry: Entry, what: str) -> Step | None:
        """A file for a folder: the folder goes first, if all of it may go; the comparison has just found what it holds."""
        if path not in self.removals:
            must = "which only mirror removes" if self.policy is Policy.OVERWRITE else "and something in it has to stay"
            self.conflicts.append((path, f"{what}, {must}"))
            return None
        below = path + b"/"
        for inside in reversed(self.removals):
            if inside != path and not inside.startswith(below):
                break
            self.removals[inside] = Step(Do.CLEAR, self.removals[inside].now, "it is in the way")
        return self._write(path, entry, Step(Do.CREATE))

    def _set(self, finding: Finding) -> Step | None:
        if self.policy is Policy.KEEP:
            self.tally.kept += 1
            return None
        self.tally.metadata += 1
        step = self.writes[finding.path] = Step(Do.SET, finding.now, finding.why)
        return step

    def _remove(self, finding: Finding) -> Step:
        assert finding.now is not None, "an extra entry stands there"
        self.tally.delete += 1
        self.tally.deleted_bytes += finding.now[SIZE]
        do = Do.DELETE if self.policy is Policy.MIRROR else Do.CLEAR
        step = self.removals[finding.path] = Step(do, finding.now)
        return step

    def _leave(self, finding: Finding, entry: Entry, why: str) -> None:
        """Not replaced: kept, or a reason to refuse everything."""
        if is_folder(entry.row):
            self._kept.add(finding.path)
        self.tally.kept += 1
        self.left.add(finding.path)
        if self.policy is Policy.REFUSE:
            self.conflicts.append((finding.path, why))


def is_folder(row: Row) -> bool:
    return row[MODE] & _FORMAT == _FOLDER


class Digest:
    """Names a plan: of what it was made, what it does, and what stood there then."""

    def __init__(self, *facts: str) -> None:
        self._hash = hashlib.sha256()
        for fact in facts:
            self._feed(fact.encode("utf-8", "surrogateescape"))

    def add(self, path: bytes, step: Step) -> None:
        now = step.now
        if step is _CREATED:
            self._hash.update(b"%d:%s8:create -" % (len(path), path))
            return
        facts = b"%s %s" % (step.do.encode(), str([now[place] for place in (MODE, SIZE, MTIME, INO)]).encode() if now is not None else b"-")
        self._hash.update(b"%d:%s%d:%s" % (len(path), path, len(facts), facts))

    def hexdigest(self) -> str:
        """16 digits: enough that nobody types the digest of another plan by chance."""
        return self._hash.copy().hexdigest()[:16]

    def _feed(self, data: bytes) -> None:
        self._hash.update(b"%d:" % len(data) + data)
