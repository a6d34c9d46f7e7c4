"""What looking into snapshots costs: 100,000 files in 1,000 snapshots, each with an entry block of its own. Figures without a counterpart.

Whole processes that found the cache of an earlier one, and the questions inside a process that has loaded its code: the first is what a
person waits for, the second what the answers themselves cost.
"""

from __future__ import annotations

import statistics
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks import corpora
from benchmarks.history import repeat
from benchmarks.measure import run
from benchmarks.peers.reconciler import Reconciler
from reconciler.app.choice import Wanted
from reconciler.app.queries.queries import Queries
from reconciler.app.session import Session
from reconciler.cli.render.files import file_lines

FILES, SNAPSHOTS = 100_000, 1_000
_RUNS = 3


def measure(work: Path, share: float) -> dict[str, str]:
    """By name, with the target where there is one. ``share`` makes it smaller."""
    peer, snapshots = Reconciler(work / "queried"), max(20, int(SNAPSHOTS * share))
    source = corpora.make("tiny", work, FILES / corpora.TINY_FILES * share)
    peer.fresh(source)
    peer.quietly(*peer.backup(source).argv)
    with corpora.one_in_a_hundred_changed(source):
        peer.quietly(*peer.backup(source).argv)
    repeat(peer.repository, peer.key, snapshots, edited=True)
    peer.quietly(*peer.backup(source).argv)  # fills the cache
    return _asked(peer, source, f"of {int(FILES * share):,} files in {snapshots:,} snapshots")


def _asked(peer: Reconciler, source: Path, of: str) -> dict[str, str]:
    middle = corpora.one_in_the_middle(source)
    name, path = Path(middle).name, f"{source}/{middle}"
    session = Session.open(
        Path(peer.environment["RECONCILER_SPECS"]), state=Path(peer.environment["RECONCILER_STATE"]), agent="nobody", read_only=True
    )
    listed = session.snapshots("corpus").snapshots
    newest, before, at = listed[0].id, listed[1].id, listed[len(listed) // 2].as_of
    earlier = Wanted("corpus", at=at)
    asked: dict[str, tuple[tuple[str, ...], str, Callable[[Queries], object]]] = {
        "files --at, all of them": (
            ("files", "corpus", "--at", at.isoformat()),
            "0.5 s",
            lambda queries: _through(file_lines(queries.files(earlier).entries)),
        ),
        "files --at, one name": (
            ("files", "corpus", "--at", at.isoformat(), name),
            "0.5 s",
            lambda queries: _through(queries.files(earlier, [name]).entries),
        ),
        "diff, 1 % of the files changed": (
            ("diff", before, newest),
            "0.5 s",
            lambda queries: _through(queries.diff(Wanted(None, before), Wanted(None, newest)).changes),
        ),
        "find, one name": (("find", name), "2 s", lambda queries: queries.find(name)),
        "dump": (("dump", "corpus", path), "", lambda queries: _through(queries.dump(Wanted("corpus"), path).pieces)),
    }
    found: dict[str, str] = {}
    for title, (words, target, question) in asked.items():
        figures = [run(peer.asked(*words).argv, peer.environment) for _ in range(_RUNS)]
        wall, cpu = (statistics.median(values) for values in zip(*((f.wall_seconds, f.cpu_seconds) for f in figures), strict=True))
        wanted = f" (target {target})" if target else ""
        found[f"`reconcile {title}` {of}, warm, whole process{wanted}"] = f"{wall:.2f} s, {cpu:.2f} s of CPU"
        found[f"`reconcile {title}`, inside the process"] = (
            f"{statistics.median(_seconds(session, question) for _ in range(_RUNS)):.2f} s of CPU"
        )
    return found


def _seconds(session: Session, question: Callable[[Queries], object]) -> float:
    """CPU, with the look at the repository that each question begins with."""
    started = time.process_time()
    with session.queries() as queries:
        question(queries)
    return time.process_time() - started


def _through(items: Iterable[object]) -> None:
    deque(items, maxlen=0)
