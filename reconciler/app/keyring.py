"""Who can open a declared repository: keys listed, added, removed, replaced; and the recovery kit for the day after the fire.

Every change stands in the audit log, never a key. Removing a key takes away the slot, not what its owner may have copied before.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from reconciler.app import keys
from reconciler.app.errors import KeyNotReplaceable
from reconciler.app.house import House
from reconciler.app.names import repository_named
from reconciler.app.scene import load
from reconciler.base.errors import ReconcilerError
from reconciler.base.files import REAL_DISK
from reconciler.base.pronounce import pronounceable
from reconciler.base.secret import Secret
from reconciler.model.desired import Desired, DesiredRepository

if TYPE_CHECKING:
    from reconciler.repository import Keyring, Slot

_WORD_BYTES = 16  # 128 bits, eight words


class KeyList(Struct, frozen=True):
    """The key slots of a repository."""

    repository: str
    id: str
    url: str
    slots: tuple[Slot, ...]


class KeyChange(Struct, frozen=True):
    """What became of a repository's keys."""

    repository: str
    added: str | None = None
    """Id of the slot."""
    removed: str | None = None
    key_file: str | None = None
    """The file that holds the key of ``added``."""
    created_key: bool = False


class Kit(Struct, frozen=True):
    """All that is needed, beside the repository itself, to restore on a bare machine. Whoever reads it can read every backup."""

    repository: str
    id: str
    url: str
    slot: str
    words: str
    systems: tuple[str, ...]


def listed(house: House, name: str) -> KeyList:
    """Oldest slot first."""
    declared = repository_named(_desired(house), name)
    ring = _open(house, declared)
    return KeyList(name, ring.id, declared.url, ring.slots())


def add(house: House, name: str, file: Path, kind: keys.KeyKind) -> KeyChange:
    """Let the key in ``file`` open the repository, too. A raw key is made there when the file is missing."""
    declared = repository_named(_desired(house), name)
    ring = _open(house, declared)
    made = kind == "raw" and not os.path.lexists(file)
    with _audited(house, "key-add", name, file=str(file)):
        key = keys.create(file) if made else keys.from_file(file, kind)
        slot = ring.add(key, kind, house.clock.now())
    return KeyChange(name, added=slot, key_file=str(file), created_key=made)


def remove(house: House, name: str, slot: str) -> KeyChange:
    """Remove the slot whose id begins so. The slot of the declared key is refused."""
    ring = _open(house, repository_named(_desired(house), name))
    with _audited(house, "key-remove", name, slot=slot):
        return KeyChange(name, removed=ring.remove(slot))


def rotate(house: House, name: str, *, keep: bool = False) -> KeyChange:
    """Replace the declared key by a new one. ``keep``: leave the slot of the old key until other hosts have the new one.

    Each step leaves a key file that opens the repository: the new key gets its slot before its file takes the place of the old one, and
    the old slot goes last. After an interruption the same command continues with the key that was made already.
    """
    declared = repository_named(_desired(house), name)
    place = Path(declared.key.file or "")
    if declared.key.file is None or declared.key.kind != "raw" or place.is_symlink():
        raise KeyNotReplaceable(f"the key of repository {name} is not a raw key in a file of its own")
    old = _open(house, declared)
    fresh = place.with_name(f"{place.name}.new")
    with _audited(house, "key-rotate", name, keep=keep):
        made = not fresh.exists()
        key = keys.create(fresh) if made else keys.from_file(fresh)
        slot = _slot_of(house, declared, key) or old.add(key, "raw", house.clock.now())
        os.replace(fresh, place)
        REAL_DISK.sync_folder(str(place.parent))
        removed = None if keep else _open(house, declared).remove(old.used)
    return KeyChange(name, added=slot, removed=removed, key_file=str(place), created_key=made)


def kit(house: House, name: str) -> Kit:
    """Add a passphrase of random words to the repository and return them with all else that a stranger would need."""
    desired = _desired(house)
    declared = repository_named(desired, name)
    ring = _open(house, declared)
    words = pronounceable(os.urandom(_WORD_BYTES))
    with _audited(house, "key-kit", name):
        slot = ring.add(Secret(words.encode()), "passphrase", house.clock.now(), emergency=True)
    systems = tuple(sorted(system.name for system in desired.systems if name in system.repositories))
    return Kit(name, ring.id, declared.url, slot, words, systems)


def _slot_of(house: House, declared: DesiredRepository, key: Secret) -> str | None:
    """The slot that a key opens already: what an interrupted rotation left."""
    from reconciler.repository import Keyring, WrongKey

    try:
        return Keyring.open(declared.url, key, store=house.memory.place(declared, house.allow_commands)).used
    except WrongKey:
        return None


def _desired(house: House) -> Desired:
    with house.memory.reading() as catalog:
        return load(house, catalog).desired


def _open(house: House, declared: DesiredRepository) -> Keyring:
    from reconciler.repository import Keyring

    key, place = keys.load(declared.key, allowed=house.allow_commands), house.memory.place(declared, house.allow_commands)
    return Keyring.open(declared.url, key, kind=declared.key.kind, store=place)


@contextmanager
def _audited(house: House, verb: str, name: str, **facts: object) -> Iterator[None]:
    audit = house.memory.audit()
    audit.append("intent", verb, name, actor="cli", **facts)
    try:
        yield
    except ReconcilerError as error:
        audit.append("complete", verb, name, outcome="failed", code=error.code, **facts)
        raise
    audit.append("complete", verb, name, outcome="succeeded", **facts)
