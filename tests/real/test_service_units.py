"""The printed systemd unit before the real checker of systemd."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from reconciler.cli.main import run
from tests.real.conftest import find

pytestmark = pytest.mark.real

TREE = """\
apiVersion: reconciler/v1
kind: Repository
metadata: {name: main}
spec: {url: "../the 100% store", key: {file: ../main.key}}
---
apiVersion: reconciler/v1
kind: System
metadata: {name: shop}
spec:
  tier: low
  repositories: [main]
  sources: [{sqlite: ../data/shop.db}]
"""


@pytest.mark.parametrize("more", [(), ("--allow-commands", "/usr/local/lib/hooks:/opt/a b")])
def test_systemd_accepts_the_unit(tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...]) -> None:
    """Names with blanks, quotes, percent and dollar signs included: each would mean something to systemd."""
    analyze = find("systemd-analyze", "systemd")
    specs = tmp_path / 'our $specs "100%"'
    specs.mkdir()
    (specs / "all.yaml").write_text(TREE)
    assert run(["--specs", str(specs), "--state", str(tmp_path / "state"), *more, "service", "print", "systemd"]) == 0
    unit = tmp_path / "reconciler.service"
    unit.write_text(capsys.readouterr().out)
    checked = subprocess.run([analyze, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr.strip()) == (0, "")


def test_the_checker_refuses_what_is_wrong(tmp_path: Path) -> None:
    """The control: a unit that cannot work is not accepted."""
    analyze = find("systemd-analyze", "systemd")
    unit = tmp_path / "reconciler.service"
    unit.write_text("[Service]\nType=notify\nExecStart=relative/program\nNoSuchKey=1\n")
    checked = subprocess.run([analyze, "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False)
    assert checked.returncode != 0
