"""borg. There is no cheap way to 1,000 archives: left out of that row."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers.peer import Call, Peer, first_line, found


class Borg(Peer):
    name = "borg"
    slow = True

    def version(self) -> str:
        return first_line(found("borg"), "--version")

    def prepare(self, source: Path) -> None:
        self.environment.update(BORG_PASSPHRASE="benchmark", BORG_REPO=str(self.repository), BORG_BASE_DIR=str(self.work / "base"))
        self.quietly(found("borg"), "init", "-e", "repokey-blake2")

    def backup(self, source: Path) -> Call:
        return self._create(source)

    def reread(self, source: Path) -> Call:
        return self._create(source, "--files-cache=disabled")

    def _create(self, source: Path, *words: str) -> Call:
        self.backups += 1
        return Call([found("borg"), "create", *words, f"::{self.backups}", str(source)])

    def restore(self, source: Path, target: Path) -> Call:
        target.mkdir(parents=True)
        return Call([found("borg"), "extract", f"::{self.backups}"], target)

    def restore_one(self, source: Path, target: Path, name: str) -> Call:
        target.mkdir(parents=True)
        return Call([found("borg"), "extract", f"::{self.backups}", f"{str(source).lstrip('/')}/{name}"], target)

    def verify(self) -> Call:
        return Call([found("borg"), "check", "--verify-data"])
