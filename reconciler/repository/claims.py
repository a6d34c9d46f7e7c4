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
from reconciler.tree.write import check_name

_FORMAT = 0o170000
_MODE_MAX, _SIZE_MAX, _DEVICE_MAX = 0o177777, 2**63 - 1, 2**64 - 1
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
    return _wrong_names(folder.split(b"/"), folder)


def wrong_entry(entry: Entry) -> Wrong | None:
    """Why this entry of a good folder cannot be restored; None: nothing is wrong with what it claims."""
    row = entry.row
    if not (0 <= row[MODE] <= _MODE_MAX and 0 <= row[SIZE] <= _SIZE_MAX and 0 <= entry.cold.rdev <= _DEVICE_MAX):
        return ImpossibleEntry("it claims a mode, size or device number that no file system has")
    if row[MODE] & _FORMAT == stat.S_IFREG and not entry.cold.flags & UNREAD:
        wrong = _wrong_content(row[SIZE], entry.cold)
        if wrong is not None:
            return wrong
    return _wrong_names((row[NAME],), entry.folder)


def _wrong_names(names: tuple[bytes, ...] | list[bytes], path: bytes) -> Wrong | None:
    try:
        for name in names:
            check_name(name, path)
    except UnsafeName as error:
        return error
    return None


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
