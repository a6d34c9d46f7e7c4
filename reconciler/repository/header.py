"""The plaintext `header` of a repository and its numbered, encrypted configuration."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

from msgspec import Struct

from reconciler.base.ids import is_id
from reconciler.repository.errors import Damaged, HeaderLost, NewerFormat, NotInitialised, ObjectMissing, RepositoryError
from reconciler.repository.format import (
    CHUNK_BYTES_AVERAGE,
    CHUNK_BYTES_MAX,
    CHUNK_BYTES_MIN,
    FEATURES,
    FORMAT,
    SEGMENT_BYTES_MAX,
    SUITE,
    Type,
)
from reconciler.repository.keys import parse_checked, with_digest
from reconciler.repository.seal import Seals
from reconciler.repository.store import Readable

_KIND = "reconciler repository"
_LIMIT = 64 * 1024


class Chunker(Struct, frozen=True):
    """Content-defined chunking: FastCDC v2020, normalised, with a keyed gear table."""

    bytes_min: int
    bytes_average: int
    bytes_max: int


def new_header(repository_id: str, header_key: bytes, created: str) -> bytes:
    """The first object of a repository. Its MAC is checked once the key is known, so features cannot be stripped."""
    body: dict[str, Any] = {
        "kind": _KIND,
        "format": FORMAT,
        "suite": SUITE,
        "id": repository_id,
        "created": created,
        "features": {"read": sorted(FEATURES), "write": sorted(FEATURES), "gc": sorted(FEATURES)},
    }
    return json.dumps(with_digest(body | {"mac": _mac(body, header_key)}), indent=1, sort_keys=True).encode() + b"\n"


def read_header(store: Readable) -> dict[str, Any]:
    """The header, checked as far as possible without a key. Raises NotInitialised, HeaderLost, Damaged, NewerFormat, Unreachable."""
    try:
        data = store.get("header", _LIMIT)
    except ObjectMissing:
        if _is_inhabited(store):
            raise HeaderLost(f"the header of the repository at {store.url} is missing", repository=store.url, object="header") from None
        raise NotInitialised(f"there is no repository at {store.url}", repository=store.url) from None
    body = parse_checked("header", data)
    try:
        unknown = {name for names in body["features"].values() for name in names} - FEATURES
        if body["kind"] != _KIND or not is_id(body["id"]):
            raise Damaged("header is not one of a repository", object="header")
        if body["format"] != FORMAT or body["suite"] != SUITE or unknown:
            raise NewerFormat(
                f"the repository at {store.url} has format {body['format']}, suite {body['suite']}, features {sorted(unknown)}"
            )
    except (KeyError, TypeError, AttributeError):
        raise Damaged("header lacks a field", object="header") from None
    return body


def _is_inhabited(store: Readable) -> bool:
    try:
        return all(next(iter(store.list(folder)), None) is not None for folder in ("keys", "snapshots"))
    except RepositoryError:  # what cannot be listed is not known to be one
        return False


def check_header(body: dict[str, Any], header_key: bytes) -> None:
    """Raise Damaged unless the header is the one that was written with this key."""
    fields = {name: value for name, value in body.items() if name != "mac"}
    if not hmac.compare_digest(_mac(fields, header_key), str(body.get("mac"))):
        raise Damaged("header was changed after it was written", object="header")


def new_config(seals: Seals, name: str = "config/0") -> bytes:
    chunker = {"algorithm": "fastcdc-v2020", "min": CHUNK_BYTES_MIN, "average": CHUNK_BYTES_AVERAGE, "max": CHUNK_BYTES_MAX}
    return seals.seal_object(Type.CONFIG, name, json.dumps({"chunker": chunker}, sort_keys=True).encode())


def read_config(store: Readable, seals: Seals) -> Chunker:
    """The newest configuration."""
    names = [found.name for found in store.list("config")]
    if not names:
        raise ObjectMissing("config/0 is missing", object="config/0")
    name = max(names, key=lambda each: (len(each), each))
    try:
        fields = json.loads(seals.unseal_object(Type.CONFIG, name, store.get(name, _LIMIT)))["chunker"]
        chunker = Chunker(int(fields["min"]), int(fields["average"]), int(fields["max"]))
    except (KeyError, TypeError, ValueError):
        raise Damaged(f"{name} lacks a field", object=name) from None
    if fields.get("algorithm") != "fastcdc-v2020":
        raise NewerFormat(f"{name} names the chunker {fields.get('algorithm')}, which this version does not know")
    if not 0 < chunker.bytes_min < chunker.bytes_average < chunker.bytes_max <= SEGMENT_BYTES_MAX:
        raise Damaged(f"{name} asks for chunks of impossible sizes", object=name)
    return chunker


def config_damage(store: Readable, seals: Seals) -> tuple[RepositoryError, ...]:
    """Why the next backup would find no configuration; empty when it will."""
    try:
        read_config(store, seals)
    except (Damaged, ObjectMissing) as error:
        return (error,)
    return ()


def _mac(body: dict[str, Any], key: bytes) -> str:
    return hmac.new(key, json.dumps(body, sort_keys=True, separators=(",", ":")).encode(), hashlib.sha256).hexdigest()
