"""Files of a cache: what was worked out before, kept for the next process. Each may be deleted at any moment.

A file ends with the digest of what it says, so one that is torn or was written to by somebody else counts as none. Nothing is synced:
after a power cut it is worked out anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

_DIGEST_SIZE = 32
_MODULE, _TEMPORARY = ".py", ".tmp"


def read(path: Path) -> memoryview | None:
    """What was kept at ``path``; None: nothing, or nothing that can be believed."""
    try:
        data = memoryview(path.read_bytes())
    except OSError:
        return None
    body, digest = data[:-_DIGEST_SIZE], data[-_DIGEST_SIZE:]
    return body if hashlib.sha256(body).digest() == digest else None


def write(path: Path, pieces: Iterable[bytes]) -> None:
    """Keep ``pieces``, one after the other, at ``path``; whole or not at all. Raises OSError as the system says it, or because another
    process has just kept something there.
    """
    temporary = path.with_name(f"{path.name}.{os.getpid()}{_TEMPORARY}")
    digest = hashlib.sha256()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with open(temporary, "wb", opener=lambda name, flags: os.open(name, flags, mode=0o600)) as file:
            for piece in pieces:
                digest.update(piece)
                file.write(piece)
            file.write(digest.digest())
        temporary.replace(path)
    finally:
        for left in path.parent.glob(f"{path.name}.*{_TEMPORARY}"):  # also of a process that was killed meanwhile
            with contextlib.suppress(OSError):
                left.unlink()


def program(package: Path, version: str, *rooms: str) -> str:
    """A digest of which program this is: its version, and of each module in these rooms of ``package`` its name, size and time.

    For what depends on the code itself. Empty where there are no such files to look at, or one vanishes meanwhile: then nothing can be
    said, and nothing be kept.
    """
    digest, found = hashlib.sha256(version.encode()), False
    try:
        for path in _modules(package, rooms):
            info = os.stat(path)
            digest.update(f"\n{path} {info.st_size} {info.st_mtime_ns}".encode())
            found = True
    except OSError:
        return ""
    return digest.hexdigest() if found else ""


def _modules(package: Path, rooms: Iterable[str]) -> Iterator[str]:
    for room in rooms:
        for folder, _, files in sorted(os.walk(package / room)):
            yield from (os.path.join(folder, name) for name in sorted(files) if name.endswith(_MODULE))
