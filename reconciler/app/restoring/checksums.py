"""A list that `sha256sum -c` reads: every file that a restore was about and that is now as the snapshot has it."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from pathlib import Path

from reconciler.app.errors import ChecksumsImpossible
from reconciler.app.restoring.refusals import ignored
from reconciler.base.files import create_whole
from reconciler.repository import UNREAD, Chosen, Repository
from reconciler.tree.entry import MODE


def check_place(file: str) -> None:
    """Before anything is restored: a list that cannot be written afterwards is no use."""
    path = Path(file).expanduser()
    if os.path.lexists(path):
        raise ChecksumsImpossible(f"{path} exists already", hint="Name a new file.")
    if not path.absolute().parent.is_dir():
        raise ChecksumsImpossible(f"the folder of {path} does not exist")


def write_list(repository: Repository, snapshot: str, choice: Chosen, without: Collection[bytes], place: str, file: str) -> int:
    """How many lines. ``without``: paths that are not as the snapshot has them. ``place``: the folder that the paths count from."""
    lines, lacking = [], 0
    for entry in repository.entries(snapshot, refused=ignored):
        if entry.row[MODE] & 0o170000 != stat.S_IFREG or entry.cold.flags & UNREAD or entry not in choice or entry.path in without:
            continue
        if entry.cold.sha256 is None or len(entry.cold.sha256) != 32:
            lacking += 1
            continue
        lines.append(_line(entry.cold.sha256, os.path.join(os.fsencode(place), entry.path)))
    if lacking:
        raise ChecksumsImpossible(
            f"snapshot {snapshot[:8]} holds no SHA-256 of {lacking} files; everything is restored, the list is not written"
        )
    try:
        create_whole(Path(file).expanduser().absolute(), b"".join(lines), mode=0o644)
    except OSError as error:
        raise ChecksumsImpossible(f"{file} cannot be written: {(error.strerror or 'failed').lower()}; everything is restored") from error
    return len(lines)


def _line(digest: bytes, path: bytes) -> bytes:
    """As coreutils write it: a name with a backslash or a line break is escaped, and the line says so in front."""
    escaped = path.replace(b"\\", b"\\\\").replace(b"\n", b"\\n").replace(b"\r", b"\\r")
    return b"%s%s  %s\n" % (b"\\" if escaped != path else b"", digest.hex().encode(), escaped)
