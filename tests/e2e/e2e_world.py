"""A world to work on as a user does: specs in a folder, real processes, real files, the command's own words."""

from __future__ import annotations

import hashlib
import json
import os
import random
import re
import stat
import subprocess
import sys
from pathlib import Path

from msgspec import Struct, field

ROOT = Path(__file__).parents[2]
MAIN = "from reconciler.cli.entry import main; main()"
LIMITED = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({0}, {0})); "
WAIT_SECONDS = 60.0  # a single command of these small worlds takes one or two

SPECS = """\
apiVersion: reconciler/v1
kind: Settings
metadata: {{name: settings}}
spec:
  {{realm: e2e-otter-7, records: {records}, interval: 1s, listen: "127.0.0.1:{port}", health: {{cpu: {{warning: 1000}},
  memory: &never {{warning: {{share: 0.000001}}, bad: {{share: 0.000001}}}}, space: *never, inodes: *never}}}}
---
apiVersion: reconciler/v1
kind: Repository
metadata: {{name: main}}
spec:
  url: {repository}
  key: {{file: {key}}}
---
apiVersion: reconciler/v1
kind: BackupPolicy
metadata: {{name: standard}}
spec:
  repositories: [main]
  schedule: {{full: {{every: 30d}}, incremental: {{every: 12h}}}}
  retention: {{daily: 7, minimum: 3}}
"""

SYSTEM = """\
apiVersion: reconciler/v1
kind: System
metadata: {{name: {name}}}
spec:
  tier: low
  policy: standard
  sources: [{{path: {path}}}]
"""


class Ended(Struct, frozen=True):
    """How a command ended, and everything it said."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return self.out + self.err


class World(Struct):
    """One spec tree with its source, repository, key and state directory under one folder."""

    folder: Path
    port: int = 0
    shared_source: Path | None = None
    """A tree that several worlds read; None: this world has its own."""
    records: str = "{repositories: []}"
    """How the built-in system is kept; not at all in a test of something else."""
    started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for name in ("specs", "keys", "restored"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)
        self.source.mkdir(exist_ok=True)

    @property
    def specs(self) -> Path:
        return self.folder / "specs"

    @property
    def source(self) -> Path:
        return self.shared_source or self.folder / "source"

    @property
    def repository(self) -> Path:
        return self.folder / "repository"

    @property
    def key(self) -> Path:
        return self.folder / "keys" / "main.key"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    def declare(self, **systems: Path) -> None:
        """Write the specs: the house's objects in one file, each system in its own."""
        base = SPECS.format(port=self.port, repository=self.repository, key=self.key, records=self.records)
        (self.specs / "base.yaml").write_text(base)
        for name, path in (systems or {"orders": self.source}).items():
            (self.specs / f"{name}.yaml").write_text(SYSTEM.format(name=name, path=path))

    def start(self, *words: object, file_bytes_max: int | None = None) -> subprocess.Popen[bytes]:
        """Begin a command on this world. ``file_bytes_max``: the system lets it write no file longer than this."""
        process = launch("--specs", self.specs, "--state", self.state, *words, file_bytes_max=file_bytes_max)
        self.started.append(process)
        return process

    def run(self, *words: object, file_bytes_max: int | None = None) -> Ended:
        """A whole command. A traceback is a failure of every test, whatever it asked."""
        return finish(self.start(*words, file_bytes_max=file_bytes_max))

    def good(self, *words: object) -> Ended:
        """A command that must succeed."""
        ended = self.run(*words)
        assert ended.code == 0, f"reconcile {' '.join(map(str, words))} ended with {ended.code}:\n{ended.text}"
        return ended

    def snapshot_table(self) -> list[tuple[str, str]]:
        """(system, id) of every snapshot, newest first."""
        found = json.loads(self.good("-o", "json", "snapshots").out)["snapshots"]
        return [(entry["system"], entry["id"]) for entry in found]

    def snapshots(self) -> list[str]:
        """The ids, newest first."""
        return [snapshot for _, snapshot in self.snapshot_table()]

    def restored(self, *words: object) -> dict[str, str]:
        """Restore into a fresh folder and describe what came back, relative to the source."""
        target = self.folder / "restored" / os.urandom(4).hex()
        self.good("restore", *words, "--target", target)
        return describe(target / str(self.source).lstrip("/"))

    def objects(self) -> list[Path]:
        """Every file of the repository."""
        return sorted(path for path in self.repository.rglob("*") if path.is_file())


def launch(*words: object, file_bytes_max: int | None = None) -> subprocess.Popen[bytes]:
    """Begin a command in a process group of its own."""
    code = MAIN if file_bytes_max is None else LIMITED.format(file_bytes_max) + MAIN
    argv = [sys.executable, "-c", code, *map(str, words)]
    pipe = subprocess.PIPE
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=environment(), start_new_session=True)


def environment() -> dict[str, str]:
    """Nothing of the person who runs the tests leaks in."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("RECONCILER_")}
    return kept | {"PYTHONPATH": str(ROOT), "NO_COLOR": "1", "COLUMNS": "200"}


def finish(process: subprocess.Popen[bytes], *, within: float = WAIT_SECONDS) -> Ended:
    """Wait for the end of a command."""
    out, err = process.communicate(timeout=within)
    ended = Ended(process.returncode, out.decode(errors="replace"), err.decode(errors="replace"))
    assert "Traceback (most recent call last)" not in ended.text, ended.text
    return ended


def describe(tree: Path) -> dict[str, str]:
    """Everything below ``tree`` that a restore must bring back: kind, mode, time, size, content, link text."""
    found = {}
    for folder, folders, files in os.walk(os.fsencode(tree)):
        for name in sorted([*folders, *files]):
            path = os.path.join(folder, name)
            found[os.fsdecode(os.path.relpath(path, os.fsencode(tree)))] = _describe_one(path)
    return found


def _describe_one(path: bytes) -> str:
    info = os.lstat(path)
    if stat.S_ISLNK(info.st_mode):
        return f"link {os.fsdecode(os.readlink(path))}"
    if stat.S_ISREG(info.st_mode):
        with open(path, "rb") as handle:
            content = hashlib.file_digest(handle, "sha256").hexdigest()
        return f"file {stat.S_IMODE(info.st_mode):o} {info.st_mtime_ns} {info.st_size} {content}"
    return f"folder {stat.S_IMODE(info.st_mode):o} {info.st_mtime_ns}"


def traces(*trees: Path) -> dict[str, str]:
    """Everything that touching would change, of every entry: inode, mode, size, both times."""
    found = {}
    for tree in trees:
        for path in [tree, *tree.rglob("*")]:
            info = path.lstat()
            found[str(path)] = f"{info.st_ino} {info.st_mode:o} {info.st_size} {info.st_mtime_ns} {info.st_ctime_ns}"
    return found


def fill(folder: Path, *, small: int, large_bytes: int = 0, seed: int = 7) -> None:
    """A tree that looks like a person's: many small texts, some repeated, links, an odd name, and large noise that does not compress."""
    chance = random.Random(seed)
    for number in range(small):
        place = folder / f"folder-{number % 17:02d}" / f"part-{number % 5}"
        place.mkdir(parents=True, exist_ok=True)
        words = " ".join(f"{chance.getrandbits(40):x}" for _ in range(chance.randrange(1, 400)))
        (place / f"document-{number:05d}.txt").write_text(words if number % 9 else "the same text again and again\n" * 40)
    (folder / "empty-file").write_bytes(b"")
    (folder / "empty-folder").mkdir()
    (folder / "link-to-nowhere").symlink_to("../does/not/exist")
    with open(os.fsencode(folder) + b"/latin-\xe9-name", "wb") as handle:
        handle.write(b"a name that is not UTF-8")
    for number in range(large_bytes // 4_000_000):
        (folder / f"noise-{number}.bin").write_bytes(chance.randbytes(4_000_000))


def codes(text: str) -> set[str]:
    """The error codes that a command printed."""
    return set(re.findall(r"error\[([a-z0-9-]+)\]", text))
