"""Commands that a spec names run only where this host allows it: whoever may edit the specs must not thereby run programs.

The allow-list is a list of directories, given by option or environment, never by a spec. A directory that others can write would hand
the decision to them, so it is refused. argv only: no shell, no interpolation.
"""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Sequence
from pathlib import Path

from reconciler.app.errors import CommandFailed, CommandNotAllowed

WAIT_SECONDS = 30  # a key command asks an agent or a file; one that hangs must not hold the pass
OUTPUT_BYTES_MAX = 65536


def check_allowed(argv: Sequence[str], allowed: Sequence[Path]) -> str:
    """The real path of the program, or :class:`CommandNotAllowed` with the reason."""
    program = Path(argv[0])
    if not program.is_absolute():
        raise CommandNotAllowed(f"the command '{argv[0]}' is not an absolute path")
    real = program.resolve()
    folder = next((place.resolve() for place in allowed if place.resolve() in real.parents), None)
    if folder is None:
        raise CommandNotAllowed(f"the command '{real}' is not in a directory that this host allows")
    for path in (real, *_up_to(real, folder)):
        if _others_can_write(path):
            raise CommandNotAllowed(f"the command '{real}' is not safe: other users can write {path}")
    return str(real)


def run_for_output(argv: Sequence[str], allowed: Sequence[Path]) -> bytes:
    """What the command prints. Its error output is shown only as a count: it may repeat the secret."""
    program = check_allowed(argv, allowed)
    try:
        done = subprocess.run([program, *argv[1:]], stdin=subprocess.DEVNULL, capture_output=True, timeout=WAIT_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise CommandFailed(f"the command '{program}' did not end within {WAIT_SECONDS} s") from error
    except OSError as error:
        raise CommandFailed(f"the command '{program}' cannot be run: {error.strerror}") from error
    if done.returncode != 0:
        raise CommandFailed(f"the command '{program}' ended with {done.returncode}", error_bytes=len(done.stderr))
    if len(done.stdout) > OUTPUT_BYTES_MAX:
        raise CommandFailed(f"the command '{program}' printed {len(done.stdout)} bytes where a key was expected")
    return done.stdout


def _up_to(path: Path, folder: Path) -> list[Path]:
    """The folders above ``path`` up to and including ``folder``."""
    above = list(path.parents)
    return above[: above.index(folder) + 1]


def _others_can_write(path: Path) -> bool:
    try:
        info = path.stat()
    except OSError as error:
        raise CommandNotAllowed(f"the command '{path}' cannot be looked at: {error.strerror}") from error
    if os.name != "posix":
        return False
    return bool(info.st_mode & (stat.S_IWGRP | stat.S_IWOTH)) or info.st_uid not in {0, os.geteuid()}
