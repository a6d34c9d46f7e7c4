"""The day of the recovery: what a person has lost must not be needed to get the rest back."""

from __future__ import annotations

import shutil

import pytest
from e2e_world import World, codes, describe, fill, finish, launch

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def _backed_up(world: World) -> dict[str, str]:
    fill(world.source, small=60, large_bytes=4_000_000)
    world.declare()
    world.good("--init")
    return describe(world.source)


def test_a_broken_spec_tree_still_restores(world: World) -> None:
    expected = _backed_up(world)
    for path in world.specs.glob("*.yaml"):
        path.write_text("kind: [System\n\t: %%% <<<<<<< ours")
    assert world.run("validate").code == 3
    target = world.folder / "restored" / "broken-tree"
    ended = world.run("restore", "orders", "--target", target)
    assert ended.code in {0, 3}, ended.text
    assert describe(target / str(world.source).lstrip("/")) == expected


def test_a_lost_state_directory_is_not_missed(world: World) -> None:
    expected = _backed_up(world)
    shutil.rmtree(world.state)
    assert world.restored("orders") == expected
    world.good("catalog", "rebuild")
    assert len(world.snapshots()) == 1


def test_the_repository_and_its_key_are_enough(world: World) -> None:
    expected = _backed_up(world)
    shutil.rmtree(world.state)
    shutil.rmtree(world.specs)
    target = world.folder / "restored" / "bare"
    ended = finish(launch("restore", "--repository", world.repository, "--key", world.key, "--target", target))
    assert ended.code == 0, ended.text
    assert describe(target / str(world.source).lstrip("/")) == expected


def test_a_wrong_key_and_a_missing_repository_say_so(world: World) -> None:
    _backed_up(world)
    other = world.folder / "keys" / "other.key"
    other.write_text("0f" * 32)
    other.chmod(0o600)
    wrong = finish(launch("restore", "--repository", world.repository, "--key", other, "--target", world.folder / "x"))
    assert wrong.code == 1
    assert len(codes(wrong.text)) == 1
    assert "hint:" in wrong.text
    missing = finish(launch("restore", "--repository", world.folder / "nowhere", "--key", world.key, "--target", world.folder / "y"))
    assert missing.code == 1
    assert len(codes(missing.text)) == 1
    assert not (world.folder / "x").exists()


def test_a_source_that_is_suddenly_empty_is_an_alarm_and_not_a_backup(world: World) -> None:
    expected = _backed_up(world)
    shutil.move(world.source, world.folder / "moved")
    world.source.mkdir()
    ended = world.run("backup", "create", "orders")
    assert ended.code == 1
    assert len(codes(ended.text)) >= 1
    assert world.restored("orders") == expected


def test_one_system_that_fails_does_not_stop_the_others(world: World) -> None:
    _backed_up(world)
    good = world.folder / "good-source"
    good.mkdir()
    (good / "file.txt").write_text("still backed up")
    world.declare(orders=world.source, absent=world.folder / "absent", letters=good)
    ended = world.run()
    assert ended.code == 1
    assert {system for system, _ in world.snapshot_table()} == {"orders", "letters"}
