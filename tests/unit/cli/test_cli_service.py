"""Units for service managers: what they run, and that foreign names cannot break out of them."""

from __future__ import annotations

import json
import plistlib
import shlex
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from reconciler.app.service import Service
from reconciler.cli.main import run
from reconciler.cli.render.service import Manager, render

TASK = "{http://schemas.microsoft.com/windows/2004/02/mit/task}"
AWKWARD = Service(
    name="reconciler",
    specs=Path('/srv/our & "specs" $HOME 100%'),
    state=Path("/var/lib/reconciler/1"),
    agent="shop1",
    program=("/opt/re conciler/bin/reconcile",),
    allow_commands=(),
    written=(Path("/srv/back up"), Path("/var/lib/reconciler/1")),
)


def test_each_manager_runs_the_same_command() -> None:
    expected = list(AWKWARD.command("--watch"))
    assert plistlib.loads(render(AWKWARD, Manager.LAUNCHD).encode())["ProgramArguments"] == expected
    task = ET.fromstring(render(AWKWARD, Manager.WINDOWS).partition("\n")[2])
    assert task.findtext(f".//{TASK}Command") == expected[0]
    assert '"/srv/our & \\"specs\\" $HOME 100%"' in (task.findtext(f".//{TASK}Arguments") or "")
    line = render(AWKWARD, Manager.CRON).splitlines()[-1]
    assert shlex.split(line.split(maxsplit=5)[5].replace("\\%", "%"))[3:-1] == list(AWKWARD.command("--log-level", "warning"))


def test_systemd_reads_back_the_words_of_the_command() -> None:
    (line,) = (row for row in render(AWKWARD, Manager.SYSTEMD).splitlines() if row.startswith("ExecStart="))
    assert line == (
        'ExecStart="/opt/re conciler/bin/reconcile" --specs "/srv/our & \\"specs\\" $$HOME 100%%" --state /var/lib/reconciler/1 '
        "--host shop1 --watch"
    )


def test_the_loop_may_write_where_it_must_and_nowhere_else() -> None:
    unit = render(AWKWARD, Manager.SYSTEMD)
    assert 'ReadWritePaths="-/srv/back up" /var/lib/reconciler/1' in unit
    assert "ProtectSystem=strict" in unit


def test_a_host_that_allows_commands_does_not_confine_them() -> None:
    from msgspec.structs import replace

    unit = render(replace(AWKWARD, allow_commands=(Path("/usr/local/lib/hooks"),)), Manager.SYSTEMD)
    assert "ProtectSystem" not in unit
    assert "--allow-commands /usr/local/lib/hooks" in unit


def test_the_folders_come_from_the_specs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    specs = tmp_path / "specs"
    specs.mkdir()
    (specs / "all.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: Repository\nmetadata: {name: main}\nspec: {url: ../store, key: {file: ../main.key}}\n---\n"
        "apiVersion: reconciler/v1\nkind: System\nmetadata: {name: shop}\n"
        "spec: {tier: low, repositories: [main], sources: [{sqlite: ../data/shop.db}, {path: ../data/files}]}\n"
    )
    assert run(["--specs", str(specs), "--state", str(tmp_path / "state"), "-o", "json", "service", "print", "systemd"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["service"]["written"] == [str(tmp_path / name) for name in ("data", "state", "store")]
    assert not (tmp_path / "state").exists()


def test_an_unknown_manager_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["service", "print", "upstart"]) == 64
    assert "there is no service manager 'upstart'" in capsys.readouterr().err
