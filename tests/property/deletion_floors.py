"""What the histories of deletions have to go through at least in one run, whatever workers they are spread over."""

from __future__ import annotations

from pathlib import Path

import pytest

HISTORIES = 500
FLOORS = {
    "histories": HISTORIES,
    "passes": 17 * HISTORIES,
    "removed": 2000,
    "marked": 4000,
    "spared": 300,
    "approved": 500,
    **{f"held by {guard}": 30 for guard in ("tightening", "tree", "observation", "clock", "verification", "rollback")},
}
_FILE = Path(__file__).with_name("test_deletion_histories.py")


def whole(config: pytest.Config) -> bool:
    """Whether all histories were asked for: the file, or a folder above it, and no part of what is in it."""
    asked = [config.invocation_params.dir / argument for argument in config.args]
    return "not slow" in config.option.markexpr and any(path == _FILE or path in _FILE.parents for path in asked)
