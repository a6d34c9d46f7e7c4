"""From the words that name a repository to the place and the key: a URL to its store, a key as it is kept to one that is used."""

from __future__ import annotations

import os

from reconciler.base.secret import Secret
from reconciler.repository.errors import AlreadyInitialised, Unreachable
from reconciler.repository.format import FOLDERS
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


def refuse_taken(store: LocalStore) -> None:
    """Only a new or empty place, or what an interrupted init left, may become a repository."""
    root = store.url
    if not os.path.lexists(root):
        return
    try:
        names = set(os.listdir(root))
        if "header" in names:
            raise AlreadyInitialised(f"there is a repository at {root} already")
        if names - set(FOLDERS):
            raise AlreadyInitialised(f"{root} is not empty: {', '.join(sorted(names - set(FOLDERS))[:3])}")
        for folder in ("snapshots", "packs", "index", "pending"):
            if folder in names and next(iter(store.list(folder)), None) is not None:
                raise AlreadyInitialised(
                    f"{root} holds {folder} of a repository whose header is missing", hint="Restore its `header` from a copy."
                )
    except OSError as error:
        raise Unreachable(f"{root} cannot be read: {os.strerror(error.errno or 0).lower()}") from error
    for folder in names & {"keys", "config"}:
        for found in list(store.list(folder)):
            store.delete(found.name)
