"""Where the state directory is, and when it is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.app.errors import StateExposed, StateInsideSpecs
from reconciler.app.state import choose, prepare
from reconciler.base.errors import Fate, StateError


def test_choosing_a_state_directory_creates_nothing(tmp_path: Path) -> None:
    specs = tmp_path / "specs"
    specs.mkdir()
    state = choose(specs, tmp_path / "state")
    assert state == tmp_path / "state"
    assert sorted(os.listdir(tmp_path)) == ["specs"]


def test_two_spec_trees_never_share_a_default_memory(tmp_path: Path) -> None:
    assert choose(tmp_path / "one", None) != choose(tmp_path / "two", None)


def test_the_default_stays_the_same_however_the_spec_tree_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "link").symlink_to("specs")
    monkeypatch.chdir(tmp_path)
    assert choose(Path("specs"), None) == choose(tmp_path / "specs", None) == choose(tmp_path / "link", None)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="POSIX only")
def test_root_remembers_in_var_lib_and_others_in_their_state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert choose(tmp_path / "specs", None).parent == Path("/var/lib/reconciler")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert choose(tmp_path / "specs", None).parent == tmp_path / "xdg" / "reconciler"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="POSIX only")
def test_a_relative_xdg_folder_is_ignored_as_its_standard_demands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("XDG_STATE_HOME", "state")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert choose(tmp_path / "specs", None).parent == tmp_path / ".local" / "state" / "reconciler"


@pytest.mark.parametrize("inside", [".", "state", "deep/er/state"])
def test_a_state_directory_inside_the_specs_is_refused(tmp_path: Path, inside: str) -> None:
    with pytest.raises(StateInsideSpecs) as caught:
        choose(tmp_path, tmp_path / inside)
    assert caught.value.fate is Fate.USAGE
    assert str(tmp_path) in caught.value.message


def test_a_link_that_leads_into_the_specs_is_refused_too(tmp_path: Path) -> None:
    specs = tmp_path / "specs"
    (specs / "hidden").mkdir(parents=True)
    (tmp_path / "innocent").symlink_to(specs / "hidden")
    with pytest.raises(StateInsideSpecs):
        choose(specs, tmp_path / "innocent")


def test_a_neighbour_whose_name_begins_alike_is_not_inside(tmp_path: Path) -> None:
    assert choose(tmp_path / "specs", tmp_path / "specs-state") == tmp_path / "specs-state"


def test_preparing_makes_a_private_directory(tmp_path: Path) -> None:
    state = prepare(tmp_path / "a" / "b")
    assert state.is_dir()
    assert state.stat().st_mode & 0o777 == 0o700


def test_a_directory_that_everybody_can_write_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o777)
    with pytest.raises(StateExposed):
        prepare(state)


def test_a_file_in_its_place_is_one_clear_sentence(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(StateError, match="is not a directory"):
        prepare(tmp_path / "state")
