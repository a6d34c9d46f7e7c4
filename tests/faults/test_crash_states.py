"""After a crash at any moment, under any order in which a disk may write, everything acknowledged is there and the next run just works."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec import Struct, field

from reconciler.base.errors import Cancelled
from reconciler.repository import Repository
from reconciler.repository.store import LocalStore
from tests.fakes.clocks import FakeClock
from tests.faults.disks import Recording, one_after_another
from tests.faults.world import TIMES, Memory, look, objects_of
from tests.unit.repository.conftest import Bench

pytestmark = pytest.mark.faults
NOW = datetime(2026, 3, 2, tzinfo=UTC)
LATER = datetime.now(UTC) + timedelta(days=2)  # what a run has just stored is left alone by a clean-up; by then it is no more
TRIES = 3 * TIMES  # random states per call for each of the two models that have a choice
NEXT_RUN_EVERY = 10
CLEAN_UPS = 2  # the first gives up abandoned roots, the second removes what only they needed


class Story(Struct):
    """What happens to a repository, and after which call of the disk each promise was given."""

    bench: Bench
    disk: Recording
    promised: list[tuple[int, str]] = field(default_factory=list)
    forgotten: set[str] = field(default_factory=set)
    gone: list[tuple[int, str]] = field(default_factory=list)
    truth: dict[str, tuple[object, ...]] = field(default_factory=dict)
    """What each snapshot holds, looked at before any is forgotten."""

    def open(self) -> Repository:
        place = str(self.bench.place)
        return Repository.open(place, self.bench.key(), store=LocalStore(place, self.disk), clock=FakeClock(LATER))

    def promise(self, snapshot: str) -> str:
        self.promised.append((len(self.disk.calls), snapshot))
        return snapshot

    def backup(self, base: str | None, kind: str = "incremental") -> str:
        root = self.bench.take(self.open(), base=base, kind=kind).root
        assert root is not None
        return self.promise(root.id)

    def forget(self, snapshot: str) -> None:
        self.forgotten.add(snapshot)
        self.truth |= look(self.bench.open).content
        self.open().forget([snapshot])
        self.gone.append((len(self.disk.calls), snapshot))

    def write(self, name: str, size: int = 3000) -> None:
        (self.bench.source / name).write_bytes(random.Random(name).randbytes(size))


def _first(story: Story, base: str) -> None:
    """A first full backup (of another system's data: nothing is known)."""
    story.write("more", 50_000)
    story.backup(None, "full")


def _later(story: Story, base: str) -> None:
    story.write("new")
    second = story.backup(base)
    story.write("newer")
    story.backup(second)


def _stopped(story: Story, base: str) -> None:
    """A backup that is stopped and leaves a checkpoint, and the one that continues."""
    story.write("large", 3_000_000)
    stop = threading.Event()
    stop.set()
    repository = story.open()
    take = repository.take
    repository.take = lambda *words, **named: take(*words, **named, stop=stop)  # type: ignore[method-assign]
    with pytest.raises(Cancelled):
        story.bench.take(repository, base=base)
    story.backup(base)


def _forgetting(story: Story, base: str) -> None:
    story.write("new")
    second = story.backup(base)
    story.open().mark(base, "remove", NOW)
    story.forget(base)
    story.write("newer")
    story.backup(second)


def _marking(story: Story, base: str) -> None:
    """Marks, and the full backup that stores anew what a damaged pack held."""
    story.open().mark(base, "verified", NOW)
    story.open().mark(base, "held", NOW, "for the auditors")
    story.open().distrust([str(next(iter((story.bench.place / "packs").glob("*/*"))).relative_to(story.bench.place))], NOW)
    story.backup(None, "full")


def _cleaning(story: Story, base: str) -> None:
    """Some of what a pack holds is still needed, some is not."""
    (story.bench.source / "file0").unlink()
    story.write("new", 20_000)
    second = story.backup(base)
    story.forget(base)
    (story.bench.source / "new").unlink()
    third = story.backup(second)
    story.forget(second)
    repository = story.open()
    assert repository.clean_up(confirm=repository.plan_clean_up().digest).removed_packs
    story.write("newer")
    story.backup(third)


def _copying(story: Story, base: str) -> None:
    """Snapshots of another repository arrive."""
    origin = Bench(story.bench.source, story.bench.place.parent / "origin")
    origin.init()
    story.write("elsewhere")
    first = origin.take(kind="full").root
    story.write("elsewhere", 4000)
    assert first is not None
    second = origin.take(base=first.id).root
    assert second is not None
    for copied in story.open().copy_from(origin.open(), [first.id, second.id]):
        story.promise(copied.snapshot)


STORIES = [_first, _later, _stopped, _forgetting, _marking, _cleaning, _copying]


def prepared(folder: Path) -> tuple[Story, str]:
    source = folder / "source"
    source.mkdir()
    bench = Bench(source, folder / "repository")
    bench.init()
    for number in range(4):
        (source / f"file{number}").write_bytes(bytes([number]) * 700)
    base = bench.take(kind="full").root
    assert base is not None
    story = Story(bench, Recording(str(bench.place)))
    story.promise(base.id)
    return story, base.id


@pytest.mark.parametrize("tell", STORIES, ids=lambda tell: tell.__name__)
def test_every_state_after_a_crash_keeps_what_was_acknowledged(
    tmp_path: Path, faults: Callable[[str, int], None], tell: Callable[[Story, str], None]
) -> None:
    story, base = prepared(tmp_path)
    before = objects_of(story.bench.place)
    truth = dict(look(story.bench.open).content)
    tell(story, base)
    truth |= story.truth | dict(look(story.bench.open).content)
    states = 0
    for number, platter in one_after_another(story.disk.calls, before):
        chance = random.Random(f"{tell.__name__} {number}")
        pictures = [("killed", platter.killed()), ("powerless", platter.powerless())]
        for _ in range(TRIES):
            pictures += [("torn", platter.torn(chance)), ("reordered", platter.reordered(chance))]
        for how, objects in pictures:
            states += 1
            _check(story, number, objects, truth, f"{how} after call {number} of {len(story.disk.calls)}")
            if states % NEXT_RUN_EVERY == 0:
                _next_run(story, number, objects, truth, f"{how} after call {number}")
    faults("crash states", states)


def _check(story: Story, number: int, objects: dict[str, bytes], truth: dict[str, tuple[object, ...]], what: str) -> None:
    seen = look(lambda: Repository.open("memory", story.bench.key(), store=Memory(objects)))
    assert not seen.errors, f"{what}: {seen.errors}"
    for since, snapshot in story.promised:
        if since <= number and snapshot not in story.forgotten:
            assert snapshot in seen.content, f"{what}: an acknowledged snapshot is gone"
    for since, snapshot in story.gone:
        assert since > number or snapshot not in seen.content, f"{what}: a forgotten snapshot came back"
    for snapshot, entries in seen.content.items():
        assert entries == truth[snapshot], f"{what}: {snapshot} reads wrongly"


def _next_run(story: Story, number: int, objects: dict[str, bytes], truth: dict[str, tuple[object, ...]], what: str) -> None:
    """Nobody unlocks or repairs anything: the next clean-up and backup work, and a second backup sees that nothing changed."""
    store = Memory(objects)
    cleaner = Repository.open("memory", story.bench.key(), store=store, clock=FakeClock(LATER))
    for _ in range(CLEAN_UPS):
        cleaner.clean_up(confirm=cleaner.plan_clean_up().digest)
    assert cleaner.plan_clean_up().empty, f"{what}: clean-ups never come to an end"
    _check(story, number, store.objects, truth, f"{what}, then a clean-up")
    key = story.bench.key()
    base = Repository.open("memory", key, store=store).listing().roots[0].id
    taken = story.bench.take(Repository.open("memory", key, store=store), base=base)
    newest = taken.root.id if taken.root is not None else base
    assert not taken.damage, what
    seen = look(lambda: Repository.open("memory", key, store=store))
    assert not seen.errors, what
    assert newest in seen.content, what
    assert story.bench.take(Repository.open("memory", key, store=store), base=newest).unchanged, what
