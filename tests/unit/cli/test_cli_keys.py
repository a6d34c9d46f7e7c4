"""`reconcile repository key …` as typed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from reconciler.cli.main import run
from tests.fakes.houses import WholeHouse

REFUSED, USAGE = 6, 64


def typed(capsys: pytest.CaptureFixture[str], house: WholeHouse, *words: str) -> tuple[int, str, str]:
    capsys.readouterr()
    code = run(["--specs", str(house.folder / "specs"), "--state", str(house.state), "--host", "shop1", "--log-level", "error", *words])
    out, err = capsys.readouterr()
    return code, out, err


def test_the_printed_kit_can_be_typed_in_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    house = WholeHouse(tmp_path)
    house.one_pass(init=True)
    code, out, _ = typed(capsys, house, "repository", "key", "kit", "main")
    assert code == 0
    lines = out.splitlines()
    at = lines.index("passphrase")
    paper = tmp_path / "kit.txt"
    paper.write_text(lines[at + 1].strip() + lines[at + 2].strip() + "\n")
    paper.chmod(0o600)
    command = next(line.strip() for line in lines if line.strip().startswith("reconcile restore"))
    words = command.replace("kit.txt", str(paper)).split()[1:]
    code, out, _ = typed(capsys, house, "-o", "json", *words)
    assert code == 0
    assert [each["system"] for each in json.loads(out)["inside"]["systems"]] == ["orders"]


def test_keys_are_listed_added_and_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    house = WholeHouse(tmp_path)
    house.one_pass(init=True)
    assert typed(capsys, house, "repository", "key", "add", "main", "--key", str(tmp_path / "second.key"))[0] == 0
    code, out, _ = typed(capsys, house, "repository", "key", "list", "main")
    assert code == 0
    assert out.count("raw") == 2
    slots = json.loads(typed(capsys, house, "-o", "json", "repository", "key", "list", "main")[1])["keys"]["slots"]
    other, ours = (next(slot["id"] for slot in slots if slot["used"] is used) for used in (False, True))
    code, _, err = typed(capsys, house, "repository", "key", "remove", "main", ours)
    assert (code, "repository-slot-in-use" in err) == (REFUSED, True)
    code, out, _ = typed(capsys, house, "repository", "key", "remove", "main", other[:10])
    assert (code, other[:8] in out) == (0, True)
    assert [path.name for path in (house.repository / "keys").iterdir()] == [ours]
    code, out, _ = typed(capsys, house, "repository", "key", "rotate", "main")
    assert (code, "main.key opens repository main" in out) == (0, True)
    assert ours not in os.listdir(house.repository / "keys")


def test_a_kind_of_key_that_there_is_not_is_a_usage_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    house = WholeHouse(tmp_path)
    assert typed(capsys, house, "repository", "key", "add", "main", "--key", "k", "--key-kind", "magic")[0] == USAGE
