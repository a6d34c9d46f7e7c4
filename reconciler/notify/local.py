"""Receivers on this host: the log, and a file of JSON lines that is renamed when it has grown."""

from __future__ import annotations

import os
from pathlib import Path

from msgspec import Struct

from reconciler.base.files import make_folders
from reconciler.base.log import get
from reconciler.model.alerts import AlertSeverity, Notice, NoticeKind
from reconciler.model.declared.alerts import AlertFile
from reconciler.notify.errors import ReceiverUnfit
from reconciler.notify.text import SUMMARY_MAX, one_line, title
from reconciler.notify.values import as_json

_log = get("alerts")
_SAFELY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)  # not through a link, nor waiting for the reader of a pipe
_GOOD = frozenset({NoticeKind.RECOVERED, NoticeKind.DIGEST, NoticeKind.TEST})


def say(notice: Notice) -> None:
    """A line of the log per message: standard error of a pass, the journal of a service."""
    first = one_line(notice.lines[0].summary, SUMMARY_MAX) if notice.lines else ""
    facts = {"notice": notice.kind.value, "severity": notice.severity.value, "alerts": notice.total, "first": first, "why": notice.why}
    if notice.kind in _GOOD:
        _log.info(title(notice), **facts)
    elif notice.severity in {AlertSeverity.CRITICAL, AlertSeverity.HIGH}:
        _log.error(title(notice), **facts)
    else:
        _log.warning(title(notice), **facts)


class LineFile(Struct, frozen=True):
    """Appends; ``PATH.1`` is the newest of the older ones."""

    spec: AlertFile

    def append(self, notice: Notice) -> None:
        """One line, on the medium when this returns. A line is written whole or cut off again."""
        line, path = as_json(notice) + b"\n", Path(self.spec.path)
        try:
            make_folders(path.parent)
            if path.exists() and path.stat().st_size > 0 and path.stat().st_size + len(line) > self.spec.max_bytes:
                self._rotate(path)
            handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _SAFELY, 0o600)
            try:
                self._write(handle, line, os.fstat(handle).st_size)
            finally:
                os.close(handle)
        except OSError as error:
            raise ReceiverUnfit(
                f"the file {path} cannot be written: {error.strerror or error}", hint="May this user write there?"
            ) from error

    def _write(self, handle: int, line: bytes, size: int) -> None:
        done = 0
        try:
            while done < len(line):
                done += os.write(handle, line[done:])
            os.fsync(handle)
        except OSError:
            if done:
                os.ftruncate(handle, size)  # a disk that is full: no half line stays for a reader to stumble over
            raise

    def _rotate(self, path: Path) -> None:
        keep = self.spec.keep
        if keep == 0:
            path.unlink()
            return
        for number in range(keep - 1, 0, -1):
            older = Path(f"{path}.{number}")
            if older.exists():
                os.replace(older, f"{path}.{number + 1}")
        os.replace(path, f"{path}.1")
