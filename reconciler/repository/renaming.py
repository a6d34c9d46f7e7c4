"""Content that went under one name and came back under another: how often the new name has nothing of the old one.

People rename, too: they add a word, a number, a date, correct a spelling, move a whole folder, and something of the old name stays. What
hides files from their owner leaves nothing. That the content is the same is told by its chunks, over the whole run, whatever the folder.
Memory is bounded: above so many names only every second, fourth, eighth content is looked at, chosen by its id: both sides keep the same.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b

_NAMES_MAX = 2**15
"""Of each side; about 5 MB."""
_CANDIDATES = 8
"""Of as many files with one content the fitting name is looked for."""
_PIECE = 4
_WORD = 3
_KEY = 4
_ENDING = re.compile(rb"(\.tar)?\.[A-Za-z0-9]{1,8}$")
_RUN = re.compile(rb"[a-z]+|[0-9]+|[\x80-\xff]+")
_PARTED = re.compile(rb"[^0-9a-z\x80-\xff]+")


class Renaming:
    """One per run. Names are those in their folder; ``chunks``: the ids of the content, empty for a file that holds nothing."""

    def __init__(self) -> None:
        self._went: list[tuple[bytes, bytes]] = []
        self._came: list[tuple[bytes, bytes]] = []
        self._mask = 0

    def went(self, folder: bytes, name: bytes, chunks: bytes) -> None:
        self._note(self._went, folder, name, chunks)

    def came(self, folder: bytes, name: bytes, chunks: bytes) -> None:
        self._note(self._came, folder, name, chunks)

    def unnamed(self) -> int:
        """Files that went and came under a name that has nothing of the old one; above so many an estimate."""
        found: dict[bytes, list[bytes]] = {}
        for key, name in self._went:
            found.setdefault(key, []).append(name)
        again: dict[bytes, list[bytes]] = {}
        for key, name in self._came:
            if key in found:
                again.setdefault(key, []).append(name)
        return sum(_unnamed(found[key], names) for key, names in again.items()) * (self._mask + 1)

    def _note(self, side: list[tuple[bytes, bytes]], folder: bytes, name: bytes, chunks: bytes) -> None:
        # What holds nothing is like all others that do: it is looked for where it was.
        key = chunks[:_KEY] + chunks[-_KEY:] if chunks else blake2b(folder, digest_size=2 * _KEY).digest()
        if not self._wanted(key):
            return
        side.append((key, name))
        if len(side) > _NAMES_MAX:
            self._mask = 2 * self._mask + 1
            self._went = [each for each in self._went if self._wanted(each[0])]
            self._came = [each for each in self._came if self._wanted(each[0])]

    def _wanted(self, key: bytes) -> bool:
        return not int.from_bytes(key, "big") & self._mask


def _unnamed(went: Iterable[bytes], came: Iterable[bytes]) -> int:
    """Of files with one content. Whatever kept its name was only moved."""
    before, after = Counter(went), Counter(came)
    moved = before & after
    old, new = list((before - moved).elements()), list((after - moved).elements())
    count = 0
    for name in new:
        if not old:
            break
        fitting = next((at for at, other in enumerate(old[:_CANDIDATES]) if akin(other, name)), None)
        count += fitting is None
        old.pop(0 if fitting is None else fitting)
    return count


def akin(old: bytes, new: bytes) -> bool:
    """Whether a name has something of another, their endings aside: four letters in a row, or a whole word or number."""
    old, new = _stem(old), _stem(new)
    if old in new or new in old:
        if min(len(old), len(new)) >= _PIECE:
            return True
    elif any(old[at : at + _PIECE] in new for at in range(len(old) - _PIECE + 1)):
        return True
    return not _words(old).isdisjoint(_words(new))


def _stem(name: bytes) -> bytes:
    return (_ENDING.sub(b"", name) or name).lower()


def _words(stem: bytes) -> set[bytes]:
    """Parts between marks, and runs of letters or digits that are long enough to be no chance. Zeros before a number are nothing."""
    words = {part.lstrip(b"0") or part for part in _PARTED.split(stem) if part}
    words.update(word for run in _RUN.findall(stem) if len(word := run.lstrip(b"0")) >= _WORD)
    return words
