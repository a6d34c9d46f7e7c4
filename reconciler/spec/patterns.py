"""Lines of .gitignore, for `.reconcilerignore` and for judging `exclude`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from reconciler.spec.source import visible

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec


def compile_patterns(lines: Iterable[str]) -> GitIgnoreSpec:
    """The patterns as one matcher. Raises ValueError with a sentence when a line is not a pattern."""
    from pathspec import GitIgnoreSpec

    try:
        return GitIgnoreSpec.from_lines(lines)
    except (ValueError, re.error) as error:
        raise ValueError(f"is not a pattern ({visible(str(error))})") from None
