"""What a fetcher keeps of decoded segments, and what it lets go."""

from __future__ import annotations

import pytest

from reconciler.repository import sink
from reconciler.repository.fetch import Fetcher
from reconciler.repository.format import Type
from reconciler.repository.manifest import BaseCursor, block_refs
from reconciler.repository.sound import sound_entries
from reconciler.repository.survey import Survey
from tests.fakes.trees import plant
from tests.unit.repository.conftest import Bench


@pytest.fixture
def blocks(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> tuple[Fetcher, list[bytes]]:
    """A dozen blocks, in several segments."""
    monkeypatch.setattr(sink, "SEGMENT_CHUNKS", 3)
    plant(bench.source, {f"{folder}/{number:04}": "" for folder in range(4) for number in range(3000)})
    root = bench.take().root
    assert root is not None
    repository = bench.open()
    fetcher = Fetcher(repository._store, repository._seals, repository._index())
    return fetcher, [ref.id for ref in block_refs(repository._record(root.id), fetcher)]


def test_a_segment_of_which_everything_was_read_that_is_read_once_is_let_go(blocks: tuple[Fetcher, list[bytes]]) -> None:
    fetcher, ids = blocks
    assert len({fetcher.locate(each).segment for each in ids}) > 2
    largest = max(fetcher.place(fetcher.locate(each).segment).plain_bytes for each in ids)
    fetcher.expect(ids, once=True)
    most = 0
    for each in ids:
        fetcher.chunk(Type.ENTRIES, each)
        most = max(most, fetcher._bytes)
    assert most <= largest
    assert fetcher._bytes == 0
    assert not fetcher._segments


def test_what_two_readers_expect_once_is_kept_for_the_second(blocks: tuple[Fetcher, list[bytes]]) -> None:
    fetcher, ids = blocks
    for _ in range(2):
        fetcher.expect(ids, once=True)
    for each in ids:
        fetcher.chunk(Type.ENTRIES, each)
    kept = dict(fetcher._segments)
    assert kept
    for each in ids:
        fetcher.chunk(Type.ENTRIES, each)
    assert not fetcher._segments


def test_what_was_let_go_arrives_when_it_is_read_again(blocks: tuple[Fetcher, list[bytes]]) -> None:
    fetcher, ids = blocks
    fetcher.expect(ids, once=True)
    first = [fetcher.chunk(Type.ENTRIES, each) for each in ids]
    assert [fetcher.chunk(Type.ENTRIES, each) for each in ids] == first
    assert fetcher._bytes == sum(fetcher.place(number).plain_bytes for number in fetcher._segments)


def test_who_walks_a_manifest_or_surveys_it_keeps_nothing_of_it(bench: Bench, blocks: tuple[Fetcher, list[bytes]]) -> None:
    fetcher, _ = blocks
    repository = bench.open()
    (root,) = repository.listing().roots
    record = repository._record(root.id)
    BaseCursor(list(block_refs(record, fetcher)), fetcher).finish()
    assert fetcher._bytes == 0
    assert not Survey(repository._index(), fetcher).needs(record).faults
    assert fetcher._bytes == 0
    assert len(list(sound_entries(record, fetcher, lambda refusal: pytest.fail(refusal.why)))) > 12_000
    assert fetcher._bytes == 0
