"""From the place that a spec names to the key itself: a file, an environment variable or an allowed command.

A raw key is passed on as its 64 hex digits, a passphrase as its bytes. The loop never makes a key; only the verbs that create a
repository do (:func:`create`), and never over an existing file.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from reconciler.app.errors import KeyExposed, KeyMalformed, KeyMissing, KeyUnusable
from reconciler.base.files import create_whole, make_folders, read_regular
from reconciler.base.secret import Secret
from reconciler.model.declared.repository import Key
from reconciler.model.declared.secret import SecretFrom
from reconciler.sources.commands import run_for_output

FILE_BYTES_MAX = 4096
WARNING = "without this key nobody can read the repository: keep a second copy of it somewhere else"
_RAW = re.compile(rb"[0-9a-fA-F]{64}")

KeyKind = Literal["raw", "passphrase"]


def load(key: SecretFrom, *, allowed: Sequence[Path] = ()) -> Secret:
    """The key that ``key`` points to, or any other secret. ``allowed``: directories whose commands may run."""
    kind: KeyKind = key.kind if isinstance(key, Key) else "passphrase"  # any other secret is bytes without a line end, like a passphrase
    what = "key" if isinstance(key, Key) else "secret"
    if key.file is not None:
        return from_file(Path(key.file), kind, what=what)
    if key.env is not None:
        value = os.environb.get(os.fsencode(key.env)) if os.supports_bytes_environ else os.environ.get(key.env, "").encode() or None
        if value is None:
            raise KeyMissing(f"the environment variable {key.env} that holds the {what} is not set")
        return _parse(value, kind, f"the environment variable {key.env}")
    assert key.command is not None
    return _parse(run_for_output(key.command, allowed), kind, f"the output of '{key.command[0]}'")


def from_file(path: Path, kind: KeyKind = "raw", *, what: str = "key") -> Secret:
    """The key in a file that only its owner can read, called ``what``. A link is followed to its end (mounted secrets are links)."""
    real = Path(os.path.realpath(path))
    try:
        info = real.stat()
    except FileNotFoundError as error:
        raise KeyMissing(f"the {what} file {path} does not exist") from error
    except OSError as error:
        raise KeyUnusable(f"the {what} file {path} cannot be read: {error.strerror}") from error
    if os.name == "posix" and info.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyExposed(f"the {what} file {path} has mode {stat.S_IMODE(info.st_mode):04o}: other users can read or change it")
    try:
        content = read_regular(str(real), limit=FILE_BYTES_MAX)
    except (OSError, ValueError) as error:
        raise KeyUnusable(f"the {what} file {path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return _parse(content, kind, f"the {what} file {path}")


def create(path: Path) -> Secret:
    """A new raw key in a new file of mode 0600, durable before it is used; FileExistsError when there is one."""
    key = os.urandom(32).hex().encode()
    make_folders(path.parent)
    create_whole(path, key + b"\n", mode=0o600)
    return Secret(key)


def _parse(content: bytes, kind: KeyKind, origin: str) -> Secret:
    text = content.strip(b" \t\r\n")
    if not text:
        raise KeyMalformed(f"{origin} is empty")
    if kind == "passphrase":
        return Secret(content.rstrip(b"\r\n"))
    if _RAW.fullmatch(text) is None:
        raise KeyMalformed(f"{origin} holds no raw key: 64 hex digits were expected")
    return Secret(text.lower())
