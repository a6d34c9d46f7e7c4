"""Whatever happened to an object, reading gives the exact bytes or a typed error, and other snapshots stay as they were."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator

import pytest

from tests.faults.world import TIMES, Corpus, Seen, bounded, checked, deadline, fold, look, mutated_bit

pytestmark = pytest.mark.faults
FLIPS = 6000 * TIMES
SHARDS = 4
CARRIES_NO_DATA = {"config", "index", "pending", "marks", "gc"}
"""What readers can do without."""


def _right(corpus: Corpus, seen: Seen, what: str) -> None:
    """No snapshot reads as anything else than what it was; one that is not there was reported."""
    for snapshot, entries in seen.content.items():
        assert entries == corpus.content.get(snapshot), f"{what}: snapshot {snapshot} reads wrongly"
    for error in seen.errors:
        assert error.code.startswith("repository-"), what
        assert str(error), what


@pytest.mark.parametrize("shard", range(SHARDS))
def test_a_flipped_bit_is_found_or_harmless(corpus: Corpus, faults: Callable[[str, int], None], shard: int) -> None:
    chance = random.Random(f"flips {shard}")
    undetected = set()
    names = sorted(corpus.objects)
    for number in range(FLIPS // SHARDS):
        name = names[number % len(names)]
        data = corpus.objects[name]
        position, bit = chance.randrange(len(data)), chance.randrange(8)
        what = f"bit {bit} of byte {position} of {name}"
        seen = look(lambda: corpus.open(corpus.objects | {name: mutated_bit(data, position, bit)}))  # noqa: B023 (used at once)
        _right(corpus, seen, what)
        if fold(name) in CARRIES_NO_DATA:
            assert seen.content == corpus.content, f"{what} takes a snapshot away"
        if not seen.errors:
            assert seen.content == corpus.content, what
            if not checked(lambda: corpus.open(corpus.objects | {name: mutated_bit(data, position, bit)})):  # noqa: B023 (used at once)
                undetected.add(name)
    # White space between the fields of plain JSON means nothing: the only bits whose change may go unseen.
    assert {fold(name) for name in undetected} <= {"header", "keys"}, undetected
    faults("bit flips", FLIPS // SHARDS)


def _mutations(corpus: Corpus, name: str, chance: random.Random) -> Iterator[tuple[str, dict[str, bytes]]]:
    objects, data = corpus.objects, corpus.objects[name]
    half = len(data) // 2
    for length in sorted({0, 1, 4, 14, half, len(data) - 12, len(data) - 1}):
        yield f"cut to {length}", objects | {name: data[:length]}
    yield "junk appended", objects | {name: data + b"junk"}
    yield "zeros appended", objects | {name: data + bytes(512)}
    yield "zeroed", objects | {name: bytes(len(data))}
    yield "second half zeroed", objects | {name: data[:half] + bytes(len(data) - half)}
    yield "random", objects | {name: chance.randbytes(len(data))}
    yield "deleted", {each: content for each, content in objects.items() if each != name}
    siblings = sorted(each for each in objects if fold(each) == fold(name) and each != name)
    for sibling in siblings[:2]:
        yield f"swapped with {sibling}", objects | {name: objects[sibling], sibling: data}
        yield f"replaced by {sibling}", objects | {name: objects[sibling]}
    for sibling in [each for each in sorted(objects) if fold(each) != fold(name)][:: max(1, len(objects) // 5)]:
        yield f"retyped as {sibling}", objects | {name: objects[sibling]}
    foreign = sorted(each for each in corpus.other if fold(each) == fold(name))
    if foreign:
        yield "that of another repository", objects | {name: corpus.other[foreign[0]]}
        yield "another repository's beside it", {**corpus.other, **objects}
    twin = f"{name[:-4]}{'0000' if not name.endswith('0000') else '1111'}" if "/" in name else f"{name}-copy"
    yield "a copy under another name", objects | {twin: data}


def test_a_changed_object_never_changes_what_is_read(corpus: Corpus, faults: Callable[[str, int], None]) -> None:
    chance = random.Random("mutations")
    done = 0
    for name in sorted(corpus.objects) * TIMES:
        for how, objects in _mutations(corpus, name, chance):
            what = f"{name}: {how}"
            with deadline(10, what):
                seen = look(lambda: corpus.open(objects))  # noqa: B023 (used at once)
            _right(corpus, seen, what)
            beside = how == "another repository's beside it"  # then foreign packs are reported, whatever snapshot is verified
            if fold(name) in {"snapshots", "marks"} and not beside:
                lost = set(corpus.content) - set(seen.content)
                assert len(lost) <= 2, f"{what}: more snapshots are lost than were touched"
            if fold(name) in CARRIES_NO_DATA and not beside:
                assert seen.content == corpus.content, f"{what} takes a snapshot away"
            done += 1
    faults("object mutations", done)


def test_an_earlier_state_of_the_repository_reads_as_it_was(corpus: Corpus, faults: Callable[[str, int], None]) -> None:
    """A disk that was rolled back: fewer snapshots, each whole."""
    seen = look(lambda: corpus.open(corpus.older))
    assert not seen.errors
    assert len(seen.content) == 1
    _right(corpus, seen, "rolled back")
    for name in corpus.older:
        seen = look(lambda: corpus.open(corpus.objects | {name: corpus.older[name]}))  # noqa: B023 (used at once)
        assert seen.content == corpus.content
    faults("object mutations", 1 + len(corpus.older))


EIB = 2**60
MEMORY = 32 * 2**20  # a few times what reading the whole reference repository takes
CLAIMS = (EIB, 2**32 - 1, 2**31, 2**64 - 1, 0)


def _bad(corpus: Corpus, name: str, chance: random.Random) -> Iterator[tuple[str, bytes | None]]:
    data = corpus.objects[name]
    yield "nothing", None
    yield "zero bytes", b""
    for length in (1, 100, 5000, 20_000):
        yield f"{length} random bytes", chance.randbytes(length)
    yield "deep JSON", b"[" * 100_000
    yield "deep msgpack", b"\x91" * 100_000
    for claim in CLAIMS:
        if data[:4] == b"RCO1":
            yield f"a claim of {claim} bytes", data[:6] + struct.pack(">Q", claim) + data[14:]
        elif fold(name) == "packs":
            yield f"a directory of {claim} bytes", data[:-12] + struct.pack(">I", claim & 0xFFFFFFFF) + data[-8:]


def test_an_object_replaced_by_something_bad_costs_neither_time_nor_other_snapshots(
    corpus: Corpus, faults: Callable[[str, int], None]
) -> None:
    chance = random.Random("bad objects")
    done = 0
    for name in sorted(corpus.objects):
        for how, bad in _bad(corpus, name, chance):
            objects = {each: data for each, data in corpus.objects.items() if each != name} | ({name: bad} if bad is not None else {})
            what = f"{name} replaced by {how}"
            with deadline(20, what), bounded(MEMORY, what):
                seen = look(lambda: corpus.open(objects))  # noqa: B023 (used at once)
            _right(corpus, seen, what)
            errors = seen.errors or checked(lambda: corpus.open(objects))  # noqa: B023 (used at once)
            if bad is not None:
                assert any(name in f"{error} {error.context.get('object')}" for error in errors), f"{what} is not named: {errors}"
            else:
                assert errors or fold(name) not in {"header", "config", "packs"}, f"{what} goes unseen"
            if fold(name) in CARRIES_NO_DATA or name in corpus.spare:
                assert seen.content == corpus.content, f"{what} takes a snapshot away"
            if fold(name) == "snapshots":
                assert len(seen.content) == len(corpus.content) - 1, what
            done += 1
    faults("bad objects", done)
