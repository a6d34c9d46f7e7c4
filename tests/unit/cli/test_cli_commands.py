"""The commands as typed, on a small real world: specs, files, a repository, all in one temporary folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from reconciler.cli.main import run

TREE = """\
apiVersion: reconciler/v1
kind: Settings
metadata: {name: settings}
spec: {realm: test-otter-1, records: {repositories: []}}
---
apiVersion: reconciler/v1
kind: Repository
metadata: {name: main}
spec: {url: ../store/main, key: {file: ../store/main.key}}
---
apiVersion: reconciler/v1
kind: BackupPolicy
metadata: {name: standard}
spec: {repositories: [main]}
---
apiVersion: reconciler/v1
kind: System
metadata: {name: letters}
spec: {tier: low, policy: standard, sources: [{path: ../letters}]}
"""


class Typed(Struct, frozen=True):
    """What one command line gave."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class World:
    """A folder with specs, files and a state directory; call it with the words of a command."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root = root
        self.letters = root / "letters"
        self.specs = root / "specs"
        self._capsys = capsys

    def __call__(self, *words: str) -> Typed:
        self._capsys.readouterr()
        code = run(["--specs", str(self.specs), "--state", str(self.root / "state"), "--log-level", "error", *words])
        out, err = self._capsys.readouterr()
        assert "Traceback" not in out + err
        return Typed(code, out, err)


@pytest.fixture
def world(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("RECONCILER_HOST", "desk")
    made = World(tmp_path, capsys)
    for folder in (made.letters / "old", made.specs):
        folder.mkdir(parents=True)
    (made.letters / "one.txt").write_text("dear reader")
    (made.letters / "old" / "two.txt").write_text("farewell")
    (made.specs / "tree.yaml").write_text(TREE)
    return made


@pytest.fixture
def backed_up(world: World) -> World:
    assert world("--init").code == 0
    return world


def _everything(root: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_mtime_ns, path.stat().st_size) for path in root.rglob("*")}


def test_a_dry_run_shows_the_plan_and_changes_nothing(backed_up: World) -> None:
    (backed_up.letters / "three.txt").write_text("new")
    before = _everything(backed_up.root)
    for words in (["--dry-run"], ["--dry-run", "--cached"], ["status"], ["snapshots"], ["explain", "letters"], ["events"], ["validate"]):
        assert backed_up(*words).code == 0
    assert backed_up("backup", "create", "--dry-run").code == 0
    assert backed_up("--dry-run", "backup", "create", "letters").out.count("back up to main") == 1
    assert backed_up("restore", "letters", "--target", str(backed_up.root / "new"), "--dry-run").code == 0
    assert _everything(backed_up.root) == before


def test_the_dry_run_of_a_fresh_tree_makes_no_state_directory(world: World) -> None:
    before = _everything(world.root)
    typed = world("--dry-run")
    assert typed.code == 1  # the repository does not exist: what it holds is not known
    assert "reconcile repository init main" in typed.out
    assert _everything(world.root) == before


def test_detailed_exit_codes_tell_changes_from_none(backed_up: World) -> None:
    backed_up()  # whatever a pass finds to do after the first backup
    assert backed_up("--dry-run", "--detailed-exitcode").code == 0
    (backed_up.specs / "more.yaml").write_text(TREE.split("---\n")[3].replace("letters", "specs", 1).replace("../letters", "."))
    typed = backed_up("--dry-run", "--detailed-exitcode", "-o", "json")
    assert (typed.code, typed.json["summary"]["backup"]) == (2, 1)
    assert backed_up("--dry-run").code == 0


def test_init_says_that_the_key_must_be_kept(world: World) -> None:
    typed = world("--init")
    assert typed.code == 0
    assert "keep a second copy" in typed.out
    assert (world.root / "store" / "main.key").stat().st_mode & 0o077 == 0


def test_a_repository_is_made_once(world: World) -> None:
    assert world("repository", "init", "main").code == 0
    again = world("repository", "init", "main")
    assert again.code != 0
    assert "there is a repository" in again.err
    assert "main" in world("repository", "list").out
    assert world("repository", "list", "-o", "json").json["repositories"][0]["status"]["reachable"] is True


def test_backup_restore_and_the_files_are_the_same(backed_up: World) -> None:
    target = backed_up.root / "out"
    typed = backed_up("restore", "letters", "--target", str(target))
    assert typed.code == 0
    assert "Restored: 2 files" in typed.out
    below = target / str(backed_up.letters).lstrip("/")
    assert (below / "old" / "two.txt").read_text() == "farewell"
    again = backed_up("restore", "letters", "--target", str(target))
    assert again.code == 0
    assert "Nothing to do" in again.out
    (below / "one.txt").write_text("mine")
    refused = backed_up("restore", "letters", "--target", str(target))
    assert refused.code == 6
    assert "error[restore-conflicts]" in refused.err
    assert (below / "one.txt").read_text() == "mine"


def test_restore_with_nothing_but_the_repository_and_its_key(backed_up: World) -> None:
    (backed_up.specs / "tree.yaml").unlink()
    bare = ["--repository", str(backed_up.root / "store" / "main"), "--key", str(backed_up.root / "store" / "main.key")]
    assert "letters" in backed_up("snapshots", *bare).out
    typed = backed_up("restore", *bare, "--path", "one.txt", "--target", str(backed_up.root / "out"), "-o", "json")
    assert (typed.code, typed.json["report"]["files"]) == (0, 1)


def test_the_words_that_people_know_do_the_same(backed_up: World) -> None:
    identity = backed_up("snapshots", "-o", "json").json["snapshots"][0]["id"]
    assert backed_up("config", "validate").out == backed_up("validate").out
    assert backed_up("monitor", "status").out.splitlines()[0] == backed_up("status").out.splitlines()[0]
    assert backed_up("scheduler", "status").code == 0
    assert "backed up, full" in backed_up("backup", "create", "--type", "full").out
    assert backed_up("scheduler", "backup", "--kind", "differential").code == 0
    assert backed_up("restore", "--backup-id", identity[:8], "--target", str(backed_up.root / "a")).code == 0
    assert backed_up("restore", "letters", "--point-in-time", "2999-01-01T00:00", "--target", str(backed_up.root / "b")).code == 0
    assert identity in backed_up("backup", "info", identity[:10]).out
    assert identity[:8] in backed_up("backup", "list", "letters").out


def test_the_audit_log_is_checked_and_an_edit_of_it_is_damage(backed_up: World) -> None:
    first = backed_up("audit", "verify", "-o", "json")
    head = first.json["audit"]["head"]
    assert (first.code, first.json["intact"]) == (0, True)
    backed_up("backup", "create")
    assert backed_up("audit", "verify", "--head", head).out.startswith("intact")
    assert backed_up("audit", "verify", "--head", "0" * 64).code == 8
    assert backed_up("audit", "verify", "--head", "newest").code == 64
    log = next(backed_up.root.rglob("audit.jsonl"))
    log.write_bytes(log.read_bytes().replace(b"letters", b"numbers", 1))
    damaged = backed_up("audit", "verify")
    assert (damaged.code, "does not follow" in damaged.out) == (8, True)


def test_forgetting_the_newest_good_snapshot_is_refused(backed_up: World) -> None:
    identity = backed_up("snapshots", "-o", "json").json["snapshots"][0]["id"]
    typed = backed_up("forget", identity[:8], "--reason", "test")
    assert (typed.code, "REFUSED" in typed.out) == (6, True)
    assert backed_up("snapshots", "-o", "json").json["snapshots"][0]["id"] == identity


def test_forget_removes_an_older_one_and_a_dry_run_only_shows_it(backed_up: World) -> None:
    identity = backed_up("snapshots", "-o", "json").json["snapshots"][0]["id"]
    backed_up("backup", "create", "--kind", "full")
    assert identity[:8] in backed_up("forget", identity[:8], "--reason", "test", "--dry-run").out
    assert len(backed_up("snapshots", "-o", "json").json["snapshots"]) == 2
    typed = backed_up("forget", identity[:8], "--reason", "superseded", "-o", "json")
    assert (typed.code, typed.json["results"][0]["outcome"]) == (0, "succeeded")
    assert len(backed_up("snapshots", "-o", "json").json["snapshots"]) == 1


def test_verify_reads_everything_and_reports_damage(backed_up: World) -> None:
    assert backed_up("verify").code == 0
    pack = max((p for p in (backed_up.root / "store" / "main" / "packs").rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)
    content = bytearray(pack.read_bytes())
    content[len(content) // 3] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(content)
    typed = backed_up("verify", "letters")
    assert typed.code == 8
    assert "DAMAGED" in typed.out


def test_a_source_that_is_gone_fails_by_name_and_the_others_go_on(backed_up: World) -> None:
    extra = TREE.split("---\n")[3].replace("letters", "gone", 1).replace("../letters", "/nowhere/at/all")
    (backed_up.specs / "gone.yaml").write_text(extra)
    (backed_up.letters / "three.txt").write_text("new")
    typed = backed_up("backup", "create")
    assert typed.code == 1
    assert "/nowhere/at/all does not exist" in typed.out
    assert "1 backed up, 1 failed." in typed.out


def test_a_broken_spec_is_3_and_the_rest_is_still_done(backed_up: World) -> None:
    (backed_up.specs / "broken.yaml").write_text("kind: [")
    assert backed_up("validate").code == 3
    typed = backed_up()
    assert typed.code == 3
    assert "broken.yaml:1" in typed.out
    problems = backed_up("validate", "-o", "json").json
    assert (problems["valid"], problems["errors"]) == (False, 1)
    assert backed_up("restore", "letters", "--target", str(backed_up.root / "out")).code == 0


def test_status_check_is_4_until_there_is_a_backup(world: World) -> None:
    assert world("repository", "init", "main").code == 0
    assert world("status", "--check").code == 4
    assert "never" in world("status").out
    assert world().code == 0
    world()  # the first verification
    typed = world("status", "--check", "-o", "json")
    assert (typed.code, typed.json["protected"]) == (0, True)


def test_status_of_one_system_shows_its_promises(backed_up: World) -> None:
    typed = backed_up("status", "letters")
    assert typed.code == 0
    assert "Promises" in typed.out
    assert "Promises" not in backed_up("status").out
    systems = backed_up("status", "letters", "-o", "json").json["status"]["systems"]
    assert [system["name"] for system in systems] == ["letters"]
    rpo = systems[0]["objectives"][0]
    assert (rpo["objective"], rpo["target_seconds"], rpo["verdict"]) == ("rpo", 86400.0, "met")
    assert rpo["evidence"].startswith("snapshot ")


def test_status_of_a_system_that_nobody_declared_names_those_that_are(backed_up: World) -> None:
    typed = backed_up("status", "lettres")
    assert typed.code == 64
    assert "letters" in typed.err
    folder = backed_up("status", "/srv")
    assert folder.code == 64
    assert "--uncovered" in folder.err


def test_status_of_one_system_tells_its_copies_number_by_number(backed_up: World) -> None:
    text = backed_up("status", "letters").out
    assert "Copies of letters  2-0-?-0-?, where the rule asks for 3-2-1-1-0" in text
    assert "main was never verified" in text
    (system,) = backed_up("status", "letters", "-o", "json").json["status"]["systems"]
    assert next((d["what"], d["found"], d["met"]) for d in system["copied"]["digits"]) == ("copies", 2, "False")
    assert "Copies of letters" in backed_up("explain", "letters").out


def test_status_without_the_key_is_not_called_protected(backed_up: World) -> None:
    backed_up()  # the first verification
    (backed_up.root / "store" / "main.key").rename(backed_up.root / "elsewhere.key")
    typed = backed_up("status", "--check")
    assert typed.code == 1
    assert "protected as declared" not in typed.out
    assert "main cannot be used" in typed.out


def test_what_is_written_where_is_told_with_its_origin(backed_up: World) -> None:
    text = backed_up("config", "show", "letters", "--origins").out
    assert "built in (tier low)" in text
    assert "tree.yaml:" in text
    assert "retention.daily" in backed_up("config", "show").out
    assert backed_up("config", "show", "letters", "--origins", "-o", "json").json["origins"]


def test_a_schema_for_editors(world: World) -> None:
    assert world("schema", "System").json["title"] == "System"
    assert "$schema" in world("schema").json


def test_the_catalog_is_made_anew(backed_up: World) -> None:
    for path in (backed_up.root / "state").rglob("catalog.sqlite*"):
        path.unlink()
    typed = backed_up("catalog", "rebuild")
    assert (typed.code, "1 snapshot found" in typed.out) == (0, True)


def test_a_name_that_is_not_there(backed_up: World) -> None:
    for words in (["explain", "lettres"], ["backup", "create", "lettres"], ["verify", "lettres"], ["snapshots", "lettres"]):
        typed = backed_up(*words)
        assert typed.code != 0
        assert "lettres" in typed.err
    assert backed_up("backup", "info", "ffff").code != 0
    assert json.loads(backed_up("explain", "lettres", "-o", "json").err)["error"]["code"] == "app-not-found"


@pytest.mark.parametrize("name", ["new\nline", "esc\x1b[2Jape", "rtl\u202egpj"])
def test_a_hostile_file_name_never_reaches_the_terminal(backed_up: World, name: str) -> None:
    (backed_up.letters / name).write_text("x")
    (backed_up.letters / name).chmod(0)
    said = [backed_up("backup", "create"), backed_up("restore", "letters", "--target", str(backed_up.root / "o"), "--path", name)]
    for typed in said:
        assert name not in typed.out + typed.err


def test_every_json_answer_says_what_it_is(backed_up: World) -> None:
    lines = [["--dry-run"], [], ["status"], ["validate"], ["snapshots"], ["events"], ["explain", "letters"], ["config", "show"]]
    lines += [["backup", "create"], ["verify"], ["catalog", "rebuild"], ["repository", "list"]]
    answers = [backed_up(*line, "-o", "json").json for line in lines]
    assert {answer["format_version"] for answer in answers} == {"1.0"}
    assert len({answer["kind"] for answer in answers}) == len(lines)
