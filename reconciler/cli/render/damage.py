"""What damage costs: the files that a snapshot can no longer give back."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Protocol

from reconciler.cli.render.page import Page

FILES_SHOWN = 20


class Lost(Protocol):
    """A snapshot that damage keeps from being restored whole."""

    @property
    def snapshot(self) -> str: ...
    @property
    def system(self) -> str: ...
    @property
    def files(self) -> int: ...
    @property
    def paths(self) -> Sequence[bytes]: ...
    @property
    def manifest(self) -> bool: ...


def add_lost_files(page: Page, lost: Lost) -> None:
    """The first of them, and how many more."""
    for path in lost.paths[:FILES_SHOWN]:
        page.line(f"    /{os.fsdecode(path).lstrip('/')}")
    if lost.files > FILES_SHOWN:
        page.line(f"    and {lost.files - FILES_SHOWN:,} more; -o json lists them", hang=4)
