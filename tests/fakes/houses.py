"""A whole house in a temporary folder: specs, sources, a real repository, a real catalog, and a clock that the test moves.

Its thresholds are so far out that the host on which tests run never alarms it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct, field

from reconciler.app.reports import PassReport
from reconciler.app.session import Session
from reconciler.base.clock import SystemClock
from tests.fakes.clocks import FakeClock

BASE = """\
apiVersion: reconciler/v1
kind: Settings
metadata: {name: settings}
spec: {realm: quiet-otter-41, records: {repositories: []}, health: {cpu: {warning: 1000}, memory: &never {warning: {share: 0.000001}, \
bad: {share: 0.000001}}, space: *never, inodes: *never}}
---
apiVersion: reconciler/v1
kind: Repository
metadata: {name: main}
spec: {url: ../repository, key: {file: ../keys/main.key}}
"""

POLICY = """\
apiVersion: reconciler/v1
kind: BackupPolicy
metadata: {{name: standard}}
spec:
  repositories: [main]
  schedule: {{full: {{every: 365d}}, differential: null, incremental: {{every: 1h}}}}
  retention: {retention}
"""

SYSTEM = """\
apiVersion: reconciler/v1
kind: System
metadata: {{name: {name}}}
spec:
  tier: low
  policy: standard
  verification: {{quick: null, deep: null}}
  sources: [{{path: ../{source}{more}}}]
{extra}"""


AHEAD = timedelta(hours=12)
"""The clock of a house runs ahead of the files that a test writes: what was just written must not look as if it changed during a scan."""


@contextmanager
def quick_folder() -> Iterator[Path]:
    """A temporary folder in memory where there is one: a house syncs some fifty files per pass, and a restore a whole file system."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(prefix="house-", dir=memory if os.access(memory, os.W_OK) else None) as folder:
        yield Path(folder)


class WholeHouse(Struct):
    """One spec tree with everything that it names."""

    folder: Path
    clock: FakeClock = field(default_factory=lambda: FakeClock(SystemClock().now() + AHEAD))
    allowed: tuple[Path, ...] = ()
    """Directories whose programs the specs may name."""
    _arrived: set[Path] = field(default_factory=set)

    def __post_init__(self) -> None:
        for name in ("specs", "orders"):
            (self.folder / name).mkdir(exist_ok=True)
        self.write("base.yaml", BASE)
        self.policy()
        self.system("orders")
        (self.folder / "orders" / "one.txt").write_text("one")

    @property
    def source(self) -> Path:
        return self.folder / "orders"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def repository(self) -> Path:
        return self.folder / "repository"

    def write(self, name: str, text: str) -> None:
        (self.folder / "specs" / name).write_text(text)

    def policy(self, retention: str = "{}") -> None:
        self.write("policy.yaml", POLICY.format(retention=retention))

    def system(self, name: str, *, source: str | None = None, more: str = "", extra: str = "") -> None:
        self.write(f"{name}.yaml", SYSTEM.format(name=name, source=source or name, more=more, extra=extra))

    def session(self, *, read_only: bool = False, waits: bool = True) -> Session:
        return Session.open(
            self.folder / "specs",
            state=self.state,
            agent="shop1",
            clock=self.clock,
            read_only=read_only,
            allow_commands=self.allowed,
            waits=waits,
        )

    def one_pass(self, *, init: bool = False) -> PassReport:
        """A pass of a fresh session, as a fresh process would make it. What it stored arrives at the time of the clock."""
        with self.session() as session:
            report = session.run_once(init=init)
        self.arrive()
        return report

    def arrive(self) -> None:
        """Let what is new in the repository look as if it had been written at the time of the clock."""
        at = self.clock.now().timestamp()
        for path in self.repository.rglob("*"):
            if path not in self._arrived and path.is_file():
                os.utime(path, (at, at))
                self._arrived.add(path)

    def traces(self) -> dict[str, tuple[int, int, int, int]]:
        """Everything that touching would change."""
        found = {}
        for path in [self.folder, *self.folder.rglob("*")]:
            info = path.lstat()
            found[str(path)] = (info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns)
        return found
