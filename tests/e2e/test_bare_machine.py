"""Machine A burns: what is left is the repository and a sheet of paper. On machine B everything comes back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from e2e_world import Ended, World, describe, fill, finish, launch

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def kit_of(text: str, paper: Path) -> list[str]:
    """Do by hand what the printed sheet says: the file with the passphrase, and the words of the command to type."""
    lines = text.splitlines()
    at = lines.index("passphrase")
    paper.write_text(lines[at + 1].strip() + lines[at + 2].strip() + "\n")
    paper.chmod(0o600)
    typed = next(line.strip() for line in lines if line.strip().startswith("reconcile restore"))
    return typed.replace("kit.txt", str(paper)).split()[1:]


def test_a_burnt_machine_comes_back_from_the_repository_and_the_printed_kit(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.records = "{}"
    other = world.folder / "letters"
    other.mkdir()
    fill(world.source, small=30, large_bytes=2_000_000)
    fill(other, small=10, large_bytes=1000)
    world.declare(orders=world.source, letters=other)
    world.good("--init")
    (other / "later.txt").write_text("written later")
    world.good("backup", "create")
    expected = {path: describe(path) for path in (world.source, other)}
    specs = describe(world.specs)
    events = json.loads(world.good("-o", "json", "events").out)["events"]
    paper = tmp_path / "kit.txt"
    words = kit_of(world.good("repository", "key", "kit", "main").out, paper)

    for gone in (world.source, other, world.specs, world.state, world.key.parent):
        shutil.rmtree(gone)
    home = tmp_path / "home"
    home.mkdir()
    for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.chdir(home)

    def bare(*more: object) -> Ended:
        ended = finish(launch(*words, *more))
        assert ended.code == 0, ended.text
        return ended

    inside = json.loads(finish(launch("-o", "json", *words)).out)["inside"]["systems"]
    names = [each["system"] for each in inside]
    assert names[:2] == ["letters", "orders"]
    assert names[2].startswith("reconciler.")
    assert all(each["newest_good"]["bytes"] > 0 and each["host"] for each in inside)
    assert "letters" in bare().out
    assert list(home.iterdir()) == [], "looking leaves no trace"

    said = bare("--specs-to", world.specs, "--state-to", world.state)
    assert f"--specs {world.specs} --state {world.state} --dry-run" in said.out
    assert describe(world.specs) == specs
    bare("--all", "--target", tmp_path / "back")
    for path, content in expected.items():
        back = tmp_path / "back" / str(path).lstrip("/")
        assert describe(back) == content
        shutil.copytree(back, path, symlinks=True)

    world.key.parent.mkdir()
    refused = finish(launch(*words, "--specs-to", world.specs))
    assert refused.code == 6, "what is there is never written over"

    # The kit also opens the repository for the loop until a new key is made.
    base = (world.specs / "base.yaml").read_text()
    (world.specs / "base.yaml").write_text(base.replace(f"{{file: {world.key}}}", f"{{file: {paper}, kind: passphrase}}"))
    plan = json.loads(world.good("-o", "json", "--dry-run").out)
    assert plan["gaps"] == []
    assert plan["orphans"] == {}
    assert not [action for action in plan["actions"] if action["backup_kind"] == "full"], "nothing begins anew"
    known = json.loads(world.good("-o", "json", "events").out)["events"]
    happened = [event for event in events if event["name"] in {"orders", "letters"}]
    assert len(happened) >= 3
    assert all(event in known for event in happened), "the record of what happened is back"
    world.good()
    assert {s["system"] for s in json.loads(world.good("-o", "json", "snapshots").out)["snapshots"]} == set(names)


def test_without_records_the_declarations_of_the_snapshots_come_back(world: World, tmp_path: Path) -> None:
    fill(world.source, small=5, large_bytes=1000)
    world.declare()
    world.good("--init")
    words = ("restore", "--repository", world.repository, "--key", world.key)
    ended = finish(launch(*words, "--specs-to", tmp_path / "specs"))
    assert ended.code == 0, ended.text
    (path,) = (tmp_path / "specs").iterdir()
    assert [source["path"] for source in json.loads(path.read_text())["sources"]] == [str(world.source)]
    ended = finish(launch(*words, "--state-to", tmp_path / "state"))
    assert ended.code == 1
    assert "restore-no-snapshot" in ended.text
