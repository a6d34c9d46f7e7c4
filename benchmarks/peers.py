"""The tools, behind one small protocol: how each initialises, backs up, restores and checks, with its default settings.

A peer that cannot be had is left out with a word; restic never is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

RESTIC = "0.19.0"  # the newest that the module proxy builds; tried before the distribution's


@dataclass(slots=True)
class Peer:
    """One tool with a working folder of its own."""

    work: Path
    environment: dict[str, str] = field(default_factory=dict)
    name: ClassVar[str] = ""

    @property
    def repository(self) -> Path:
        return self.work / "repository"

    def version(self) -> str:
        """Raises OSError or CalledProcessError when the tool is not there."""
        raise NotImplementedError

    def fresh(self) -> None:
        """An empty repository."""
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir(parents=True)
        for argv in self.prepare():
            subprocess.run(argv, env=os.environ | self.environment, check=True, capture_output=True)

    def prepare(self) -> list[list[str]]:
        return []

    def backup(self, source: Path) -> list[str]:
        raise NotImplementedError

    def restore(self, source: Path, target: Path) -> list[str] | None:
        """None: not comparable."""
        return None

    def verify(self) -> list[str] | None:
        return None


def _said(argv: list[str]) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip().splitlines()[0]


class Reconciler(Peer):
    """This program, from the environment that runs the benchmark."""

    name = "reconciler"

    def version(self) -> str:
        return _said([*self._command, "--version"])

    @property
    def _command(self) -> list[str]:
        return [sys.executable, "-m", "reconciler.cli.main"]

    def prepare(self) -> list[list[str]]:
        self.environment.update(RECONCILER_SPECS=str(self.work / "specs"), RECONCILER_STATE=str(self.work / "state"))
        return []

    def backup(self, source: Path) -> list[str]:
        specs = self.work / "specs"
        if not specs.exists():
            specs.mkdir()
            (specs / "all.yaml").write_text(_SPECS.format(repository=self.repository, key=self.work / "key", source=source))
            subprocess.run(
                [*self._command, "repository", "init", "main"], env=os.environ | self.environment, check=True, capture_output=True
            )
        return [*self._command, "backup", "create", "corpus"]

    def restore(self, source: Path, target: Path) -> list[str] | None:
        return [*self._command, "restore", "corpus", "--target", str(target)]

    def verify(self) -> list[str] | None:
        return [*self._command, "verify", "corpus"]


_SPECS = """apiVersion: reconciler/v1
kind: Settings
metadata: {{name: settings}}
spec: {{realm: benchmark}}
---
apiVersion: reconciler/v1
kind: Repository
metadata: {{name: main}}
spec: {{url: {repository}, key: {{file: {key}}}}}
---
apiVersion: reconciler/v1
kind: BackupPolicy
metadata: {{name: plain}}
spec: {{repositories: [main]}}
---
apiVersion: reconciler/v1
kind: System
metadata: {{name: corpus}}
spec: {{tier: low, policy: plain, sources: [{{path: {source}}}]}}
"""


class Restic(Peer):
    """From the path, or built into ``$BENCHMARK_PEERS``."""

    name = "restic"

    def version(self) -> str:
        return _said([_found("restic"), "version"])

    def prepare(self) -> list[list[str]]:
        self.environment.update(
            RESTIC_PASSWORD="benchmark", RESTIC_REPOSITORY=str(self.repository), RESTIC_CACHE_DIR=str(self.work / "cache")
        )
        return [[_found("restic"), "init"]]

    def backup(self, source: Path) -> list[str]:
        return [_found("restic"), "backup", str(source)]

    def restore(self, source: Path, target: Path) -> list[str] | None:
        return [_found("restic"), "restore", "latest", "--target", str(target)]

    def verify(self) -> list[str] | None:
        return [_found("restic"), "check", "--read-data"]


class Borg(Peer):
    """From the path."""

    name = "borg"

    def version(self) -> str:
        return _said([_found("borg"), "--version"])

    def prepare(self) -> list[list[str]]:
        self.environment.update(BORG_PASSPHRASE="benchmark", BORG_REPO=str(self.repository), BORG_BASE_DIR=str(self.work / "base"))
        return [[_found("borg"), "init", "-e", "repokey-blake2"]]

    def backup(self, source: Path) -> list[str]:
        return [_found("borg"), "create", "::{now:%Y%m%d%H%M%S%f}", str(source)]

    def verify(self) -> list[str] | None:
        return [_found("borg"), "check", "--verify-data"]


class TarZstd(Peer):
    """No deduplication, no encryption, no fsync: what reading and compressing alone cost."""

    name = "tar+zstd"

    def version(self) -> str:
        return _said(["zstd", "--version"])

    def fresh(self) -> None:
        shutil.rmtree(self.work, ignore_errors=True)
        self.repository.mkdir(parents=True)

    def backup(self, source: Path) -> list[str]:
        return ["sh", "-c", 'tar -cf - -C "$1" . | zstd -q -f -3 -T2 -o "$2"', "sh", str(source), str(self.repository / "all.tar.zst")]


class Copy(Peer):
    """What reading and writing alone cost."""

    name = "cp -a"

    def version(self) -> str:
        return _said(["cp", "--version"])

    def fresh(self) -> None:
        shutil.rmtree(self.work, ignore_errors=True)
        self.repository.mkdir(parents=True)

    def backup(self, source: Path) -> list[str]:
        return ["cp", "-a", "--no-target-directory", str(source), str(self.repository / "copy")]


def _found(tool: str) -> str:
    """From ``$BENCHMARK_PEERS`` first, then the path."""
    own = os.environ.get("BENCHMARK_PEERS")
    found = (shutil.which(tool, path=own) if own else None) or shutil.which(tool)
    if found is None:
        raise FileNotFoundError(tool)
    return found


ALL: tuple[type[Peer], ...] = (Reconciler, Restic, Borg, TarZstd, Copy)
