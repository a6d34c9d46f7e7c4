"""Lines of .gitignore, for `.reconcilerignore` and for judging `exclude`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from reconciler.spec.source import visible

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


_PLAIN = re.compile(r"!?[A-Za-z0-9_.*?/~$@+%=,:-]*[A-Za-z0-9_*?]/?")


def is_plain(line: str) -> bool:
    """Whether it is a pattern for certain: letters, digits, stars and the like need no judge (a test asks the judge)."""
    return _PLAIN.fullmatch(line) is not None


def compile_patterns(lines: Iterable[str]) -> GitIgnoreSpec:
    """The patterns as one matcher. Raises ValueError with a sentence when a line is not a pattern."""
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(lines)
    except (ValueError, re.error) as error:
        raise ValueError(f"is not a pattern ({visible(str(error))})") from None
