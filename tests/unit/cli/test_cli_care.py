"""`reconcile check` and `reconcile repair` as typed, on a repository that somebody damaged."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path

import pytest

from reconciler.cli.main import run
from tests.fakes.houses import BASE, WholeHouse

DONE, REFUSED, DAMAGE = 0, 6, 8

SECOND = """\
---
apiVersion: reconciler/v1
kind: Repository
metadata: {name: spare}
spec: {url: ../spare, key: {file: ../keys/spare.key}}
"""


class Desk:
    """A house, and what is typed in it."""

    def __init__(self, house: WholeHouse, capsys: pytest.CaptureFixture[str]) -> None:
        self.house = house
        self._capsys = capsys

    def __call__(self, *words: str) -> tuple[int, str]:
        self._capsys.readouterr()
        place = ["--specs", str(self.house.folder / "specs"), "--state", str(self.house.state), "--host", "shop1", "--log-level", "error"]
        code = run([*place, *words])
        out, err = self._capsys.readouterr()
        assert "Traceback" not in out + err
        return code, out + err

    def damage(self) -> Path:
        """Flip the middle byte of the largest pack: it is content of the large file."""
        pack = max((path for path in (self.house.repository / "packs").rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
        data = bytearray(pack.read_bytes())
        data[len(data) // 2] ^= 1
        pack.chmod(0o600)
        pack.write_bytes(data)
        return pack


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    house = WholeHouse(tmp_path)
    (house.source / "large").write_bytes(os.urandom(300_000))
    house.one_pass(init=True)
    return Desk(house, capsys)


def test_a_sound_repository_is_said_to_be_sound_and_nothing_is_touched(desk: Desk) -> None:
    before = desk.house.traces()
    code, text = desk("check", "main")
    assert (code, "Sound" in text) == (DONE, True)
    code, text = desk("check", "--deep", "main")
    assert (code, "decrypted and hashed" in text) == (DONE, True)
    code, text = desk("repair", "main")
    assert (code, "Nothing to repair" in text) == (DONE, True)
    assert desk.house.traces() == before


def test_damage_is_named_with_its_files_planned_and_put_right_as_far_as_it_can_be(desk: Desk) -> None:
    pack = desk.damage()
    before = desk.house.traces()
    code, text = desk("check", "--deep", "main")
    assert code == DAMAGE
    assert pack.name in text
    assert str(desk.house.source / "large") in text
    assert desk("check", "main")[0] == DONE  # a quick look reads no content
    code, text = desk("repair", "--deep", "main")
    assert code == DAMAGE
    assert desk.house.traces() == before
    digest = re.search(r"--apply ([0-9a-f]+)", text)
    assert digest is not None
    assert desk("repair", "--deep", "main", "--apply", "0123456789abcdef")[0] == REFUSED
    code, text = desk("repair", "--deep", "main", "--apply", digest[1])
    assert (code, "Still lost here" in text) == (DAMAGE, True)
    assert (desk.house.repository / "quarantine").is_dir()
    assert desk("backup", "create", "orders", "--kind", "full")[0] == DONE
    assert desk("check", "--deep", "main")[0] == DONE
    assert '"verb":"repair"' in (desk.house.state / "audit.jsonl").read_text().replace(": ", ":")


def test_what_is_lost_here_comes_back_from_another_declared_repository(desk: Desk) -> None:
    house = desk.house
    house.write("base.yaml", BASE + SECOND)
    policy = (house.folder / "specs" / "policy.yaml").read_text()
    house.write("policy.yaml", policy.replace("[main]", "[spare, main]"))
    assert desk("repository", "init", "spare")[0] == DONE
    assert desk("backup", "create", "orders", "--kind", "full")[0] == DONE
    assert any((house.folder / "spare" / "snapshots").iterdir())
    desk.damage()
    shutil.rmtree(house.source)
    house.source.mkdir()
    plan = json.loads(desk("-o", "json", "repair", "--deep", "main")[1])["repair"]["plan"]
    code, text = desk("repair", "--deep", "main", "--apply", plan["digest"])
    assert (code, "Whole again" in text) == (DONE, True)
    assert desk("check", "--deep", "main")[0] == DONE


def test_a_repository_that_is_not_declared_is_one_sentence(desk: Desk) -> None:
    for words in (["check", "cellar"], ["repair", "cellar"], ["repair", "cellar", "--apply", "12"]):
        assert "no repository 'cellar' is declared" in desk(*words)[1]
