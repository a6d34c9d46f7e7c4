"""Fetches and makes the real things that ordinary lives are drawn from: ``python -m tests.anomaly.fetch FOLDER``; 3 GB and some minutes.

Each needs its own program and is left out, and said so, where that is missing: single commits of public source trees (go), releases of
packages (pip), two states of Debian packages (apt-get), a database that is written each night, with its dumps and logs (PostgreSQL),
repositories that are committed to and packed (git), and trees that a formatter went over (ruff, gofmt). What is there is not fetched again.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

SOURCES = Path(__file__).parent / "wanted"
_NIGHTS = 40
_LINE_LENGTH = "72"
_PIP = (sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary", ":all:", "--python-version", "3.11")
_RUFF = ("ruff", "format", "-q", "--isolated", "--line-length", _LINE_LENGTH)


def wanted(name: str) -> list[str]:
    return (SOURCES / f"{name}.txt").read_text().split()


def run(*words: str | Path, folder: Path | None = None, **environment: str) -> str:
    done = subprocess.run(list(map(str, words)), cwd=folder, env={**os.environ, **environment}, capture_output=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, words))[:200]}: {done.stderr.decode(errors='replace')[-2000:]}")
    return done.stdout.decode(errors="replace")


def commits(folder: Path) -> None:
    modules: dict[str, list[str]] = {}
    for each in wanted("commits"):
        modules.setdefault(each.partition("@")[0], []).append(each)
    for each in modules.values():
        run("go", "mod", "download", *each, GOMODCACHE=str(folder), GOFLAGS="-modcacherw")
    for path in folder.iterdir():
        if path.name != "cache":
            shutil.rmtree(path)


def wheels(folder: Path) -> None:
    for each in wanted("wheels"):
        run(*_PIP, "-d", folder, each)


def debs(folder: Path) -> None:
    """Every version that the archives of this machine still have."""
    for line in run("apt-cache", "madison", *wanted("debs")).splitlines():
        name, version, where = (part.strip() for part in line.split("|"))
        if where.endswith("Packages"):
            run("apt-get", "download", "-q", f"{name}={version}", folder=folder)


def databases(folder: Path) -> None:
    """One state a night: the folder of the stopped server, its dumps, and what it wrote into its log that day."""
    programs = max(Path("/usr/lib/postgresql").glob("*/bin"))
    with TemporaryDirectory(dir="/tmp") as place:
        user = ("runuser", "-u", "postgres", "--") if os.getuid() == 0 else ()
        if user:
            shutil.chown(place, "postgres", "postgres")
        data, log, there = Path(place, "data"), Path(place, "log"), Path(place)

        def program(name: str, *words: str | Path) -> str:
            return run(*user, programs / name, *words, folder=there, PGHOST=place, PGUSER="postgres", PGDATABASE="postgres")

        program("initdb", "-D", data, "-A", "trust", "-U", "postgres", "--no-sync", "--no-locale", "-E", "UTF8")
        settings = f"-c listen_addresses= -c unix_socket_directories={place} -c log_statement=all -c fsync=off"
        for night in range(_NIGHTS):
            program("pg_ctl", "start", "-w", "-D", data, "-l", log, "-o", settings)
            if not night:
                program("pgbench", "-q", "-i", "-s", "1")
                program("psql", "-qc", "DELETE FROM pgbench_accounts WHERE aid > 4000")
                program("psql", "-qc", "VACUUM FULL pgbench_accounts")
            program("pgbench", "-n", "-t", "150", "-D", "scale=1", "-b", "simple-update")
            dumps = {"bench.sql": program("pg_dump").encode(), "globals.sql": program("pg_dumpall", "-g").encode()}
            dumps |= {f"{table}.sql": program("pg_dump", "-t", f"pgbench_{table}").encode() for table in ("tellers", "history", "branches")}
            program("pg_dump", "-Fc", "-f", there / "custom")
            dumps["bench.dump"] = (there / "custom").read_bytes()
            program("pg_ctl", "stop", "-w", "-D", data)
            keep(folder / "dumps" / "pgbench", night, dumps)
            keep(folder / "logs" / "postgresql", night, {"postgresql.log": log.read_bytes()})
            keep(folder / "servers" / "postgresql", night, dict(files(data)))
            log.unlink()


def repositories(folder: Path, modules: Path) -> None:
    """The folder .git of a real tree: a commit a day, packed now and then."""
    for module in ("crypto", "net"):
        with TemporaryDirectory(dir="/tmp") as place:
            run("git", "init", "-q", place)
            for number, path in enumerate(sorted(modules.glob(f"cache/download/golang.org/x/{module}/@v/*.zip"))):
                for old in Path(place).iterdir():
                    if old.name != ".git":
                        shutil.rmtree(old) if old.is_dir() else old.unlink()
                unpack(path, Path(place))
                run("git", "-C", place, "add", "-A")
                run("git", "-C", place, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", path.stem, "--allow-empty")
                if number % 9 == 8:
                    run("git", "-C", place, "gc", "-q")
                keep(folder / "repositories" / module, number, dict(files(Path(place, ".git"))))


def formatted(folder: Path, modules: Path, packages: Path) -> None:
    """Each tree before and after a formatter went over all of it."""
    tools: dict[str, tuple[Path, Callable[[str], list[str]]]] = {
        path.name.partition("-")[0].lower(): (path, lambda place: [*_RUFF, place]) for path in sorted(packages.glob("*.whl"))
    }
    for module in ("tools", "net", "crypto"):
        path = max(modules.glob(f"cache/download/golang.org/x/{module}/@v/*.zip"))
        tools[module] = (path, lambda place: ["gofmt", "-w", "-r", "interface{} -> any", place])
    for name, (path, words) in tools.items():
        with TemporaryDirectory(dir="/tmp") as place:
            unpack(path, Path(place))
            keep(folder / "formatted" / name, 0, dict(files(Path(place))))
            subprocess.run(words(place), check=False, capture_output=True)  # some examples of packages are no programs
            keep(folder / "formatted" / name, 1, dict(files(Path(place))))


def unpack(archive: Path, place: Path) -> None:
    """Without the one folder that says the version, where all is in it."""
    with zipfile.ZipFile(archive) as opened:
        for info in opened.infolist():
            name = info.filename.partition("@")[2].partition("/")[2] if "@v" in info.filename else info.filename
            if not info.is_dir():
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                (place / name).write_bytes(opened.read(info))


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and (path.stat().st_size < 2**20 or path.suffix == ".pack"):
            yield str(path.relative_to(folder)), path.read_bytes()


def keep(folder: Path, number: int, state: dict[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / f"{number:03}.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, data in state.items():
            archive.writestr(name, data)


def main() -> None:
    root = Path(sys.argv[1])
    steps: list[tuple[str, str, Callable[[Path], None]]] = [
        ("go", "commits", commits),
        (sys.executable, "wheels", wheels),
        ("apt-get", "debs", debs),
        ("pg_dump", "databases", databases),
        ("git", "git", lambda folder: repositories(folder, root / "commits")),
        ("ruff", "formats", lambda folder: formatted(folder, root / "commits", root / "wheels")),
    ]
    for program, name, step in steps:
        if shutil.which(program) is None:
            print(f"{name}: left out, there is no {program}")
        elif not (root / name / "whole").exists():
            (root / name).mkdir(parents=True, exist_ok=True)
            step(root / name)
            (root / name / "whole").touch()
            print(f"{name}: fetched")


if __name__ == "__main__":
    main()
