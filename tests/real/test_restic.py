"""A real restic: what people already have, looked at and restored from, and never written to."""

from __future__ import annotations

import getpass
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec import Struct

from reconciler.app.reports import RestoreRequest
from reconciler.base.clock import SystemClock
from reconciler.base.errors import ReconcilerError
from reconciler.base.secret import Secret
from reconciler.model.snapshot import Grade
from reconciler.model.status import ConditionType, Truth
from reconciler.repository import NoSuchPath
from reconciler.restic import Program
from tests.fakes.houses import WholeHouse, quick_folder
from tests.fakes.s3_server import ACCESS, SECRET, S3Server
from tests.fakes.sftp_server import SftpServer

pytestmark = pytest.mark.real

PASSWORD = "correct horse"
OLD = """\
apiVersion: reconciler/v1
kind: Repository
metadata: {name: old}
spec:
  url: ../restic
  format: restic
  key: {file: ../keys/restic.password}
  media: disk
  failureDomain: {site: cellar}
  contains:
    - {system: orders, host: shop1, path: %s}
"""
ONLY_OLD = """\
apiVersion: reconciler/v1
kind: BackupPolicy
metadata: {name: standard}
spec: {repositories: [old]}
"""
BOTH = """\
apiVersion: reconciler/v1
kind: BackupPolicy
metadata: {name: standard}
spec:
  repositories: [main, old]
  schedule: {full: {every: 365d}, differential: null, incremental: {every: 1h}}
"""


def find_restic() -> str:
    places = os.pathsep.join([os.environ["PATH"], str(Path.home() / ".local/bin"), str(Path.home() / "go/bin")])
    program = shutil.which("restic", path=places)
    if program is None:
        missing = "restic is not installed (go install github.com/restic/restic/cmd/restic@v0.19.1)"
        pytest.fail(missing) if os.environ.get("CI") else pytest.skip(missing)
    return program


class Old(Struct):
    """A house beside a repository of restic that holds two snapshots of its system and one of somebody else."""

    house: WholeHouse
    program: str

    @property
    def folder(self) -> Path:
        return self.house.folder / "restic"

    def restic(self, *words: str) -> str:
        environment = {**os.environ, "RESTIC_PASSWORD": PASSWORD}
        argv = [self.program, "-q", "--no-cache", "-r", str(self.folder), *words]
        return subprocess.run(argv, env=environment, check=True, capture_output=True, text=True).stdout

    def content(self, folder: Path | None = None) -> dict[str, tuple[int, int]]:
        """Every file of the repository, or of a copy of it, with its size and time of change."""
        return {str(p): (p.stat().st_size, p.stat().st_mtime_ns) for p in sorted((folder or self.folder).rglob("*")) if p.is_file()}


@pytest.fixture
def old(monkeypatch: pytest.MonkeyPatch) -> Iterator[Old]:
    program = find_restic()
    monkeypatch.setenv("RECONCILER_RESTIC", program)
    monkeypatch.setenv("RESTIC_REPOSITORY", "/nowhere")  # what is set for somebody else's restic must not lead ours astray
    with quick_folder() as folder:
        house = WholeHouse(folder)
        (folder / "keys").mkdir()
        key = folder / "keys" / "restic.password"
        key.write_text(PASSWORD + "\n")
        key.chmod(0o600)
        house.write("old.yaml", OLD % house.source)
        made = Old(house, program)
        made.restic("init")
        made.restic("backup", "--host", "shop1", str(house.source))
        (house.source / "two.txt").write_text("two")
        made.restic("backup", "--host", "shop1", "--tag", "nightly", str(house.source))
        made.restic("backup", "--host", "elsewhere", str(folder / "specs"))
        yield made


def test_what_restic_holds_is_seen_and_nothing_there_changes(old: Old) -> None:
    old.house.write("policy.yaml", ONLY_OLD)
    before = old.content()
    for _ in range(2):
        report = old.house.one_pass()
        assert report.results == ()
    assert old.content() == before, "not a byte, not a lock, not a time"
    (system,) = report.status.systems
    assert [(p.repository, p.snapshots) for p in system.protection] == [("old", 2)]
    (repository,) = [r for r in report.status.repositories if r.name == "old"]
    assert (repository.reachable, repository.snapshots, repository.foreign) == (True, 2, 1)
    fresh = system.condition(ConditionType.BACKUP_FRESH)
    assert fresh is not None
    assert "old belongs to another program: whether it is complete is not known" in fresh.message
    errors = system.copied.digits[-1]
    assert (errors.met, errors.evidence) == (Truth.UNKNOWN, ("old belongs to another program and is not verified here",))
    with old.house.session(read_only=True) as session:
        found = session.snapshots("orders").snapshots
    assert [(s.grade, s.host, s.files, s.bytes) for s in found] == [(Grade.OBSERVED, "shop1", 2, 6), (Grade.OBSERVED, "shop1", 1, 3)]


def test_one_in_a_bucket_is_asked_with_credentials_that_only_files_hold(old: Old, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    bucket, house = s3.bucket("restic"), old.house
    place = f"s3:{s3.endpoint}/{bucket}/old"
    known = {**os.environ, "RESTIC_PASSWORD": PASSWORD, "AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET}
    for words in (["init"], ["backup", "--host", "shop1", str(house.source)]):
        subprocess.run([old.program, "-q", "--no-cache", "-r", place, *words], env=known, check=True, capture_output=True)
    for name, text in (("s3.access", ACCESS), ("s3.secret", SECRET)):
        (house.folder / "keys" / name).write_text(text)
        (house.folder / "keys" / name).chmod(0o600)
    said = "{access: {file: ../keys/s3.access}, secret: {file: ../keys/s3.secret}}"
    far = f"url: s3://{bucket}/old\n  endpoint: {s3.endpoint}\n  credentials: {said}"
    house.write("old.yaml", OLD.replace("url: ../restic", far) % house.source)
    house.write("policy.yaml", ONLY_OLD)
    before = sorted(path for path in s3.folder.rglob("*"))
    report = house.one_pass()
    assert [(r.reachable, r.snapshots) for r in report.status.repositories if r.name == "old"] == [(True, 1)]
    with house.session() as session:
        session.restore(RestoreRequest(str(house.folder / "back"), system="orders"))
    assert {path.name for path in (house.folder / "back").rglob("*.txt")} == {"one.txt", "two.txt"}
    assert sorted(path for path in s3.folder.rglob("*")) == before
    (house.folder / "keys" / "s3.secret").write_text("another")
    (seen,) = [r for r in house.one_pass().status.repositories if r.name == "old"]
    assert not seen.reachable


@pytest.mark.parametrize("home", [False, True])
def test_one_on_a_server_is_asked_by_ssh_with_the_key_and_the_hosts_of_its_spec(old: Old, openssh: SftpServer, home: bool) -> None:
    house, server = old.house, openssh.root / f"restic-{home}"
    shutil.copytree(old.folder, server)
    place = f"~/{os.path.relpath(server, Path.home())}" if home else str(server).lstrip("/")
    who = f"{getpass.getuser()}@127.0.0.1:{openssh.port}"
    said = f"{{identity: {{file: {openssh.identity}}}, knownHosts: {openssh.known_hosts}}}"
    far = f"url: sftp://{who}/{place}\n  credentials: {said}"
    house.write("old.yaml", OLD.replace("url: ../restic", far) % house.source)
    house.write("policy.yaml", ONLY_OLD)
    before = old.content(server)
    report = house.one_pass()
    assert report.problems == ()
    assert [(r.reachable, r.snapshots, r.foreign) for r in report.status.repositories if r.name == "old"] == [(True, 2, 1)]
    with house.session() as session:
        session.restore(RestoreRequest(str(house.folder / "back"), system="orders"))
    assert {path.name for path in (house.folder / "back").rglob("*.txt")} == {"one.txt", "two.txt"}
    assert old.content(server) == before, "not a byte, not a lock, not a time"
    (house.folder / "nobody").write_text("")
    house.write("old.yaml", OLD.replace("url: ../restic", far.replace(str(openssh.known_hosts), "../nobody")) % house.source)
    (seen,) = [r for r in house.one_pass().status.repositories if r.name == "old"]
    assert not seen.reachable, "a server that nobody knows is not asked"


def test_an_old_backup_breaks_the_rpo_and_a_person_is_told_whose_job_it_is(old: Old) -> None:
    old.house.write("policy.yaml", ONLY_OLD)
    old.house.system("orders", extra="  objectives: {rpo: 6h}\n")  # the clock of the house is twelve hours ahead
    report = old.house.one_pass()
    fresh = report.status.systems[0].condition(ConditionType.BACKUP_FRESH)
    assert fresh is not None
    assert (fresh.status, fresh.reason) == (Truth.FALSE, "Breached")
    (gap,) = [g for g in report.gaps if g.code == "observed-late"]
    assert gap.person.startswith("Look at the job that backs it up into old")


def test_a_copy_in_restic_counts_and_is_neither_written_nor_verified(old: Old) -> None:
    old.house.write("policy.yaml", BOTH)
    old.house.system("orders", extra="  copies: {count: 2, lag: 1d}\n")
    before = old.content()
    report = old.house.one_pass(init=True)
    assert [(r.action.kind, r.action.repository) for r in report.results] == [("backup", "main")]
    assert old.content() == before
    copies = report.status.systems[0].condition(ConditionType.COPIES_SATISFIED)
    assert copies is not None
    assert copies.status is Truth.TRUE, copies.message
    assert copies.message.startswith("count 2 of 2; old trails ")


def test_a_restore_is_written_and_read_back_by_restic(old: Old) -> None:
    old.house.write("policy.yaml", ONLY_OLD)
    old.house.one_pass()
    target = old.house.folder / "back"
    with old.house.session() as session:
        told = []
        report = session.restore(RestoreRequest(str(target), system="orders"), told=told.append)
        assert [plan.repository for plan in told] == ["old"]
        assert (report.plan.repository, report.plan.snapshot.grade) == ("old", Grade.OBSERVED)
        inside = target / str(old.house.source).lstrip("/")
        assert {p.name: p.read_text() for p in inside.iterdir()} == {"one.txt": "one", "two.txt": "two"}
        assert [r.repository for r in session.restores().restores] == ["old"]
        with pytest.raises(ReconcilerError, match="is not empty"):
            session.restore(RestoreRequest(str(target), system="orders"))

        some = old.house.folder / "some"
        session.restore(RestoreRequest(str(some), system="orders", paths=(f"{old.house.source}/one.txt",)))
        assert [p.name for p in some.rglob("*.txt")] == ["one.txt"]
        with pytest.raises(NoSuchPath):
            session.restore(RestoreRequest(str(old.house.folder / "none"), system="orders", paths=("/not/there",)))

        first = min(session.snapshots("orders").snapshots, key=lambda s: s.as_of)
        earlier = old.house.folder / "earlier"
        session.restore(RestoreRequest(str(earlier), system="orders", at=first.as_of))
        assert [p.name for p in earlier.rglob("*.txt")] == ["one.txt"]


def test_what_would_write_there_is_refused(old: Old) -> None:
    old.house.write("policy.yaml", ONLY_OLD)
    old.house.one_pass()
    before = old.content()
    with old.house.session() as session:
        snapshot = session.snapshots("orders").snapshots[0].id
        for attempt in (
            lambda: session.hold([snapshot], old.house.clock.now() + timedelta(days=1), "a reason"),
            lambda: session.check("old"),
            lambda: session.restore(RestoreRequest("", system="orders", in_place=True)),
        ):
            with pytest.raises(ReconcilerError) as caught:
                attempt()
            assert caught.value.code in {"restic-read-only", "restic-restore-limits"}, caught.value
    with old.house.session() as session:
        results = session.forget([snapshot], "a reason") + session.prune(["old"])
        assert [r.failure.code if r.failure is not None else "" for r in results] == ["restic-read-only"] * len(results)
    assert old.content() == before


def test_a_damaged_pack_fails_the_restore_and_says_so(old: Old) -> None:
    old.house.write("policy.yaml", ONLY_OLD)
    old.house.one_pass()
    for pack in (old.folder / "data").rglob("*"):
        if pack.is_file():
            pack.chmod(0o600)
            pack.write_bytes(bytes(len(pack.read_bytes())))
    with old.house.session() as session, pytest.raises(ReconcilerError) as caught:
        session.restore(RestoreRequest(str(old.house.folder / "back"), system="orders"))
    assert caught.value.code == "restic-failed"


def test_a_lock_that_is_held_does_not_hold_up_looking(old: Old) -> None:
    old.house.write("policy.yaml", ONLY_OLD)
    locks = old.folder / "locks"
    argv = [old.program, "-q", "--no-cache", "-r", str(old.folder), "backup", "--stdin", "--stdin-filename", "x", "--host", "elsewhere"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, env={**os.environ, "RESTIC_PASSWORD": PASSWORD}) as running:
        deadline = SystemClock().monotonic() + 30
        while not list(locks.iterdir()):
            assert SystemClock().monotonic() < deadline
        report = old.house.one_pass()
        running.terminate()
    assert report.status.repositories[-1].reachable, report.status.repositories


@pytest.mark.parametrize(
    ("spoil", "code", "words"),
    [
        ("password", "restic-wrong-password", "wrong password"),
        ("place", "restic-no-repository", "repository does not exist"),
        ("program", "restic-missing", "is not on this host"),
    ],
)
def test_what_stands_in_the_way_is_a_sentence(old: Old, monkeypatch: pytest.MonkeyPatch, spoil: str, code: str, words: str) -> None:
    old.house.write("policy.yaml", ONLY_OLD)
    if spoil == "password":
        (old.house.folder / "keys" / "restic.password").write_text("another\n")
    elif spoil == "place":
        shutil.rmtree(old.folder)
    else:
        monkeypatch.setenv("RECONCILER_RESTIC", "/not/restic")
    report = old.house.one_pass()
    (gap,) = [g for g in report.gaps if g.repository == "old"]
    assert gap.code == code
    assert words in gap.why
    assert gap.person


def test_another_repository_at_the_place_is_noticed(old: Old) -> None:
    old.house.write("policy.yaml", ONLY_OLD)
    old.house.one_pass()
    shutil.rmtree(old.folder)
    old.restic("init")
    report = old.house.one_pass()
    assert [g.code for g in report.gaps if g.repository == "old"] == ["repository-is-another"]
    assert report.status.systems[0].protection[0].snapshots == 2, "what was known stays visible"


def test_the_program_over_a_repository_holds_no_secret_in_its_words(old: Old) -> None:
    program = Program(old.program, str(old.folder), Secret(PASSWORD.encode()))
    assert PASSWORD not in repr(program)
    assert b'"id"' in program.output("cat", "config")


def test_the_example_for_python_programs_runs_as_it_is_told(tmp_path: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")

    def block(language: str) -> str:
        found = re.search(rf"^```{language}\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
        assert found is not None
        return found[1]

    for name in ("specs", "notes"):
        (tmp_path / name).mkdir()
    (tmp_path / "notes" / "first.txt").write_text("one")
    documents = block("yaml").split("---\n")
    (tmp_path / "specs" / "notes.yaml").write_text("---\n".join(one for one in documents if "kind: BackupPolicy" not in one))
    (tmp_path / "specs" / "nas.yaml").write_text(block("yaml restic"))
    (tmp_path / "restic.password").write_text(PASSWORD)
    (tmp_path / "restic.password").chmod(0o600)
    program = find_restic()
    for words in (["init"], ["backup", "--host", "shop1", str(tmp_path / "notes")]):
        argv = [program, "-q", "--no-cache", "-r", str(tmp_path / "restic"), *words]
        subprocess.run(argv, env={**os.environ, "RESTIC_PASSWORD": PASSWORD}, check=True, capture_output=True)
    script = tmp_path / "example.py"
    script.write_text(block("python restic"))
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "RECONCILER_RESTIC": program, "PATH": os.environ["PATH"]}
    argv = [sys.executable, "-W", "error", str(script)]
    ended = subprocess.run(argv, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "restored-by-restic" / str(tmp_path).lstrip("/") / "notes" / "first.txt").read_text() == "one"
