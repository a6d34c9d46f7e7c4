"""A bucket with object lock: what a snapshot needs is stored with a date before which nobody removes it.

Such a bucket keeps versions. A delete only puts a marker over an object and an overwrite only a newer version, so whoever has the
credentials can hide an object and not remove it. Names are never overwritten by us: the oldest version is what was stored, and it is what
is listed and read here, whatever lies over it. What we remove ourselves is removed by version, for good.
"""

from __future__ import annotations

import base64
import hashlib
import os
import threading
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any

from reconciler.base.clock import Clock
from reconciler.base.files import Buffer
from reconciler.repository.access import Access, Lock
from reconciler.repository.errors import (
    AccessRefused,
    Locked,
    NoObjectLock,
    NotAStore,
    ObjectMissing,
    RepositoryError,
    Unreachable,
    Unsettled,
)
from reconciler.repository.remote.lines import Answer
from reconciler.repository.remote.s3 import S3Store
from reconciler.repository.remote.s3_answers import Page, Version, Versions, texts_of, versions
from reconciler.repository.store import Found

_LOCKED = frozenset({"header", "keys", "config", "packs", "index", "snapshots", "gc"})
"""Everything else is removed by those who made it, within minutes or days, and no snapshot needs it."""
_TRIED = timedelta(minutes=10)  # longer than two clocks may differ, so that the date is not over there when the probe arrives
_FORMAT = "%Y-%m-%dT%H:%M:%SZ"


class LockedS3Store(S3Store):
    """Threads may share it."""

    def __init__(self, url: str, access: Access, terms: Lock, clock: Clock | None = None) -> None:
        super().__init__(url, access, clock)
        self.terms = terms
        self.hidden: set[str] = set()
        """Names over which somebody put a delete marker or a newer version, as far as a list or a read has shown them."""
        self._pinned: dict[str, str] = {}
        self._looked: set[str] = set()
        self._looking = threading.Lock()

    def prepare(self) -> None:
        """Also raises NoObjectLock when the bucket does not hold what it was asked to hold."""
        self._check_versions()
        super().prepare()
        self._check_lock()

    def create(self, name: str, pieces: Sequence[Buffer], digest: str, also: Mapping[str, str] = MappingProxyType({})) -> None:
        if name.partition("/")[0] not in _LOCKED:
            super().create(name, pieces, digest, also)
            return
        try:
            super().create(name, pieces, digest, self._dated(self._from_now(self.terms.held), digest))
        except Unreachable as error:
            if "ObjectLock" in str(error):
                raise NoObjectLock(f"the bucket of {self.url} has no object lock: {error}", repository=self.url) from error
            raise

    def delete(self, name: str) -> None:
        """Every version, then every marker. Raises Locked, and then nothing was changed, not even hidden."""
        until = self.locked_until(name) if name.partition("/")[0] in _LOCKED else None
        if until is not None and until > self._clock.now():
            raise _locked(name, until, self.url)
        found = [each for each in self._versions(self._key(name)) if each.key == self._key(name)]
        for each in sorted(found, key=lambda each: each.marker):
            try:
                self._delete_version(name, each.version)
            except AccessRefused as error:
                until = self.locked_until(name)
                if until is None:
                    raise
                raise _locked(name, until, self.url) from error
        self._pinned.pop(name, None)
        self.hidden.discard(name)

    def move(self, name: str, goal: str) -> None:
        until = self.locked_until(name)
        if until is not None and until > self._clock.now():
            raise _locked(name, until, self.url)
        super().move(name, goal)

    def locked_until(self, name: str) -> datetime | None:
        """Before when nobody removes it, as the store says; None: it may be removed now, or is not there."""
        answer = self.ask("HEAD", name, good=(200, 404))
        text = answer.headers.get("x-amz-object-lock-retain-until-date")
        if answer.status == 404 or text is None:
            return None
        try:
            until = datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)
        except ValueError:
            raise NotAStore(f"{self.url} says {text!r} as the date until which {name} is locked", repository=self.url) from None
        if answer.headers.get("x-amz-object-lock-mode", "").lower() != self.terms.mode:
            return None  # in another mode it can be removed by whom this one is to stop
        return until

    def lock(self, name: str) -> datetime:
        """From now on as long as an object that is stored now. A date is never made an earlier one: the store refuses that."""
        until = self._from_now(self.terms.held)
        text = until.strftime(_FORMAT)
        words = f"<Mode>{self.terms.mode.upper()}</Mode><RetainUntilDate>{text}</RetainUntilDate>"
        body = f'<Retention xmlns="http://s3.amazonaws.com/doc/2006-03-01/">{words}</Retention>'.encode()
        md5 = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        query = {"retention": ""} | self._version_of(name)
        self.ask("PUT", name, query=query, headers={"content-md5": md5}, body=(body,), digest=hashlib.sha256(body).hexdigest())
        return until

    def pages(self, start: str, delimiter: str = "") -> Iterator[Page]:
        """Of each name its oldest version, whatever lies over it."""
        skip = len(self._key(""))
        carried: list[Version] = []
        for each in self._version_pages(start, delimiter):
            entries = sorted([*carried, *each.found], key=lambda one: one.key)
            last = entries[-1].key if entries and each.more else None  # its older versions may be on the next page
            carried = [one for one in entries if one.key == last]
            oldest: dict[str, list[Version]] = {}
            for one in entries:
                if one.key != last:
                    oldest.setdefault(one.key, []).append(one)
            shown = [self._oldest(key[skip:], several) for key, several in oldest.items()]
            yield Page([Found(one.key, one.size, one.stored_at) for one in shown if one is not None], each.folders, None)

    def ask(self, method: str, name: str | None, **words: Any) -> Answer:
        """As :meth:`S3Store.ask`; a name that somebody hid is asked for by version."""
        if name is None or method not in {"GET", "HEAD"}:
            return super().ask(method, name, **words)
        self._look(name.partition("/")[0])
        query = words.pop("query", {}) | self._version_of(name)
        try:
            answer = super().ask(method, name, query=query, **words)
        except ObjectMissing:
            if "versionId" in query or not self._pin(name):
                raise
            return super().ask(method, name, query=query | self._version_of(name), **words)
        if answer.status == 404 and "versionId" not in query and self._pin(name):
            return super().ask(method, name, query=query | self._version_of(name), **words)
        return answer

    def list(self, prefix: str) -> Iterator[Found]:
        yield from super().list(prefix)
        self._looked.add(prefix)

    def _look(self, folder: str) -> None:
        """Before the first read of a folder: which of its names lie under something else. A list that is needed anyhow shows it, too."""
        if folder not in _LOCKED or folder in self._looked:
            return
        with self._looking:
            if folder == "header":
                self._pin(folder)
                self._looked.add(folder)
            elif folder not in self._looked:
                for _ in self.list(folder):
                    pass

    def _pin(self, name: str) -> bool:
        """Whether there is a version of a name that seems to be gone."""
        return self._oldest(name, [each for each in self._versions(self._key(name)) if each.key == self._key(name)]) is not None

    def _oldest(self, name: str, several: Sequence[Version]) -> Version | None:
        """Of the versions and markers of one name, newest first; None: only markers."""
        real = [each for each in several if not each.marker]
        if not real:
            return None
        if len(several) > 1:
            self._pinned[name] = real[-1].version
            self.hidden.add(name)
        return real[-1]

    def _versions(self, start: str) -> Iterator[Version]:
        for each in self._version_pages(start, ""):
            yield from each.found

    def _version_pages(self, start: str, delimiter: str) -> Iterator[Versions]:
        query = {"versions": "", "prefix": start, "max-keys": "1000"} | ({"delimiter": delimiter} if delimiter else {})
        seen: set[tuple[str, str]] = set()
        while True:
            found = versions(super().ask("GET", None, query=query, what=f"the list of {start}"), self.url, start)
            yield found
            if found.more is None:
                return
            if found.more in seen:
                raise Unsettled(f"the pages of the list of {start} in {self.url} go round in a circle", repository=self.url)
            seen.add(found.more)
            query = {**query, "key-marker": found.more[0]} | ({"version-id-marker": found.more[1]} if found.more[1] else {})

    def _version_of(self, name: str) -> dict[str, str]:
        version = self._pinned.get(name)
        return {"versionId": version} if version is not None else {}

    def _delete_version(self, name: str, version: str) -> None:
        super().ask("DELETE", name, query={"versionId": version}, good=(200, 202, 204, 404))

    def _from_now(self, time: timedelta) -> datetime:
        return (self._clock.now() + time).replace(microsecond=0)

    def _dated(self, until: datetime, digest: str) -> dict[str, str]:
        """A lock is taken only with a checksum of the content beside it."""
        return {
            "x-amz-object-lock-mode": self.terms.mode.upper(),
            "x-amz-object-lock-retain-until-date": until.strftime(_FORMAT),
            "x-amz-checksum-sha256": base64.b64encode(bytes.fromhex(digest)).decode(),
        }

    def _check_versions(self) -> None:
        answer = super().ask("GET", None, query={"versioning": ""}, what="whether the bucket keeps versions")
        if ("Status", "Enabled") not in texts_of(answer.body):
            raise NoObjectLock(f"the bucket of {self.url} keeps no versions, so it has no object lock either", repository=self.url)

    def _check_lock(self) -> None:
        """A tiny object that is locked for ten minutes is tried to be removed; the next backup after a day sweeps it."""
        name, content = f"tmp/{os.urandom(16).hex()}", b"locked for ten minutes"
        digest = hashlib.sha256(content).hexdigest()
        try:
            super().create(name, (content,), digest, self._dated(self._from_now(_TRIED), digest))
        except Unreachable as error:
            raise NoObjectLock(f"the bucket of {self.url} takes no object lock: {error}", repository=self.url) from error
        found = next((each for each in self._versions(self._key(name)) if each.key == self._key(name)), None)
        if found is None or self.locked_until(name) is None:
            raise NoObjectLock(f"the bucket of {self.url} does not say that what was locked is locked", repository=self.url)
        try:
            self._delete_version(name, found.version)
        except AccessRefused:
            return
        raise NoObjectLock(f"the bucket of {self.url} removed an object that was locked", repository=self.url)


def locked_store(url: str, access: Access) -> LockedS3Store | None:
    """To read a repository whose header was stored with a lock, over or not; None: it was not, or the bucket does not tell."""
    store = LockedS3Store(url, access, Lock("compliance", timedelta(0), timedelta(0)))
    try:
        answer = store.ask("HEAD", "header", good=(200, 404))
        if "x-amz-object-lock-mode" in answer.headers or (answer.status == 200 and store.hidden and _is_retained(store, "header")):
            return store
    except RepositoryError:  # whoever reads without a lock is told in his own words
        pass
    store.close()
    return None


def _is_retained(store: LockedS3Store, name: str) -> bool:
    """Asked for by itself: of an older version some stores tell it in no other way."""
    return any(tag == "RetainUntilDate" and text for tag, text in texts_of(store.ask("GET", name, query={"retention": ""}).body))


def _locked(name: str, until: datetime, url: str) -> Locked:
    shown = until.isoformat(timespec="seconds").replace("+00:00", "Z")
    return Locked(f"{name} in {url} is locked until {shown}", repository=url, object=name, until=shown)
