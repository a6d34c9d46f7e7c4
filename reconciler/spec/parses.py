"""What the YAML parser made of each file, kept between processes: parsing is most of what reading a spec tree costs.

By the digest of the content, for files in which the parser found nothing wrong. What comes after the parser (validation, cross-checks,
merging) is kept for a whole tree only, beside it (``resolved.py``). Both files may be deleted at any moment; one that is torn, foreign or
of another version counts as none.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

import reconciler
from reconciler.base import kept
from reconciler.spec.node import Layout
from reconciler.spec.tree import SpecFile, Tree

if TYPE_CHECKING:
    from reconciler.model.desired import Desired
    from reconciler.spec.declare import Declared, Key
    from reconciler.spec.resolved import Resolved, Whole

VERSION = 3
"""Goes up when the parser finds something else in the same text, or it is kept in another form."""


class _Kept(Struct, array_like=True):
    version: str
    files: dict[str, list[Layout]]


class Parses:
    """The documents of files, by content, and what came of the whole tree."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._beside = path.with_name(f"{path.name}.resolved")
        self._files: dict[str, list[Layout]] | None = None
        self._differs = False  # from what is written
        self._new: tuple[Desired, Mapping[Key, Declared]] | None = None

    @property
    def files(self) -> dict[str, list[Layout]]:
        """By digest. Read when somebody asks: of a tree that nobody touched, nobody does."""
        if self._files is None:
            self._files = _read(self._path)
        return self._files

    @cached_property
    def _resolved(self) -> Resolved:
        from reconciler.spec.resolved import Resolved

        return Resolved(self._beside)

    def whole(self, tree: Tree, place: Path) -> Whole | None:
        """What came of ``tree`` at ``place``, where that is known."""
        return self._resolved.of(tree, place) if self._beside.exists() else None

    def note(self, tree: Tree, desired: Desired, declared: Mapping[Key, Declared]) -> None:
        """``desired`` came of ``tree``, which has these objects: to be kept where nothing is wrong with it."""
        self._new = (desired, declared) if desired.clean and not tree.problems else None

    def of(self, file: SpecFile) -> list[Layout] | None:
        """The documents of ``file``, where they are known."""
        return self.files.get(file.digest)

    def add(self, file: SpecFile, documents: list[Layout]) -> None:
        """A file without a fault was parsed."""
        self.files[file.digest] = documents
        self._differs = True

    def trim(self, digests: Collection[str]) -> None:
        """Forget what the tree, which has files with ``digests``, does not use."""
        for unused in self.files.keys() - digests:
            del self.files[unused]
            self._differs = True

    def keep(self) -> None:
        """Write what is not written already. A disk that refuses costs only the time."""
        if self._differs:
            with contextlib.suppress(OSError):  # the next load reads the specs themselves
                kept.write(self._path, [msgspec.msgpack.encode(_Kept(_version(), self.files))])
            self._differs = False
        resolved = self._resolved  # made after the first load, whatever came of that: it knows which code this process has read
        if self._new is not None:
            resolved.keep(*self._new)
            self._new = None


def _read(path: Path) -> dict[str, list[Layout]]:
    body = kept.read(path)
    if body is None:
        return {}
    try:
        known = msgspec.msgpack.decode(body, type=_Kept)
    except msgspec.DecodeError:
        return {}
    return known.files if known.version == _version() else {}


def _version() -> str:
    return f"{reconciler.__version__}/{VERSION}"
