"""Key slots: each holds the master key, wrapped by a raw 32-byte key or by a passphrase through Argon2id.

The AEAD does not commit to its key, so a commitment is checked first (partitioning oracles). Work factors read from a slot have floors
(downgrade) and ceilings (denial of service by a hostile repository).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from msgspec import Struct

from reconciler.base.ids import new_id
from reconciler.base.secret import Secret
from reconciler.repository.aead import InvalidTag, Xaes
from reconciler.repository.errors import Damaged, RepositoryError, WeakKey, WrongKey
from reconciler.repository.near import Kept
from reconciler.repository.store import Found, Readable

Stored = bytes | RepositoryError
"""What an object holds, or why it cannot be read."""

SLOTS_MAX = 32
SLOT_BYTES_MAX = 16 * 1024


class Work(Struct, frozen=True):
    """Argon2id parameters: passes, memory in KiB, lanes."""

    time: int
    memory: int
    lanes: int


DAILY = Work(3, 64 * 1024, 4)  # RFC 9106, second recommendation: 0.2 s
KIT = Work(4, 256 * 1024, 1)  # opened once in an emergency: a second of work is worth it
FLOOR = Work(3, 64 * 1024, 1)
CEILING = Work(16, 1024 * 1024, 16)


def parse_raw(text: bytes) -> Secret:
    """A raw key as it stands in its file: 64 hex digits and white space around. Raises WeakKey."""
    try:
        key = bytes.fromhex(text.decode("ascii").strip())
    except (UnicodeDecodeError, ValueError):
        raise WeakKey("the key is not 64 hex digits") from None
    if len(key) != 32:
        raise WeakKey(f"the key has {len(key)} bytes instead of 32")
    return Secret(key)


def new_slot(master: bytes, key: Secret, kind: str, repository_id: str, created_at: datetime, work: Work = DAILY) -> tuple[str, bytes]:
    """(slot id, its JSON): ``master`` wrapped by ``key``. ``kind``: raw or passphrase."""
    slot_id = new_id()
    head: dict[str, Any] = {
        "format": 1,
        "kind": kind,
        "repository": repository_id,
        "slot": slot_id,
        "created": created_at.isoformat(),
        "salt": os.urandom(32).hex(),
    }
    if kind == "passphrase":
        head["argon2id"] = {"time": work.time, "memory": work.memory, "lanes": work.lanes}
    encryption, commitment = _derive(head, key)
    wrapped = Xaes(encryption).seal(master, _canonical(head))
    body = head | {"wrapped": wrapped.hex(), "commit": _commit(commitment, head, wrapped)}
    return slot_id, json.dumps(with_digest(body), indent=1, sort_keys=True).encode() + b"\n"


def open_slots(slots: Mapping[str, Stored], key: Secret, kind: str, repository_id: str) -> bytes:
    """The master key out of the first slot that ``key`` opens. ``slots``: object name to bytes. Raises WrongKey, WeakKey, Damaged."""
    return find_slot(slots, key, kind, repository_id)[1]


def find_slot(slots: Mapping[str, Stored], key: Secret, kind: str, repository_id: str) -> tuple[str, bytes]:
    """(object name, master key) of the first slot that ``key`` opens. A bad slot hides no good one; its reason is told when none opens."""
    if len(slots) > SLOTS_MAX:
        raise WeakKey(f"the repository has {len(slots)} key slots, more than {SLOTS_MAX}")
    bad: RepositoryError | None = None
    tried = 0
    for name, data in sorted(slots.items()):
        try:
            slot = parse_checked(name, data)
            if slot.get("kind") != kind:
                continue
            tried += 1
            master = _open(slot, key, repository_id)
        except RepositoryError as error:
            bad = error
            continue
        if master is not None:
            return name, master
    if bad is not None:
        raise bad
    if not tried:
        raise WrongKey(f"the repository has no {kind} key slot", hint="Does `key.kind` in the spec fit: raw or passphrase?")
    raise WrongKey("the key opens no key slot of this repository", repository_id=repository_id)


def _open(slot: dict[str, Any], key: Secret, repository_id: str) -> bytes | None:
    try:
        head = {name: value for name, value in slot.items() if name not in {"wrapped", "commit"}}
        wrapped = bytes.fromhex(slot["wrapped"])
        if head["repository"] != repository_id:
            return None
        encryption, commitment = _derive(head, key)
        if not hmac.compare_digest(_commit(commitment, head, wrapped), slot["commit"]):
            return None
        return Xaes(encryption).unseal(wrapped, _canonical(head))
    except (KeyError, TypeError, ValueError, InvalidTag):
        return None


def _derive(head: dict[str, Any], key: Secret) -> tuple[bytes, bytes]:
    salt = bytes.fromhex(head["salt"])
    if head["kind"] == "raw":
        material = HKDF(SHA256(), 64, salt=salt, info=b"reconciler 1 raw slot").derive(key.reveal())
    else:
        material = _argon2id(head["argon2id"], salt, key)
    return material[:32], material[32:]


def _argon2id(factors: dict[str, int], salt: bytes, key: Secret) -> bytes:
    from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

    work = Work(int(factors["time"]), int(factors["memory"]), int(factors["lanes"]))
    if work.time < FLOOR.time or work.memory < FLOOR.memory or work.lanes < FLOOR.lanes:
        raise WeakKey(f"a key slot asks for too little work ({work.time} passes, {work.memory} KiB): downgraded?")
    if work.time > CEILING.time or work.memory > CEILING.memory or work.lanes > CEILING.lanes:
        raise WeakKey(f"a key slot asks for {work.memory} KiB and {work.time} passes, more than this program is willing to spend")
    words = unicodedata.normalize("NFC", key.reveal().decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
    try:
        return Argon2id(salt=salt, length=64, iterations=work.time, lanes=work.lanes, memory_cost=work.memory).derive(words)
    except MemoryError as error:
        hint = "Close other programs, add swap space, or open it on a machine with more memory."
        raise WeakKey(f"opening a key slot takes {work.memory // 1024} MiB of memory, more than there is", hint=hint) from error


def _commit(commitment: bytes, head: dict[str, Any], wrapped: bytes) -> str:
    return hmac.new(commitment, b"slot-commit" + _canonical(head) + wrapped, hashlib.sha256).hexdigest()


def _canonical(head: dict[str, Any]) -> bytes:
    return json.dumps(head, sort_keys=True, separators=(",", ":")).encode()


def with_digest(body: dict[str, Any]) -> dict[str, Any]:
    """``body`` with a plain SHA-256 over its other fields: tells a flipped bit from a wrong key."""
    return body | {"sha256": hashlib.sha256(_canonical(body)).hexdigest()}


def read_slots(
    store: Readable, known: dict[Found, bytes] | None = None, listed: Iterable[Found] | None = None, kept: Kept | None = None
) -> dict[str, Stored]:
    """Every slot by its object name. One that cannot be read is its own error: it must not keep the owners of the others out.

    ``known``: what slots of this place held when they were last listed like this; what is read now is added. ``listed``: the slots, where
    they were listed a moment ago. ``kept``: copies on this machine; never of a slot that a passphrase opens, which could be guessed here.
    """
    known = known if known is not None else {}
    slots: dict[str, Stored] = {}
    for found in store.list("keys") if listed is None else listed:
        try:
            slots[found.name] = known[found] = known.get(found) or _slot(store, found, kept)
        except RepositoryError as error:
            slots[found.name] = error
    return slots


def _slot(store: Readable, found: Found, kept: Kept | None) -> bytes:
    data = kept.get(found.name, found.size) if kept is not None and found.size <= SLOT_BYTES_MAX else None
    if data is not None:
        return data
    data = store.get(found.name, SLOT_BYTES_MAX)
    if kept is not None and _is_raw(found.name, data):
        kept.put(found.name, data)
    return data


def _is_raw(name: str, data: bytes) -> bool:
    try:
        return parse_checked(name, data).get("kind") == "raw"
    except Damaged:
        return False


def parse_checked(name: str, data: Stored) -> dict[str, Any]:
    """The fields of a plain JSON object of the repository, without its digest. Raises Damaged naming it."""
    if isinstance(data, RepositoryError):
        raise data
    try:
        body = json.loads(data)
        digest = body.pop("sha256")
        if digest == hashlib.sha256(_canonical(body)).hexdigest():
            return dict(body)
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        raise Damaged(f"{name} cannot be read", object=name) from None
    raise Damaged(f"{name} does not match its own digest", object=name)
