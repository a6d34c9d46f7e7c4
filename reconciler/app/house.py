"""The surroundings that every verb needs: where the specs are, where the memory is, who this agent is, what the clock says."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.app.memory import Memory
from reconciler.base.clock import Clock
from reconciler.base.secret import Secret

if TYPE_CHECKING:
    from reconciler.model.desired import Desired, DesiredRepository
    from reconciler.model.observed import RepositoryState
    from reconciler.repository import Repository


class House(Struct, frozen=True):
    """One spec tree with its state directory, on one host."""

    specs: Path
    memory: Memory
    agent: str
    allow_commands: tuple[Path, ...]
    clock: Clock
    allow_hosts: tuple[str, ...] = ()
    """Hosts beside this one that a recovery plan may wait for."""
    waits: bool = True
    """Whether what a person asks for waits for whoever works on the same thing."""

    def heeding(self, stop: threading.Event | None) -> AbstractContextManager[threading.Event]:
        """While it is entered, nobody waits for a place that says nothing once ``stop`` is set."""
        return self.memory.stopping.heeding(stop)

    def open_repository(self, repository: DesiredRepository, *, headerless: bool = False) -> Repository:
        """The repository, with its key. Never creates one. ``headerless``: even one whose header is lost, for whoever repairs it."""
        from reconciler.app import keys
        from reconciler.app.errors import KeyMissing
        from reconciler.repository import NotInitialised, Repository

        self._refuse_foreign(repository)
        try:
            key = keys.load(repository.key, allowed=self.allow_commands)
        except KeyMissing as error:
            if not self.is_there(repository):  # then the missing key is the smaller half of the story
                raise NotInitialised(
                    f"there is no repository at {repository.url}, and no key for one", repository=repository.url
                ) from error
            raise
        place = self.memory.place(repository, self.allow_commands)
        return Repository.open(
            repository.url,
            key,
            kind=repository.key.kind,
            clock=self.clock,
            store=place,
            cache=self.memory.cache(),
            listed=True,
            headerless=headerless,
        )

    def foreigner(self, realm: str) -> Callable[[DesiredRepository, datetime], RepositoryState]:
        """Who looks at what belongs to another program. Loaded only when there is such a repository."""

        def look(repository: DesiredRepository, now: datetime) -> RepositoryState:
            from reconciler.app.foreign import program_for
            from reconciler.observe.restic import state_of_restic

            return state_of_restic(repository, program_for(self, repository), realm, now)

        return look

    def is_there(self, repository: DesiredRepository) -> bool:
        """Whether a repository is at this place. Asked without its key: a random one finds nothing, or finds that it does not fit."""
        from reconciler.repository import NotInitialised, Repository, WrongKey

        self._refuse_foreign(repository)
        try:
            key = Secret(os.urandom(32).hex().encode())
            Repository.open(repository.url, key, store=self.memory.place(repository, self.allow_commands)).close()
        except NotInitialised:
            return False
        except WrongKey:
            return True
        return True

    @staticmethod
    def _refuse_foreign(repository: DesiredRepository) -> None:
        if repository.observed_only:
            from reconciler.restic import ResticReadOnly

            raise ResticReadOnly(f"{repository.name} is a repository of {repository.format}, which is only looked at")

    def never_read(self, desired: Desired) -> frozenset[tuple[int, int]]:
        """(st_dev, st_ino) of what no backup enters or opens: our own memory and the repositories.

        Also the files of our memory, wherever a source reaches them: closing a catalog that somebody else in this process has open
        would let go of its locks.
        """
        folders = _identities([str(self.memory.state), *(r.url for r in desired.repositories)])
        return frozenset(folders) | frozenset(_identities_of_files(self.memory.state))


def agent_name(given: str | None) -> str:
    """Who this is, for `System.host`: as given, else the host name."""
    return given or os.environ.get("RECONCILER_HOST") or _host_name()


def _host_name() -> str:
    if hasattr(os, "uname"):
        return os.uname().nodename  # the same as below, without the import
    import socket

    return socket.gethostname()


def _identities(paths: Iterable[str]) -> Iterable[tuple[int, int]]:
    for path in paths:
        if os.path.isdir(path):
            info = os.stat(path)
            yield info.st_dev, info.st_ino


def _identities_of_files(folder: Path) -> Iterable[tuple[int, int]]:
    if folder.is_dir():
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_file(follow_symlinks=False):
                    info = entry.stat(follow_symlinks=False)
                    yield info.st_dev, info.st_ino
