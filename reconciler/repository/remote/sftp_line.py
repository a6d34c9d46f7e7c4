"""One SSH connection with its SFTP channel, kept open, opened again when it breaks; and what goes wrong there, in our own words.

The library speaks asynchronously: it has a thread of its own, and any number of threads ask it.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import TimeoutError as NotYet
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias, TypeVar
from urllib.parse import unquote, urlsplit

from reconciler.base.clock import Clock
from reconciler.repository.access import Access, Credentials
from reconciler.repository.errors import AccessRefused, ExtraMissing, NoSpace, ObjectMissing, RepositoryError, Unreachable
from reconciler.repository.remote.patience import HINT, Again, Patience
from reconciler.repository.remote.waiting import STOP_SECONDS, Waiting

if TYPE_CHECKING:
    import asyncssh

T = TypeVar("T")
_CIPHERS = "^aes128-gcm@openssh.com"  # first of all that both sides know: half of the processor time of ChaCha20 in this library
_QUESTIONS = 64  # at a time over one connection, where nobody says how many
Work: TypeAlias = "Callable[[asyncssh.SFTPClient], Awaitable[T]]"


class Kind(Enum):
    """How one piece of work asks."""

    BRIEF = "a few words: a silence in between is one of the server"
    LONG = "it looks after silences with SftpLine.heard"
    MANY = "it asks several questions at a time: after silences and seats it looks itself"


class SftpLine:
    """To the server that a URL names. Threads may share it."""

    def __init__(self, url: str, access: Access, clock: Clock) -> None:
        try:
            import asyncssh  # noqa: F401 (asked early: who lacks it should hear so before anything else)
        except ImportError as error:
            raise ExtraMissing(f"{url} needs the extra `sftp`", hint="`pip install 'reconciler[sftp]'` installs it.") from error
        parts = urlsplit(url)
        self.url = url.rstrip("/")
        self._user = unquote(parts.username) if parts.username else None
        self._host, self._port = parts.hostname or "", parts.port or 22
        self._access = access
        self.waiting = Waiting(access.stopped, clock, self.url)
        self.patience = Patience(access.patience_seconds, clock, self.waiting)
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._opening: asyncio.Lock | None = None
        self._client: asyncssh.SFTPClient | None = None
        self._connection: asyncssh.SSHClientConnection | None = None
        self.questions = access.connections or _QUESTIONS
        """How many may be under way at a time: a question is an object or a folder, whatever packets it takes."""
        self._seat: asyncio.Semaphore | None = None
        self.generation = 0
        """Counts connections: what was opened on an earlier one is gone."""

    @property
    def seat(self) -> asyncio.Semaphore:
        """Held while a question is under way."""
        assert self._seat is not None
        return self._seat

    def run(self, what: str, work: Work[T], *, kind: Kind = Kind.BRIEF) -> T:
        """What ``work`` gives, tried again when the connection breaks. Raises RepositoryErrors, FileExistsError as it is."""
        return self.patience.run(lambda _: self._attempt(what, work, kind))

    async def heard(self, answer: Awaitable[T]) -> T:
        """An answer that must not take longer than a silence may."""
        heard = await asyncio.wait_for(_bound(answer), self._access.silence_seconds)
        self.waiting.alive()
        return heard

    def close(self) -> None:
        with self._lock:
            loop, self._loop = self._loop, None
        if loop is not None:
            with contextlib.suppress(NotYet):  # a server that says nothing does not answer a farewell either
                asyncio.run_coroutine_threadsafe(self._hang_up(), loop).result(STOP_SECONDS)
            loop.call_soon_threadsafe(loop.stop)

    def _attempt(self, what: str, work: Work[T], kind: Kind) -> T:
        future = asyncio.run_coroutine_threadsafe(self._worked(what, work, kind), self._running())
        try:
            return self.waiting.answer(future)
        except BaseException:
            future.cancel()
            raise

    async def _seated(self, work: Work[T], kind: Kind) -> T:
        client = await self._connected()
        if kind is Kind.MANY:
            return await work(client)
        async with self.seat:
            return await (self.heard(work(client)) if kind is Kind.BRIEF else work(client))

    async def _worked(self, what: str, work: Work[T], kind: Kind) -> T:
        import asyncssh

        try:
            return await self._seated(work, kind)
        except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection, asyncssh.ConnectionLost, TimeoutError, ConnectionError) as error:
            await self._hang_up(broken=True)
            raise Again(self._silent(what, error)) from error
        except asyncssh.SFTPError as error:
            raise self._refused(what, error) from error
        except (asyncssh.HostKeyNotVerifiable, asyncssh.KeyExchangeFailed) as error:
            hint = "Is its host key in the file of known hosts? `ssh-keyscan` shows it; compare it with what its owner says."
            raise AccessRefused(f"the server of {self.url} cannot be told from another one: {error.reason}", hint=hint) from error
        except (asyncssh.PermissionDenied, asyncssh.KeyImportError, ValueError) as error:
            raise AccessRefused(f"{self.url} refuses who asks: {error}", repository=self.url) from error
        except (asyncssh.DisconnectError, asyncssh.ChannelOpenError, OSError) as error:
            if isinstance(error, FileExistsError):
                raise
            await self._hang_up(broken=True)
            raise Again(self._silent(what, error)) from error

    def _silent(self, what: str, error: BaseException) -> RepositoryError:
        text = str(error) or type(error).__name__
        return Unreachable(f"{what} in {self.url} cannot be reached: {text}", hint=HINT, repository=self.url, object=what)

    def _refused(self, what: str, error: asyncssh.SFTPError) -> RepositoryError:
        import asyncssh

        if isinstance(error, asyncssh.SFTPNoSuchFile | asyncssh.SFTPNoSuchPath):
            return ObjectMissing(f"{what} is missing in {self.url}", repository=self.url, object=what)
        if isinstance(error, asyncssh.SFTPNoSpaceOnFilesystem | asyncssh.SFTPQuotaExceeded):
            return NoSpace(f"no space left for {what} in {self.url}", repository=self.url)
        if isinstance(error, asyncssh.SFTPPermissionDenied | asyncssh.SFTPWriteProtect):
            return AccessRefused(f"{self.url} refuses {what}: {error.reason}", repository=self.url, object=what)
        return Unreachable(f"{what} in {self.url} cannot be reached: {error.reason}", hint=HINT, repository=self.url, object=what)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._opening, self._seat = asyncio.Lock(), asyncio.Semaphore(self.questions)
                threading.Thread(target=_serve, args=(self._loop,), name="sftp", daemon=True).start()
            return self._loop

    async def _connected(self) -> asyncssh.SFTPClient:
        import asyncssh

        assert self._opening is not None
        async with self._opening:
            if self._client is None:
                said = self._access.credentials() if self._access.credentials is not None else Credentials()
                known = () if self._access.known_hosts is None else self._access.known_hosts
                keys = [asyncssh.import_private_key(said.identity.reveal())] if said.identity is not None else ()
                self._connection = await asyncssh.connect(
                    self._host,
                    self._port,
                    username=self._user if self._user is not None else (),
                    password=said.secret.reveal().decode().rstrip("\r\n") if said.secret is not None else None,
                    client_keys=keys,
                    known_hosts=known,
                    compression_algs=None,  # what is stored is compressed already
                    encryption_algs=_CIPHERS,
                    keepalive_interval=30,
                    connect_timeout=30,
                )
                self._client = await self._connection.start_sftp_client()
                self.generation += 1
                self.patience.answered()
            return self._client

    async def _hang_up(self, *, broken: bool = False) -> None:
        """``broken``: nobody waits for the other side to hear of it."""
        client, connection = self._client, self._connection
        self._client = self._connection = None
        if connection is not None and broken:
            connection.abort()
        if client is not None:
            client.exit()
        if connection is not None:
            connection.close()
            await connection.wait_closed()


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


async def _bound(work: Awaitable[T]) -> T:
    return await work
