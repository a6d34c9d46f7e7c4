"""What a place says of a repository without its key: the versions in its header, and how many objects lie there. For whoever helps."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from reconciler.repository.format import FOLDERS
from reconciler.repository.header import read_header
from reconciler.repository.store import Readable


class Outside(Struct, frozen=True):
    """At one instant; nothing of it was checked against a key."""

    format: int
    suite: int
    """Which ciphers."""
    features: tuple[str, ...]
    created: str
    objects: Mapping[str, int]
    """By folder, without empty ones."""
    bytes: int


def look_outside(store: Readable) -> Outside:
    """Raises NotInitialised, Damaged, NewerFormat, Unreachable. Lists everything: seconds where a repository is large and far away."""
    header = read_header(store)
    features = {str(name) for names in header["features"].values() for name in names}
    objects, total = count_objects(store)
    return Outside(int(header["format"]), int(header["suite"]), tuple(sorted(features)), str(header["created"]), objects, total)


def count_objects(store: Readable) -> tuple[dict[str, int], int]:
    """(how many in each folder, without empty ones; bytes of all together). A list of everything."""
    objects: dict[str, int] = {}
    total = 0
    for folder in FOLDERS:
        for found in store.list(folder):
            objects[folder] = objects.get(folder, 0) + 1
            total += found.size
    return objects, total
