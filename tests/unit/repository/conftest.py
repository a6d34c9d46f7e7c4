"""A repository in a folder of its own, and short words for taking and restoring."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from msgspec import Struct

from reconciler.base.files import REAL_DISK, Disk
from reconciler.base.secret import Secret
from reconciler.repository import Progress, Repository, Restored, Taken, TakeRequest
from reconciler.repository.store import LocalStore
from reconciler.tree.entry import Defect
from reconciler.tree.excludes import Excludes
from reconciler.tree.scan import Scan, ScanRoot
from reconciler.tree.write import Target

KEY = b"5a" * 32
WRITER = "f" * 32
CREATED = datetime(2026, 3, 1, tzinfo=UTC)


class Bench(Struct):
    """One source folder and one repository."""

    source: Path
    place: Path
    disk: Disk = REAL_DISK

    def key(self) -> Secret:
        return Secret(KEY)

    def init(self) -> Repository:
        return Repository.init(str(self.place), self.key(), created_at=CREATED, store=LocalStore(str(self.place), self.disk))

    def open(self) -> Repository:
        return Repository.open(str(self.place), self.key(), store=LocalStore(str(self.place), self.disk))

    def take(
        self,
        repository: Repository | None = None,
        *,
        kind: str = "incremental",
        base: str | None = None,
        later: timedelta = timedelta(seconds=30),
        checksums: tuple[str, ...] = ("sha256",),
        compression: tuple[str, int | None] = ("zstd", None),
        excludes: Sequence[str] = (),
        judge: Callable[[Sequence[Defect]], str] = lambda defects: "complete" if all(d.kind.is_note for d in defects) else "partial",
        progress: Callable[[Progress], None] | None = None,
        beside: str | None = None,
        canaries: tuple[bytes, ...] = (),
    ) -> Taken:
        """``later``: how long after now the scan claims to begin, so that files just made are not too fresh to be trusted."""
        request = TakeRequest(
            realm="realm",
            system="system",
            host="host",
            kind=kind,
            as_of=datetime.now(UTC) + later,
            generation="generation",
            specs=b"{}",
            writer=WRITER,
            paths=(str(self.source),),
            compression=compression,
            checksums=checksums,
            canaries=canaries,
        )
        scan = Scan([ScanRoot(str(self.source), Excludes(excludes))])
        return (repository or self.open()).take(scan, request, base=base, judge=judge, progress=progress, beside=beside)

    def restore(self, snapshot: str, target: Path, paths: Sequence[bytes] = ()) -> Restored:
        return self.restored(self.open(), snapshot, target, paths)

    def restored(self, repository: Repository, snapshot: str, target: Path, paths: Sequence[bytes] = ()) -> Restored:
        with Target.open(str(target)) as opened:
            return repository.restore(snapshot, opened, paths=paths)

    def inside(self, target: Path) -> Path:
        """Where the source lies in a restored tree."""
        return target / str(self.source).lstrip("/")

    def objects(self) -> list[Path]:
        return sorted(path for path in self.place.rglob("*") if path.is_file())


def described(root: Path) -> dict[str, tuple[object, ...]]:
    """Everything that a restore must bring back, by relative path."""
    found: dict[str, tuple[object, ...]] = {}
    for folder, folders, files in os.walk(root):
        for name in folders + files:
            path = Path(folder) / name
            info = path.lstat()
            content: object = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
            found[str(path.relative_to(root))] = (info.st_mode, info.st_mtime_ns, info.st_uid, info.st_gid, content)
    return found


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    source = tmp_path / "source"
    source.mkdir()
    made = Bench(source, tmp_path / "repository")
    made.init()
    return made


Children = Callable[[], set[int]]
"""Numbers of processes."""


class Killer:
    """As the progress of a run: whatever process it has started is killed as soon as it is seen."""

    def __init__(self, children: Children) -> None:
        self._children = children
        self.killed: set[int] = set()

    def __call__(self, _: Progress) -> None:
        for child in self._children():
            os.kill(child, signal.SIGKILL)
            self.killed.add(child)


@pytest.fixture
def children() -> Iterator[Children]:
    """Asks which processes this test has started and still run; none does in the end. Those that other tests left are not its own."""
    before = _children()
    yield lambda: _children() - before
    assert _children() <= before


def _children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}
