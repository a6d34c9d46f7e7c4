"""Which chunks the roots need, while writers and other clean-ups work beside the one who asks."""

from __future__ import annotations

from reconciler.repository.collect_live import LiveChunks
from reconciler.repository.fetch import Fetcher
from tests.unit.repository.conftest import Bench


def test_what_was_missing_of_a_root_under_way_is_looked_for_again(bench: Bench) -> None:
    """A second clean-up that read the index just before the first one had described what it rescued took that for nobody's, for good."""
    repository = bench.open()
    (bench.source / "letter").write_text("dear")
    root = bench.take(repository).root
    assert root is not None
    record = repository._record(root.id)
    fetcher = Fetcher(repository._store, repository._seals, repository._index())
    live, rescued = LiveChunks(), False
    whole = LiveChunks()
    whole.add("pending/w", record, fetcher, lambda _: True, withdrawn=False)
    (letter,) = whole.chunks - {ref.id for ref in (*record.blocks, *record.lists)}

    def exists(chunk: bytes) -> bool:
        return rescued or chunk != letter

    live.add("pending/w", record, fetcher, exists, withdrawn=True)
    assert letter not in live.chunks
    rescued = True
    live.add("pending/w", record, fetcher, exists, withdrawn=True)
    assert live.chunks == whole.chunks


def test_a_root_whose_list_of_files_was_missing_is_walked_again(bench: Bench) -> None:
    from reconciler.repository.index import ChunkIndex

    repository = bench.open()
    (bench.source / "letter").write_text("dear")
    root = bench.take(repository).root
    assert root is not None
    record = repository._record(root.id)
    live = LiveChunks()
    nothing = Fetcher(repository._store, repository._seals, ChunkIndex())
    live.add("pending/w", record, nothing, lambda _: True, withdrawn=True)
    live.add("pending/w", record, Fetcher(repository._store, repository._seals, repository._index()), lambda _: True, withdrawn=True)
    assert len(live.chunks) > len(record.blocks)
