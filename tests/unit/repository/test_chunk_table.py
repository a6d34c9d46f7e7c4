"""The packed table of chunks behaves like the dictionary that it replaces, whatever lies beside what is looked for."""

from __future__ import annotations

import os
import sys
import threading

from hypothesis import given
from hypothesis import strategies as st

from reconciler.repository.chunk_table import ChunkTable

_ids = st.binary(min_size=32, max_size=32) | st.builds(
    lambda head, end: bytes(4) + bytes([head]) * 27 + bytes([end]), *[st.integers(0, 2)] * 2
)


@given(st.lists(st.tuples(st.sampled_from(["add", "note", "find"]), st.lists(_ids, max_size=40))))
def test_a_table_finds_what_a_dictionary_finds(steps: list[tuple[str, list[bytes]]]) -> None:
    table, plain = ChunkTable(), dict[bytes, int]()
    count = 0
    for step, chunks in steps:
        if step == "find":
            assert [table.find(chunk) for chunk in chunks] == [plain.get(chunk) for chunk in chunks]
            continue
        for chunk in chunks:
            plain.setdefault(chunk, count)
            count += 1
            if step == "note":
                table.note(chunk)
        if step == "add":
            table.add(b"".join(chunks))
    assert len(table) == count
    assert {chunk: table.find(chunk) for chunk in plain} == plain


def test_what_begins_alike_or_lies_across_two_ids_is_not_taken_for_a_chunk() -> None:
    table = ChunkTable()
    first, second = bytes(range(32)), bytes(range(32, 64))
    table.add(first + second)
    across = (first + second)[16:48]
    table.note(across[:4] + bytes(28))
    assert table.find(across) is None
    assert table.find(first[:31] + b"\xff") is None
    assert [table.find(first), table.find(second)] == [0, 1]


def test_many_chunks_take_less_than_sixty_bytes_each() -> None:
    table = ChunkTable()
    for _ in range(100):
        table.add(os.urandom(32 * 1000))
    assert table.find(os.urandom(32)) is None
    used = sys.getsizeof(table._ids) + sys.getsizeof(table._slots)
    assert used < 60 * len(table)


def test_threads_look_while_one_adds() -> None:
    table = ChunkTable()
    chunks = [os.urandom(32) for _ in range(20_000)]
    missed: list[bytes] = []
    added = 0

    def look() -> None:
        while added < len(chunks):
            upto = added
            missed.extend(chunk for chunk in chunks[max(0, upto - 50) : upto] if chunk not in table)

    lookers = [threading.Thread(target=look) for _ in range(3)]
    for looker in lookers:
        looker.start()
    for number, chunk in enumerate(chunks):
        table.note(chunk) if number % 3 else table.add(chunk)
        added = number + 1
    for looker in lookers:
        looker.join()
    assert not missed
    assert [table.find(chunk) for chunk in chunks] == list(range(len(chunks)))
