"""Foreign text made safe to show: names come from disks and repositories that others write, and a terminal obeys control characters."""

from __future__ import annotations

import codecs
import re

_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f]")
_CUT = re.compile(rb"\A[\x80-\xbf]{1,3}")  # the end of a character that began in the piece before
_SHORT = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


def is_text(data: bytes) -> bool:
    """Whether a piece of a file can be shown on a terminal as it is: UTF-8, cut anywhere, without control characters but white space."""
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(_CUT.sub(b"", data, count=1))
    except UnicodeDecodeError:
        return False
    return not _CONTROL.search(text)


def escape(text: str) -> str:
    r"""Make ``text`` one line that a terminal only shows: control and direction characters become ``\x1b`` or ``\u202e``.

    Bytes of a file name that are no text (surrogates of ``os.fsdecode``) become the ``\xff`` that they are.
    """
    if text.isprintable():  # none of the above is; a table of 10,000 lines asks 300,000 times
        return text
    return _UNSAFE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    code = ord(match[0])
    if match[0] in _SHORT:
        return _SHORT[match[0]]
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
