"""What is selected is never ruled out by the bytes of a block: whatever the pattern, whatever the names."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.repository.entries import Cold, Entry, Piece, encode_block, encode_colds
from reconciler.repository.select import Selection
from reconciler.tree.entry import encode_rows

NAMES = st.text("ab .[]*?!#\\\u00e9", min_size=1, max_size=4).map(str.encode).filter(lambda name: name not in {b".", b".."})
FOLDERS = st.lists(NAMES, max_size=3).map(b"/".join)
PATTERNS = st.text("ab .[]*?!#\\/\u00e9", min_size=1, max_size=8).map(str.encode)


def entry(folder: bytes, name: bytes, mode: int) -> Entry:
    return Entry(folder, 0, (name, mode, 1, 1, 1, 1, 0, 0, 0), Cold())


def piece_of(found: Entry) -> Piece:
    return Piece(found.folder, 0, encode_rows([found.row]), encode_colds([found.cold]))


@given(st.lists(PATTERNS, min_size=1, max_size=3), FOLDERS, NAMES, st.sampled_from([0o100644, 0o040755]), st.booleans(), st.booleans())
def test_what_is_selected_may_be_in_its_block(
    patterns: list[bytes], folder: bytes, name: bytes, mode: int, literal: bool, anywhere: bool
) -> None:
    paths = [b"**/" + pattern if anywhere else pattern for pattern in patterns]
    found = entry(folder, name, mode)
    chosen = Selection(paths, literal=literal)
    if found in chosen:
        piece = piece_of(found)
        assert chosen.may_be_in(piece.folder, piece.hot)
        assert chosen.may_be_in(encode_block([piece]))


def test_a_block_without_the_name_is_ruled_out() -> None:
    block = encode_block([piece_of(entry(b"srv/data", b"ledger", 0o100644))])
    assert not Selection([b"**/orders"]).may_be_in(block)
    assert Selection([b"**/ledger"]).may_be_in(block)
    assert Selection([b"srv/data"]).may_be_in(block), "a folder above stands in the block, too"
    assert Selection([b"**/orders", b"*"]).may_be_in(block), "one pattern that fits anything rules nothing out"
    assert Selection([b"ledger "]).may_be_in(block)
