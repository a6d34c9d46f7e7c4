"""Writes the ``tolerate`` block that would have covered the defects of a run, ready to paste, so that nobody has to guess a pattern.

Whether to paste it is for a person to decide: what is tolerated is still not in the snapshot as it should be.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from reconciler.model.declared.system import Source
from reconciler.sources.files import relative_to
from reconciler.tree.entry import Defect, DefectKind, path_of

_PATTERNS_MAX = 20  # of one kind; more is a problem to look at, not a list to paste
_SPECIAL = b"*?[\\"
_KEYS = ((DefectKind.CHANGED, "changing"), (DefectKind.UNREADABLE, "unreadable"))


def tolerate_block(defects: Sequence[Defect], sources: Sequence[Source]) -> str:
    """YAML for ``spec.sources`` with one exact pattern per defect; empty when there is nothing to tolerate."""
    lines: list[str] = []
    for source in sources:
        block = _of_source(defects, path_of(source.path)) if source.path is not None else []
        if block:
            lines += [f"  - path: {json.dumps(source.path, ensure_ascii=False)}", "    tolerate:", *block]
    return "\n".join(["sources:", *lines, ""]) if lines else ""


def _of_source(defects: Sequence[Defect], root: bytes) -> list[str]:
    lines: list[str] = []
    for kind, key in _KEYS:
        paths = sorted({relative for d in defects if d.kind is kind and (relative := relative_to(d.path, root)) is not None})
        if paths:
            lines.append(f"      {key}:")
            lines += [f"        - {json.dumps(_pattern(path), ensure_ascii=False)}" for path in paths[:_PATTERNS_MAX]]
        if len(paths) > _PATTERNS_MAX:
            lines.append(f"        # and {len(paths) - _PATTERNS_MAX} more")
    return lines


def _pattern(relative: bytes) -> str:
    """An anchored pattern for exactly this path; a byte that is no text becomes "?"."""
    escaped = b"".join(b"\\" + bytes([value]) if value in _SPECIAL else bytes([value]) for value in relative)
    text = "/" + "".join("?" if "\udc80" <= char <= "\udcff" else char for char in escaped.decode("utf-8", "surrogateescape"))
    return text[:-1] + "\\ " if text.endswith(" ") else text
