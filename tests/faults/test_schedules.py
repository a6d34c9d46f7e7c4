"""Many actors on one repository, one call of the store at a time, in an order that a seed decides; some die in the middle, clocks jump.

Whatever the order: every acknowledged snapshot that nobody forgot is there and whole, nothing reads wrongly, and a last clean-up and a
last backup work without a person.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import pytest
from msgspec import Struct, field

from reconciler.base.clock import SystemClock
from reconciler.base.errors import ReconcilerError
from reconciler.repository import Repository, RepositoryError, opened
from reconciler.repository.near import Kept, Near, glance
from reconciler.repository.store import Found, Readable, Store
from reconciler.tree.write import Target
from tests.faults.world import TIMES, Killed, Memory, look, objects_of
from tests.unit.repository.conftest import Bench

pytestmark = pytest.mark.faults
SHARDS, PER_SHARD = 4, 150 * TIMES
START = datetime(2026, 6, 1, tzinfo=UTC)
PATIENCE_SECONDS = 60
JUMPS = 0.01  # per call of the store: every clock, also that of the store, goes years forwards or back


class Inline:
    """Work is done at once by whoever hands it over: a schedule must not depend on threads that the seed does not know."""

    def __init__(self, *_: object, **__: object) -> None:
        """Takes what a pool takes."""

    def submit(self, work: Callable[..., Any], *words: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(*words, **named))
        except BaseException as error:
            future.set_exception(error)
        return future

    def map(self, work: Callable[..., Any], *items: Any, **_: object) -> Any:
        return map(work, *items)

    def shutdown(self, **_: object) -> None:
        """Nothing runs on."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing runs on."""


@pytest.fixture(autouse=True)
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    for name, module in list(sys.modules.items()):
        if name.startswith("reconciler.repository.") and hasattr(module, "ThreadPoolExecutor"):
            monkeypatch.setattr(module, "ThreadPoolExecutor", Inline)


class Shared(Memory):
    """One store for all actors; remembers by its own clock when each object came."""

    def __init__(self, objects: dict[str, bytes], stage: Stage) -> None:
        super().__init__(objects, stage.step)
        self.stage = stage
        self.at_once = stage.chance.choice([1, 5])  # asked one by one, or with the lists of a look before anything else
        self.times = dict.fromkeys(objects, START - timedelta(days=1))

    def create(self, name: str, data: bytes) -> None:
        super().create(name, data)
        self.times[name] = self.stage.now

    def _found(self, name: str) -> Found:
        return Found(name, len(self.objects.get(name, b"")), self.times.get(name, self.stage.now))


@pytest.fixture(autouse=True)
def lists_in_any_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked for at once may be answered in any order."""

    def shuffled(place: Store, kept: Kept | None, lists: Sequence[str], folders: Sequence[str] = (), door: Near | None = None) -> Readable:
        return glance(place, kept, place.stage.chance.sample(lists, len(lists)) if isinstance(place, Shared) else lists, folders, door)

    monkeypatch.setattr(opened, "glance", shuffled)


class Skewed(SystemClock):
    """The clock of an actor's host: the true time and its own error."""

    def __init__(self, stage: Stage, error: timedelta) -> None:
        super().__init__()
        self._stage = stage
        self._error = error

    def now(self) -> datetime:
        return self._stage.now + self._error


class Actor(Struct):
    """One process: a thread that waits for its turn before each call of the store."""

    name: str
    thread: threading.Thread
    turn: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    dies_at: int | None = None
    calls: int = 0
    done: bool = False
    failure: BaseException | None = None


class Stage:
    """Gives the turn to one actor at a time. ``trace``: who was called with what, to read when something went wrong."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.now = START
        self.actors: list[Actor] = []
        self.trace: list[str] = []
        self.ends: Counter[str] = Counter()
        self._back = threading.Semaphore(0)
        self._mine = threading.local()

    def step(self, call: str, name: str) -> None:
        actor: Actor | None = getattr(self._mine, "actor", None)
        if actor is None:
            return
        self._back.release()
        assert actor.turn.acquire(timeout=PATIENCE_SECONDS), "the stage forgot an actor"
        actor.calls += 1
        self.trace.append(f"{actor.name}: {call} {name[:24]}")
        if actor.dies_at == actor.calls:
            raise Killed

    def add(self, name: str, work: Callable[[], None], dies_at: int | None) -> None:
        def run() -> None:
            self._mine.actor = actor
            assert actor.turn.acquire(timeout=PATIENCE_SECONDS)
            try:
                work()
                self.ends[f"{name} well"] += 1
            except (ReconcilerError, Killed) as error:
                self.ends[f"{name} {getattr(error, 'code', 'killed')}"] += 1
                self.trace.append(f"{name}: ends with {error!r}")
            except BaseException as error:
                actor.failure = error
            finally:
                actor.done = True
                self._back.release()

        actor = Actor(name, threading.Thread(target=run, daemon=True), dies_at=dies_at)
        self.actors.append(actor)

    def play(self) -> None:
        for actor in self.actors:
            actor.thread.start()
        favourite = self.chance.random() * 0.9
        last: Actor | None = None
        while alive := [actor for actor in self.actors if not actor.done]:
            actor = last if last in alive and self.chance.random() < favourite else self.chance.choice(alive)
            assert actor is not None
            last = actor
            self.now += timedelta(seconds=self.chance.choice([0, 1, 60, 3600]))
            if self.chance.random() < JUMPS:
                self.now = START + timedelta(days=self.chance.randrange(-3650, 3650))
                self.ends["clock jumps"] += 1
            actor.turn.release()
            assert self._back.acquire(timeout=PATIENCE_SECONDS), f"{actor.name} hangs"
        for actor in self.actors:
            actor.thread.join(PATIENCE_SECONDS)
            if actor.failure is not None:
                raise actor.failure


class Play(Struct):
    """One schedule: what was acknowledged, and what somebody began to forget."""

    stage: Stage
    store: Shared
    benches: list[Bench]
    acknowledged: set[str]
    elsewhere: Bench
    """Another repository, with a snapshot of the second source; nobody changes it."""
    forgotten: set[str] = field(default_factory=set)
    folder: Path = Path()

    def open(self, error: timedelta = timedelta()) -> Repository:
        return Repository.open("memory", self.benches[0].key(), store=self.store, clock=Skewed(self.stage, error), listed=True)

    def backup(self, bench: Bench, kind: str) -> None:
        repository = self.open()
        roots = repository.listing().roots
        taken = bench.take(repository, kind=kind, base=roots[0].id if roots and kind != "full" else None)
        if taken.root is not None:
            self.acknowledged.add(taken.root.id)

    def forget(self) -> None:
        repository = self.open()
        roots = repository.listing().roots
        going = [root.id for root in roots[1:] if self.stage.chance.random() < 0.6]
        self.forgotten.update(going)
        repository.forget(going)

    def clean_up(self, error: timedelta) -> None:
        repository = self.open(error)
        pruned = repository.clean_up(confirm=repository.plan_clean_up().digest)
        self.stage.ends["packs removed"] += pruned.removed_packs
        self.stage.ends["chunks rescued"] += pruned.rescued

    def copy_in(self) -> None:
        """The snapshots of another repository arrive; each counts when the copy says so."""
        origin = self.elsewhere
        repository = self.open()
        for copied in repository.copy_from(origin.open(), [root.id for root in origin.open().listing().roots]):
            self.acknowledged.add(copied.snapshot)
            self.stage.ends["copies in"] += 1

    def copy_out(self) -> None:
        """What arrives elsewhere is whole and right, whatever happens here meanwhile."""
        repository = self.open()
        roots = repository.listing().roots
        target = Repository.open("far", self.elsewhere.key(), store=Memory(objects_of(self.elsewhere.place)))
        for copied in target.copy_from(repository, [root.id for root in roots]):
            assert target.verify(copied.snapshot).intact
            self.stage.ends["copies out"] += 1

    def mark(self) -> None:
        repository = self.open()
        for root in repository.listing().roots[:1]:
            repository.mark(root.id, "verified", START)

    def restore(self) -> None:
        """A file under its own name is right; what is missing was said."""
        repository = self.open()
        roots = repository.listing().roots
        if roots:
            with Target.open(str(self.folder / f"target{self.stage.chance.random()}")) as target:
                repository.restore(roots[-1].id, target)

    def verify(self) -> None:
        """Damage may be found in what is being forgotten and removed, and in nothing else."""
        repository = self.open()
        for root in repository.listing().roots:
            verified = repository.verify(root.id)
            assert verified.intact or root.id in self.forgotten, f"{root.id}: {verified.damaged}"


Prepared = tuple[dict[str, bytes], list[Bench], set[str], Bench]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Two sources whose files partly have the same content, and three snapshots of the first."""
    folder = tmp_path_factory.mktemp("stage")
    benches = []
    for letter in "ab":
        (folder / letter).mkdir()
        (folder / letter / "common").write_bytes(b"common" * 100)
        (folder / letter / "own").write_bytes(letter.encode() * 700)
        benches.append(Bench(folder / letter, folder / "repository"))
    benches[0].init()
    known = set()
    for number in range(3):
        (folder / "a" / "changing").write_bytes(random.Random(number).randbytes(900))
        root = benches[0].take(kind="full").root
        assert root is not None
        known.add(root.id)
    (folder / "b" / "changing").write_bytes(random.Random(0).randbytes(900))  # only old snapshots hold this
    elsewhere = Bench(folder / "b", folder / "elsewhere")
    elsewhere.init()
    assert elsewhere.take(kind="full").root is not None
    return objects_of(benches[0].place), benches, known, elsewhere


SKEWS = (timedelta(), timedelta(), timedelta(days=2), timedelta(days=3650), timedelta(days=-3650))


@pytest.mark.parametrize("shard", range(SHARDS))
def test_no_order_of_calls_loses_what_was_acknowledged(
    prepared: Prepared, tmp_path: Path, faults: Callable[[str, int], None], shard: int
) -> None:
    objects, benches, known, elsewhere = prepared
    ends: Counter[str] = Counter()
    for number in range(PER_SHARD):
        seed = f"{shard}.{number}"
        chance = random.Random(seed)
        stage = Stage(chance)
        play = Play(stage, Shared(dict(objects), stage), benches, set(known), elsewhere, folder=tmp_path)
        acts: list[tuple[str, Callable[[], None]]] = [
            ("backup a", lambda: play.backup(benches[0], chance.choice(["full", "incremental"]))),  # noqa: B023
            ("backup b", lambda: play.backup(benches[1], chance.choice(["full", "incremental"]))),  # noqa: B023
            ("forget", play.forget),
            ("clean-up 1", lambda: play.clean_up(chance.choice(SKEWS))),  # noqa: B023
            ("clean-up 2", lambda: play.clean_up(chance.choice(SKEWS))),  # noqa: B023
            ("copy in", play.copy_in),
            ("copy out", play.copy_out),
            ("mark", play.mark),
            ("restore", play.restore),
            ("verify", play.verify),
        ]
        for name, work in chance.sample(acts, chance.randrange(2, 7)):
            stage.add(name, work, chance.randrange(1, 60) if chance.random() < 0.2 else None)
        try:
            stage.play()
            ends += stage.ends
            _judge(play)
        except BaseException as error:
            raise AssertionError(f"seed {seed}: {error!r}\n" + "\n".join(stage.trace[-150:])) from error
    print(ends)
    assert all(ends[f"{name} well"] > PER_SHARD // 10 for name, _ in acts), f"an actor hardly ever succeeds: {ends}"
    assert min(ends["clock jumps"], ends["copies in"], ends["copies out"]) > PER_SHARD // 4, ends
    faults("schedules", PER_SHARD)


def _judge(play: Play) -> None:
    """Then the world is quiet, and everything is looked at; twice, for what the next clean-up does must not hurt, either."""
    for after in ("the schedule", "a last clean-up"):
        seen = look(play.open)
        assert not seen.errors, f"after {after}: {seen.errors}"
        lost = play.acknowledged - play.forgotten - seen.content.keys()
        assert not lost, f"after {after}: acknowledged and not forgotten, but gone: {lost}"
        if after == "the schedule" and seen.content:
            play.stage.now += timedelta(days=400)
            play.clean_up(timedelta())
    taken = play.benches[1].take(play.open(), kind="full")
    assert taken.root is not None
    assert play.open().verify(taken.root.id).intact


def test_the_same_seed_gives_the_same_schedule(prepared: Prepared, tmp_path: Path) -> None:
    objects, benches, known, elsewhere = prepared

    def traced() -> list[str]:
        stage = Stage(random.Random("again"))
        play = Play(stage, Shared(dict(objects), stage), benches, set(known), elsewhere, folder=tmp_path)
        stage.add("backup", lambda: play.backup(benches[1], "full"), None)
        stage.add("mark", play.mark, None)
        stage.add("backup too", lambda: play.backup(benches[0], "incremental"), 20)
        stage.play()
        return [line.split(" ")[0] + line.split(" ")[1] for line in stage.trace]

    assert traced() == traced()


def test_the_judge_notices_a_loss(prepared: Prepared) -> None:
    """What a test of tests is for: the data of an acknowledged snapshot goes behind everybody's back."""
    objects, benches, known, elsewhere = prepared
    stage = Stage(random.Random(0))
    for name in [name for name in objects if name.startswith("packs/")]:
        broken = {each: data for each, data in objects.items() if each != name}
        with pytest.raises((AssertionError, RepositoryError)):
            _judge(Play(stage, Shared(broken, stage), benches, set(known), elsewhere))
