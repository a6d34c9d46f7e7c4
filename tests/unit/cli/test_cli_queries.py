"""files, diff, find and dump as typed, and their screens."""

from __future__ import annotations

import io
import json
import shlex
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import cli_samples as samples
import pytest

from reconciler.app.choice import Chosen
from reconciler.app.queries.values import FileChange, FileEntry, FileHistory, FileVersion, FindReport, Sighting, Tally
from reconciler.cli.main import run
from reconciler.cli.render.diff import diff_lines, diff_summary
from reconciler.cli.render.files import choice_page, file_lines
from reconciler.cli.render.versions import find_page
from tests.unit.cli.test_cli_commands import World, backed_up, world

__all__ = ["backed_up", "world"]

Golden = Callable[[str, str], None]
MODIFIED = 1_795_435_200_000_000_000  # 2026-11-23 12:00:00 UTC


def entry(path: str, kind: str = "file", mode: int = 0o100644, size: int = 1234, **more: object) -> FileEntry:
    known = {"mtime_ns": MODIFIED, "uid": 0, "gid": 1000, "user": "root", "group": "", "link": None, "sha256": None, "readable": True}
    return FileEntry(path, kind, mode, size, **(known | more))  # type: ignore[arg-type]


def changes() -> list[FileChange]:
    old, new = entry("/srv/a.txt"), entry("/srv/a.txt", size=99_000, mtime_ns=MODIFIED + 3600 * 10**9)
    return [
        FileChange("/srv/a.txt", "changed", ("content", "mtime"), old, new),
        FileChange("/srv/gone\n", "removed", (), entry("/srv/gone\n", size=7), None),
        FileChange("/srv/link", "changed", ("link",), entry("/srv/link", "link", link="a"), entry("/srv/link", "link", link="b")),
        FileChange("/srv/lock", "changed", ("unread",), entry("/srv/lock"), entry("/srv/lock", readable=False)),
        FileChange("/srv/new", "added", (), None, entry("/srv/new", "folder", 0o40755, 0)),
        FileChange("/srv/run", "metadata", ("mode", "owner"), entry("/srv/run"), entry("/srv/run", mode=0o100755, uid=33)),
        FileChange("/srv/turned", "changed", ("type",), entry("/srv/turned"), entry("/srv/turned", "folder", 0o40755, 0)),
    ]


def version(number: int, what: str, ended: str = "changed", *, good: bool = True, held: bool = True) -> FileVersion:
    first, last = (Sighting(samples.identity(n), samples.NOW - timedelta(days=40 - n)) for n in (number, number + 4))
    until = Sighting(samples.identity(number + 5), last.as_of + samples.HOUR) if ended else None
    words = ("restore", "--snapshot", last.id, "--path", "/srv/it's mine.txt", "--target", "restored")
    return FileVersion(
        entry("/srv/it's mine.txt", size=number * 1000), (what,), None, first, last, 5, ended, until, last if held else None, good, words
    )


def test_entries_are_lines_of_their_own(golden: Golden) -> None:
    entries = [
        entry("/srv", "folder", 0o40755, 0, mtime_ns=None),
        entry("/srv/a.txt", group="staff"),
        entry("/srv/link\x1b[2J", "link", 0o120777, 0, link="a\nb"),
        entry("/srv/lost", readable=False),
        entry("/srv/when", mtime_ns=-(2**63) * 1000),
    ]
    golden("files.txt", "".join(file_lines(entries)))


def test_the_choice_is_explained_with_the_moment_that_was_asked_for(golden: Golden) -> None:
    snapshot = samples.snapshots()[0]
    chosen = Chosen(snapshot, "snapshot 0000000a: the newest good one", ("repository offsite: cannot be reached",), samples.NOW)
    golden("choice.txt", choice_page(chosen).render())


def test_differences_are_signed_and_counted(golden: Golden) -> None:
    tally = Tally()
    text = "".join(diff_lines(tally.along(changes())))
    older, newer = (SimpleNamespace(snapshot=snapshot) for snapshot in (samples.snapshots()[2], samples.snapshots()[0]))
    page = diff_summary(tally, SimpleNamespace(older=older, newer=newer))  # type: ignore[arg-type]
    golden("diff.txt", text + "\n" + page.render())


def test_versions_stand_with_the_command_that_brings_one_back(golden: Golden) -> None:
    versions = (version(1, "first"), version(7, "content", good=False), version(13, "mode", held=False), version(20, "back", "deleted"))
    one = FileHistory("quiet-otter-41", "orders", "/srv/it's mine.txt", versions)
    report = FindReport("*mine.txt", (one,), 40, ("repository offsite: cannot be reached",), ("ab12 in main: it is damaged",))
    golden("find.txt", find_page(report, ["reconcile", "--specs", "/etc/specs"]).render())


def test_files_as_typed(backed_up: World) -> None:
    typed = backed_up("files", "letters", "*.txt")
    assert typed.code == 0
    assert [line.split()[-1] for line in typed.out.splitlines()] == [
        str(backed_up.letters / "one.txt"),
        str(backed_up.letters / "old" / "two.txt"),
    ]
    assert "the newest good one" in typed.err
    body = json.loads(backed_up("files", "letters", "-o", "json").out)
    assert (body["kind"], body["chosen"]["snapshot"]["system"]) == ("files", "letters")
    one = next(each for each in body["files"] if each["path"].endswith("one.txt"))
    assert (one["type"], one["size"], len(one["sha256"])) == ("file", 11, 64)
    assert int(one["mode"], 8) == (backed_up.letters / "one.txt").stat().st_mode & 0o7777
    unknown = backed_up("files", "letters", "three.txt")
    assert (unknown.code, unknown.out) == (1, "")
    assert backed_up("files").code == 64
    assert backed_up("files", "letters", "--at", "latest", "--snapshot", "ab").code == 64


def test_diff_as_typed(backed_up: World) -> None:
    (backed_up.letters / "three.txt").write_text("new")
    assert backed_up("backup", "create", "letters").code == 0
    newer, older = (each["id"] for each in json.loads(backed_up("snapshots", "-o", "json").out)["snapshots"])
    typed = backed_up("diff", older, newer)
    assert f"+ {backed_up.letters / 'three.txt'}  3 B" in typed.out
    assert "added     1 entry, 3 B" in typed.out
    assert "+" not in backed_up("diff", "letters", older, "latest", "--summary").out.split("\n", 2)[2]
    body = json.loads(backed_up("diff", older, newer, "-o", "json").out)
    assert body["summary"]["added"] == 1
    assert "added" in {change["change"] for change in body["changes"]}
    empty = json.loads(backed_up("diff", newer, newer, "-o", "json").out)
    assert (empty["changes"], empty["summary"]["changed"]) == ([], 0)
    assert json.loads(backed_up("diff", older, newer, "-o", "json", "--summary").out)["changes"] == []
    for words in (("diff", older), ("diff", "a", "b", "c", "d"), ("diff", "zz", newer)):
        assert backed_up(*words).code == 64


def test_find_as_typed_and_its_command_restores(backed_up: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    typed = backed_up("find", "two.txt")
    assert typed.code == 0
    command = shlex.split(typed.out.split("restore the newest: ")[1].splitlines()[0])
    assert command[1:5] == ["--specs", str(backed_up.specs), "--state", str(backed_up.root / "state")]
    monkeypatch.chdir(tmp_path)
    assert run(command[1:]) == 0
    assert (tmp_path / "restored" / str(backed_up.letters).lstrip("/") / "old" / "two.txt").read_text() == "farewell"
    body = json.loads(backed_up("find", "two.txt", "letters", "-o", "json").out)
    (file,) = body["files"]
    assert (file["system"], file["versions"][0]["entry"]["size"]) == ("letters", 8)
    nothing = backed_up("find", "nothing.txt")
    assert nothing.code == 1
    assert "Nothing fits 'nothing.txt' in 1 snapshot." in nothing.out
    assert backed_up("find", "two.txt", "leters").code == 64


def test_dump_as_typed(backed_up: World) -> None:
    path = str(backed_up.letters / "one.txt")
    typed = backed_up("dump", "letters", path)
    assert (typed.code, typed.out) == (0, "dear reader")
    assert "the newest good one" in typed.err
    wrong = backed_up("dump", "letters", path + "x")
    assert (wrong.code, wrong.out) == (1, "")
    assert f"Did you mean {path}?" in wrong.err
    assert backed_up("dump", "letters", path, "-o", "json").code == 64
    assert backed_up("dump", "letters", str(backed_up.letters)).code == 64


def test_without_specs_each_of_them_works(backed_up: World) -> None:
    url = str(next(backed_up.root.rglob("header")).parent)
    (key,) = backed_up.root.rglob("*.key")
    bare = ("--repository", url, "--key", str(key))
    path = str(backed_up.letters / "one.txt")
    for each in backed_up.specs.iterdir():
        each.unlink()
    assert backed_up("dump", "letters", path, *bare).out == "dear reader"
    assert path in backed_up("files", "letters", *bare).out
    assert backed_up("diff", "letters", "latest", "latest", *bare).code == 0
    assert f"--repository {url} --key {key}" in backed_up("find", "one.txt", *bare).out
    assert backed_up("find", "one.txt", "--repository", url).code == 64


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("content", "shown"), [(b"\x00\x1b]0;", False), (b"caf\xe9 noir", False), ("größe\n".encode(), True), (b"", True)])
def test_what_is_no_text_reaches_a_terminal_only_by_force(
    backed_up: World, monkeypatch: pytest.MonkeyPatch, content: bytes, shown: bool
) -> None:
    (backed_up.letters / "file").write_bytes(content)
    assert backed_up("backup", "create", "letters").code == 0
    path = str(backed_up.letters / "file")
    for force, code in ((False, 0 if shown else 6), (True, 0)):
        raw = io.BytesIO()
        monkeypatch.setattr(sys, "stdout", Terminal(raw, write_through=True))
        words = ["--specs", str(backed_up.specs), "--state", str(backed_up.root / "state"), "dump", "letters", path]
        assert run([*words, "--force"] if force else words) == code
        assert raw.getvalue() == (content if shown or force else b"")
