"""`--at` as typed: the choice, its moment with its offset, and what there is when nothing is as old."""

from __future__ import annotations

from tests.unit.cli.test_cli_commands import World, backed_up, world

__all__ = ["backed_up", "world"]


def test_a_moment_is_echoed_and_explained(backed_up: World) -> None:
    target = str(backed_up.root / "target")
    typed = backed_up("restore", "letters", "--target", target, "--at", "0 seconds ago", "--dry-run")
    assert typed.code == 0
    assert "wanted" in typed.out
    assert "the newest good one not after" in typed.out
    assert "wanted" not in backed_up("restore", "letters", "--target", target, "--at", "latest", "--dry-run").out


def test_before_the_first_snapshot_the_range_is_shown(backed_up: World) -> None:
    typed = backed_up("restore", "letters", "--target", "t", "--at", "2 days ago")
    assert typed.code == 1
    assert "no snapshot is as old as" in typed.err
    assert "the oldest is" in typed.err


def test_the_last_verified_one_needs_a_proof(backed_up: World) -> None:
    target = str(backed_up.root / "target")
    assert "was ever verified" in backed_up("restore", "letters", "--target", target, "--at", "last-verified").err
    assert backed_up("verify", "letters", "--deep").code == 0
    assert backed_up("restore", "letters", "--target", target, "--at", "last-verified").code in {0, 7}
