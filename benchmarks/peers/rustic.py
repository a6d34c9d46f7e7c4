"""rustic: another program for restic's format."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers.peer import Call, Peer, first_line, found


class Rustic(Peer):
    name = "rustic"
    slow = True

    def version(self) -> str:
        return first_line(found("rustic"), "--version")

    def prepare(self, source: Path) -> None:
        self.environment.update(
            RUSTIC_PASSWORD="benchmark",
            RUSTIC_REPOSITORY=str(self.repository),
            RUSTIC_CACHE_DIR=str(self.work / "cache"),
            RUSTIC_NO_PROGRESS="true",
        )
        self.quietly(found("rustic"), "init")

    def backup(self, source: Path) -> Call:
        return _call("backup", str(source))

    def reread(self, source: Path) -> Call:
        return _call("backup", "--force", str(source))

    def restore(self, source: Path, target: Path) -> Call:
        return _call("restore", f"latest:{source}", str(target))

    def restore_one(self, source: Path, target: Path, name: str) -> Call:
        target.mkdir(parents=True)
        return _call("restore", f"latest:{source}/{name}", str(target / Path(name).name))

    def verify(self) -> Call:
        return _call("check", "--read-data")

    def landed(self, source: Path, target: Path) -> Path:
        return target

    def landed_one(self, source: Path, target: Path, name: str) -> Path:
        return target / Path(name).name


def _call(*words: str) -> Call:
    return Call([found("rustic"), *words])
