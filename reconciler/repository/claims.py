"""What an entry of a manifest may claim: one rule for everything that is restored, whoever wrote the manifest.

A size, mode or number that no system call takes would end a restore, and with it every honest entry. What can only not be set on it (an
owner, a time, an attribute) is no reason to refuse an entry: it arrives, and lacks that.
"""

from __future__ import annotations

import stat

from reconciler.repository.entries import UNREAD, Cold, Entry
from reconciler.repository.errors import Damaged
from reconciler.repository.format import SEGMENT_BYTES_MAX
from reconciler.tree.entry import MODE, NAME, SIZE
from reconciler.tree.errors import ImpossibleEntry, TreeError, UnsafeName
from reconciler.tree.write import is_name, unsafe_name

_FORMAT = 0o170000
_MODE_MAX, _SIZE_MAX, _DEVICE_MAX = 0o177777, 2**63 - 1, 2**64 - 1
_PLAIN_MODES = range(stat.S_IFREG, stat.S_IFREG | 0o10000)
_ID_BYTES = 32
_DEPTH_BYTES_MAX = 2**28  # 5,000 folders with names of ten bytes; each folder above an entry is held by its whole path

Wrong = TreeError | Damaged


def wrong_folder(folder: bytes) -> Wrong | None:
    """Why nothing in this folder can be restored; None: nothing is wrong with its path."""
    if not folder:
        return None
    depth = folder.count(b"/") + 1
    if depth * len(folder) > _DEPTH_BYTES_MAX:
        return UnsafeName(f"it lies below {depth:,} folders, more than a restore makes for one entry")
    return next((unsafe_name(name, folder) for name in folder.split(b"/") if not is_name(name)), None)


def wrong_entry(entry: Entry) -> Wrong | None:
    """Why this entry of a good folder cannot be restored; None: nothing is wrong with what it claims."""
    row, cold = entry.row, entry.cold
    mode, size = row[MODE], row[SIZE]
    if (
        len(cold.chunks) == _ID_BYTES
        and 0 < size <= SEGMENT_BYTES_MAX
        and mode in _PLAIN_MODES
        and cold.extents is None
        and not cold.rdev
        and is_name(row[NAME])
    ):
        return None  # nearly every file
    if not (0 <= mode <= _MODE_MAX and 0 <= size <= _SIZE_MAX and 0 <= cold.rdev <= _DEVICE_MAX):
        return ImpossibleEntry("it claims a mode, size or device number that no file system has")
    if not is_name(row[NAME]):
        return unsafe_name(row[NAME], entry.folder)
    if mode & _FORMAT != stat.S_IFREG or cold.flags & UNREAD:
        return None
    return _wrong_content(size, cold)


def _wrong_content(size: int, cold: Cold) -> Wrong | None:
    """Whether chunks and extents can make up a file of this size, as far as that shows without reading them.

    So a claim of exbibytes is the end of one entry, not of the plan that would look for so much room.
    """
    count, rest = divmod(len(cold.chunks), _ID_BYTES)
    data = size
    if cold.extents is not None:
        end = data = 0
        for offset, length in cold.extents:
            if offset < end or length < 0:
                return Damaged("its extents overlap, or run backwards")
            end = offset + length
            data += length
        if end > size:
            return Damaged("its extents lie outside of it")
    if rest or not count <= data <= count * SEGMENT_BYTES_MAX:
        return Damaged("its chunks do not add up to its size")
    return None
