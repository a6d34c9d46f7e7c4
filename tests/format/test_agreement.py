"""Where the vectors end: on thousands of broken copies of the good ones, the program and the second reader still say the same."""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import pytest

from reconciler.repository.format import Type
from tests.format.consumers import Program, Second

FILE = json.loads(Path(__file__).with_name("vectors.json").read_text(encoding="ascii"))
FIELDS = {
    "block": "data", "block-list": "data", "decompress": "data", "deletion": "data", "directory": "pack", "header": "data", "index": "data",
    "mark": "data", "object": "data", "readings": "data", "root": "data", "segment": "sealed", "xaes": "sealed",
}  # fmt: skip
COPIES = 600


def broken(data: bytes, rng: random.Random) -> bytes:
    """``data`` with one to three defects of the kinds that happen: flipped bits, bytes lost, doubled, inserted, the end cut off."""
    for _ in range(rng.randint(1, 3)):
        if not data:
            return b"\0"
        at = rng.randrange(len(data))
        match rng.randrange(5):
            case 0:
                data = data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
            case 1:
                data = data[:at] + data[at + rng.randint(1, 4) :]
            case 2:
                data = data[:at] + data[at : at + rng.randint(1, 4)] + data[at:]
            case 3:
                data = data[:at] + rng.randbytes(rng.randint(1, 4)) + data[at:]
            case _:
                data = data[:at]
    return data


def said(reader: Program | Second, kind: str, given: dict[str, Any]) -> Any:
    try:
        return reader.ask(kind, given)
    except Exception as error:
        return getattr(error, "code", repr(error))


@pytest.mark.parametrize("kind", sorted(FIELDS))
def test_both_readers_say_the_same_of_broken_copies(kind: str) -> None:
    rng = random.Random(kind)
    master = bytes.fromhex(FILE["master"])
    program, second = Program(master, FILE["repository"]), Second(master, FILE["repository"])
    good = [vector["given"] for vector in FILE["vectors"] if vector["kind"] == kind and "expect" in vector]
    differing = []
    for number in range(COPIES):
        given = good[number % len(good)]
        field = FIELDS[kind]
        if kind == "header":
            text = broken(given[field].encode(), rng).decode("utf-8", "replace")
        else:
            text = broken(bytes.fromhex(given[field]), rng).hex()
        answers = [said(reader, kind, {**given, field: text}) for reader in (program, second)]
        if answers[0] != answers[1] or (isinstance(answers[0], str) and "(" in answers[0]):
            differing.append((text, answers))
    assert differing == []


SEALED = {"index": Type.INDEX, "root": Type.ROOT, "mark": Type.MARK, "readings": Type.MARK, "deletion": Type.DELETION}


@pytest.mark.parametrize("kind", sorted(SEALED))
def test_both_readers_say_the_same_of_broken_content_that_is_sealed_well(kind: str) -> None:
    rng = random.Random(kind)
    master = bytes.fromhex(FILE["master"])
    program, second = Program(master, FILE["repository"]), Second(master, FILE["repository"])
    differing = []
    good = [vector["given"] for vector in FILE["vectors"] if vector["kind"] == kind and "expect" in vector]
    for number in range(COPIES):
        given = dict(good[number % len(good)])
        identity, _, checkpoint = given["name"].rpartition("/")[2].partition("-")
        bound = {"index": "", "root": f"root {identity} {checkpoint or 0}"}.get(kind, given["name"])
        plain = program.seals.unseal_object(SEALED[kind], bound, bytes.fromhex(given["data"]), "a good one")
        data = program.seals.seal_object(SEALED[kind], bound, broken(plain, rng))
        given["data"] = data.hex()
        if kind == "index":
            given["name"] = f"index/{hashlib.sha256(data).hexdigest()}"
        answers = [said(reader, kind, given) for reader in (program, second)]
        if answers[0] != answers[1] or (isinstance(answers[0], str) and "(" in answers[0]):
            differing.append((given["name"], answers))
    assert differing == []
