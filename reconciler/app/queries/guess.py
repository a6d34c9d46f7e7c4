"""What may have been meant by a path that a snapshot does not hold: the same name elsewhere, or names nearly like it."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from itertools import islice

from reconciler.app.choice import Chosen
from reconciler.repository import Browser, NoSuchPath, Selection, SnapshotTree
from reconciler.tree.entry import NAME

_SIGNS = frozenset("*?[")
_COMPARED = 20_000  # names: about a second of difflib
_GUESSES = 3


def nothing_fits(browser: Browser, tree: SnapshotTree, chosen: Chosen, patterns: Sequence[str]) -> NoSuchPath:
    """The error, with a guess as its hint when one is at hand."""
    guesses = [guess for pattern in patterns if not _SIGNS & set(pattern) for guess in _guesses(browser, tree, pattern)][:_GUESSES]
    hint = f"Did you mean {' or '.join(guesses)}?" if guesses else None
    snapshot = chosen.snapshot
    text = f"nothing in snapshot {snapshot.id[:8]} of system {snapshot.system} matches {', '.join(patterns)}"
    return NoSuchPath(text, hint=hint, snapshot=snapshot.id, as_of=f"{snapshot.as_of:%Y-%m-%d %H:%M:%S}Z")


def _guesses(browser: Browser, tree: SnapshotTree, pattern: str) -> list[str]:
    """Paths with the same name; without any, with a similar one in the same folder; at last, with a similar one anywhere."""
    folder, _, name = os.fsencode(pattern).strip(b"/").rpartition(b"/")
    same: list[bytes] = []
    near: dict[str, bytes] = {}
    far: dict[str, bytes] = {}
    for entry in browser.entries(tree, Selection(())):
        if entry.row[NAME] == name:
            same.append(entry.path)
        elif entry.folder == folder:
            near.setdefault(os.fsdecode(entry.row[NAME]), entry.path)
        elif len(far) < _COMPARED:
            far.setdefault(os.fsdecode(entry.row[NAME]), entry.path)
    paths = same or _similar(name, near) or _similar(name, far)
    return ["/" + os.fsdecode(path) for path in islice(paths, _GUESSES)]


def _similar(name: bytes, known: dict[str, bytes]) -> list[bytes]:
    names = list(islice(known, _COMPARED))
    return [known[each] for each in difflib.get_close_matches(os.fsdecode(name), names, _GUESSES)]
