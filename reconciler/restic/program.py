"""The program restic, run with bounds: an environment of its own, a process group that ends with it, a time limit and a limit of output.

The password goes by the environment of the child, which only the same user and root can read; never by the command line. No RESTIC_
variable of this process reaches it: they would send it elsewhere. What it prints is foreign text: it is cut short, made printable, and
only ever believed as far as its shape is right.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from reconciler.base.clock import Clock, SystemClock
from reconciler.base.errors import Cancelled
from reconciler.base.printable import escape
from reconciler.base.secret import Secret
from reconciler.restic.errors import (
    ResticError,
    ResticLocked,
    ResticMissing,
    ResticNoRepository,
    ResticSilent,
    ResticUnreadable,
    ResticWrongPassword,
)

LOOK_SECONDS = 100.0  # below the 120 s after which a listing is given up: the program ends with it
OUTPUT_BYTES_MAX = 256 * 2**20  # some 400,000 snapshots
COMPLAINT_BYTES_MAX = 64 * 2**10
SHOWN_CHARACTERS = 300
_POLL_SECONDS = 0.1
_BY_EXIT = {10: ResticNoRepository, 11: ResticLocked, 12: ResticWrongPassword}
"""Exit codes since restic 0.17; before, everything is 1 and the words decide."""
_BY_WORDS = (
    ("wrong password", ResticWrongPassword),
    ("unable to open config file", ResticNoRepository),
    ("repository does not exist", ResticNoRepository),
    ("already locked", ResticLocked),
)


def _never() -> bool:
    return False


class Program(Struct, frozen=True):
    """restic over one repository."""

    path: str
    repository: str
    """As restic writes it: a path, `s3:https://host/bucket/prefix`, `sftp:user@host:/path`."""
    password: Secret
    environment: Mapping[str, str] = field(default_factory=dict)
    """Beside PATH, HOME and the like: credentials of the place."""
    cache: Path | None = None
    """Where restic may keep copies of metadata; None: nowhere."""
    options: Sequence[str] = ()
    """Of every call, such as how its ssh gets to the place."""
    clock: Clock = field(default_factory=SystemClock)
    stopped: Callable[[], bool] = _never
    """Says that somebody has asked to stop: then nobody waits for restic any more."""

    def output(self, *words: str, seconds_max: float = LOOK_SECONDS) -> bytes:
        """What it prints. Raises ResticError and its like."""
        printed = bytearray()
        for piece in self.run(words, seconds_max, threading.Event()):
            printed += piece
            if len(printed) > OUTPUT_BYTES_MAX:
                raise ResticUnreadable(f"restic printed more than {OUTPUT_BYTES_MAX:,} bytes for `{words[0]}` of {self.shown}")
        return bytes(printed)

    def run(self, words: Sequence[str], seconds_max: float, stop: threading.Event) -> Iterator[bytes]:
        """Pieces of its output, an empty one now and then while it is silent. Raises when it does not end with 0 in time; Cancelled."""
        deadline = self.clock.monotonic() + seconds_max
        with tempfile.TemporaryFile() as complaint, self._started(words, complaint) as process:
            assert process.stdout is not None
            try:
                with selectors.DefaultSelector() as selector:
                    selector.register(process.stdout, selectors.EVENT_READ)
                    while True:
                        if stop.is_set() or self.stopped():
                            raise Cancelled("stopped while restic was at work")
                        if self.clock.monotonic() > deadline:
                            raise ResticSilent(f"restic did not end `{words[0]}` of {self.shown} within {seconds_max:.0f} s")
                        piece = os.read(process.stdout.fileno(), 2**16) if selector.select(_POLL_SECONDS) else None
                        if piece == b"":
                            break
                        yield piece or b""
                self._judge(words, process.wait(max(deadline - self.clock.monotonic(), 1.0)), complaint)
            except subprocess.TimeoutExpired:
                raise ResticSilent(f"restic did not end `{words[0]}` of {self.shown} within {seconds_max:.0f} s") from None
            finally:
                _end(process)

    @property
    def shown(self) -> str:
        return escape(self.repository)[:SHOWN_CHARACTERS]

    def _started(self, words: Sequence[str], complaint: Any) -> subprocess.Popen[bytes]:
        cache = ["--cache-dir", str(self.cache)] if self.cache is not None else ["--no-cache"]
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("RESTIC_")}
        environment = {**inherited, **self.environment, "RESTIC_PASSWORD": os.fsdecode(self.password.reveal())}
        try:
            return subprocess.Popen(
                [self.path, "--repo", self.repository, "--no-lock", "--json", *cache, *self.options, *words],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaint,
                bufsize=0,
                cwd="/",
                env=environment,
                start_new_session=True,
            )
        except OSError as error:
            raise ResticMissing(f"the program {escape(self.path)} cannot be run: {error.strerror}") from error
        except ValueError as error:
            raise ResticError(f"restic cannot be asked for {self.shown}: {error}") from error

    def _judge(self, words: Sequence[str], code: int, complaint: Any) -> None:
        if code == 0:
            return
        said = complaints(complaint)
        text = "; ".join(said) or f"it ended with {code}"
        kind = _BY_EXIT.get(code) or next((kind for sign, kind in _BY_WORDS if sign in text), ResticError)
        raise kind(f"restic could not do `{words[0]}` of {self.shown}: {text[:SHOWN_CHARACTERS]}", exit=code)


def find_program(named: str | None) -> str:
    """The path of restic: as named by the host, else the first on the path. Raises ResticMissing."""
    found = shutil.which(named or "restic")
    if found is None:
        raise ResticMissing(f"the program {named or 'restic'} is not on this host")
    return found


def complaints(file: Any) -> list[str]:
    """Sentences on its error output, the last ones when there are many; JSON messages as their text."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - COMPLAINT_BYTES_MAX))
    found = []
    for line in file.read(COMPLAINT_BYTES_MAX).decode("utf-8", "replace").splitlines():
        text = _message(line).strip().removeprefix("Fatal: ")
        if text:
            found.append(escape(text.splitlines()[0])[:SHOWN_CHARACTERS])
    return found[-5:]


def _message(line: str) -> str:
    if not line.startswith("{"):
        return line
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return line
    text = said.get("message") or (said.get("error") or {}).get("message", "") if isinstance(said, dict) else ""
    return text if isinstance(text, str) else line


def _end(process: subprocess.Popen[bytes]) -> None:
    """With everything that it started; restic leaves nothing behind that a later one would miss."""
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
