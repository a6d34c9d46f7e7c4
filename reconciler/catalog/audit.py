"""The audit log: one JSON line for every side effect, approval, pause and trigger, durable before and after it happens.

Each line holds the SHA-256 of the line before it, so a changed, inserted or removed line shows. Cutting lines off the end does not:
that needs a copy of the newest hash elsewhere. A line torn by a crash is kept in ``<name>.torn-<digest>`` and mentioned by the next one.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from msgspec import Struct

from reconciler.base.clock import Clock, SystemClock
from reconciler.base.files import REAL_DISK, Disk, make_folders
from reconciler.base.secret import redact
from reconciler.catalog.errors import AuditError

Stage = Literal["intent", "complete", "interrupted", "note"]

BEGINNING = "0" * 64  # stands for the line before the first
_TAIL_BYTES = 64 * 1024  # read at a time, backwards, when looking for the last line


class Audit:
    """Appends to the log of one state directory. Threads and processes may share it."""

    def __init__(self, path: Path, *, clock: Clock | None = None, disk: Disk = REAL_DISK) -> None:
        self._path = path
        self._clock = clock if clock is not None else SystemClock()
        self._disk = disk
        self._thread_lock = threading.Lock()
        self._known: tuple[int, str] | None = None  # (size of the file, hash of its last line) after our own last write

    def append(self, stage: Stage, verb: str, object: str, **facts: object) -> None:  # noqa: A002 - the field's name in the log
        """Write one line; on the medium when this returns. Raises AuditError: then what it announces must not be done."""
        from filelock import FileLock

        try:
            make_folders(self._path.parent)
            with self._thread_lock, FileLock(f"{self._path}.lock", mode=0o600):
                self._append({"at": self._clock.now().isoformat(), "stage": stage, "verb": verb, "object": object, **facts})
        except OSError as error:
            raise AuditError(f"the audit log {self._path} cannot be written: {error.strerror or error}") from error

    def _append(self, line: dict[str, object]) -> None:
        handle = self._open()
        try:
            size, previous = self._end(handle, line)
            data = _encode({**line, "prev": previous})
            os.lseek(handle, size, os.SEEK_SET)
            self._known = None
            self._disk.write(handle, data)
            self._disk.sync(handle)
            self._known = (size + len(data), _hash(data))
        finally:
            self._disk.close(handle)

    def _open(self) -> int:
        try:
            return os.open(self._path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
        except FileNotFoundError:
            handle = self._disk.create(str(self._path))
            self._disk.sync_folder(str(self._path.parent))
            return handle

    def _end(self, handle: int, line: dict[str, object]) -> tuple[int, str]:
        """Where the next line goes and the hash of the last one; a torn line goes aside first, and ``line`` says so."""
        size = os.fstat(handle).st_size
        if self._known is not None and self._known[0] == size:
            return self._known
        last, torn = _last_line(handle, size)
        if torn:
            digest = _hash(torn)
            self._keep_aside(torn, digest)
            size -= len(torn)
            self._disk.truncate(handle, size)
            line["torn"] = {"bytes": len(torn), "sha256": digest}
        return size, _hash(last) if last else BEGINNING

    def _keep_aside(self, torn: bytes, digest: str) -> None:
        name = f"{self._path}.torn-{digest[:16]}"
        try:
            aside = self._disk.create(name)
        except FileExistsError:
            return  # a crash came between keeping it and cutting it off
        try:
            self._disk.write(aside, torn)
            self._disk.sync(aside)
        finally:
            self._disk.close(aside)
        self._disk.sync_folder(str(self._path.parent))


class Verdict(Struct, frozen=True):
    """What reading the whole log found."""

    lines: int
    """Good ones, from the beginning."""
    head: str
    """Hash of the last good line: kept elsewhere, it proves later that nothing was cut off."""
    fault: str | None = None
    """What is wrong with the line after them, or with the end of the log; None: nothing."""


def verify(path: Path, head: str | None = None, *, told: Callable[[Mapping[str, Any]], None] | None = None) -> Verdict:
    """Check the chain from its first line. A torn last line is no fault: a crash may leave one. Raises AuditError.

    ``head``: the hash of a line, as an earlier check gave it; not finding it is a fault, for then lines were cut off the end.
    ``told`` hears each good line, in order; what stands after a fault is nobody's evidence.
    """
    count, previous, met = 0, BEGINNING, head is None
    try:
        with open(path, "rb") as file:
            for raw in file:
                if not raw.endswith(b"\n"):
                    break
                line = _parsed(raw)
                fault = _fault(line, previous)
                if fault is not None:
                    return Verdict(count, previous, f"line {count + 1}: {fault}")
                if told is not None:
                    told(line)
                count, previous = count + 1, _hash(raw)
                met = met or previous == head
    except OSError as error:
        raise AuditError(f"the audit log {path} cannot be read: {error.strerror or error}", hint="Does it exist, and may you?") from error
    return Verdict(count, previous, None if met else f"no line has the hash {head}: lines were cut off the end, or it is of another log")


def _parsed(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except ValueError:
        return None


def _fault(line: Any, previous: str) -> str | None:
    if line is None:
        return "not JSON"
    if not isinstance(line, dict) or "prev" not in line:
        return "not a line of an audit log"
    return None if line["prev"] == previous else "does not follow from the line before it: something was changed, inserted or removed"


def _encode(line: dict[str, object]) -> bytes:
    return (redact(json.dumps(line, ensure_ascii=False, default=str)) + "\n").encode("utf-8", "backslashreplace")


def _hash(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()


def _last_line(handle: int, size: int) -> tuple[bytes, bytes]:
    """(the last whole line, what was written after it without an end)."""
    tail = b""
    while len(tail) < size and tail.count(b"\n") < 2:
        step = min(_TAIL_BYTES, size - len(tail))
        os.lseek(handle, size - len(tail) - step, os.SEEK_SET)
        tail = os.read(handle, step) + tail
    whole, newline, torn = tail.rpartition(b"\n")
    return (whole.rpartition(b"\n")[2] + newline if newline else b""), torn
