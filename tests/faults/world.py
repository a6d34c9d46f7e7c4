"""A repository in memory, where any object can be changed in no time, and one question to ask of it: what can be read, and is it right?"""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec import Struct, field

from reconciler.base.errors import Cancelled
from reconciler.base.files import Buffer
from reconciler.base.secret import Secret
from reconciler.repository import Keyring, Repository, RepositoryError, TakeRequest
from reconciler.repository.errors import Damaged, ObjectMissing
from reconciler.repository.store import Found
from reconciler.tree.excludes import Excludes
from reconciler.tree.scan import Scan, ScanRoot
from tests.fakes.clocks import FakeClock
from tests.unit.repository.conftest import CREATED, WRITER, Bench

TIMES = int(os.environ.get("RECONCILER_FAULTS_TIMES", "1"))
"""How many times as many random faults as in an ordinary run: for the nights. Other seeds each, the first ones are the same."""

PAGE = 3  # names in a page of a listing: small, so that other actors act between two pages


class Memory:
    """A store in a dictionary. ``before(call, name)`` is asked before each call takes effect: it may raise, wait, or let others act."""

    at_once = uploads = 1

    def __init__(self, objects: Mapping[str, bytes], before: Callable[[str, str], None] | None = None) -> None:
        self.url = "memory"
        self.objects = dict(objects)
        self.before = before or (lambda call, name: None)

    def put(self, name: str, data: Buffer) -> None:
        self.before("put", name)
        self.create(name, bytes(data))

    def create(self, name: str, data: bytes) -> None:
        if self.objects.setdefault(name, data) is not data:
            raise FileExistsError(name)

    def draft(self) -> _Draft:
        return _Draft(self)

    def barrier(self) -> None:
        self.before("barrier", "")

    def get(self, name: str, limit: int) -> bytes:
        self.before("get", name)
        data = self._object(name)
        if len(data) > limit:
            raise Damaged(f"{name} is larger than such an object may be", object=name)
        return data

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        self.before("get_range", name)
        data = self._object(name)[offset : offset + length]
        if len(data) != length:
            raise Damaged(f"{name} is cut short: {length} bytes at {offset} are not all there", object=name)
        return data

    def list(self, prefix: str) -> Iterator[Found]:
        """Page by page, as a bucket answers: what is added or removed between two pages may or may not be seen."""
        last = ""
        while True:
            self.before("list", prefix)
            names = sorted(name for name in list(self.objects) if name.startswith(prefix + "/") and name > last)[:PAGE]
            yield from [self._found(name) for name in names]
            if len(names) < PAGE:
                return
            last = names[-1]

    def folders(self, prefix: str) -> Iterator[str]:
        yield from dict.fromkeys(found.name.split("/")[1] for found in self.list(prefix) if found.name.count("/") > prefix.count("/") + 1)

    def find(self, name: str) -> Found | None:
        self.before("find", name)
        if name in self.objects:
            return self._found(name)
        return self._found(name) if any(each.startswith(name + "/") for each in list(self.objects)) else None

    def delete(self, name: str) -> None:
        self.before("delete", name)
        self.objects.pop(name, None)

    def try_listing(self) -> None:
        """It lists what it holds."""

    def close(self) -> None:
        """Nothing is kept open."""

    def settle(self, name: str) -> None:
        """What is in a dictionary is durable."""

    def free_bytes(self) -> int | None:
        return None

    def _object(self, name: str) -> bytes:
        try:
            return self.objects[name]
        except KeyError:
            raise ObjectMissing(f"{name} is missing in {self.url}", object=name) from None

    def _found(self, name: str) -> Found:
        return Found(name, len(self.objects.get(name, b"")), CREATED)


class _Draft:
    def __init__(self, store: Memory) -> None:
        self._store = store
        self._data = bytearray()

    def write(self, data: Buffer) -> None:
        self._store.before("write", "")
        self._data += data

    def commit(self, name: str) -> None:
        self._store.before("commit", name)
        self._store.create(name, bytes(self._data))

    def discard(self) -> None:
        self._data.clear()


def objects_of(place: Path) -> dict[str, bytes]:
    """Every object of a repository on a disk, without what is unfinished."""
    found = {str(path.relative_to(place)): path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()}
    return {name: data for name, data in found.items() if not name.startswith("tmp/")}


class Corpus(Struct):
    """A reference repository, another one with the same names of systems, and what reading the first must give."""

    objects: dict[str, bytes]
    other: dict[str, bytes]
    older: dict[str, bytes]
    """The same repository at an earlier time."""
    bench: Bench
    content: dict[str, tuple[object, ...]] = field(default_factory=dict)
    """Snapshot id: its entries."""
    spare: frozenset[str] = frozenset()
    """Key slots of other people."""

    def open(self, objects: Mapping[str, bytes]) -> Repository:
        return Repository.open("memory", self.bench.key(), store=Memory(objects))


class Seen(Struct, frozen=True):
    """What a person can still read. ``content`` holds only snapshots whose every byte was read and proven."""

    content: Mapping[str, tuple[object, ...]]
    errors: tuple[RepositoryError, ...]


def look(repository_of: Callable[[], Repository]) -> Seen:
    """Open, list, and read everything. Any error but a RepositoryError is let through: it fails the test.

    Verification names damage of the index and of deletion records, too; neither takes a snapshot away.
    """
    errors: list[RepositoryError] = []
    content: dict[str, tuple[object, ...]] = {}
    try:
        repository = repository_of()
        listing = repository.listing()
        errors += [error for _, error in listing.damaged]
        for root in listing.roots:
            verified = repository.verify(root.id)
            errors += verified.damaged
            if not _concerns_data(verified.damaged):
                content[root.id] = tuple(repository.entries(root.id))
    except RepositoryError as error:
        errors.append(error)
    return Seen(content, tuple(errors))


def checked(repository_of: Callable[[], Repository]) -> tuple[RepositoryError, ...]:
    """What a deep check finds: also in what no reader of a snapshot ever asks for."""
    try:
        return tuple(fault.error for fault in repository_of().check(deep=True).faults)
    except RepositoryError as error:
        return (error,)


def _concerns_data(damaged: tuple[RepositoryError, ...]) -> bool:
    return any(fold(str(error.context.get("object", ""))) not in {"index", "gc"} for error in damaged)


KINDS = {"header", "keys", "config", "packs", "index", "pending", "snapshots", "marks", "gc"}
"""The folders that hold objects; the others of the format stay empty so far."""


def built_corpus(folder: Path) -> Corpus:
    """Three snapshots in several packs, marks on snapshots and on a pack, readings, a checkpoint, a deletion record, two keys."""
    source = folder / "source"
    source.mkdir()
    bench = Bench(source, folder / "repository")
    bench.init()
    for number in range(6):
        (source / f"file{number}").write_bytes(bytes([number]) * 200 + hashlib.sha256(b"%d" % number).digest())
    (source / "link").symlink_to("file0")
    first = bench.take(kind="full").root
    assert first is not None
    older = objects_of(bench.place)
    (source / "added").write_bytes(hashlib.sha256(b"added").digest() * 20)
    second = bench.take(base=first.id).root
    assert second is not None
    (source / "folder").mkdir()
    (source / "folder" / "deep").write_bytes(b"the deepest file")
    assert bench.take(base=second.id).root is not None
    _condemned(bench)
    repository = bench.open()
    repository.mark(first.id, "verified", datetime(2026, 3, 2, tzinfo=UTC))
    repository.mark(second.id, "held", datetime(2026, 3, 2, tzinfo=UTC), "for the auditors")
    repository.examine([first.id], deep=True, scope="system")
    repository.distrust([next(name for name in sorted(objects_of(bench.place)) if fold(name) == "packs")], datetime(2026, 3, 2, tzinfo=UTC))
    _stopped(bench)
    spare = Keyring.open(str(bench.place), bench.key()).add(Secret(b"6b" * 32), "raw", CREATED)
    other = Bench(source, folder / "other")
    other.init()
    base = other.take(kind="full").root
    assert base is not None
    other.open().mark(base.id, "verified", datetime(2026, 3, 2, tzinfo=UTC))
    objects = objects_of(bench.place)
    assert {fold(name) for name in objects} == KINDS
    made = Corpus(objects, objects_of(other.place), older, bench, spare=frozenset({f"keys/{spare}"}))
    seen = look(lambda: made.open(objects))
    assert not seen.errors
    assert len(seen.content) == 3
    made.content = dict(seen.content)
    return made


def _condemned(bench: Bench) -> None:
    """A snapshot that was forgotten and cleaned away: its deletion record stays."""
    (bench.source / "passing").write_bytes(hashlib.sha256(b"passing").digest() * 900)
    root = bench.take(kind="full").root
    assert root is not None
    (bench.source / "passing").unlink()
    bench.open().forget([root.id])
    cleaner = Repository.open(str(bench.place), bench.key(), clock=FakeClock(datetime.now(UTC) + timedelta(days=2)))
    assert cleaner.clean_up(confirm=cleaner.plan_clean_up().digest).removed_packs


def _stopped(bench: Bench) -> None:
    """A backup of another system that left a checkpoint."""
    stop = threading.Event()
    stop.set()
    request = TakeRequest("realm", "other", "host", "full", CREATED, "generation", b"{}", WRITER, (str(bench.source),))
    with contextlib.suppress(Cancelled):
        bench.open().take(Scan([ScanRoot(str(bench.source), Excludes(()))]), request, base=None, judge=lambda _: "complete", stop=stop)


def mutated_bit(data: bytes, position: int, bit: int) -> bytes:
    changed = bytearray(data)
    changed[position] ^= 1 << bit
    return bytes(changed)


def fold(name: str) -> str:
    """The kind of an object: the folder that it lies in."""
    return name.split("/", 1)[0]


class Killed(BaseException):
    """Nothing catches it, as nothing catches a SIGKILL."""


@contextmanager
def deadline(seconds: float, doing: str) -> Iterator[None]:
    """Fail when ``doing`` takes longer; the time is that of this thread, for other work may share the machine."""
    import time

    before = time.thread_time()
    yield
    assert time.thread_time() - before < seconds, f"{doing} took {time.thread_time() - before:.1f} s"


@contextmanager
def bounded(memory: int, doing: str) -> Iterator[None]:
    """Fail when ``doing`` holds more bytes at once."""
    import tracemalloc

    tracemalloc.start()
    try:
        yield
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < memory, f"{doing} took {peak:,} bytes"


class Counter:
    """Counts calls from any thread."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self.last = 0

    def next(self) -> int:
        with self._lock:
            self.last = next(self._numbers)
            return self.last


def random_bytes(length: int) -> bytes:
    return os.urandom(length)
