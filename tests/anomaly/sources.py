"""The real things that ordinary lives are drawn from, as :mod:`tests.anomaly.fetch` left them in a folder; what it left out is empty."""

from __future__ import annotations

import io
import subprocess
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cmp_to_key
from pathlib import Path

from msgspec import Struct, field

from tests.anomaly.trees import EMPTY, Content, Tree

States = Mapping[str, Sequence[Tree]]
"""Successive states of something, oldest first, by name. Equal files of two states are one content."""
_BYTES_MAX = 2**20
_FEWEST = 3


class Sources(Struct, frozen=True):
    """All of them; empty: only what is drawn from random numbers can be lived."""

    packages: States = field(default_factory=dict)
    """Releases."""
    commits: States = field(default_factory=dict)
    """Single commits of source trees, days apart."""
    debs: States = field(default_factory=dict)
    """Two or three versions of what a host is made of."""
    dumps: States = field(default_factory=dict)
    logs: States = field(default_factory=dict)
    """One file each: what was written in one night."""
    servers: States = field(default_factory=dict)
    """The folder of a database that stood still."""
    repositories: States = field(default_factory=dict)
    formatted: States = field(default_factory=dict)
    """Two states: before, after."""


def load(root: Path) -> Sources:
    known: dict[bytes, Content] = {}
    return Sources(
        packages=releases(root / "wheels", known),
        commits={
            path.parent.name: [_tree(_zipped(each), known) for each in sorted(path.glob("*.zip"))]
            for path in sorted(root.glob("commits/cache/download/**/@v"))
        },
        debs=_debs(root / "debs", known),
        dumps=_kept(root / "databases" / "dumps", known),
        logs=_kept(root / "databases" / "logs", known),
        servers=_kept(root / "databases" / "servers", known),
        repositories=_kept(root / "git" / "repositories", known),
        formatted=_kept(root / "formats" / "formatted", known),
    )


def releases(wheels: Path, known: dict[bytes, Content]) -> States:
    """Successive versions of packages; of those with enough of them."""
    found: dict[str, list[tuple[tuple[int, ...], Path]]] = {}
    for wheel in sorted(wheels.glob("*.whl")):
        name, version, *_ = wheel.name.lower().split("-")
        found.setdefault(name, []).append((tuple(int(part) for part in version.split(".") if part.isdigit()), wheel))
    enough = {name: sorted(versions) for name, versions in found.items() if len(versions) >= _FEWEST}
    return {name: [_tree(_zipped(wheel), known) for _, wheel in versions] for name, versions in enough.items()}


def _kept(folder: Path, known: dict[bytes, Content]) -> States:
    return {path.name: [_tree(_zipped(each), known) for each in sorted(path.glob("*.zip"))] for path in sorted(folder.glob("*"))}


def _debs(folder: Path, known: dict[bytes, Content]) -> States:
    found: dict[str, list[Path]] = {}
    for path in sorted(folder.glob("*.deb")):
        found.setdefault(path.name.partition("_")[0], []).append(path)
    return {
        name: [_tree(_unpacked(path), known) for path in sorted(paths, key=cmp_to_key(_compared))]
        for name, paths in found.items()
        if len(paths) > 1
    }


def _compared(first: Path, second: Path) -> int:
    versions = [path.name.split("_")[1].replace("%3a", ":") for path in (first, second)]
    return 1 if subprocess.run(["dpkg", "--compare-versions", versions[0], "gt", versions[1]], check=False).returncode == 0 else -1


def _unpacked(deb: Path) -> Iterator[tuple[str, bytes]]:
    data = subprocess.run(["dpkg-deb", "--fsys-tarfile", deb], check=True, capture_output=True).stdout
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        for member in archive:
            opened = archive.extractfile(member) if member.isreg() and member.size < _BYTES_MAX else None
            if opened is not None:
                yield member.name.removeprefix("./"), opened.read()


def _zipped(path: Path) -> Iterator[tuple[str, bytes]]:
    """Files by name; of a module without the folder that says its version."""
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if not info.is_dir() and (info.file_size < _BYTES_MAX or info.filename.endswith(".pack")):
                name = info.filename.partition("@")[2].partition("/")[2] if "@v" in info.filename else info.filename
                yield name, archive.read(info)


def _tree(files: Iterable[tuple[str, bytes]], known: dict[bytes, Content]) -> Tree:
    return {name: known.setdefault(data, Content.of(data)) if data else EMPTY for name, data in files}
