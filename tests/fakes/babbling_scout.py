"""A scout that says whatever the environment tells it, in hexadecimal, and zeros after it."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Final

WORDS: Final = "TEST_SCOUT_SAYS"
ZEROS: Final = "TEST_SCOUT_ZEROS"


def main() -> None:
    """Hear the setup, say it, end."""
    sys.stdin.buffer.read()
    with contextlib.suppress(BrokenPipeError):  # who asked has heard enough
        sys.stdout.buffer.write(bytes.fromhex(os.environ[WORDS]))
        for _ in range(int(os.environ.get(ZEROS, "0")) >> 20):
            sys.stdout.buffer.write(bytes(2**20))
        sys.stdout.buffer.flush()
    os._exit(0)  # what is left in the buffer of a broken pipe is nobody's
