"""What is backed up: real files of this machine, copied once into a working folder, so that every tool reads the same bytes.

*small*: at least 100,000 small files, 2 GB. *large*: one file of at least 1.4 GB, made of real binaries. *packed*: data that is compressed
already. *tiny*: a million generated files. *dense*: one file of noise that no 32-bit number can measure. *list*: next to nothing, for what
many snapshots cost. ``share`` makes all of them smaller,
for every day. Edits are undone to the byte and the time stamp, so that every tool meets the same corpus.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import stat
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

SMALL_FILES = 110_000
SMALL_BYTES = 2_050_000_000
LARGE_BYTES = 1_450_000_000
PACKED_BYTES = 1_000_000_000
TINY_FILES = 1_000_000
DENSE_BYTES = 2**32 + 300 * 2**20 + 1
_TINY_PER_FOLDER = 500
_EVERY = 100
_EDIT_BYTES = 1024
_WHOLE_BYTES = 16 * 2**20  # single files larger than this would make "many small files" untrue


def make(name: str, folder: Path, share: float) -> Path:
    """The corpus ``name`` below ``folder``; made when it is not there yet. Raises SystemExit when this machine has too little."""
    place = folder / f"{name}-{share:g}"
    if not (place / ".complete").exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        {"small": _small, "large": _large, "packed": _packed, "tiny": _tiny, "dense": _dense, "list": _list}[name](place / "data", share)
        (place / ".complete").touch()
    return place / "data"


def one_in_the_middle(source: Path) -> str:
    """The relative name of a file that stands in the middle of the tree's order."""
    names = sorted(path.relative_to(source).as_posix() for path in _regular(source))
    return names[len(names) // 2]


@contextlib.contextmanager
def one_in_a_hundred_changed(source: Path) -> Iterator[None]:
    """Every hundredth file gets other bytes in its middle and a line at its end."""
    chosen = sorted(_regular(source))[::_EVERY]
    before = [(path, path.read_bytes(), path.stat()) for path in chosen]
    try:
        for path, content, _ in before:
            half = len(content) // 2
            path.write_bytes(content[:half] + b"edited" + content[half + 6 :] + b"one more line\n")
        yield
    finally:
        for path, content, info in before:
            path.write_bytes(content)
            os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))


@contextlib.contextmanager
def edited_in_the_middle(source: Path) -> Iterator[None]:
    """Other bytes, not more of them, in the middle of the largest file."""
    path = max(_regular(source), key=lambda each: each.stat().st_size)
    info = path.stat()
    with path.open("r+b") as file:
        file.seek(info.st_size // 2)
        before = file.read(_EDIT_BYTES)
        file.seek(info.st_size // 2)
        file.write(bytes(byte ^ 0x5A for byte in before))
    try:
        yield
    finally:
        with path.open("r+b") as file:
            file.seek(info.st_size // 2)
            file.write(before)
        os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))


def _regular(source: Path) -> Iterator[Path]:
    for folder, _, names in os.walk(source):
        for name in names:
            path = Path(folder) / name
            if path.is_file() and not path.is_symlink():
                yield path


def _sources() -> Iterator[Path]:
    """Trees that most development machines have, the one of many small files first."""
    home = Path.home()
    for place in (
        Path(sys.base_prefix).parent,
        home / ".rustup",
        Path("/usr/lib/python3"),
        Path("/usr/share"),
        Path("/usr/lib"),
        Path("/usr/include"),
    ):
        if place.is_dir():
            yield place


def _files(sources: Iterator[Path]) -> Iterator[tuple[Path, os.stat_result]]:
    for source in sources:
        for folder, folders, names in os.walk(source):
            folders.sort()
            for name in sorted(names):
                path = Path(folder) / name
                info = path.lstat()
                if stat.S_ISREG(info.st_mode) and os.access(path, os.R_OK):
                    yield path, info


def _small(place: Path, share: float) -> None:
    files = content = 0
    for path, info in _files(_sources()):
        if info.st_size > _WHOLE_BYTES:
            continue
        target = place / str(path).lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
        files += 1
        content += info.st_size
        if files >= SMALL_FILES * share and content >= SMALL_BYTES * share:
            return
    raise SystemExit(f"this machine has only {files} files, {content} bytes for the corpus of small files")


def _large(place: Path, share: float) -> None:
    place.mkdir()
    with (place / "binaries").open("wb") as out:
        for path, info in _files(iter([Path("/usr/lib"), Path("/usr/bin"), *_sources()])):
            if info.st_size < 2**20 or path.suffix in {".gz", ".xz", ".whl", ".zip", ".zst"}:
                continue
            with path.open("rb") as source:
                shutil.copyfileobj(source, out, 2**20)
            if out.tell() >= LARGE_BYTES * share:
                return
    raise SystemExit("this machine has too few binaries for the corpus of one large file")


def _packed(place: Path, share: float) -> None:
    """Deflated pieces of real binaries: what photos, archives and wheels look like to a compressor."""
    place.mkdir()
    written = number = 0
    for path, info in _files(iter([Path("/usr/lib"), Path("/usr/bin"), *_sources()])):
        if info.st_size < 2**18:
            continue
        data = zlib.compress(path.read_bytes(), 6)
        (place / f"{number:06}.z").write_bytes(data)
        number += 1
        written += len(data)
        if written >= PACKED_BYTES * share:
            return
    raise SystemExit("this machine has too little for the corpus of compressed data")


def _tiny(place: Path, share: float) -> None:
    """Each file a few bytes of its own, 500 in a folder."""
    for number in range(int(TINY_FILES * share)):
        folder = place / f"{number // _TINY_PER_FOLDER // 100:03}" / f"{number // _TINY_PER_FOLDER:05}"
        if number % _TINY_PER_FOLDER == 0:
            folder.mkdir(parents=True)
        (folder / f"{number:07}.txt").write_bytes(b"%d\n" % number)


def _dense(place: Path, share: float) -> None:
    """Without a hole and without a repetition: each byte of it has to be stored and to come back."""
    place.mkdir(parents=True)
    chance, left = random.Random(32), int(DENSE_BYTES * share)
    with (place / "noise").open("wb") as out:
        while left:
            left -= out.write(chance.randbytes(min(left, 2**20)))


def _list(place: Path, share: float) -> None:
    place.mkdir(parents=True)
    for number in range(100):
        (place / f"{number:03}").write_text(f"{number}\n" * 100)
