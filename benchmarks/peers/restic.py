"""restic."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers.peer import Call, Peer, first_line, found


class Restic(Peer):
    name = "restic"

    @property
    def options(self) -> list[str]:
        """Of every call."""
        return []

    def version(self) -> str:
        return first_line(found("restic"), "version")

    def prepare(self, source: Path) -> None:
        self.environment.update(RESTIC_PASSWORD="benchmark", RESTIC_REPOSITORY=self.place, RESTIC_CACHE_DIR=str(self.work / "cache"))
        self.quietly(*self._call("init").argv)

    def backup(self, source: Path) -> Call:
        return self._call("backup", str(source))

    def reread(self, source: Path) -> Call:
        return self._call("backup", "--force", str(source))

    def restore(self, source: Path, target: Path) -> Call:
        return self._call("restore", "latest", "--target", str(target))

    def restore_verified(self, source: Path, target: Path) -> Call:
        return self._call("restore", "latest", "--verify", "--target", str(target))

    def restore_one(self, source: Path, target: Path, name: str) -> Call:
        return self._call("restore", "latest", "--target", str(target), "--include", f"{source}/{name}")

    def verify(self) -> Call:
        return self._call("check", "--read-data")

    def many(self, source: Path, count: int) -> bool:
        """One backup, then each ``rewrite`` makes one more of every snapshot there is, or of as many as are missing."""
        restic = found("restic")
        self.quietly(restic, "backup", str(source))
        while len(there := self._ids()) < count:
            self.quietly(restic, "rewrite", "--new-host", f"host{len(there)}", *there[: count - len(there)])
        return True

    def list(self) -> Call:
        return self._call("snapshots")

    def _ids(self) -> list[str]:
        return sorted(path.name for path in (self.repository / "snapshots").iterdir())

    def _call(self, *words: str) -> Call:
        return Call([found("restic"), *self.options, *words])
