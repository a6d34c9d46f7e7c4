"""Every tool meets the same corpus: an edit is undone to the byte and the time stamp."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from benchmarks import corpora


def _state(source: Path) -> dict[str, tuple[bytes, int]]:
    return {str(p.relative_to(source)): (p.read_bytes(), p.stat().st_mtime_ns) for p in sorted(source.rglob("*")) if p.is_file()}


@pytest.mark.parametrize(
    ("edit", "changed"), [(corpora.one_in_a_hundred_changed, 5), (corpora.edited_in_the_middle, 1)], ids=["one in a hundred", "one edit"]
)
def test_an_edit_is_undone_to_the_byte_and_the_time_stamp(tmp_path: Path, edit: object, changed: int) -> None:
    source = corpora.make("tiny", tmp_path, 0.0005)
    (source / "large").write_bytes(bytes(5000))
    before = _state(source)
    assert callable(edit)
    during: AbstractContextManager[None] = edit(source)
    with during:
        edited = _state(source)
        assert sum(edited[name] != kept for name, kept in before.items()) == changed + (edit is corpora.one_in_a_hundred_changed)
    assert _state(source) == before


def test_an_edit_is_undone_when_the_tool_fails(tmp_path: Path) -> None:
    source = corpora.make("tiny", tmp_path, 0.0001)
    before = _state(source)
    with pytest.raises(ZeroDivisionError), corpora.one_in_a_hundred_changed(source):
        raise ZeroDivisionError
    assert _state(source) == before


def test_a_corpus_is_made_once(tmp_path: Path) -> None:
    source = corpora.make("tiny", tmp_path, 0.0001)
    (source / "decoy").touch()
    assert (corpora.make("tiny", tmp_path, 0.0001) / "decoy").exists()


def test_half_a_corpus_is_made_anew(tmp_path: Path) -> None:
    source = corpora.make("tiny", tmp_path, 0.0001)
    (source / "decoy").touch()
    (source.parent / ".complete").unlink()
    assert not (corpora.make("tiny", tmp_path, 0.0001) / "decoy").exists()


def test_the_dense_file_is_longer_than_32_bits_tell_and_its_length_is_followed(tmp_path: Path) -> None:
    assert corpora.DENSE_BYTES > 2**32
    share = 0.001
    (noise,) = corpora.make("dense", tmp_path, share).iterdir()
    content = noise.read_bytes()
    assert len(content) == int(corpora.DENSE_BYTES * share)
    pieces = [content[start : start + 4096] for start in range(0, len(content), 4096)]
    assert len(set(pieces)) == len(pieces), "nothing in it repeats"
