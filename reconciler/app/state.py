"""Where the loop remembers: one directory per spec tree, outside of it, readable by its owner alone.

Default: ``/var/lib/reconciler/<id>`` for root, else the platform's state folder; ``<id>`` is a short hash of the spec directory's path,
so two trees never share a memory. Choosing a directory creates nothing; only :func:`prepare` does.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from pathlib import Path

from reconciler.app.errors import StateExposed, StateInsideSpecs
from reconciler.base.errors import StateError
from reconciler.base.files import make_folders


def choose(specs: Path, given: Path | None) -> Path:
    """The state directory of this spec tree, absolute; raises :class:`StateInsideSpecs`."""
    root = specs.resolve()
    state = (given if given is not None else _default_parent() / _short_hash(root)).expanduser().resolve()
    if state == root or root in state.parents:
        raise StateInsideSpecs(f"the state directory {state} is inside the specs {root}")
    return state


def prepare(state: Path) -> Path:
    """Create the directory (0700) where it is missing and check that it can serve; returns it."""
    try:
        make_folders(state)
        info = state.stat()
    except OSError as error:
        raise StateError(f"the state directory {state} cannot be used: {error.strerror or error}") from error
    if not stat.S_ISDIR(info.st_mode):
        raise StateError(f"the state directory {state} is not a directory")
    if os.name == "posix" and info.st_mode & stat.S_IWOTH:
        raise StateExposed(f"the state directory {state} can be written by every user")
    if not os.access(state, os.R_OK | os.W_OK | os.X_OK):
        raise StateError(f"the state directory {state} cannot be written by this user")
    return state


def _short_hash(root: Path) -> str:
    return hashlib.sha256(os.fsencode(root)).hexdigest()[:12]


def _default_parent() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "reconciler" / "state"
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        return Path("/var/lib/reconciler")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "reconciler"
    given = os.environ.get("XDG_STATE_HOME", "")
    base = Path(given) if Path(given).is_absolute() else Path.home() / ".local" / "state"  # XDG: a relative value is ignored
    return base / "reconciler"
