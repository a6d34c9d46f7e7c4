"""The order in which files are written: by segment, each segment in one batch, nothing lost and nothing twice."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.repository.entries import Cold, Entry
from reconciler.repository.index import Position
from reconciler.repository.restore_order import batches, in_pack_order


def _entry(name: int, chunks: bytes, size: int = 10) -> Entry:
    return Entry(b"folder", 0, (b"%d" % name, 0o100644, size, 0, 0, name, 0, 0, 1), Cold(chunks))


def _find(chunk: bytes) -> Position | None:
    return None if chunk[0] == 255 else Position(chunk[0], 0, 10)


_ENTRIES = st.lists(st.tuples(st.integers(0, 255), st.integers(0, 3), st.integers(0, 90)), max_size=80)


@given(_ENTRIES, st.integers(1, 400), st.integers(1, 20))
def test_every_file_is_in_one_batch_and_segments_follow_each_other(
    drawn: list[tuple[int, int, int]], bytes_max: int, files_max: int
) -> None:
    entries = [_entry(number, bytes([segment]) * 32 * count, size) for number, (segment, count, size) in enumerate(drawn)]
    cut = list(batches(in_pack_order(entries, _find), bytes_max, files_max))
    flat = [entry for batch in cut for entry in batch]
    assert sorted(entry.row[0] for entry in flat) == sorted(entry.row[0] for entry in entries)
    known = [entry.cold.chunks[0] for entry in flat if entry.cold.chunks and entry.cold.chunks[0] != 255]
    assert known == sorted(known)
    for batch in cut:
        assert len(batch) <= files_max
        assert sum(entry.row[2] for entry in batch[:-1]) < bytes_max


def test_a_segment_that_fits_is_decoded_by_one_batch() -> None:
    entries = [_entry(number, bytes([number // 30]) * 32) for number in range(300)]
    for batch in batches(in_pack_order(entries, _find), 10**6, 90):
        assert len(batch) == 60


def test_empty_and_unknown_files_stay_beside_their_neighbours() -> None:
    entries = [_entry(0, b"\x05" * 32), _entry(1, b""), _entry(2, b"\x01" * 32), _entry(3, b"\xff" * 32)]
    assert [entry.row[0] for _, entry in in_pack_order(entries, _find)] == [b"2", b"3", b"0", b"1"]
