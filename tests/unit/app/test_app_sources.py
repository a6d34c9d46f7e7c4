"""Databases, outputs of commands and hooks through a whole house: backed up, restored, and refused with a sentence."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.act.context import Result
from reconciler.app.reports import RestoreRequest
from reconciler.base.clock import SystemClock
from reconciler.model.problem import Severity
from reconciler.model.snapshot import BackupKind
from tests.fakes.banks import bank, transfers, written
from tests.fakes.houses import WholeHouse, quick_folder
from tests.fakes.programs import program

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a shell")

DECLARED = """\
apiVersion: reconciler/v1
kind: System
metadata: {{name: orders}}
spec:
  tier: low
  policy: standard
  verification: {{quick: null, deep: null}}
  sources: [{sources}]
"""


class Shop(WholeHouse):
    """A house whose system has a database, a command and hooks as a test likes them."""

    @property
    def programs(self) -> Path:
        return self.folder / "bin"

    @property
    def database(self) -> Path:
        return self.source / "shop.db"

    def program(self, text: str) -> str:
        self.allowed = (self.programs,)
        return program(self.programs, text)

    def declare(self, *sources: str, hooks: str = "") -> None:
        text = DECLARED.format(sources=", ".join(sources)) + (f"  hooks: {hooks}\n" if hooks else "")
        self.write("orders.yaml", text)

    def open_database(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.database, isolation_level=None)
        db.execute("PRAGMA journal_mode = wal")
        db.execute("CREATE TABLE IF NOT EXISTS orders (what)")
        return db

    def backup(self, kind: BackupKind = BackupKind.INCREMENTAL) -> Result:
        self.clock.advance(timedelta(minutes=1))
        with self.session() as session:
            (result,) = session.backup(["orders"], kind)
        return result

    def restored(self) -> Path:
        target = self.folder / f"target-{self.clock.now():%H%M%S}"
        with self.session() as session:
            session.restore(RestoreRequest(system="orders", target=str(target)))
        return target

    def at(self, target: Path, path: Path) -> Path:
        return target / str(path).lstrip("/")


@pytest.fixture
def shop() -> Iterator[Shop]:
    with quick_folder() as folder:
        made = Shop(folder)
        with made.session() as session:
            session.init_repository("main")
        yield made


def code(result: Result) -> str | None:
    return result.failure.code if result.failure is not None else None


def test_a_database_in_use_comes_back_at_its_own_path_without_its_log(shop: Shop) -> None:
    shop.declare("{path: ../orders}", "{sqlite: ../orders/shop.db}")
    with closing(shop.open_database()) as db:
        db.execute("INSERT INTO orders VALUES ('tea')")
        shop.database.chmod(0o640)
        os.utime(shop.database, ns=(1_000_000_000, 1_234_567_891_234_567_000))
        assert code(shop.backup()) is None
    target = shop.restored()
    back = shop.at(target, shop.database)
    assert sorted(os.listdir(back.parent)) == ["one.txt", "shop.db"]
    assert (back.stat().st_mode & 0o777, back.stat().st_mtime_ns) == (0o640, 1_234_567_891_234_567_000)
    with closing(sqlite3.connect(back)) as db:
        assert db.execute("SELECT what FROM orders").fetchall() == [("tea",)]
    assert list((shop.state / "copies").glob("copies-*")) == []


def test_what_is_committed_to_the_log_only_makes_a_new_snapshot_and_nothing_new_makes_none(shop: Shop) -> None:
    shop.declare("{sqlite: ../orders/shop.db}")
    with closing(shop.open_database()) as db:
        db.execute("PRAGMA wal_autocheckpoint = 0")
        assert shop.backup().outcome == "succeeded"
        assert shop.backup().outcome == "unchanged"
        db.execute("INSERT INTO orders VALUES ('milk')")
        assert shop.backup().outcome == "succeeded"
        assert shop.backup().outcome == "unchanged"
        with closing(sqlite3.connect(shop.at(shop.restored(), shop.database))) as back:
            assert back.execute("SELECT what FROM orders").fetchall() == [("milk",)]


def test_backups_under_write_load_come_back_as_one_moment_each(shop: Shop) -> None:
    shop.declare("{path: ../orders}", "{sqlite: ../orders/shop.db}")
    seen = []
    with written(bank(shop.database)):
        for _ in range(3):
            assert shop.backup().outcome == "succeeded"
            seen.append(transfers(shop.at(shop.restored(), shop.database)))
    assert seen == sorted(seen)
    assert seen[0] < seen[-1], "the writers were at work"


def test_a_damaged_database_fails_the_run_and_older_snapshots_stay(shop: Shop) -> None:
    shop.declare("{sqlite: ../orders/shop.db}")
    with closing(shop.open_database()) as db:
        db.executemany("INSERT INTO orders VALUES (?)", [("x" * 500,)] * 500)
    assert shop.backup().outcome == "succeeded"
    content = bytearray(shop.database.read_bytes())
    content[8192:12288] = os.urandom(4096)
    shop.database.write_bytes(content)
    assert code(shop.backup()) == "source-damaged"
    with closing(sqlite3.connect(shop.at(shop.restored(), shop.database))) as back:
        assert back.execute("SELECT count(*) FROM orders").fetchone() == (500,)


@pytest.mark.parametrize("megabytes", [0, 3, 20])
def test_the_output_of_a_command_comes_back_byte_for_byte(shop: Shop, megabytes: int) -> None:
    content = b"small dump\n" if not megabytes else os.urandom(megabytes * 2**20 + 1)
    (shop.folder / "dump").write_bytes(content)
    shop.declare(f"{{command: [{shop.program('cat ' + str(shop.folder / 'dump'))}], name: dump.sql}}", "{path: ../orders}")
    assert shop.backup(BackupKind.FULL).outcome == "succeeded"
    assert shop.backup().outcome == "unchanged"
    target = shop.restored()
    assert (target / ".streams" / "orders" / "dump.sql").read_bytes() == content
    assert shop.at(target, shop.source / "one.txt").read_text() == "one"


def test_outputs_alone_are_a_system_too_and_a_changed_one_is_a_new_snapshot(shop: Shop) -> None:
    (shop.folder / "dump").write_text("first")
    dump = shop.program(f"cat {shop.folder}/dump")
    shop.declare(f"{{command: [{dump}], name: b.sql}}", f"{{command: [{dump}], name: a.sql}}")
    assert shop.backup().outcome == "succeeded"
    (shop.folder / "dump").write_text("second")
    assert shop.backup().outcome == "succeeded"
    folder = shop.restored() / ".streams" / "orders"
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"a.sql": "second", "b.sql": "second"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [("echo half; exit 1", "command-failed"), ("true", "command-silent"), ("head -c 3000000 /dev/zero; kill -9 $$", "command-failed")],
)
def test_a_dump_that_fails_or_says_nothing_publishes_nothing(shop: Shop, text: str, expected: str) -> None:
    shop.declare(f"{{command: [{shop.program(text)}], name: dump.sql}}")
    assert code(shop.backup()) == expected
    with shop.session(read_only=True) as session:
        assert session.snapshots("orders").snapshots == ()


def test_a_dump_that_hangs_is_ended_with_all_that_it_started(shop: Shop) -> None:
    shop.clock = SystemClock()  # type: ignore[assignment]
    hang = shop.program(f"echo begin; sleep 300 & echo $! > {shop.folder}/child; wait")
    shop.declare(f"{{command: [{hang}], name: dump.sql, timeout: 1s}}")
    with shop.session() as session:
        (result,) = session.backup(["orders"], BackupKind.FULL)
    assert code(result) == "command-failed"
    assert "did not end within 1s" in result.message
    status = Path(f"/proc/{(shop.folder / 'child').read_text().strip()}/stat")
    assert not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_command_that_this_host_does_not_allow_is_a_gap_and_never_runs(shop: Shop) -> None:
    shop.declare(f"{{command: [{shop.program(f'touch {shop.folder}/ran; echo x')}], name: dump.sql}}")
    shop.allowed = ()
    assert code(shop.backup()) == "command-not-allowed"
    with shop.session(read_only=True) as session:
        assert "command-not-allowed" in [gap.code for gap in session.plan().plan.gaps]
    assert not (shop.folder / "ran").exists()


class TestHooks:
    """Commands before and after a backup."""

    def hooks(self, shop: Shop, before: str = "true", after: str = "", source: str = "{path: ../orders}") -> None:
        tell = shop.program(f'{after or "true"}; echo "$RECONCILER_SYSTEM $RECONCILER_OUTCOME $RECONCILER_ERROR" >> {shop.folder}/told')
        also = shop.program(f"echo also >> {shop.folder}/told")
        hooks = f"{{before: [{{command: [{shop.program(before)}]}}], after: [{{command: [{tell}]}}, {{command: [{also}]}}]}}"
        shop.declare(source, hooks=hooks)

    def told(self, shop: Shop) -> list[str]:
        return [line.strip() for line in (shop.folder / "told").read_text().splitlines()]

    def test_what_a_hook_prepares_is_in_the_snapshot_and_the_outcome_is_told(self, shop: Shop) -> None:
        self.hooks(shop, f"echo prepared > {shop.source}/dump")
        assert shop.backup().outcome == "succeeded"
        assert self.told(shop) == ["orders succeeded", "also"]
        assert shop.at(shop.restored(), shop.source / "dump").read_text() == "prepared\n"

    def test_a_hook_that_brings_the_source_is_waited_for(self, shop: Shop) -> None:
        self.hooks(shop, f"mkdir {shop.folder}/mounted; echo x > {shop.folder}/mounted/x", source="{path: ../mounted}")
        assert shop.backup().outcome == "succeeded"

    def test_a_failed_hook_stops_the_backup_and_the_ones_after_it_run(self, shop: Shop) -> None:
        self.hooks(shop, "echo cannot freeze >&2; exit 7")
        result = shop.backup()
        assert code(result) == "hook-failed"
        assert "before the backup" in result.message
        assert "cannot freeze" in result.message
        assert self.told(shop) == ["orders failed hook-failed", "also"]
        with shop.session(read_only=True) as session:
            assert session.snapshots("orders").snapshots == ()

    def test_a_failed_backup_is_told_and_keeps_its_own_error(self, shop: Shop) -> None:
        self.hooks(shop, source="{path: ../nowhere}")
        assert code(shop.backup()) == "source-missing"
        assert self.told(shop) == ["orders failed source-missing", "also"]

    def test_a_hook_that_fails_afterwards_is_an_error_and_the_snapshot_stays(self, shop: Shop) -> None:
        self.hooks(shop, after=f"test -e {shop.folder}/never || exit 4")
        result = shop.backup()
        assert code(result) == "hook-failed"
        assert "is stored and good" in result.message
        assert self.told(shop) == ["also"], "the others run all the same"
        assert (shop.restored() / str(shop.source / "one.txt").lstrip("/")).read_text() == "one"

    def test_none_runs_when_one_is_not_allowed(self, shop: Shop) -> None:
        elsewhere = program(shop.folder / "elsewhere", "true")
        first = shop.program(f"touch {shop.folder}/ran")
        shop.declare("{path: ../orders}", hooks=f"{{before: [{{command: [{first}]}}], after: [{{command: [{elsewhere}]}}]}}")
        assert code(shop.backup()) == "command-not-allowed"
        assert not (shop.folder / "ran").exists()

    def test_the_variable_that_holds_the_key_is_not_passed_on(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("MAIN_KEY", (shop.folder / "keys" / "main.key").read_text().strip())
        base = (shop.folder / "specs" / "base.yaml").read_text().replace("{file: ../keys/main.key}", "{env: MAIN_KEY}")
        shop.write("base.yaml", base)
        self.hooks(shop, f"/usr/bin/env > {shop.source}/environment")
        assert shop.backup().outcome == "succeeded"
        said = (shop.source / "environment").read_text()
        assert "RECONCILER_SYSTEM=orders" in said
        assert "MAIN_KEY" not in said


class TestLiveDatabases:
    """A database in use behind a `path`: a warning wherever a person looks."""

    def test_a_sqlite_database_is_named_in_the_specs_the_plan_and_the_event(self, shop: Shop) -> None:
        with closing(shop.open_database()):
            with shop.session(read_only=True) as session:
                (problem,) = [problem for problem in session.load().problems if problem.code == "live-database"]
                gaps = [gap for gap in session.plan().plan.gaps if gap.code == "live-database"]
            result = shop.backup()
        assert (problem.severity, problem.code, problem.place.file) == (Severity.WARNING, "live-database", "orders.yaml")
        assert f"sqlite: {shop.database}" in problem.message
        assert [gap.system for gap in gaps] == ["orders"]
        assert result.outcome == "succeeded", "a warning, no failure"
        assert f"sqlite: {shop.database}" in result.message

    def test_a_running_postgresql_is_named_wherever_it_lies(self, shop: Shop) -> None:
        cluster = shop.source / "deep" / "main"
        for name in ("global", "base"):
            (cluster / name).mkdir(parents=True)
        (cluster / "PG_VERSION").write_text("15")
        assert "warning" not in shop.backup().message, "one that does not run is files like others"
        (cluster / "postmaster.pid").write_text("1")
        assert "pg_dumpall" in shop.backup().message

    def test_a_database_that_is_frozen_is_no_warning(self, shop: Shop) -> None:
        shop.declare("{path: ../orders}", "{sqlite: ../orders/shop.db}")
        with closing(shop.open_database()):
            with shop.session(read_only=True) as session:
                assert "live-database" not in [problem.code for problem in session.load().problems]
            assert "warning" not in shop.backup().message
