"""Values that must never be printed: wrapped, and known to the redactor so that they disappear from every log line by value."""

from __future__ import annotations

import re
from typing import Final

REDACTED: Final = "***"
_NAMES = re.compile(r"pass(word|phrase)?|secret|token|credential|api_?key|authorization|private_?key", re.IGNORECASE)
_known: set[str] = set()


class Secret:
    """Bytes that show as ``***`` wherever they are formatted; ``reveal()`` is the only way to them."""

    __slots__ = ("_value",)

    def __init__(self, value: bytes) -> None:
        self._value = value
        remember(value)

    def reveal(self) -> bytes:
        return self._value

    def __repr__(self) -> str:
        return REDACTED

    __str__ = __repr__


def remember(value: bytes) -> None:
    """Let :func:`redact` hide this value from now on: as text and as hex. Shorter than 6 bytes would hide ordinary words."""
    if len(value) >= 6:
        _known.add(value.hex())
        try:
            _known.add(value.decode())
        except UnicodeDecodeError:
            return  # not text: only its hex form can appear in a log line


def looks_secret(name: str) -> bool:
    """Whether a field of this name is hidden whatever it holds."""
    return _NAMES.search(name) is not None


def redact(text: str) -> str:
    """``text`` without any value that :func:`remember` was told, and without credentials inside URLs."""
    for value in _known:
        if value in text:
            text = text.replace(value, REDACTED)
    return re.sub(r"\b(\w+://[^/\s:@]*):[^/\s@]+@", rf"\1:{REDACTED}@", text)
