"""A bucket, or a part of one, of any store that speaks S3.

One signed request per object: no upload in parts, so an object is there whole or not at all. Whatever is sent is sent with its SHA-256,
which the store compares; whatever comes is as long as it says, or it is asked for again. Every call may be
repeated: names of content say what they hold, all others are unique, and a name that is taken after a lost answer is read and compared.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from urllib.parse import urlsplit

from msgspec import Struct

from reconciler.base.clock import Clock, SystemClock
from reconciler.base.files import Buffer
from reconciler.repository.access import Access, Credentials
from reconciler.repository.errors import AccessRefused, Damaged, NotAStore, ObjectMissing, Unreachable, Unsettled
from reconciler.repository.format import PACK_BYTES_MAX
from reconciler.repository.remote.lines import Answer, Lines, Lost, TooLong
from reconciler.repository.remote.patience import HINT, Again, Patience
from reconciler.repository.remote.route import Route
from reconciler.repository.remote.s3_answers import Page, Trouble, moment_of, page, refusal, trouble
from reconciler.repository.remote.signing import EMPTY_BODY, encoded_path, encoded_query, signed
from reconciler.repository.remote.throttle import Throttle
from reconciler.repository.remote.waiting import Waiting
from reconciler.repository.store import Found

_ANSWER_BYTES_MAX = 16 * 2**20  # of anything but content: a page of a thousand names is a third of a MiB
_TROUBLE_BYTES_MAX = 64 * 1024  # an error document, where less was asked for
_NOTHING: Mapping[str, str] = MappingProxyType({})
_CONNECTIONS = 5
_UPLOADS = 2  # whole packs in memory at a time; more connections would not make two packs of 48 MiB arrive sooner


class S3Store:
    """``s3://bucket/prefix``. Threads may share it."""

    def __init__(self, url: str, access: Access, clock: Clock | None = None) -> None:
        parts = urlsplit(url)
        self.url = url.rstrip("/")
        self.region = access.region or "us-east-1"
        self._bucket, self._prefix = parts.netloc, parts.path.strip("/")
        self._clock = clock or SystemClock()
        endpoint = access.endpoint or _amazon(self._bucket, self.region)
        self._in_host = access.endpoint is None and "." not in self._bucket
        connections = access.connections or _CONNECTIONS
        waiting = Waiting(access.stopped, self._clock, self.url)
        throttle = Throttle(access.bandwidth, self._clock, access.stopped)
        route = Route(endpoint, access.silence_seconds, access.proxies)
        self.lines = Lines(route, connections, access.silence_seconds, throttle, self._clock, waiting)
        self.patience = Patience(access.patience_seconds, self._clock, waiting)
        self.at_once = connections
        self.uploads = min(_UPLOADS, connections)
        self._ask_for_credentials = access.credentials
        self._credentials: Credentials | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        self.lines.close()

    def prepare(self) -> None:
        """Nothing must exist before the first object; what the place does with objects is tried out."""
        from reconciler.repository.remote.s3_probe import probe

        probe(self, self._clock)

    def try_listing(self) -> None:
        from reconciler.repository.remote.s3_probe import check_listing

        check_listing(self)

    def top(self) -> frozenset[str]:
        """Names directly below the prefix."""
        start = f"{self._prefix}/" if self._prefix else ""
        names: set[str] = set()
        for each in self.pages(start, delimiter="/"):
            names |= {found.name[len(start) :] for found in each.found} | {folder[len(start) :].rstrip("/") for folder in each.folders}
        return frozenset(names - {""})

    def put(self, name: str, data: Buffer) -> None:
        self.create(name, (data,), hashlib.sha256(data).hexdigest())

    def draft(self) -> _Draft:
        return _Draft(self)

    def barrier(self) -> None:
        """An object is durable when its store has answered."""

    def get(self, name: str, limit: int) -> bytes:
        try:
            answer = self.ask("GET", name, limit=limit)
        except TooLong:
            raise Damaged(f"{name} is larger than such an object may be", object=name) from None
        return answer.body

    def get_range(self, name: str, offset: int, length: int) -> bytes:
        if not length:
            return b""
        headers = {"range": f"bytes={offset}-{offset + length - 1}"}
        try:
            answer = self.ask("GET", name, headers=headers, limit=length, good=(206, 416))
        except TooLong:
            raise NotAStore(f"{self.url} gives more of {name} than it was asked for", repository=self.url) from None
        if answer.status == 416 or len(answer.body) != length:
            raise Damaged(f"{name} is cut short: {length} bytes at {offset} are not all there", object=name)
        if not answer.headers.get("content-range", "").startswith(f"bytes {offset}-"):
            raise NotAStore(f"{self.url} gives another part of {name} than it was asked for", repository=self.url)
        return answer.body

    def list(self, prefix: str) -> Iterator[Found]:
        """Names come in their order, each once, whatever the pages say; a place that breaks the order lies about the rest, too."""
        start = self._key(prefix) + "/"
        skip = len(self._key(""))
        last = ""
        for each in self.pages(start):
            for found in each.found:
                if not found.name.startswith(start) or found.name <= last:
                    raise Unsettled(
                        f"the list of {prefix} that {self.url} gives is out of order at {found.name[skip:]}", repository=self.url
                    )
                last = found.name
                if not found.name.endswith("/"):  # what some tools make to show a folder
                    yield Found(found.name[skip:], found.size, found.stored_at)

    def folders(self, prefix: str) -> Iterator[str]:
        start = self._key(prefix) + "/"
        for each in self.pages(start, delimiter="/"):
            yield from (folder[len(start) :].rstrip("/") for folder in each.folders)

    def find(self, name: str) -> Found | None:
        answer = self.ask("HEAD", name, good=(200, 404))
        if answer.status == 404:
            return None
        stored_at = moment_of(answer.headers.get("last-modified", ""))
        size = answer.headers.get("content-length", "")
        if stored_at is None or not size.isdigit():
            raise NotAStore(f"{self.url} says neither size nor time of {name}", repository=self.url)
        return Found(name, int(size), stored_at)

    def delete(self, name: str) -> None:
        self.ask("DELETE", name, good=(200, 202, 204, 404))

    def move(self, name: str, goal: str) -> None:
        self.put(goal, self.get(name, PACK_BYTES_MAX))
        self.delete(name)

    def settle(self, name: str) -> None:
        """What is listed is durable."""

    def free_bytes(self) -> int | None:
        return None

    def create(self, name: str, pieces: Sequence[Buffer], digest: str, also: Mapping[str, str] = _NOTHING) -> None:
        """FileExistsError when other content has this name. ``also``: headers that say more of it."""
        headers = {"if-none-match": "*", "content-type": "application/octet-stream", **also}
        answer = self.ask("PUT", name, headers=headers, body=pieces, digest=digest, good=(200, 201, 412))
        if answer.status == 412:
            if not self._is(name, pieces, digest):
                raise FileExistsError(name)
        elif "etag" not in answer.headers:
            raise NotAStore(f"what answers at {self.url} does not speak S3: it takes {name} and gives no tag for it", repository=self.url)

    def pages(self, start: str, delimiter: str = "") -> Iterator[Page]:
        """Every page of a listing. Raises Unsettled when the pages lead nowhere."""
        query = {"list-type": "2", "prefix": start, "max-keys": "1000"} | ({"delimiter": delimiter} if delimiter else {})
        seen: set[str] = set()
        while True:
            answer = self.ask("GET", None, query=query, what=f"the list of {start}")
            found = page(answer, self.url, start)
            yield found
            if found.more is None:
                return
            if found.more in seen:
                raise Unsettled(f"the pages of the list of {start} in {self.url} go round in a circle", repository=self.url)
            seen.add(found.more)
            query = {**query, "continuation-token": found.more}

    def ask(
        self,
        method: str,
        name: str | None,
        *,
        query: Mapping[str, str] = _NOTHING,
        headers: Mapping[str, str] = _NOTHING,
        body: Sequence[Buffer] = (),
        digest: str = EMPTY_BODY,
        limit: int = _ANSWER_BYTES_MAX,
        good: tuple[int, ...] = (200,),
        what: str = "",
    ) -> Answer:
        """One question, asked until it is answered with one of ``good``. ``name``: of an object; None: the bucket is asked.

        Raises TooLong when more than ``limit`` bytes come. Credentials that are refused are looked up once more.
        """
        question = _Question(method, name, query, headers, body, digest, limit, good, what or name or "the bucket")
        try:
            return self.patience.run(lambda _: self._once(question))
        except _Stale as stale:
            if not self._renewed(stale.used):
                raise stale.error from None
        try:
            return self.patience.run(lambda _: self._once(question))
        except _Stale as stale:
            raise stale.error from None

    def _once(self, question: _Question) -> Answer:
        key = "" if question.name is None else self._key(question.name)
        path = f"/{key}" if self._in_host else f"/{self._bucket}/{key}".rstrip("/")
        credentials = self._current()
        headers = signed(
            question.method,
            path,
            question.query,
            {"host": self.lines.host, **question.headers},
            question.digest,
            credentials,
            self.region,
            self._clock.now(),
        )
        target = encoded_path(path) + (f"?{encoded_query(question.query)}" if question.query else "")
        try:
            answer = self.lines.ask(question.method, target, headers, question.body, max(question.limit, _TROUBLE_BYTES_MAX))
        except Lost as error:
            text = f"{question.what} in {self.url} cannot be reached: {error}"
            raise Again(Unreachable(text, hint=HINT, repository=self.url, object=question.what)) from error
        self.patience.answered()
        self._judge(question, answer, credentials)
        if answer.status < 300 and len(answer.body) > question.limit:
            raise TooLong
        return answer

    def _judge(self, question: _Question, answer: Answer, used: Credentials) -> None:
        """Return when it is one of the good answers."""
        wrong = trouble(answer) if answer.status != 206 else None
        if wrong is None or (answer.status in question.good and answer.status >= 400 and wrong.code != "NoSuchBucket"):
            if answer.status in question.good:
                return
            wrong = Trouble("", "", "")
        elif answer.status == 404 and question.name is not None and wrong.code in {"", "NoSuchKey"}:
            raise ObjectMissing(f"{question.what} is missing in {self.url}", repository=self.url, object=question.what)
        error = refusal(answer, wrong, question.what, self.url)
        if isinstance(error, AccessRefused):
            raise _Stale(error, used)
        raise error

    def _is(self, name: str, pieces: Sequence[Buffer], digest: str) -> bool:
        """Whether the object that has this name is the one that was to be stored: then an earlier try had worked after all."""
        size = sum(memoryview(piece).nbytes for piece in pieces)
        try:
            return hashlib.sha256(self.get(name, size)).hexdigest() == digest
        except (Damaged, ObjectMissing):
            return False

    def _current(self) -> Credentials:
        with self._lock:
            if self._credentials is None:
                if self._ask_for_credentials is None:
                    raise AccessRefused(f"nobody said who asks {self.url}", repository=self.url)
                self._credentials = self._ask_for_credentials()
            return self._credentials

    def _renewed(self, used: Credentials) -> bool:
        """Whether there are other credentials by now than those that were refused."""
        with self._lock:
            if self._credentials is used and self._ask_for_credentials is not None:
                self._credentials = self._ask_for_credentials()
            return not _same(self._credentials, used)

    def _key(self, name: str) -> str:
        return f"{self._prefix}/{name}" if self._prefix else name


class _Question(Struct, frozen=True):
    """What is asked, so that it can be asked again."""

    method: str
    name: str | None
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: Sequence[Buffer]
    digest: str
    limit: int
    good: tuple[int, ...]
    what: str


class _Stale(Exception):
    """The credentials were refused; others may be had."""

    def __init__(self, error: AccessRefused, used: Credentials) -> None:
        super().__init__(str(error))
        self.error = error
        self.used = used


class _Draft:
    """A pack in memory until it is whole: only then its name, and with it the digest that the store compares, is known."""

    def __init__(self, store: S3Store) -> None:
        self._store = store
        self._pieces: list[bytes] = []

    def write(self, data: Buffer) -> None:
        self._pieces.append(bytes(data))

    def commit(self, name: str) -> None:
        """A pack is named after its digest: one that changed on its way through this machine is refused by the store."""
        self._store.create(name, self._pieces, name.rsplit("/", 1)[-1])
        self._pieces = []

    def discard(self) -> None:
        self._pieces = []


def _amazon(bucket: str, region: str) -> str:
    host = f"s3.{region}.amazonaws.com"
    return f"https://{host}" if "." in bucket else f"https://{bucket}.{host}"


def _same(one: Credentials | None, other: Credentials) -> bool:
    def said(each: Credentials) -> Sequence[object]:
        return (each.access, each.secret and each.secret.reveal(), each.token and each.token.reveal())

    return one is not None and said(one) == said(other)
