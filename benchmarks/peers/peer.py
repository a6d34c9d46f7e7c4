"""What every tool can be asked for. None as an answer: not comparable with this tool, left out of the row."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import ClassVar

from msgspec import Struct, field

from benchmarks.measure import tree_bytes


class Call(Struct, frozen=True):
    """One command, as it is measured: the whole process with its children."""

    argv: list[str]
    cwd: Path | None = None


class Peer(Struct):
    """One tool with a working folder of its own, which a round begins and ends with nothing in it."""

    work: Path
    environment: dict[str, str] = field(default_factory=dict)
    backups: int = 0
    """Taken in this round."""
    name: ClassVar[str] = ""
    slow: ClassVar[bool] = False
    """No ratio to it is a target but "faster": fewer rows, so that a run ends within half an hour."""
    incremental: ClassVar[bool] = True
    """Knows what it stored before."""
    reads_back: ClassVar[bool] = False
    """Its restore reads again what it wrote, without being asked."""

    @property
    def repository(self) -> Path:
        return self.work / "repository"

    @property
    def place(self) -> str:
        """The words by which the tool knows its repository."""
        return str(self.repository)

    def version(self) -> str:
        """Raises OSError or CalledProcessError when the tool is not there."""
        raise NotImplementedError

    def fresh(self, source: Path) -> None:
        """An empty repository for ``source``."""
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        self.backups = 0
        self.prepare(source)

    def prepare(self, source: Path) -> None:
        """In the fresh working folder."""

    def backup(self, source: Path) -> Call:
        """The first one, or a further one that may rely on it."""
        raise NotImplementedError

    def reread(self, source: Path) -> Call | None:
        """A further one that reads every byte again."""
        return None

    def restore(self, source: Path, target: Path) -> Call | None:
        return None

    def restore_verified(self, source: Path, target: Path) -> Call | None:
        """The same, and what was written is read again."""
        return self.restore(source, target) if self.reads_back else None

    def restore_one(self, source: Path, target: Path, name: str) -> Call | None:
        """``name``: relative to ``source``."""
        return None

    def verify(self) -> Call | None:
        """Read, decrypt and check every byte stored."""
        return None

    def many(self, source: Path, count: int) -> bool:
        """Make so many snapshots, cheaply; False when there is no cheap way."""
        return False

    def list(self) -> Call | None:
        return None

    def landed(self, source: Path, target: Path) -> Path:
        """Where a restore into ``target`` puts what was in ``source``."""
        return target / str(source).lstrip("/")

    def landed_one(self, source: Path, target: Path, name: str) -> Path:
        return self.landed(source, target) / name

    def stored_bytes(self) -> int:
        return tree_bytes(self.repository)

    def quietly(self, *argv: str) -> str:
        """Run one command that is not measured; its output."""
        done = subprocess.run(argv, env=os.environ | self.environment, check=True, capture_output=True, text=True)
        return done.stdout


def found(tool: str) -> str:
    """The program: from ``$BENCHMARK_PEERS`` first, then the path. Raises FileNotFoundError."""
    own = os.environ.get("BENCHMARK_PEERS")
    place = (shutil.which(tool, path=own) if own else None) or shutil.which(tool)
    if place is None:
        raise FileNotFoundError(tool)
    return place


def first_line(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip().splitlines()[0]
