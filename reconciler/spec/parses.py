"""What the YAML parser made of each file, kept between processes: parsing is most of what reading a spec tree costs.

By the digest of the content, for files in which the parser found nothing wrong. Everything after the parser (validation, cross-checks,
merging) is done anew each time. The file may be deleted at any moment; one that is torn, foreign or of another version counts as none.
"""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from pathlib import Path

import msgspec
from msgspec import Struct, field

import reconciler
from reconciler.base import kept
from reconciler.spec.node import Layout
from reconciler.spec.tree import SpecFile

VERSION = 3
"""Goes up when the parser finds something else in the same text, or it is kept in another form."""


class _Kept(Struct, array_like=True):
    version: str
    files: dict[str, list[Layout]]


class Parses(Struct):
    """The documents of files, by content."""

    path: Path
    files: dict[str, list[Layout]] = field(default_factory=dict)
    differs: bool = False
    """From what is written."""

    @classmethod
    def read(cls, path: Path) -> Parses:
        """What was kept at ``path``."""
        body = kept.read(path)
        if body is None:
            return cls(path)
        try:
            known = msgspec.msgpack.decode(body, type=_Kept)
        except msgspec.DecodeError:
            return cls(path)
        return cls(path, known.files if known.version == _version() else {})

    def of(self, file: SpecFile) -> list[Layout] | None:
        """The documents of ``file``, where they are known."""
        return self.files.get(file.digest)

    def add(self, file: SpecFile, documents: list[Layout]) -> None:
        """A file without a fault was parsed."""
        self.files[file.digest] = documents
        self.differs = True

    def trim(self, digests: Collection[str]) -> None:
        """Forget what the tree, which has files with ``digests``, does not use."""
        for unused in self.files.keys() - digests:
            del self.files[unused]
            self.differs = True

    def keep(self) -> None:
        """Write what is not written already. A disk that refuses costs only the time."""
        if not self.differs:
            return
        with contextlib.suppress(OSError):  # the next load reads the specs themselves
            kept.write(self.path, [msgspec.msgpack.encode(_Kept(_version(), self.files))])
        self.differs = False


def _version() -> str:
    return f"{reconciler.__version__}/{VERSION}"
