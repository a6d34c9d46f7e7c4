"""Small real trees on the disk, and the eyes to look at them."""

from __future__ import annotations

import contextlib
import os
import stat
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from reconciler.tree.entry import Listing, Row, join
from reconciler.tree.excludes import Excludes
from reconciler.tree.scan import Scan, ScanRoot

NOBODY = 65534


def plant(folder: Path | str, content: Mapping[str, str | bytes | None]) -> None:
    """``{"a/b.txt": "text", "empty/": None, "link": "-> a"}`` as files, folders and links below ``folder``."""
    for name, text in content.items():
        path = os.path.join(folder, name.rstrip("/"))
        os.makedirs(path if name.endswith("/") else os.path.dirname(path), exist_ok=True)
        if isinstance(text, str) and text.startswith("-> "):
            os.symlink(text[3:], path)
        elif text is not None:
            data = text.encode() if isinstance(text, str) else text
            Path(path).write_bytes(data)


def scan_of(*roots: Path | str, exclude: tuple[str, ...] = (), **more: object) -> Scan:
    return Scan([ScanRoot(str(root), Excludes(exclude)) for root in roots], **more)  # type: ignore[arg-type]


def paths_below(root: Path | str, listings: list[Listing] | Scan) -> list[str]:
    """Every entry below ``root``, in the order of the scan."""
    prefix = os.fsencode(str(root)).strip(b"/") + b"/"
    found = (join(listing.path, row[0]) for listing in listings for row in listing.rows)
    return [os.fsdecode(path[len(prefix) :]) for path in found if path.startswith(prefix)]


def lasting(row: Row) -> tuple[bytes, int, int, int, int, int]:
    """What a restore must bring back: name, mode, size, mtime, owner. A folder's or link's own size and inode may differ."""
    return row[0], row[1], row[2], row[3], row[6], row[7]


def everything(folder: Path | str) -> list[tuple[str, str]]:
    """Path and kind or content of everything below ``folder``, links not followed: two looks compare equal when nothing moved."""
    seen = []
    for place, folders, files in os.walk(folder):
        for name in folders + files:
            path = os.path.join(place, name)
            status = os.lstat(path)
            if stat.S_ISLNK(status.st_mode):
                seen.append((path, "-> " + os.readlink(path)))
            elif stat.S_ISREG(status.st_mode):
                seen.append((path, Path(path).read_bytes().decode("latin-1") + oct(status.st_mode)))
            else:
                seen.append((path, oct(status.st_mode)))
    return sorted(seen)


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Without the power of root, so that permissions mean something."""
    if os.geteuid() != 0:
        yield
        return
    os.setegid(NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


def open_to_all(path: Path) -> Path:
    """Let ``as_nobody`` pass to here: the folders of pytest are for their owner alone."""
    path.chmod(0o777)
    for parent in path.parents:
        if os.stat(parent).st_uid == os.geteuid() and not parent.stat().st_mode & stat.S_IXOTH:
            parent.chmod(parent.stat().st_mode | stat.S_IXOTH)
    return path


def open_handles() -> int:
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("open handles are counted through /proc")
    return len(os.listdir("/proc/self/fd"))


def deep_chain(root: Path, depth: int, decorate: bool = False) -> None:
    """``d/d/d/...``; with ``decorate``, an ``e`` beside each ``d``. Paths grow longer than the system accepts."""
    handle = os.open(root, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(b"d", dir_fd=handle)
        if decorate:
            os.mkdir(b"e", dir_fd=handle)
        below = os.open(b"d", os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = below
    os.close(os.open(b"bottom", os.O_CREAT | os.O_WRONLY, dir_fd=handle))
    os.close(handle)


def remove(folder: Path) -> None:
    """Also what shutil.rmtree is too recursive for."""
    subprocess.run(["rm", "-rf", "--", str(folder)], check=True)


def portrait(folder: Path | str) -> dict[str, tuple[object, ...]]:
    """Everything of ``folder`` and below that a restore or its rollback has to bring back to the bit, names of one file included."""
    seen: dict[str, tuple[object, ...]] = {}
    names: dict[tuple[int, int], str] = {}
    for place, folders, files in os.walk(folder):
        for path in [place] if place == str(folder) else []:
            seen["."] = _likeness(path, names)
        for name in sorted([*folders, *files]):
            path = os.path.join(place, name)
            seen[os.path.relpath(path, folder)] = _likeness(path, names)
    return seen


def _likeness(path: str, names: dict[tuple[int, int], str]) -> tuple[object, ...]:
    status = os.lstat(path)
    first = names.setdefault((status.st_dev, status.st_ino), path)
    content: object = None
    if stat.S_ISREG(status.st_mode):
        content = Path(path).read_bytes()
    elif stat.S_ISLNK(status.st_mode):
        content = os.readlink(path)
    with contextlib.suppress(OSError):
        attributes = {name: os.getxattr(path, name, follow_symlinks=False) for name in os.listxattr(path, follow_symlinks=False)}
        content = (content, attributes)
    return oct(status.st_mode), status.st_uid, status.st_gid, status.st_mtime_ns, content, None if first == path else first
