"""Writing the answer: to standard output, whatever that is: a terminal, a pipe whose reader left, a closed handle, an ASCII locale."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, TextIO

from reconciler.cli.errors import AnswerLost

if TYPE_CHECKING:
    from reconciler.cli.render.page import Page

WIDTH_MIN = 60  # columns: below this a wrapped column of reasons is worse than a long line


def prepare_streams() -> None:
    """A character that the locale cannot show is escaped, not an error in the middle of a restore."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None and hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def write_page(page: Page, *, error: bool = False) -> None:
    """A screen, coloured and wrapped when a person looks at it."""
    stream = sys.stderr if error else sys.stdout
    write(page.render(colour=is_coloured(stream), width=_width(stream)), error=error)


def write(text: str, *, error: bool = False) -> None:
    """Text as it is. A reader that has gone (`| head`) ends the output, never the command."""
    stream = sys.stderr if error else sys.stdout
    if stream is None:
        return
    try:
        stream.write(text)
        stream.flush()
    except BrokenPipeError:
        _forget(stream)
    except OSError as failure:
        _forget(stream)
        if not error:
            raise AnswerLost(f"the answer cannot be written: {failure.strerror or failure}") from failure
    except ValueError:
        return  # the handle was closed by whoever started this process: there is nobody to tell


def write_bytes(data: bytes | memoryview) -> bool:
    """Bytes as they are. False: the reader has gone, and nobody needs the rest."""
    stream = sys.stdout
    if stream is None:
        return False
    try:
        stream.buffer.write(data)
        stream.buffer.flush()
    except BrokenPipeError:
        _forget(stream)
        return False
    except OSError as failure:
        _forget(stream)
        raise AnswerLost(f"the answer cannot be written: {failure.strerror or failure}") from failure
    except ValueError:
        return False
    return True


def is_coloured(stream: TextIO | None) -> bool:
    """Colour is for terminals, and for people who did not say no (https://no-color.org)."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # closed
        return False


def _width(stream: TextIO | None) -> int | None:
    if not is_terminal(stream) or stream is None:
        return None
    try:
        columns = os.get_terminal_size(stream.fileno()).columns
    except (OSError, ValueError):
        return None
    return columns if columns >= WIDTH_MIN else None


def _forget(stream: TextIO) -> None:
    """Send the rest to nowhere: also the flush of the interpreter at its end, which would complain."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
