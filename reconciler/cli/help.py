"""The page that `reconcile --help` prints, drawn from the index: nothing is imported that only commands need.

People type it when they are lost, and scripts of shells ask for it again and again. It takes a fifth of the time that loading the
option parser with all commands would (benchmarks/startup.py).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence

from reconciler.cli import index

COLUMNS_MAX = 110  # longer lines are hard to read
_COLUMNS_MIN = 50
_INDENT = "  "


def is_asked(arguments: Sequence[str]) -> bool:
    """Whether the help of the root is all that was asked for."""
    return list(arguments) in (["--help"], ["-h"])


def page(columns: int | None = None) -> str:
    """The help of the root, as wide as the terminal."""
    from textwrap import TextWrapper

    width = max(min(columns or _columns(), COLUMNS_MAX) - len(_INDENT), _COLUMNS_MIN)
    known = index.load()
    paragraph = TextWrapper(width, initial_indent=_INDENT, subsequent_indent=_INDENT, break_on_hyphens=False)
    parts = ["Usage: reconcile [OPTIONS] [COMMAND [ARGS]...]"]
    parts += [paragraph.fill(text) for text in known.about]
    parts.append("Options:\n" + _table(known.options, width))
    shown = [(name, command.summary) for name, command in known.commands.items() if not command.hidden]
    parts.append("Commands:\n" + _table(shown, width))
    return "\n\n".join(parts) + "\n"


def _table(rows: Iterable[tuple[str, str]], width: int) -> str:
    from textwrap import TextWrapper

    rows = list(rows)
    first = max(len(name) for name, _ in rows) + 2 * len(_INDENT)
    wrapper = TextWrapper(width, subsequent_indent=" " * first, break_on_hyphens=False)
    return "\n".join(wrapper.fill(f"{_INDENT}{name}".ljust(first) + text) for name, text in rows)


def _columns() -> int:
    """As other programs find it: what the environment says, else the terminal."""
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said):
        return int(said)
    try:
        return os.get_terminal_size(sys.__stdout__.fileno() if sys.__stdout__ else 1).columns or 80
    except (OSError, ValueError):
        return 80
