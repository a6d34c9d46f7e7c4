"""What the parser made of a file is kept, and everything that is not exactly that counts as nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.model.problem import Severity
from reconciler.spec import Cache, Parses, load

SPECS = Path(__file__).parents[3] / "specs" / "company"


def _kept(path: Path, tree: Path = SPECS) -> Parses:
    parses = Parses(path)
    load(tree, cache=Cache(parses))
    parses.keep()
    return parses


def test_a_tree_is_the_same_with_and_without_what_was_kept(tmp_path: Path) -> None:
    first = load(SPECS)
    _kept(tmp_path / "specs")
    assert (tmp_path / "specs").stat().st_mode & 0o777 == 0o600, "the specs may be nobody else's to read"
    parses = Parses(tmp_path / "specs")
    assert parses.files
    again = load(SPECS, cache=Cache(parses))
    assert again.desired == first.desired
    assert again.problems == first.problems
    assert again.documents == first.documents


def test_nothing_is_parsed_a_second_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _kept(tmp_path / "specs")
    monkeypatch.setattr("reconciler.spec.read.parse", lambda *_: pytest.fail("parsed again"))
    assert load(SPECS, cache=Cache(Parses(tmp_path / "specs"))).objects > 0


def test_a_file_is_written_only_when_the_tree_has_changed(tmp_path: Path) -> None:
    tree, kept = tmp_path / "tree", tmp_path / "kept"
    tree.mkdir()
    one, other = (f"apiVersion: reconciler/v1\nkind: Tier\nmetadata: {{name: {name}}}\nspec: {{}}\n" for name in ("one", "other"))
    (tree / "one.yaml").write_text(one)
    _kept(kept, tree)
    written = kept.stat().st_mtime_ns
    _kept(kept, tree)
    assert kept.stat().st_mtime_ns == written
    (tree / "other.yaml").write_text(other)
    assert len(_kept(kept, tree).files) == 2
    (tree / "one.yaml").unlink()
    assert len(_kept(kept, tree).files) == 1
    assert len(Parses(kept).files) == 1


def test_a_file_with_a_fault_is_read_again_each_time(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "doubled.yaml").write_text("apiVersion: reconciler/v1\nkind: Tier\nkind: Tier\nmetadata: {name: one}\nspec: {}\n")
    assert not _kept(tmp_path / "kept", tree).files
    found = load(tree, cache=Cache(Parses(tmp_path / "kept")))
    assert Severity.ERROR in {p.severity for p in found.problems}


@pytest.mark.parametrize("harm", ["torn", "flipped", "empty", "another version", "no file"])
def test_what_is_not_whole_counts_as_nothing(harm: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "specs"
    _kept(path)
    data = path.read_bytes()
    match harm:
        case "torn":
            path.write_bytes(data[: len(data) // 2])
        case "flipped":
            path.write_bytes(data[:-20] + bytes([data[-20] ^ 1]) + data[-19:])
        case "empty":
            path.write_bytes(b"")
        case "another version":
            monkeypatch.setattr("reconciler.spec.parses.VERSION", 0)
        case _:
            path.unlink()
    assert not Parses(path).files


def test_a_disk_that_refuses_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    parses = _kept(tmp_path / "file" / "specs")
    assert parses.files
