"""From the words that name a repository to the place and the key: a URL to its store, a key as it is kept to one that is used."""

from __future__ import annotations

import os

from reconciler.base.secret import Secret
from reconciler.repository.access import Access
from reconciler.repository.errors import AlreadyInitialised, Unreachable
from reconciler.repository.format import FOLDERS
from reconciler.repository.keys import parse_raw
from reconciler.repository.store import LocalStore, Store

_ANYBODY = Access()


def store_at(url: str, access: Access | None = None) -> Store:
    """The place that ``url`` names: a path, ``s3://bucket/prefix`` or ``sftp://user@host/path``. Nothing is asked of it yet.

    Raises Unreachable for an address of another kind, ExtraMissing when what reaches it is not installed.
    """
    path = url.removeprefix("file://")
    scheme, found, _ = path.partition("://")
    if not found:
        return LocalStore(os.path.abspath(os.path.expanduser(path)))
    if scheme == "s3":
        access = access or _ANYBODY
        if access.lock is not None:
            from reconciler.repository.remote.s3_locked import LockedS3Store

            return LockedS3Store(url, access, access.lock)
        from reconciler.repository.remote.s3 import S3Store

        return S3Store(url, access)
    if scheme == "sftp":
        from reconciler.repository.remote.sftp import SftpStore

        return SftpStore(url, access or _ANYBODY)
    raise Unreachable(f"{url} is no place that is known", hint="A repository is a path, s3://bucket/prefix or sftp://user@host/path.")


def store_to_read(url: str, access: Access) -> Store:
    """The same for who wants to read and knows no spec: what a bucket locked counts, whatever lies over it."""
    if url.startswith("s3://"):
        from reconciler.repository.remote.s3_locked import locked_store

        locked = locked_store(url, access)
        if locked is not None:
            return locked
    return store_at(url, access)


def checked_key(key: Secret, kind: str) -> Secret:
    """The key itself: 32 bytes of a raw one, a passphrase without the line end of an editor. Raises WeakKey."""
    return parse_raw(key.reveal()) if kind == "raw" else Secret(key.reveal().rstrip(b"\r\n"))


def refuse_taken(store: Store) -> None:
    """Only a new or empty place, or what an interrupted init left, may become a repository."""
    names = store.top()
    if "header" in names:
        raise AlreadyInitialised(f"there is a repository at {store.url} already")
    if names - set(FOLDERS):
        raise AlreadyInitialised(f"{store.url} is not empty: {', '.join(sorted(names - set(FOLDERS))[:3])}")
    for folder in ("snapshots", "packs", "index", "pending"):
        if folder in names and next(iter(store.list(folder)), None) is not None:
            raise AlreadyInitialised(
                f"{store.url} holds {folder} of a repository whose header is missing",
                hint="`reconcile repair NAME` writes the header anew.",
            )
    for folder in names & {"keys", "config"}:
        for found in list(store.list(folder)):
            store.delete(found.name)
