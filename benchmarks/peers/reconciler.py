"""This program, from the environment that runs the benchmark, with default settings: encryption, SHA-256 per file, verify before write."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.history import repeat
from benchmarks.peers.peer import Call, Peer, first_line

_COMMAND = [sys.executable, "-m", "reconciler.cli.main"]
_SPECS = """apiVersion: reconciler/v1
kind: Settings
metadata: {{name: settings}}
spec: {{realm: benchmark, records: {{repositories: []}}}}
---
apiVersion: reconciler/v1
kind: Repository
metadata: {{name: main}}
spec: {{url: '{repository}'{reach}, key: {{file: {key}}}}}
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


class Reconciler(Peer):
    name = "reconciler"
    reads_back = True

    def version(self) -> str:
        return first_line(*_COMMAND, "--version")

    @property
    def key(self) -> Path:
        return self.work / "key"

    @property
    def reach(self) -> str:
        """What more the spec says of its repository."""
        return ""

    def prepare(self, source: Path) -> None:
        specs = self.work / "specs"
        specs.mkdir()
        (specs / "all.yaml").write_text(_SPECS.format(repository=self.place, reach=self.reach, key=self.key, source=source))
        self.environment.update(RECONCILER_SPECS=str(specs), RECONCILER_STATE=str(self.work / "state"))
        self.quietly(*_COMMAND, "repository", "init", "main")

    def backup(self, source: Path) -> Call:
        return self.asked("backup", "create", "corpus")

    def reread(self, source: Path) -> Call:
        return self.asked("backup", "create", "corpus", "--kind", "full")

    def restore(self, source: Path, target: Path) -> Call:
        return self.asked("restore", "corpus", "--target", str(target))

    def restore_one(self, source: Path, target: Path, name: str) -> Call:
        return self.asked("restore", "corpus", "--target", str(target), "--path", f"{source}/{name}")

    def verify(self) -> Call:
        return self.asked("verify", "corpus", "--deep")

    def many(self, source: Path, count: int) -> bool:
        self.quietly(*self.backup(source).argv)
        repeat(self.repository, self.key, count)
        self.quietly(*self.list().argv)  # as after the first listing: the cache knows them
        self.quietly(*self.backup(source).argv)
        return True

    def list(self) -> Call:
        return self.asked("snapshots", "corpus")

    def asked(self, *words: str) -> Call:
        return Call([*_COMMAND, *words])
