"""The key slots of a repository: who can open it. Adding a key re-encrypts nothing; removing one does not make anybody forget.

All slots hold the same master key. Whoever has once opened the repository could have kept that: against such a person only a new
repository with a new master key helps.
"""

from __future__ import annotations

from datetime import datetime
from typing import Self

from msgspec import Struct

from reconciler.base.secret import Secret
from reconciler.repository.errors import Damaged, LastSlot, NoSuchSlot, RepositoryError, WeakKey
from reconciler.repository.header import check_header, read_header
from reconciler.repository.keys import (
    DAILY,
    KIT,
    SLOT_BYTES_MAX,
    SLOTS_MAX,
    Stored,
    find_slot,
    new_slot,
    open_slots,
    parse_checked,
    read_slots,
)
from reconciler.repository.place import checked_key, store_at
from reconciler.repository.seal import Seals
from reconciler.repository.store import Store


class Slot(Struct, frozen=True):
    """One key slot as a list shows it."""

    id: str
    kind: str
    """raw or passphrase; empty when it cannot be read."""
    created: str
    used: bool
    """The key that asks opens this one."""
    problem: str = ""
    """Why it opens for nobody."""


class Keyring:
    """The slots of one repository, opened with one of its keys."""

    def __init__(self, store: Store, repository_id: str, master: bytes, used: str) -> None:
        self._store = store
        self._master = master
        self._used = used
        self.id = repository_id
        self.url = store.url

    @classmethod
    def open(cls, url: str, key: Secret, *, kind: str = "raw", store: Store | None = None) -> Self:
        """Raises NotInitialised, WrongKey, WeakKey, Damaged, NewerFormat, Unreachable."""
        store = store or store_at(url)
        header = read_header(store)
        used, master = find_slot(read_slots(store), checked_key(key, kind), kind, header["id"])
        check_header(header, Seals(master, header["id"]).header_key)
        return cls(store, header["id"], master, used)

    @property
    def used(self) -> str:
        """Id of the slot that opened it."""
        return self._used.removeprefix("keys/")

    def slots(self) -> tuple[Slot, ...]:
        """Oldest first."""
        found = [self._shown(name, data) for name, data in read_slots(self._store).items()]
        return tuple(sorted(found, key=lambda slot: (slot.created, slot.id)))

    def add(self, key: Secret, kind: str, created_at: datetime, *, emergency: bool = False) -> str:
        """Let ``key`` open the repository, too; returns the id of its slot. Durable and tried when this returns.

        ``emergency``: a passphrase for a recovery kit, which may take a second and 256 MiB to open.
        """
        checked = checked_key(key, kind)
        if len(read_slots(self._store)) >= SLOTS_MAX:
            raise WeakKey(f"the repository has {SLOTS_MAX} key slots already", hint="Remove one that nobody uses any more.")
        slot, data = new_slot(self._master, checked, kind, self.id, created_at, KIT if emergency else DAILY)
        name = f"keys/{slot}"
        self._store.put(name, data)
        self._store.barrier()
        if open_slots({name: self._store.get(name, SLOT_BYTES_MAX)}, checked, kind, self.id) != self._master:
            raise Damaged(f"{name} reads back other bytes than were written", object=name, hint="Is the disk of the repository sound?")
        return slot

    def remove(self, prefix: str) -> str:
        """Remove the slot whose id begins so. The one in use stays: so never the last one goes, and nobody locks himself out.

        Two people who remove each other's slot at the same time would leave none; whoever finds his own gone afterwards puts it back.
        """
        found = read_slots(self._store)
        chosen = [name for name in found if prefix and name.startswith(f"keys/{prefix.lower()}")]
        if len(chosen) != 1:
            raise NoSuchSlot(f"{len(chosen)} key slots of {self.url} begin with '{prefix}'")
        if chosen[0] == self._used:
            raise LastSlot(f"{chosen[0]} is the slot of the key that is in use", object=chosen[0])
        self._store.delete(chosen[0])
        used = found.get(self._used)
        if self._store.find(self._used) is None and isinstance(used, bytes):
            self._store.put(self._used, used)
            self._store.barrier()
        return chosen[0].removeprefix("keys/")

    def _shown(self, name: str, data: Stored) -> Slot:
        identity, used = name.removeprefix("keys/"), name == self._used
        try:
            body = parse_checked(name, data)
        except RepositoryError as error:
            return Slot(identity, "", "", used, error.message)
        problem = "" if body.get("repository") == self.id else "it belongs to another repository"
        return Slot(identity, str(body.get("kind", "")), str(body.get("created", "")), used, problem)
