"""The list of blocks names the first path of each: whoever looks for one path reads only the blocks that can hold it."""

from __future__ import annotations

import os
from pathlib import Path

from tests.unit.repository.conftest import Bench


def test_a_path_in_a_folder_that_an_incremental_kept_is_restored(bench: Bench, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (bench.source / folder).mkdir()
        (bench.source / folder / "file").write_text("one")
    first = bench.take()
    assert first.root is not None
    (bench.source / "b" / "file").write_text("two!")
    second = bench.take(base=first.root.id)
    assert second.root is not None
    wanted = os.fsencode(bench.source / "a" / "file").strip(b"/")
    assert [entry.path for entry in bench.open().entries(second.root.id, wanted)] == [wanted]
    bench.restore(second.root.id, tmp_path / "target", [wanted])
    assert (bench.inside(tmp_path / "target") / "a" / "file").read_text() == "one"
