"""From the words that name a repository to the place and the key: a URL to its store, a key as it is kept to one that is used."""

from __future__ import annotations

import os

from reconciler.base.secret import Secret
from reconciler.repository.errors import Unreachable
from reconciler.repository.keys import parse_raw
from reconciler.repository.store import LocalStore


def local_store(url: str) -> LocalStore:
    """The folder that ``url`` names. Raises Unreachable for anything that is no path."""
    path = url.removeprefix("file://")
    if "://" in path:
        raise Unreachable(f"{url} is not a path", hint="This version stores on local and mounted disks only.")
    return LocalStore(os.path.abspath(os.path.expanduser(path)))


def checked_key(key: Secret, kind: str) -> Secret:
    """The key itself: 32 bytes of a raw one, a passphrase without the line end of an editor. Raises WeakKey."""
    return parse_raw(key.reveal()) if kind == "raw" else Secret(key.reveal().rstrip(b"\r\n"))
