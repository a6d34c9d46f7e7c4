"""The text of one spec file, and how a problem in it is put into words: place, snippet, nothing secret shown."""

from __future__ import annotations

import re

from msgspec import Struct

from reconciler.base.secret import REDACTED, looks_secret, redact
from reconciler.model.problem import Place, Problem, Severity
from reconciler.spec.node import Spot

_SNIPPET_WIDTH = 160
_LINE_MAX = 2000  # characters looked at: a line may be as long as a file
_KEY = re.compile(r"(?<![\w.-])([\w.-]+)[\"']?\s*[:=]\s*(?=\S)")


class Source(Struct, frozen=True):
    """One file, by its path relative to the tree."""

    file: str
    lines: tuple[str, ...]

    def problem(
        self, code: str, spot: Spot, message: str, *, hint: str = "", severity: Severity = Severity.ERROR, who: tuple[str, str] = ("", "")
    ) -> Problem:
        """A Problem at ``spot``. ``who``: kind and name of the object, as far as they are known."""
        return Problem(
            severity, code, Place(self.file, spot.line, spot.column), message, hint, kind=who[0], name=who[1], snippet=self.snippet(spot)
        )

    def snippet(self, spot: Spot) -> str:
        """The line, and a caret below what is meant."""
        if not 0 < spot.line <= len(self.lines):
            return ""
        line = self.lines[spot.line - 1][:_LINE_MAX]
        shown = visible(mask(line))
        if len(shown) > _SNIPPET_WIDTH:
            return f"{shown[:_SNIPPET_WIDTH]}…"
        if len(shown) != len(line):  # something was hidden or escaped: columns no longer match
            return shown
        return f"{shown}\n{' ' * (spot.column - 1)}{'^' * max(1, min(spot.end, len(line) + 1) - spot.column)}"


def mask(line: str) -> str:
    """``line`` up to the value of a key that sounds like a secret; in specs it is a mistake, in a log it would be a leak."""
    hidden = next((match for match in _KEY.finditer(line) if looks_secret(match[1])), None)
    return redact(line if hidden is None else line[: hidden.end()] + REDACTED)


def visible(text: str) -> str:
    """``text`` with control characters and undecodable bytes spelled out: a spec must not steer a terminal."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "backslashreplace").decode("ascii") for c in text)
