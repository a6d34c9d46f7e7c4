"""The one façade for changing files durably: every mutating call of the repository and of the state directory passes here.

A test replaces :class:`Disk` to record, fail or kill at any call. Promises: a name appears whole or not at all, and what a
``sync`` returned from survives a power cut. A failed fsync is final for that file: the kernel may have dropped the pages, so the
caller writes again from memory under another name or stops (ATC'20, "Can applications recover from fsync failures?").
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import sys
from pathlib import Path

Buffer = bytes | bytearray | memoryview

_NOFOLLOW = getattr(os, "O_NOFOLLOW", 0)
_CLOEXEC = getattr(os, "O_CLOEXEC", 0)
_BINARY = getattr(os, "O_BINARY", 0)
_DIRECTORY = getattr(os, "O_DIRECTORY", 0)
_HAS_PREADV = hasattr(os, "preadv")
_NO_HARD_LINKS = {errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK}  # FAT, some network mounts


class Disk:
    """Durable operations of the real file system; the methods are the complete list of ways in which we change a disk."""

    def create(self, path: str, mode: int = 0o600) -> int:
        """A new file, opened for writing; FileExistsError when the name is taken. Never follows a link."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _NOFOLLOW | _CLOEXEC | _BINARY, mode)

    def write(self, handle: int, data: Buffer) -> None:
        """All of ``data``, however short each write falls."""
        view = memoryview(data)
        while view:
            written = os.write(handle, view)
            view = view[written:]

    def sync(self, handle: int) -> None:
        """The file's content and length are on the medium when this returns."""
        if sys.platform == "darwin":  # there, fsync leaves the data in the drive's own cache
            import fcntl

            fcntl.fcntl(handle, fcntl.F_FULLFSYNC)
        else:
            os.fsync(handle)

    def truncate(self, handle: int, length: int) -> None:
        """Cut off what stands beyond ``length``."""
        os.ftruncate(handle, length)

    def close(self, handle: int) -> None:
        os.close(handle)

    def publish(self, temporary: str, final: str) -> None:
        """Give ``temporary`` its final name, whole or not at all; FileExistsError when that name is taken (nothing is overwritten)."""
        try:
            os.link(temporary, final, follow_symlinks=False)
        except (OSError, AttributeError, NotImplementedError) as error:
            if isinstance(error, OSError) and error.errno not in _NO_HARD_LINKS:
                raise
            if os.path.lexists(final):
                raise FileExistsError(final) from None
            os.rename(temporary, final)
        else:
            os.unlink(temporary)

    def unlink(self, path: str) -> None:
        os.unlink(path)

    def mkdir(self, path: str, mode: int = 0o700) -> None:
        os.mkdir(path, mode)

    def sync_folder(self, path: str) -> None:
        """The names in this folder are on the medium when this returns (where the platform can say so)."""
        if not _DIRECTORY:
            return
        handle = os.open(path, os.O_RDONLY | _DIRECTORY | _CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


REAL_DISK = Disk()


def read_regular(path: str, *, limit: int, offset: int = 0, length: int | None = None) -> bytes:
    """The bytes of a regular file, never through a link.

    ``limit``: bytes at most, ValueError beyond (a hostile size must not be allocated). Raises OSError as the
    system says it; IsADirectoryError for anything that is not a regular file.
    """
    handle = os.open(path, os.O_RDONLY | _NOFOLLOW | _CLOEXEC | _BINARY | getattr(os, "O_NONBLOCK", 0))
    try:
        info = os.fstat(handle)
        if not stat.S_ISREG(info.st_mode):
            raise IsADirectoryError(f"{path} is not a regular file")
        want = info.st_size - offset if length is None else length
        if want > limit:
            raise ValueError(f"{path} holds {want} bytes, more than the {limit} allowed here")
        pieces: list[bytes] = []
        position = offset
        while want > 0:
            piece = os.pread(handle, want, position) if hasattr(os, "pread") else _seek_read(handle, want, position)
            if not piece:
                break
            pieces.append(piece)
            position += len(piece)
            want -= len(piece)
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)
    finally:
        os.close(handle)


def _seek_read(handle: int, want: int, position: int) -> bytes:
    os.lseek(handle, position, os.SEEK_SET)
    return os.read(handle, want)


def read_into(handle: int, room: memoryview, position: int) -> int:
    """Bytes of an open file from ``position`` on straight into ``room``; how many there were, 0 at its end."""
    return os.preadv(handle, [room], position) if _HAS_PREADV else _copied_into(handle, room, position)


def _copied_into(handle: int, room: memoryview, position: int) -> int:
    piece = _seek_read(handle, len(room), position)
    room[: len(piece)] = piece
    return len(piece)


def create_whole(path: Path, data: bytes, *, mode: int = 0o600, disk: Disk = REAL_DISK) -> None:
    """Create ``path`` with ``data``, durably and whole; FileExistsError when it exists."""
    temporary = f"{path}.{os.urandom(6).hex()}.tmp"
    handle = disk.create(temporary, mode)
    try:
        try:
            disk.write(handle, data)
            disk.sync(handle)
        finally:
            disk.close(handle)
        disk.publish(temporary, str(path))
    except BaseException:
        with contextlib.suppress(OSError):
            disk.unlink(temporary)
        raise
    disk.sync_folder(str(path.parent))


def make_folders(path: Path, *, mode: int = 0o700, disk: Disk = REAL_DISK) -> None:
    """Create ``path`` and its missing parents, each synced into its parent so that a power cut cannot take the middle one away."""
    missing = []
    current = path
    while not current.exists():
        missing.append(current)
        current = current.parent
    for folder in reversed(missing):
        with contextlib.suppress(FileExistsError):
            disk.mkdir(str(folder), mode)
        disk.sync_folder(str(folder.parent))
