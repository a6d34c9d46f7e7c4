"""--dry-run is to stop after the plan: not even a timestamp changes."""

from __future__ import annotations

import pytest
from e2e_world import World, fill, traces

pytestmark = pytest.mark.slow


@pytest.mark.timeout(300)
def test_a_dry_run_touches_nothing_before_and_after_the_first_backup(world: World, report: list[str]) -> None:
    fill(world.source, small=40)
    world.declare()
    before = traces(world.folder)
    first = world.run("--dry-run")
    assert first.code == 1, "the repository does not exist, so it could not be observed"
    assert not world.state.exists()
    assert traces(world.folder) == before

    world.good("repository", "init", "main")
    before = traces(world.folder)
    planned = world.good("--dry-run")
    assert "orders" in planned.out
    assert world.run("--dry-run", "--detailed-exitcode").code == 2
    assert traces(world.folder) == before

    world.good()
    assert world.run("--dry-run", "--detailed-exitcode").code == 2, "the first snapshot is not verified yet"
    world.good()
    before = traces(world.folder)
    world.good("--dry-run")
    world.good("--dry-run", "--detailed-exitcode")
    world.good("-o", "json", "--dry-run")
    world.good("-o", "markdown", "--dry-run")
    world.good("--dry-run", "--cached")
    after = traces(world.folder)
    report.append(f"9 dry runs, {len(after)} entries compared by inode, mode, size, mtime and ctime: no difference")
    assert after == before


@pytest.mark.timeout(300)
def test_reading_commands_touch_neither_repository_nor_source(world: World) -> None:
    fill(world.source, small=20)
    world.declare()
    world.good("--init")
    before = traces(world.repository, world.source, world.specs)
    for words in (["status"], ["snapshots"], ["explain", "orders"], ["validate"], ["config", "show"], ["events"], ["repository", "list"]):
        world.good(*words)
    assert traces(world.repository, world.source, world.specs) == before
