"""What an unquoted word means: YAML 1.2, and an error where YAML 1.1 readers would see something else.

``no`` is a boolean to one reader and a country to another, ``22:00`` is 1320, ``017`` is 15. Guessing wrong in a retention rule
deletes backups, so the person decides, with quotes.
"""

from __future__ import annotations

import re

from reconciler.spec.node import PlainScalar

_NULLS = {"", "~", "null", "Null", "NULL"}
_BOOLEANS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_OLD_BOOLEANS = {"y", "n", "yes", "no", "on", "off"}
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]*)?\.[0-9]+|[-+]?(0|[1-9][0-9]*)\.")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|nan)", re.IGNORECASE)
_NUMBER_TO_SOME = (
    (re.compile(r"[-+]?0[0-9_]+(\.[0-9_]*)?"), "octal to some YAML readers, decimal to others"),
    (re.compile(r"[-+]?0o[0-7_]+|[-+]?0b[01_]+|[-+]?0x[0-9a-fA-F_]+"), "a number to some YAML readers, text to others"),
    (re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?"), "a number in base 60 to some YAML readers, text to others"),
    (re.compile(r"[-+]?[0-9][0-9_]*_[0-9_.]*"), "a number to some YAML readers, text to others"),
    (re.compile(r"[-+]?([0-9][0-9_]*\.?[0-9_]*|\.[0-9_]+)[eE][-+]?[0-9]+"), "a number to some YAML readers, text to others"),
)
_NUMBER_SIGNS = frozenset("0123456789_.:eE+-")
_WORD_MAX = 100
DIGITS_MAX = 15  # what a double holds exactly, so that JSON readers of our output agree


class AmbiguousScalar(ValueError):
    """The word has two meanings; the text says which."""


class NumberOutOfRange(ValueError):
    """Not finite, or too long to be meant."""


def resolve(word: str) -> PlainScalar:
    """The value of an unquoted ``word``. Raises AmbiguousScalar or NumberOutOfRange with a sentence."""
    if word in _NULLS:
        return None
    if word in _BOOLEANS:
        return _BOOLEANS[word]
    first = word[0]
    if first not in "+-.0123456789":
        if word.lower() in _OLD_BOOLEANS:
            raise AmbiguousScalar(f"`{word}` is a boolean to some YAML readers, text to others")
        return word
    if len(word) > _WORD_MAX:  # longer ones would only give the patterns below time to waste
        if set(word) <= _NUMBER_SIGNS:
            raise NumberOutOfRange(f"`{word[:20]}…` has more than {DIGITS_MAX} digits")
        return word
    if _NOT_FINITE.fullmatch(word):
        raise NumberOutOfRange(f"`{word}` is not a finite number")
    if _INTEGER.fullmatch(word) or _DECIMAL.fullmatch(word):
        if len(word) > DIGITS_MAX:
            raise NumberOutOfRange(f"`{word[:20]}…` has more than {DIGITS_MAX} digits")
        return int(word) if "." not in word else float(word)
    for shape, meaning in _NUMBER_TO_SOME:
        if shape.fullmatch(word):
            raise AmbiguousScalar(f"`{word[:60]}` is {meaning}")
    return word
