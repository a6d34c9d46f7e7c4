"""Proves in each drill that its comparison can fail: it is shown a few files of the snapshot, restored once more, with one damage each.

Damages are of content and keep times, so that nothing but the content can tell them. A comparison that calls an undamaged copy different,
or a damaged one the same, is worth nothing: the drill is blocked then.
"""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial

from msgspec import Struct, field

from reconciler.act import sandbox
from reconciler.model.drill import Control
from reconciler.repository import Comparison, Difference, Entry, Finding, Repository
from reconciler.tree.entry import MODE, NLINK, SIZE
from reconciler.tree.standing import Standing
from reconciler.tree.write import Target

Compare = Callable[[str, "Exactly", Iterable[Entry], threading.Event], Iterable[Finding]]
"""(tree, which entries, entries, stop)."""
Damage = Callable[[Sequence[str]], None]
SUBJECT_MAX = 64 * 2**20
"""Bytes of a file that controls are made on: larger ones say nothing more."""


class Exactly(Struct, frozen=True):
    """These entries and no others."""

    paths: frozenset[bytes]
    everything: bool = False

    def __contains__(self, entry: Entry, /) -> bool:
        return entry.path in self.paths


class Subjects(Struct):
    """Chosen while the entries of a snapshot go by: the smallest file that has content, and two siblings of equal size."""

    single: Entry | None = None
    pair: tuple[Entry, Entry] | None = None
    _folder: bytes | None = None
    _sizes: dict[int, Entry] = field(default_factory=dict)

    def see(self, entry: Entry) -> None:
        """One entry more."""
        size = entry.row[SIZE]
        if not stat.S_ISREG(entry.row[MODE]) or entry.row[NLINK] != 1 or not 0 < size <= SUBJECT_MAX or entry.cold.flags:
            return
        if self.single is None or size < self.single.row[SIZE]:
            self.single = entry
        if self.pair is None:
            if entry.folder != self._folder:
                self._folder, self._sizes = entry.folder, {}
            sibling = self._sizes.setdefault(size, entry)
            if sibling.cold.chunks != entry.cold.chunks:
                self.pair = (sibling, entry)


def compare(tree: str, chosen: Exactly, entries: Iterable[Entry], stop: threading.Event) -> Iterable[Finding]:
    """The comparison that a drill makes."""
    with Standing(tree) as standing:
        yield from Comparison(standing, chosen, None, stop).run(entries)


def run(
    repository: Repository, snapshot: str, subjects: Subjects, place: str, stop: threading.Event, *, by: Compare = compare
) -> tuple[Control, ...]:
    """Each damage on a copy of its own. ``place``: an empty folder for them."""
    single = (subjects.single,) if subjects.single is not None else ()
    trial = _Trial(repository, snapshot, place, stop, by)
    return (
        trial.show("missing", single, lambda files: os.unlink(files[0])),
        trial.show("truncated", single, lambda files: _rewrite(files[0], lambda content: content[:-1])),
        trial.show("flipped", single, lambda files: _rewrite(files[0], _flipped)),
        trial.show("swapped", subjects.pair or (), _swap),
    )


def _flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def _swap(files: Sequence[str]) -> None:
    contents = []
    for file in files:
        with open(file, "rb") as content:
            contents.append(content.read())
    for file, other in zip(files, reversed(contents), strict=True):
        _rewrite(file, partial(_instead, other))


def _instead(other: bytes, _: bytes) -> bytes:
    return other


def _rewrite(file: str, change: Callable[[bytes], bytes]) -> None:
    """With the mode and the times of before."""
    before = os.stat(file)
    os.chmod(file, 0o600)
    with open(file, "rb") as old:
        content = change(old.read())
    with open(file, "wb") as new:
        new.write(content)
    os.chmod(file, stat.S_IMODE(before.st_mode))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))


class _Trial(Struct, frozen=True):
    repository: Repository
    snapshot: str
    place: str
    stop: threading.Event
    by: Compare

    def show(self, name: str, entries: Sequence[Entry], damage: Damage) -> Control:
        if not entries:
            return Control(name, None)
        tree = os.path.join(self.place, name)
        target = Target.open(tree)
        chosen = Exactly(frozenset(entry.path for entry in entries))
        try:
            self.repository.restoring(self.snapshot, target, stop=self.stop).run(chosen, entries[0].folder)
        finally:
            target.close()
        sound = self._same(tree, chosen, entries)
        files = [os.path.join(tree, os.fsdecode(entry.path)) for entry in entries]
        if sound:
            for folder in {os.path.dirname(file) for file in files}:
                os.chmod(folder, 0o700)
            damage(files)
        rejected = sound and not self._same(tree, chosen, entries)
        if os.path.isdir(tree):
            sandbox.empty(tree)
        return Control(name, rejected, os.fsdecode(b"/" + entries[0].path))

    def _same(self, tree: str, chosen: Exactly, entries: Sequence[Entry]) -> bool:
        found = list(self.by(tree, chosen, entries, self.stop))
        return len(found) == len(entries) and all(has_content(finding, tree) for finding in found)


_AFTER_CONTENT = frozenset({"time", "attributes"})
_BEFORE_CONTENT = frozenset({"mode", "owner"})


def has_content(finding: Finding, tree: str) -> bool:
    """Whether the content is as recorded. Metadata that a place for sandboxes cannot hold is no damage."""
    if finding.difference in {Difference.SAME, Difference.UNREAD}:
        return True
    if finding.difference is not Difference.DIFFERENT or finding.entry is None:
        return False
    if finding.why in _BEFORE_CONTENT and stat.S_ISREG(finding.entry.row[MODE]):
        return _hash_fits(finding.entry, os.path.join(os.fsencode(tree), finding.path))
    return finding.why in _AFTER_CONTENT | _BEFORE_CONTENT


def _hash_fits(entry: Entry, file: bytes) -> bool:
    wanted = entry.cold.sha256 or entry.cold.md5
    digest = hashlib.new("sha256" if entry.cold.sha256 else "md5", usedforsecurity=False)
    with open(file, "rb") as content:
        while piece := content.read(2**20):
            digest.update(piece)
    return digest.digest() == wanted
