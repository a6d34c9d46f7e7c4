"""What a decoder raises for bytes that are not what they should be: one list for every parser of the format."""

from __future__ import annotations

import msgspec

UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, OverflowError, RecursionError)
