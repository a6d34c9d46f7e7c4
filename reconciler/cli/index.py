"""What the root knows of each command without loading it: its one line of help, and the family of commands that holds it.

``index.json`` is written from the commands themselves by ``python docs/generate.py``, and a test fails when the two differ: help has one
source, the docstrings and options in ``commands/``. A command costs the import of its own family alone, and ``reconcile --help`` none.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple


class Known(NamedTuple):
    """One word behind `reconcile`."""

    families: tuple[str, ...]
    """Modules of cli/commands that register something under it."""
    summary: str
    hidden: bool = False


class Index(NamedTuple):
    """The root."""

    about: tuple[str, ...]
    """Paragraphs."""
    options: tuple[tuple[str, str], ...]
    """As written, and what it means."""
    commands: dict[str, Known]


def load() -> Index:
    """As it was generated; read once per process at most."""
    import json

    with open(os.path.join(os.path.dirname(__file__), "index.json"), encoding="utf-8") as file:
        kept: dict[str, Any] = json.load(file)
    commands = {name: Known(tuple(row["families"]), row["summary"], row["hidden"]) for name, row in kept["commands"].items()}
    return Index(tuple(kept["about"]), tuple((flag, text) for flag, text in kept["options"]), commands)
