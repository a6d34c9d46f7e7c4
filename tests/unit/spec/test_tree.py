"""Which files are specs."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.spec import SpecTreeUnreadable, load
from reconciler.spec import tree as tree_module
from reconciler.spec.tree import FILE_BYTES_MAX, read_tree
from tests.unit.spec.trees import codes, good_tree, kept, write


def found(root: Path) -> list[str]:
    return [file.name for file in read_tree(root).files]


def test_yaml_files_of_all_folders_are_read_in_order(tmp_path: Path) -> None:
    for name in ("b.yaml", "a.yml", "sub/c.yaml", "sub/deep/d.YAML", "README.md", "e.yaml.bak"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert found(tmp_path) == ["a.yml", "b.yaml", "sub/c.yaml", "sub/deep/d.YAML"]


def test_hidden_files_and_folders_are_skipped(tmp_path: Path) -> None:
    for name in (".hidden.yaml", ".git/config.yaml", "sub/.cache/a.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    assert found(tmp_path) == []


def test_the_ignore_file_has_gitignore_semantics(tmp_path: Path) -> None:
    for name in ("drafts/a.yaml", "a.yaml", "values.yaml", "sub/values.yaml", "keep/values.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("x")
    (tmp_path / ".reconcilerignore").write_text("# not ours\ndrafts/\nvalues.yaml\n!/keep/values.yaml\n")
    assert found(tmp_path) == ["a.yaml", "keep/values.yaml"]


def test_an_ignore_file_with_a_broken_pattern_is_a_problem(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    (root / ".reconcilerignore").write_text("[z-a]\n")
    assert codes(load(root)) == ["ignore-pattern"]
    (root / ".reconcilerignore").write_bytes(b"\xff\n")
    assert codes(load(root)) == ["file-unreadable"]


def test_a_kubernetes_volume_is_read_through_its_links(tmp_path: Path) -> None:
    good_tree(tmp_path / "..2026_11_23")
    os.symlink("..2026_11_23", tmp_path / "..data")
    for path in (tmp_path / "..2026_11_23").iterdir():
        os.symlink(f"..data/{path.name}", tmp_path / path.name)
    loaded = load(tmp_path)
    assert loaded.problems == ()
    assert loaded.files == 5


def test_a_link_out_of_the_tree_is_refused_and_not_read(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    write(tmp_path / "outside", secret="apiVersion: reconciler/v1\n")
    os.symlink(tmp_path / "outside" / "secret.yaml", root / "secret.yaml")
    os.symlink(tmp_path / "outside", root / "folder")
    os.symlink("/etc/passwd", root / "notes.txt")
    loaded = load(root)
    assert codes(loaded) == ["outside-tree", "outside-tree"]
    assert {problem.place.file for problem in loaded.problems} == {"folder", "secret.yaml"}
    assert loaded.files == 5


def test_a_link_to_the_folder_above_ends(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    (root / "sub").mkdir()
    os.symlink("..", root / "sub" / "loop")
    assert load(root).problems == ()


def test_a_dangling_link_is_a_problem(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    os.symlink("nowhere.yaml", root / "gone.yaml")
    assert codes(load(root)) == ["file-unreadable"]


def test_a_fifo_is_not_waited_for(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    os.mkfifo(root / "pipe.yaml")
    assert codes(load(root)) == ["file-unreadable"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_may_not_be_read_is_a_problem(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    (root / "orders.yaml").chmod(0)
    (root / "locked").mkdir(mode=0)
    assert codes(load(root)) == ["file-unreadable", "file-unreadable"]
    root.chmod(0)
    with pytest.raises(SpecTreeUnreadable):
        load(root)
    root.chmod(0o700)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    with (root / "huge.yaml").open("wb") as file:
        file.truncate(FILE_BYTES_MAX + 1)
    assert codes(load(root)) == ["file-too-large"]


def test_a_huge_tree_is_read_to_its_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = good_tree(tmp_path / "specs")
    monkeypatch.setattr(tree_module, "FILES_MAX", 4)
    loaded = load(root)
    assert codes(loaded)[-1] == "tree-too-large"
    assert not loaded.desired.clean, "what was not read does not count as removed"


def test_a_tree_of_a_hundred_thousand_objects_is_refused_and_all_goes_on_as_before(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    before = load(root)
    tier = "apiVersion: reconciler/v1\nkind: Tier\nmetadata: {{name: tier-{}}}\nspec: {{}}\n---\n"
    for number in range(100):
        (root / f"generated-{number}.yaml").write_text("".join(tier.format(1_000 * number + each) for each in range(1_000)))
    loaded = load(root, last_good=kept(before))
    assert codes(loaded) == ["tree-too-large"]
    assert loaded.problems[0].message == "the tree holds more than 50,000 objects; none of them is read"
    assert not loaded.desired.clean
    assert (loaded.removed, loaded.desired.realm) == ((), before.desired.realm)
    assert [s.name for s in loaded.desired.systems] == [s.name for s in before.desired.systems]


def test_folders_nested_without_end_are_a_problem(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    deep = root
    for _ in range(40):
        deep = deep / "d"
        deep.mkdir()
    assert codes(load(root)) == ["tree-too-large"]


def test_a_name_that_would_steer_a_terminal_is_refused_and_shown_harmless(tmp_path: Path) -> None:
    root = good_tree(tmp_path / "specs")
    (root / "a\x1b[31m.yaml").write_text("x")
    with open(os.fsencode(root) + b"/b\xff.yaml", "w") as file:
        file.write("x")
    loaded = load(root)
    assert codes(loaded) == ["file-name", "file-name"]
    assert all(problem.place.file.isprintable() for problem in loaded.problems)
