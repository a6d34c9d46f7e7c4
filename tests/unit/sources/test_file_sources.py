"""Sources that are files: looked at before they are read, and how grave it is when something could not be."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from reconciler.model.declared.system import Source
from reconciler.model.snapshot import Grade
from reconciler.sources.errors import SourceEmpty, SourceMissing, SourceUnreadable
from reconciler.sources.files import judge_defects, scan_roots
from reconciler.sources.look import check_sources, require_sources
from reconciler.sources.tolerance import tolerate_block
from reconciler.tree.entry import Defect, DefectKind, path_of
from reconciler.tree.scan import Scan
from tests.fakes.trees import as_nobody, open_to_all, paths_below, plant


def source(path: Path | str, **more: object) -> Source:
    return Source.model_validate({"path": str(path), **more})


def defect(kind: DefectKind, path: str) -> Defect:
    return Defect(os.fsencode(path).strip(b"/"), kind, "something happened")


def test_a_source_that_is_there_has_nothing_to_report(tmp_path: Path) -> None:
    plant(tmp_path, {"data/x": "1", "single.conf": ""})
    states = require_sources([source(tmp_path / "data"), source(tmp_path / "single.conf")], previous=True)
    assert [(state.exists, state.readable, state.empty, state.failure) for state in states] == [(True, True, False, None)] * 2


@pytest.mark.parametrize("path", ["gone", "file/below"])
def test_a_missing_source_is_missing_and_not_empty(tmp_path: Path, path: str) -> None:
    plant(tmp_path, {"file": ""})
    (state,) = check_sources([source(tmp_path / path)], previous=False)
    assert (state.exists, state.readable, state.empty) == (False, False, False)
    assert state.failure is not None
    assert (state.failure.code, state.failure.hint) == ("source-missing", SourceMissing.hint)
    with pytest.raises(SourceMissing, match="does not exist"):
        require_sources([source(tmp_path / path)])


def test_an_empty_folder_is_fine_at_first_and_alarming_later(tmp_path: Path) -> None:
    (tmp_path / "mount").mkdir()
    (state,) = require_sources([source(tmp_path / "mount")])
    assert (state.empty, state.failure) == (True, None)
    with pytest.raises(SourceEmpty, match="previous snapshot"):
        require_sources([source(tmp_path / "mount")], previous=True)


def test_a_source_that_is_a_link_is_refused_with_what_to_write_instead(tmp_path: Path) -> None:
    plant(tmp_path, {"real/x": "", "link": "-> real"})
    with pytest.raises(SourceUnreadable, match="symbolic link") as caught:
        require_sources([source(tmp_path / "link")])
    assert str(tmp_path / "real") in caught.value.hint


def test_a_socket_is_no_source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("talk")
        with pytest.raises(SourceUnreadable, match="socket"):
            require_sources([source(tmp_path / "talk")])


@pytest.mark.parametrize("name", ["folder", "file"])
def test_a_source_that_may_not_be_read_says_so(tmp_path: Path, name: str) -> None:
    open_to_all(tmp_path)
    plant(tmp_path, {"folder/x": "", "file": ""})
    (tmp_path / name).chmod(0)
    with as_nobody(), pytest.raises(SourceUnreadable, match="permission denied"):
        require_sources([source(tmp_path / name)])
    (tmp_path / name).chmod(0o700)


def test_all_sources_are_looked_at_even_when_the_first_is_bad(tmp_path: Path) -> None:
    states = check_sources([source(tmp_path / "gone"), source(tmp_path)], previous=False)
    assert [state.failure is None for state in states] == [False, True]


def test_what_a_source_excludes_is_not_scanned(tmp_path: Path) -> None:
    plant(tmp_path, {"a/x.tmp": "", "a/x": "", "b/x.tmp": ""})
    roots = scan_roots([source(tmp_path / "a", exclude=["*.tmp"]), source(tmp_path / "b")])
    assert paths_below(tmp_path, Scan(roots)) == ["a", "b", "a/x", "b/x.tmp"]


@pytest.mark.parametrize(
    ("words", "missing"),
    [
        ({"excludeCaches": True}, {"cache/x"}),
        ({"excludeIfPresent": [".nobackup"]}, {"private/x"}),
        ({"excludeLargerThan": "4KiB"}, {"large"}),
        ({}, set()),
    ],
)
def test_each_word_of_a_source_that_leaves_files_out_leaves_out_its_own(
    tmp_path: Path, words: dict[str, object], missing: set[str]
) -> None:
    tag = "Signature: 8a477f597d28d172789f06886806bc55"
    plant(tmp_path, {"cache/CACHEDIR.TAG": tag, "cache/x": "", "private/.nobackup": "", "private/x": "", "large": "x" * 4097})
    everything = set(paths_below(tmp_path, Scan(scan_roots([source(tmp_path)]))))
    assert everything - set(paths_below(tmp_path, Scan(scan_roots([source(tmp_path, **words)])))) == missing


def test_one_file_system_is_a_word_of_a_source_of_its_own() -> None:
    (crossing,), (staying,) = scan_roots([source("/srv")]), scan_roots([source("/srv", oneFileSystem=True)])
    assert (crossing.one_file_system, staying.one_file_system) == (False, True)


def test_notes_leave_a_snapshot_complete() -> None:
    notes = [defect(DefectKind.VANISHED, "/srv/a"), defect(DefectKind.SOCKET, "/srv/b")]
    assert judge_defects(notes, [source("/srv")]) == (Grade.COMPLETE, (), ())


def test_defects_make_it_partial_unless_the_source_tolerates_exactly_them() -> None:
    sources = [
        source("/srv/app", tolerate={"changing": ["*.log"], "unreadable": ["/private/"]}),
        source("/srv/other", tolerate={"unreadable": ["*.log"]}),
    ]
    fine = [defect(DefectKind.CHANGED, "/srv/app/deep/x.log"), defect(DefectKind.UNREADABLE, "/srv/app/private/key")]
    grave = [
        defect(DefectKind.UNREADABLE, "/srv/app/x.log"),  # may change, must be readable
        defect(DefectKind.CHANGED, "/srv/app/private/key"),
        defect(DefectKind.CHANGED, "/srv/other/x.log"),
        defect(DefectKind.CHANGED, "/srv/app.log"),  # looks alike, lies in no source
        defect(DefectKind.UNREADABLE, "/srv/app/deep/private"),
    ]
    assert judge_defects(fine, sources) == (Grade.COMPLETE, tuple(fine), ())
    assert judge_defects(fine + grave, sources) == (Grade.PARTIAL, tuple(fine), tuple(grave))


def test_a_source_that_is_one_file_can_tolerate_its_own_change() -> None:
    log = source("/var/log/app.log", tolerate={"changing": ["app.log"]})
    assert judge_defects([defect(DefectKind.CHANGED, "/var/log/app.log")], [log])[0] is Grade.COMPLETE


ODD = [
    "/srv/app/x.log",
    "/srv/app/star*",
    "/srv/app/[x]/?",
    "/srv/app/end ",
    "/srv/app/#a",
    "/srv/app/!b",
    "/srv/app/back\\slash",
    "/srv/é",
]


def test_the_printed_block_covers_exactly_the_defects_it_was_made_for() -> None:
    from ruamel.yaml import YAML

    bad = [defect(DefectKind.CHANGED, path) for path in ODD] + [
        defect(DefectKind.UNREADABLE, "/srv/app/key"),
        Defect(b"srv/app/\xff", DefectKind.CHANGED, "not text"),
    ]
    notes = [defect(DefectKind.VANISHED, "/srv/app/gone")]
    block = tolerate_block(bad + notes, [source("/srv"), source("/elsewhere")])
    declared = [Source.model_validate(entry) for entry in YAML(typ="safe", pure=True).load(block)["sources"]]
    assert [one.path for one in declared] == ["/srv"]
    assert judge_defects(bad, declared)[0] is Grade.COMPLETE
    assert judge_defects([defect(DefectKind.CHANGED, "/srv/app/starfish")], declared)[0] is Grade.PARTIAL
    assert judge_defects([defect(DefectKind.UNREADABLE, "/srv/app/x.log")], declared)[0] is Grade.PARTIAL


def test_a_long_list_is_cut_and_says_so() -> None:
    many = [defect(DefectKind.CHANGED, f"/srv/{number:03}") for number in range(25)]
    assert tolerate_block(many, [source("/srv")]).endswith('        - "/019"\n        # and 5 more\n')


def test_there_is_no_block_when_nothing_is_to_be_tolerated() -> None:
    assert tolerate_block([defect(DefectKind.SOCKET, "/srv/talk")], [source("/srv")]) == ""


def test_a_path_of_the_spec_is_a_path_of_the_scan() -> None:
    assert path_of("/srv/app/") == b"srv/app"
