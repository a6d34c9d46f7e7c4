"""What reading, compressing and writing cost without anything else: no deduplication, no encryption, no fsync."""

from __future__ import annotations

from pathlib import Path

from benchmarks.peers.peer import Call, Peer, first_line


class TarZstd(Peer):
    name = "tar+zstd"
    incremental = False

    def version(self) -> str:
        return first_line("zstd", "--version").strip("* ").partition(",")[0]

    def prepare(self, source: Path) -> None:
        self.repository.mkdir()

    @property
    def _file(self) -> str:
        return str(self.repository / "all.tar.zst")

    def backup(self, source: Path) -> Call:
        return _shell('tar -cf - -C "$1" . | zstd -q -f -3 -T2 -o "$2"', str(source), self._file)

    def restore(self, source: Path, target: Path) -> Call:
        target.mkdir(parents=True)
        return _shell('zstd -q -d -c "$1" | tar -xf - -C "$2"', self._file, str(target))

    def landed(self, source: Path, target: Path) -> Path:
        return target


class Copy(Peer):
    name = "cp -a"
    incremental = False

    def version(self) -> str:
        return first_line("cp", "--version")

    def prepare(self, source: Path) -> None:
        self.repository.mkdir()

    def backup(self, source: Path) -> Call:
        return Call(["cp", "-a", "--no-target-directory", str(source), str(self.repository / "copy")])

    def restore(self, source: Path, target: Path) -> Call:
        target.parent.mkdir(parents=True, exist_ok=True)
        return Call(["cp", "-a", "--no-target-directory", str(self.repository / "copy"), str(target)])

    def landed(self, source: Path, target: Path) -> Path:
        return target


def _shell(script: str, *words: str) -> Call:
    return Call(["sh", "-c", script, "sh", *words])
