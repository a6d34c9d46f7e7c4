"""The pieces of work that are compared, and which tool does which of them on which corpus.

One *round* is one tool on one corpus from an empty repository to its end. Restores and the verification come right after the first backup,
then what a later backup costs; an edit of the corpus is undone before the next tool begins.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

from msgspec import Struct

from benchmarks import corpora
from benchmarks.measure import CommandFailed, Figures, run
from benchmarks.peers import Call, Peer
from benchmarks.results import Sample

FIRST = "first backup"
NOTHING = "nothing changed"
REREAD = "everything read again"
CHANGED = "1 % of the files changed"
EDITED = "small edit in the middle"
RESTORE = "restore"
RESTORE_VERIFIED = "restore and read back"
RESTORE_ONE = "restore of one file"
VERIFY = "deep verify"
LIST = "list of snapshots"
SETTLED_SECONDS = 3.0
"""Before a first backup: what was changed in the two seconds before it is read again by whoever knows how coarse times of files can be, and
a corpus that was made or edited a moment ago is not what users have."""

_ORDER = (FIRST, RESTORE, RESTORE_VERIFIED, RESTORE_ONE, VERIFY, NOTHING, REREAD, CHANGED, EDITED)
_BY_CORPUS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    # corpus: (everybody, the slow tools)
    "small": (
        (FIRST, RESTORE, RESTORE_VERIFIED, RESTORE_ONE, VERIFY, NOTHING, REREAD, CHANGED),
        (FIRST, RESTORE, RESTORE_ONE, VERIFY, NOTHING, REREAD, CHANGED),
    ),
    "large": ((FIRST, RESTORE, VERIFY, NOTHING, EDITED), (FIRST, RESTORE, VERIFY, EDITED)),
    "packed": ((FIRST, RESTORE, VERIFY), (FIRST,)),
    "tiny": ((FIRST, RESTORE, VERIFY, NOTHING, REREAD), ()),
    "dense": ((FIRST, RESTORE, VERIFY), ()),
}
WORKS = (*_ORDER, LIST)


def works_for(corpus: str, peer: type[Peer] | Peer, wanted: tuple[str, ...] = WORKS) -> tuple[str, ...]:
    """In the order of a round. A round always begins with the first backup, wanted or not."""
    if corpus == "list":
        return (LIST,) if LIST in wanted else ()
    everybody, slow = _BY_CORPUS[corpus]
    chosen = [work for work in (slow if peer.slow else everybody) if work in wanted]
    if not peer.incremental:
        chosen = [work for work in chosen if work in (FIRST, RESTORE)]
    return tuple(work for work in _ORDER if work in chosen)


class Round(Struct, frozen=True):
    """One tool, one corpus, one time."""

    corpus: str
    source: Path
    peer: Peer
    number: int
    works: tuple[str, ...]
    target: Path
    """Of restores; removed after each."""
    snapshots: int = 1000
    """In the list of them."""

    def __call__(self) -> Iterator[Sample]:
        """Samples as they come. Raises CommandFailed. Nothing of the tool stays."""
        try:
            if self.corpus == "list":
                yield from self._list()
                return
            self.peer.fresh(self.source)
            time.sleep(SETTLED_SECONDS)
            first = self._measured(FIRST, self.peer.backup(self.source), self.peer.stored_bytes)
            if FIRST in self.works:
                yield first
            for work in self.works:
                if work == FIRST:
                    continue
                sample = self._does(work)
                if sample is not None:
                    yield sample
        finally:
            shutil.rmtree(self.peer.work, ignore_errors=True)
            shutil.rmtree(self.target, ignore_errors=True)

    def _list(self) -> Iterator[Sample]:
        self.peer.fresh(self.source)
        call = self.peer.list()
        if call is not None and self.peer.many(self.source, self.snapshots):
            yield self._measured(LIST, call)

    def _does(self, work: str) -> Sample | None:
        peer, source = self.peer, self.source
        match work:
            case "nothing changed":
                return self._measured(work, peer.backup(source))
            case "everything read again":
                return self._optional(work, peer.reread(source))
            case "1 % of the files changed":
                return self._after(work, corpora.one_in_a_hundred_changed(source))
            case "small edit in the middle":
                return self._after(work, corpora.edited_in_the_middle(source))
            case "deep verify":
                return self._optional(work, peer.verify())
            case "restore":
                return self._restored(work, peer.restore(source, self.target))
            case "restore and read back":
                return self._restored(work, peer.restore_verified(source, self.target))
            case "restore of one file":
                name = corpora.one_in_the_middle(source)
                return self._restored(work, peer.restore_one(source, self.target, name), name)
            case _:
                raise AssertionError(work)

    def _after(self, work: str, edit: AbstractContextManager[None]) -> Sample:
        before = self.peer.stored_bytes()
        with edit:
            return self._measured(work, self.peer.backup(self.source), lambda: self.peer.stored_bytes() - before)

    def _restored(self, work: str, call: Call | None, name: str | None = None) -> Sample | None:
        """A fast restore of the wrong bytes would be no restore. ``name``: of the only file that was asked for."""
        if call is None:
            return None
        sample = self._measured(work, call)
        if name is None:
            same(self.source, self.peer.landed(self.source, self.target), self.peer.name)
        else:
            same(self.source / name, self.peer.landed_one(self.source, self.target, name), self.peer.name)
        shutil.rmtree(self.target, ignore_errors=True)
        return sample

    def _optional(self, work: str, call: Call | None) -> Sample | None:
        return self._measured(work, call) if call is not None else None

    def _measured(self, work: str, call: Call, stored: Callable[[], int] | None = None) -> Sample:
        figures: Figures = run(call.argv, self.peer.environment, call.cwd)
        return Sample(
            self.corpus,
            work,
            self.peer.name,
            self.number,
            round(figures.wall_seconds, 3),
            round(figures.cpu_seconds, 3),
            figures.memory_bytes,
            stored() if stored is not None else None,
        )


def same(source: Path, landed: Path, peer: str) -> None:
    done = subprocess.run(["diff", "-r", "--no-dereference", str(source), str(landed)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise CommandFailed(f"what {peer} restored differs: {(done.stdout + done.stderr)[:300]}")


def warm(source: Path) -> None:
    """Read everything once: the page cache holds it for whoever comes first, too."""
    with contextlib.suppress(subprocess.CalledProcessError):
        subprocess.run(["sh", "-c", 'tar -cf - "$1" | cat >/dev/null', "sh", str(source)], check=True, capture_output=True)
