"""`reconcile copy` as it is typed."""

from __future__ import annotations

import json

import pytest

from reconciler.cli.exits import ExitCode
from reconciler.cli.main import run
from tests.fakes.houses import BASE, WholeHouse, quick_folder

OFFSITE = """\
---
apiVersion: reconciler/v1
kind: Repository
metadata: {name: offsite}
spec: {url: ../offsite, key: {file: ../keys/offsite.key}}
"""


def test_copies_by_hand_are_planned_made_and_found_there(capsys: pytest.CaptureFixture[str]) -> None:
    with quick_folder() as folder:
        house = WholeHouse(folder)
        house.write("base.yaml", BASE + OFFSITE)
        words = ["--specs", str(folder / "specs"), "--state", str(house.state), "--host", "shop1"]
        assert run([*words, "--init"]) == ExitCode.DONE
        assert run([*words, "copy", "--to", "offsite"]) == ExitCode.USAGE
        assert run([*words, "copy", "orders", "--all", "--to", "offsite"]) == ExitCode.USAGE
        capsys.readouterr()
        assert run([*words, "copy", "orders", "--to", "offsite", "--dry-run"]) == ExitCode.DONE
        assert "from main to offsite" in capsys.readouterr().out
        assert list((folder / "offsite" / "snapshots").iterdir()) == []
        assert run([*words, "-o", "json", "copy", "--all", "--to", "offsite"]) == ExitCode.DONE
        (result,) = json.loads(capsys.readouterr().out)["results"]
        assert (result["outcome"], result["action"]["origin"], result["files"]) == ("succeeded", "main", 1)
        assert run([*words, "copy", "--all", "--to", "offsite"]) == ExitCode.DONE
        assert "1 unchanged" in capsys.readouterr().out
