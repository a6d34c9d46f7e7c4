"""`--repository URL --key FILE`: a repository named on the command line, for the day on which there are no specs any more."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from reconciler.base.errors import Usage

if TYPE_CHECKING:
    from reconciler.app.bare import BareRepository


def bare_repository(url: str | None, key: str | None, kind: str) -> BareRepository | None:
    """Both words or none."""
    if url is None and key is None:
        return None
    if not url or not key:
        raise Usage("--repository and --key go together", hint="`--repository URL --key FILE` reads a repository without any specs.")
    if kind not in {"raw", "passphrase"}:
        raise Usage(f"--key-kind is raw or passphrase, not '{kind}'")
    from reconciler.app.bare import BareRepository

    known: Literal["raw", "passphrase"] = "raw" if kind == "raw" else "passphrase"
    return BareRepository(url, Path(key), known)
