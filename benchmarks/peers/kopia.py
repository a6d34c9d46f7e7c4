"""kopia. Its default stores without compression, which nobody would compare with; here it uses zstd."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks.peers.peer import Call, Peer, first_line, found


class Kopia(Peer):
    name = "kopia"
    slow = True

    def version(self) -> str:
        return f"kopia {first_line(found('kopia'), '--version').split()[0]}, with zstd"

    def prepare(self, source: Path) -> None:
        self.environment.update(
            KOPIA_PASSWORD="benchmark",
            KOPIA_CONFIG_PATH=str(self.work / "config"),
            KOPIA_CACHE_DIRECTORY=str(self.work / "cache"),
            KOPIA_LOG_DIR=str(self.work / "log"),
            KOPIA_CHECK_FOR_UPDATES="false",
        )
        self.quietly(found("kopia"), "repository", "create", "filesystem", "--path", str(self.repository))
        self.quietly(found("kopia"), "policy", "set", "--global", "--compression=zstd")

    def backup(self, source: Path) -> Call:
        return _call("snapshot", "create", str(source))

    def reread(self, source: Path) -> Call:
        return _call("snapshot", "create", "--force-hash=100", str(source))

    def restore(self, source: Path, target: Path) -> Call:
        return _call("snapshot", "restore", self._newest(source), str(target))

    def restore_one(self, source: Path, target: Path, name: str) -> Call:
        target.mkdir(parents=True)
        return _call("restore", f"{self._newest(source)}/{name}", str(target / Path(name).name))

    def verify(self) -> Call:
        return _call("snapshot", "verify", "--verify-files-percent=100")

    def many(self, source: Path, count: int) -> bool:
        """So many folders with one snapshot each, in one run."""
        folders = [self.work / "folders" / str(number) for number in range(count)]
        for folder in folders:
            folder.mkdir(parents=True)
            (folder / "file").write_text(str(folder))
        self.quietly(*_call("snapshot", "create", *map(str, folders)).argv)
        return True

    def list(self) -> Call:
        return _call("snapshot", "list")

    def landed(self, source: Path, target: Path) -> Path:
        return target

    def landed_one(self, source: Path, target: Path, name: str) -> Path:
        return target / Path(name).name

    def _newest(self, source: Path) -> str:
        """The object id of the folder."""
        listed = json.loads(self.quietly(found("kopia"), "snapshot", "list", "--json", str(source)))
        return str(listed[-1]["rootEntry"]["obj"])


def _call(*words: str) -> Call:
    return Call([found("kopia"), "--no-progress", *words])
