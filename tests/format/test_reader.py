"""The page of the format is enough: a reader that was written from it restores what the program has stored."""

from __future__ import annotations

import ast
import os
import random
from pathlib import Path

import pytest

from tests.format.reader import DAMAGED, Reader, Refused
from tests.unit.repository.conftest import KEY, Bench, bench, described

__all__ = ["bench"]
READER = Path(__file__).with_name("reader.py")


def grow(source: Path, seed: int) -> None:
    """A small tree with an entry of every kind."""
    rng = random.Random(seed)
    for folder in ("a", "a/b", "a/empty", "a.b", "z"):
        (source / folder).mkdir()
    for number in range(40):
        (source / rng.choice(["", "a", "a/b", "a.b", "z"]) / f"file{number}").write_bytes(rng.randbytes(rng.randrange(60_000)))
    (source / "text").write_bytes(b"the same line again and again\n" * 20_000)
    (source / "large").write_bytes(rng.randbytes(2_500_000))
    (source / "nothing").touch()
    (source / os.fsdecode(b"\xff name \xfe")).write_bytes(b"raw name")
    with (source / "sparse").open("wb") as file:
        file.seek(3_000_000)
        file.write(b"island")
        file.truncate(8_000_000)
    os.link(source / "large", source / "a" / "large too")
    os.symlink("file1", source / "link")
    os.symlink("/nowhere/at/all", source / "a" / "dangling")
    os.mkfifo(source / "queue")
    os.chmod(source / "text", 0o640)
    os.utime(source / "a", ns=(1, 981_173_106_123_456_789))


def test_the_reader_shares_no_code_with_the_program_and_is_short() -> None:
    text = READER.read_text(encoding="utf-8")
    named = [
        alias.name if isinstance(node, ast.Import) else str(node.module)
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    ]
    assert [name for name in named if name.split(".")[0] in {"reconciler", "tests"}] == []
    assert text.count("\n") <= 400


@pytest.mark.parametrize("compression", [("zstd", 3), ("gzip", 6), ("none", None)])
def test_the_reader_restores_what_the_program_stored(bench: Bench, tmp_path: Path, compression: tuple[str, int | None]) -> None:
    grow(bench.source, 7)
    root = bench.take(kind="full", compression=compression).root
    assert root is not None
    assert Reader(bench.place, KEY).restore(root.id, tmp_path / "out") == {}
    assert described(bench.inside(tmp_path / "out")) == described(bench.source)


def test_the_reader_restores_each_of_several_snapshots(bench: Bench, tmp_path: Path) -> None:
    grow(bench.source, 8)
    first = bench.take(kind="full", checksums=("sha256", "md5")).root
    before = described(bench.source)
    (bench.source / "text").write_bytes(b"changed")
    (bench.source / "z" / "new").write_bytes(b"new")
    (bench.source / "link").unlink()
    assert first is not None
    second = bench.take(base=first.id).root
    assert second is not None
    reader = Reader(bench.place, KEY)
    assert reader.restore(first.id, tmp_path / "first") == {}
    assert reader.restore(second.id, tmp_path / "second") == {}
    assert described(bench.inside(tmp_path / "first")) == before
    assert described(bench.inside(tmp_path / "second")) == described(bench.source)


def test_the_reader_does_without_a_damaged_index(bench: Bench, tmp_path: Path) -> None:
    grow(bench.source, 9)
    root = bench.take(kind="full").root
    assert root is not None
    for path in (bench.place / "index").iterdir():
        path.chmod(0o600)
        path.write_bytes(b"not an index")
    assert Reader(bench.place, KEY).restore(root.id, tmp_path / "out") == {}
    assert described(bench.inside(tmp_path / "out")) == described(bench.source)


def test_the_reader_refuses_what_was_changed(bench: Bench, tmp_path: Path) -> None:
    grow(bench.source, 10)
    root = bench.take(kind="full").root
    assert root is not None
    rng = random.Random(10)
    refused = 0
    for path in bench.objects():
        if path.parent.name == "config":  # says how to cut files, which only a writer does
            continue
        good = path.read_bytes()
        damaged = bytearray(good)
        damaged[rng.randrange(len(good))] ^= 1 << rng.randrange(8)
        path.chmod(0o600)
        path.write_bytes(damaged)
        target = tmp_path / f"out{path.name[:20]}"
        try:
            codes = set(Reader(bench.place, KEY).restore(root.id, target).values())
        except Refused as error:
            codes = {error.code}
        if path.parent.name != "index":  # the packs can replace it
            assert codes, path
            refused += 1
        assert codes <= {DAMAGED, "repository-newer-format", "tree-failed"}, path  # the last: a second name of a damaged file
        path.write_bytes(good)
    assert refused >= 4


def test_the_reader_restores_where_the_configuration_is_lost(bench: Bench, tmp_path: Path) -> None:
    grow(bench.source, 11)
    root = bench.take(kind="full").root
    assert root is not None
    (bench.place / "config" / "0").unlink()
    assert Reader(bench.place, KEY).restore(root.id, tmp_path / "out") == {}
    assert described(bench.inside(tmp_path / "out")) == described(bench.source)
