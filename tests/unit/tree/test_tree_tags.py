"""Folders and files that are left out by what they are, not by their name. Each beside a decoy that stays."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.tree.excludes import Excludes
from reconciler.tree.scan import Scan, ScanRoot
from tests.fakes.trees import paths_below, plant

TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# a cache\n"
NONE = Excludes(())


def found(root: Path, **how: object) -> list[str]:
    listed: list[str] = []
    scan = Scan([ScanRoot(str(root), NONE, **how)])  # type: ignore[arg-type]
    prefix = str(root).lstrip("/").encode() + b"/"
    for listing in scan:
        below = listing.path + b"/"
        if below.startswith(prefix):
            listed += [(below[len(prefix) :] + row[0]).decode() for row in listing.rows]
    assert scan.defects == []
    return sorted(listed)


def test_of_a_cache_only_its_tag_stays(tmp_path: Path) -> None:
    plant(tmp_path, {"cache/CACHEDIR.TAG": TAG, "cache/a": "1", "cache/deep/b": "2", "kept/a": "3", "kept/deep/b": "4"})
    assert found(tmp_path, leave_caches=True) == ["cache", "cache/CACHEDIR.TAG", "kept", "kept/a", "kept/deep", "kept/deep/b"]
    assert "cache/deep/b" in found(tmp_path), "unless nobody asked for it"


@pytest.mark.parametrize("text", ["", "Signature: something else", TAG[1:], f" {TAG}"])
def test_a_file_that_only_has_the_name_is_no_tag(tmp_path: Path, text: str) -> None:
    plant(tmp_path, {"cache/CACHEDIR.TAG": text, "cache/a": "1"})
    assert "cache/a" in found(tmp_path, leave_caches=True)


def test_a_tag_that_is_a_link_or_a_folder_is_none(tmp_path: Path) -> None:
    plant(tmp_path, {"tag": TAG, "one/CACHEDIR.TAG": "-> ../tag", "one/a": "1", "two/CACHEDIR.TAG/x": "", "two/a": "2"})
    listed = found(tmp_path, leave_caches=True)
    assert {"one/a", "two/a"} <= set(listed)


def test_the_root_itself_was_named_and_is_read(tmp_path: Path) -> None:
    plant(tmp_path, {"CACHEDIR.TAG": TAG, ".nobackup": "", "a": "1"})
    assert "a" in found(tmp_path, leave_caches=True, leave_if_present=frozenset({b".nobackup"}))


def test_a_folder_with_a_file_of_an_agreed_name_keeps_only_that(tmp_path: Path) -> None:
    plant(tmp_path, {"scratch/.nobackup": "", "scratch/a": "1", "scratch/deep/b": "2", "kept/nobackup": "", "kept/a": "3"})
    listed = found(tmp_path, leave_if_present=frozenset({b".nobackup"}))
    assert listed == ["kept", "kept/a", "kept/nobackup", "scratch", "scratch/.nobackup"]


def test_a_source_inside_a_tagged_folder_is_still_read(tmp_path: Path) -> None:
    plant(tmp_path, {"cache/CACHEDIR.TAG": TAG, "cache/a": "1", "cache/precious/x": "2"})
    outer = ScanRoot(str(tmp_path), NONE, leave_caches=True)
    listed = paths_below(tmp_path, Scan([outer, ScanRoot(str(tmp_path / "cache" / "precious"), NONE)]))
    assert "cache/precious/x" in listed
    assert "cache/a" not in listed


def test_files_above_a_size_are_left_out_and_those_of_it_are_not(tmp_path: Path) -> None:
    plant(tmp_path, {"small": "12345", "just": "1234567890", "large": "12345678901", "deep/large": "x" * 100})
    assert found(tmp_path, bytes_max=10) == ["deep", "just", "small"]
