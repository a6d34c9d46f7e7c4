"""Repositories that earlier versions wrote: both readers restore from them what was stored then, and refuse what is hostile."""

from __future__ import annotations

import json
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from reconciler.base.secret import Secret
from reconciler.repository import Repository
from reconciler.repository.store import LocalStore
from reconciler.tree.write import Target
from tests.format.build_golden import described
from tests.format.reader import Reader

HOME = Path(__file__).parents[1] / "fixtures" / "repositories"
GOLDEN = sorted(path.name for path in HOME.iterdir() if not path.name.endswith("-hostile"))
HOSTILE = sorted(path.name for path in HOME.iterdir() if path.name.endswith("-hostile"))
CASES = [(name, snapshot) for name in HOSTILE for snapshot in json.loads((HOME / name / "expected.json").read_text())["snapshots"]]


def unpacked(name: str, place: Path) -> tuple[Path, bytes, dict[str, Any]]:
    """A copy with the empty folders that git does not keep: (repository, key, what is in it)."""
    shutil.copytree(HOME / name / "repository", place)
    LocalStore(str(place)).prepare()
    return place, (HOME / name / "key").read_bytes(), json.loads((HOME / name / "expected.json").read_text())


def restored_by_program(repository: Repository, snapshot: str, target: Path) -> list[bytes]:
    with Target.open(str(target)) as opened:
        return [path for path, _ in repository.restore(snapshot, opened).failures]


@pytest.mark.parametrize("name", GOLDEN)
def test_both_readers_restore_a_golden_repository(name: str, tmp_path: Path) -> None:
    place, key, expected = unpacked(name, tmp_path / "repository")
    program, second = Repository.open(str(place), Secret(key)), Reader(place, key)
    assert len(expected["snapshots"]) == 4
    assert {root.id for root in program.listing().roots} == set(expected["snapshots"])
    assert program.listing().complete
    for snapshot, tree in expected["snapshots"].items():
        assert restored_by_program(program, snapshot, tmp_path / f"program {snapshot}") == []
        assert second.restore(snapshot, tmp_path / f"reader {snapshot}") == {}
        for reader in ("program", "reader"):
            inside = tmp_path / f"{reader} {snapshot}" / expected["source"].lstrip("/")
            assert described(inside) == tree, reader
        assert program.verify(snapshot).intact


@pytest.mark.parametrize("name", GOLDEN)
def test_the_passphrase_of_a_golden_repository_opens_it(name: str, tmp_path: Path) -> None:
    place, _, expected = unpacked(name, tmp_path / "repository")
    words = expected["passphrase"].encode()
    snapshots = set(expected["snapshots"])
    assert {root.id for root in Repository.open(str(place), Secret(words), kind="passphrase").listing().roots} == snapshots
    assert {name.removeprefix("snapshots/") for name in Reader(place, words, "passphrase").names("snapshots")} == snapshots


@pytest.mark.parametrize("name", GOLDEN)
def test_a_golden_repository_takes_new_snapshots(name: str, tmp_path: Path) -> None:
    from tests.unit.repository.conftest import Bench

    place, key, expected = unpacked(name, tmp_path / "repository")
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "letter").write_bytes(b"new words in an old book")
    taken = Bench(tmp_path / "source", place).take(kind="full").root
    assert taken is not None
    assert Reader(place, key).restore(taken.id, tmp_path / "out") == {}
    assert {root.id for root in Repository.open(str(place), Secret(key)).listing().roots} == {taken.id, *expected["snapshots"]}


@pytest.mark.parametrize(("name", "snapshot"), CASES)
def test_an_entry_that_means_harm_is_refused_by_both_readers_and_the_one_beside_it_restored(
    name: str, snapshot: str, tmp_path: Path
) -> None:
    place, key, expected = unpacked(name, tmp_path / "repository")
    case = expected["snapshots"][snapshot]
    refused = {bytes.fromhex(path) for path in case["refused"]}
    for reader in ("program", "reader"):
        (tmp_path / reader).mkdir()
        target = tmp_path / reader / "target"
        if reader == "program":
            failures = set(restored_by_program(Repository.open(str(place), Secret(key)), snapshot, target))
        else:
            failures = set(Reader(place, key).restore(snapshot, target))
        assert failures == refused, (reader, case["about"])
        assert (target / "!good").read_bytes() == b"good"
        assert os.listdir(tmp_path / reader) == ["target"]
        assert not Path("/tmp/escaped").exists()
        escaped = [path for path in target.rglob("*") if path.name == "escaped" and stat.S_ISLNK(path.parent.lstat().st_mode)]
        assert escaped == []
