"""A real PostgreSQL server that is written while it is backed up: its folder is warned about, its dump comes back as one moment."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from msgspec import Struct

from reconciler.app.reports import RestoreRequest
from tests.fakes.houses import WholeHouse

pytestmark = pytest.mark.real

ACCOUNTS = 200
_MADE = f"""
CREATE TABLE account (id int PRIMARY KEY, amount bigint NOT NULL);
CREATE TABLE log (amount bigint NOT NULL);
INSERT INTO account SELECT n, 0 FROM generate_series(1, {2 * ACCOUNTS}) n;
"""
_MOVED = f"""
\\set amount random(1, 100)
\\set giver random(1, {ACCOUNTS})
\\set taker random({ACCOUNTS + 1}, {2 * ACCOUNTS})
BEGIN;
UPDATE account SET amount = amount - :amount WHERE id = :giver;
UPDATE account SET amount = amount + :amount WHERE id = :taker;
INSERT INTO log VALUES (:amount);
COMMIT;
"""  # money moves; the sum of all never changes, and what the takers have is what the log says


class Server(Struct):
    """One cluster that listens on a socket in its own folder only."""

    programs: Path
    folder: Path

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def run(self, name: str, *words: str, asked: str | None = None) -> str:
        """A program of the server, as a user that it accepts; what it prints."""
        done = subprocess.run(
            self.argv(name, *words),
            input=asked,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=self.folder,
            check=False,
            **self.user(),  # type: ignore[call-overload]
        )
        assert done.returncode == 0, done.stdout
        return str(done.stdout)

    def argv(self, name: str, *words: str) -> list[str]:
        return [str(self.programs / name), *words]

    def user(self) -> dict[str, str]:
        """The server refuses to run as root."""
        return {"user": "postgres", "group": "postgres"} if os.getuid() == 0 else {}

    def ask(self, database: str, text: str) -> str:
        return self.run("psql", *self.reach(), "-qAt", "-v", "ON_ERROR_STOP=1", database, asked=text).strip()

    def reach(self) -> tuple[str, ...]:
        return (f"--host={self.folder}", "--username=postgres")

    @contextmanager
    def written(self) -> Iterator[None]:
        """Four clients write as fast as they can."""
        script = self.folder / "moved.sql"
        script.write_text(_MOVED)
        argv = self.argv("pgbench", *self.reach(), "-n", "-c4", "-T600", f"--file={script}", "bank")
        writing = subprocess.Popen(argv, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **self.user())  # type: ignore[call-overload]
        try:
            yield
            assert writing.poll() is None, "the writers were at work"
        finally:
            writing.kill()
            writing.wait()

    def transfers(self, database: str) -> int:
        """How many there were; fails when the database shows more than one moment."""
        total, moved, logged, count = self.ask(
            database,
            f"SELECT sum(amount), sum(amount) FILTER (WHERE id > {ACCOUNTS}), (SELECT coalesce(sum(amount), 0) FROM log), "
            "(SELECT count(*) FROM log) FROM account",
        ).split("|")
        assert (total, moved) == ("0", logged)
        return int(count)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    programs = _programs()
    if programs is None:
        pytest.skip("no PostgreSQL server is installed here")
    with TemporaryDirectory(prefix="pg-", dir="/tmp") as place:  # a path of a socket has room for 107 bytes
        made = Server(programs, Path(place))
        made.folder.chmod(0o755)
        if made.user():
            shutil.chown(made.folder, "postgres", "postgres")
        made.run("initdb", "-D", str(made.data), "-A", "trust", "-U", "postgres", "--no-sync", "--no-locale", "-E", "UTF8")
        options = f"-k {made.folder} -c listen_addresses= -c fsync=off"
        made.run("pg_ctl", "-D", str(made.data), "-w", "-l", str(made.folder / "log"), "-o", options, "start")
        try:
            made.ask("postgres", "CREATE DATABASE bank")
            made.ask("bank", _MADE)
            yield made
        finally:
            made.run("pg_ctl", "-D", str(made.data), "-m", "immediate", "-w", "stop")


def _programs() -> Path | None:
    """Where all of the server lies: Debian keeps it off the path."""
    found = shutil.which("pg_ctl")
    places = [Path(found).resolve().parent] if found else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next(
        (place for place in places if all((place / name).exists() for name in ("initdb", "pg_ctl", "pg_dump", "pgbench", "psql"))), None
    )


@pytest.fixture
def house(tmp_path: Path, server: Server) -> WholeHouse:
    made = WholeHouse(tmp_path, allowed=(server.programs,))
    with made.session() as session:
        session.init_repository("main")
    return made


def declare(house: WholeHouse, source: str) -> None:
    path = house.folder / "specs" / "orders.yaml"
    path.write_text(path.read_text().replace("{path: ../orders}", source))


def test_a_dump_under_write_load_comes_back_as_one_moment_into_a_new_database(server: Server, house: WholeHouse) -> None:
    argv = ", ".join(server.argv("pg_dump", *server.reach(), "bank"))
    declare(house, f"{{command: [{argv}], name: bank.sql}}")
    counts = []
    with server.written():
        for number in range(3):
            with house.session() as session:
                (result,) = session.backup(["orders"])
                assert result.outcome == "succeeded", result.message
                session.restore(RestoreRequest(system="orders", target=str(house.folder / f"out-{number}")))
            (dump,) = (house.folder / f"out-{number}").rglob("bank.sql")
            server.ask("postgres", f"CREATE DATABASE again{number}")
            server.ask(f"again{number}", dump.read_text())
            counts.append(server.transfers(f"again{number}"))
    assert counts == sorted(set(counts)), "each dump is of a later moment"


def test_the_folder_of_a_running_server_is_a_warning_that_names_the_dump(server: Server, house: WholeHouse) -> None:
    declare(house, f"{{path: {server.data}}}")
    with house.session(read_only=True) as session:
        (problem,) = [problem for problem in session.load().problems if problem.code == "live-database"]
    assert "pg_dumpall" in problem.message
    with house.session() as session:
        (result,) = session.backup(["orders"])
    assert "pg_dumpall" in result.message


def test_a_server_that_is_gone_fails_the_run_with_its_own_words(server: Server, house: WholeHouse) -> None:
    argv = ", ".join(server.argv("pg_dump", f"--host={house.folder}", "--username=postgres", "bank"))
    declare(house, f"{{command: [{argv}], name: bank.sql}}")
    with house.session() as session:
        (result,) = session.backup(["orders"])
        assert result.failure is not None
        assert result.failure.code == "command-failed"
        assert "connection to server" in result.message
        assert session.snapshots("orders").snapshots == ()
