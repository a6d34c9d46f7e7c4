"""The vectors of the format: the program and the second reader give the same answers, and refuse the same defects with the same word."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.format.build_vectors import build
from tests.format.consumers import Program, Second

FILE = json.loads(Path(__file__).with_name("vectors.json").read_text(encoding="ascii"))
VECTORS: list[dict[str, Any]] = FILE["vectors"]
KINDS = sorted({vector["kind"] for vector in VECTORS})
READERS = [Program, Second]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_vector_is_answered_as_it_should_be(kind: str, reader: type[Program | Second]) -> None:
    asked = reader(bytes.fromhex(FILE["master"]), FILE["repository"])
    wrong = []
    for vector in VECTORS:
        if vector["kind"] != kind:
            continue
        try:
            answer: dict[str, Any] = {"expect": asked.ask(kind, vector["given"])}
        except Exception as error:  # anything without a code is an answer, too: a wrong one
            answer = {"error": getattr(error, "code", repr(error))}
        if any(vector.get(name) != value for name, value in answer.items()):
            wrong.append((vector["number"], vector["about"], answer))
    assert wrong == []


def test_there_are_enough_vectors_of_both_kinds() -> None:
    counts = Counter("good" if "expect" in vector else "bad" for vector in VECTORS)
    assert FILE["format"] == 1
    assert counts["good"] >= 50
    assert counts["bad"] >= 100
    assert [vector["number"] for vector in VECTORS] == list(range(1, len(VECTORS) + 1))


def test_no_two_vectors_of_a_kind_have_the_same_name() -> None:
    names = Counter((vector["kind"], vector["about"]) for vector in VECTORS)
    assert [name for name, count in names.items() if count > 1] == []


def test_the_builder_still_makes_the_vectors_that_stand_here() -> None:
    """Compressed bytes may differ with the version of a library; what is asked and what is answered may not."""
    told = [(vector["kind"], vector["about"], vector.get("error")) for vector in VECTORS]
    assert [(vector["kind"], vector["about"], vector.get("error")) for vector in build()] == told
