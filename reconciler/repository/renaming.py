"""Content that went under one name and came back under another: how often the new name has nothing of the old one.

People rename, too: they add a word, a number, a date, correct a spelling, move a whole folder, and something of the old name stays. What
hides files from their owner leaves nothing. What nearly all names of a folder have, such as the host in those of letters, is no name. That
the content is the same is told by its chunks, over the whole run, whatever the folder. Memory is bounded: above so many names only every
second, fourth, eighth content is looked at, chosen by its id: both sides keep the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from collections.abc import Set as AbstractSet
from hashlib import blake2b
from typing import NamedTuple

_NAMES_MAX = 2**12
"""Of each side: less than 1 MB, and an estimate that is wrong by two or three parts in a hundred."""
_BESIDE = 12
"""Of so many names of a folder, evenly spread, what nearly all have is told; fewer than half as many say nothing."""
_NEARLY_ALL = 0.75
_CANDIDATES = 8
"""Of as many files with one content the fitting name is looked for."""
_PIECE = 4
_WORD = 3
_KEY = 4
_MASK_MAX = 255
"""One byte of the id chooses. A million files that are moved at once keep 4,096 names; above that memory grows, slowly."""
_ENDING = re.compile(rb"(\.tar)?\.[A-Za-z0-9]{1,8}$")
_RUN = re.compile(rb"[a-z]+|[0-9]+|[\x80-\xff]+")
_PARTED = re.compile(rb"[^0-9a-z\x80-\xff]+")


class Renaming:
    """One per run. Names are those in their folder; ``chunks``: the ids of the content, empty for a file that holds nothing."""

    def __init__(self) -> None:
        self._went: list[_Name] = []
        self._came: list[_Name] = []
        self._mask = 0

    def went(self, folder: bytes, name: bytes, chunks: bytes, beside: Sequence[bytes] = ()) -> None:
        """``beside``: from :func:`beside`, of the folder as it was."""
        self._note(self._went, folder, name, chunks, beside)

    def came(self, folder: bytes, name: bytes, chunks: bytes) -> None:
        self._note(self._came, folder, name, chunks, ())

    def unnamed(self) -> int:
        """Files that went and came under a name that has nothing of the old one; above so many an estimate."""
        found: dict[bytes, list[_Name]] = {}
        for each in self._went:
            found.setdefault(each.key, []).append(each)
        again: dict[bytes, list[bytes]] = {}
        for each in self._came:
            if each.key in found:
                again.setdefault(each.key, []).append(each.name)
        return sum(_unnamed(found[key], names) for key, names in again.items()) * (self._mask + 1)

    def _note(self, side: list[_Name], folder: bytes, name: bytes, chunks: bytes, beside: Sequence[bytes]) -> None:
        if not chunks:  # what holds nothing is like all others that do: it is looked for where it was
            chunks = blake2b(folder).digest()
        if chunks[-1] & self._mask:
            return
        side.append(_Name(chunks[:_KEY] + chunks[-_KEY:], name, beside))
        if len(side) > _NAMES_MAX and self._mask < _MASK_MAX:
            self._mask = 2 * self._mask + 1
            for names in (self._went, self._came):
                names[:] = [each for each in names if not each.key[-1] & self._mask]


class _Name(NamedTuple):
    key: bytes
    name: bytes
    beside: Sequence[bytes]


def beside(names: Collection[bytes]) -> Sequence[bytes]:
    """A few of the names of a folder, that tell what nearly all of them have."""
    return [*names][:: max(1, len(names) // _BESIDE)][:_BESIDE]


def _unnamed(went: Iterable[_Name], came: Iterable[bytes]) -> int:
    """Of files with one content, in whatever order. Whatever kept its name was only moved."""
    after = Counter(came)
    old = []
    for each in sorted(went):
        if after[each.name]:
            after[each.name] -= 1
        else:
            old.append(each)
    count = 0
    for name in sorted(after.elements()):
        if not old:
            break
        fitting = next((at for at, other in enumerate(old[:_CANDIDATES]) if akin(other.name, name, other.beside)), None)
        count += fitting is None
        old.pop(0 if fitting is None else fitting)
    return count


def akin(old: bytes, new: bytes, beside: Sequence[bytes] = ()) -> bool:
    """Whether a name has something of another, their endings aside: four letters in a row, or a whole word or number.

    ``beside``: names from the folder of the old one; what nearly all of them have is not looked at.
    """
    old, new = _stem(old), _stem(new)
    words = _words(old) - _common(beside)
    if not words.isdisjoint(_words(new)):
        return True
    return any(word[at : at + _PIECE] in new for word in words for at in range(len(word) - _PIECE + 1))


def _common(beside: Sequence[bytes]) -> AbstractSet[bytes]:
    if len(beside) <= _BESIDE // 2:
        return frozenset()
    counts = Counter(word for name in beside for word in _words(_stem(name)))
    return {word for word, count in counts.items() if count >= _NEARLY_ALL * len(beside)}


def _stem(name: bytes) -> bytes:
    return (_ENDING.sub(b"", name) or name).lower()


def _words(stem: bytes) -> set[bytes]:
    """Parts between marks, and runs of letters or digits that are long enough to be no chance. Zeros before a number are nothing."""
    words = {part.lstrip(b"0") or part for part in _PARTED.split(stem) if part}
    words.update(word for run in _RUN.findall(stem) if len(word := run.lstrip(b"0")) >= _WORD)
    return words
