"""Every hostile snapshot is restored through the command line, as root and as an ordinary user, beside a folder that nobody may touch."""

from __future__ import annotations

import contextlib
import io
import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from reconciler.cli.exits import ExitCode
from reconciler.cli.main import run
from reconciler.cli.render.restored import LINES_SHOWN
from tests.fakes.forged import MTIME, Forger
from tests.fakes.trees import NOBODY, remove
from tests.faults.hostile import GOOD, HONEST, Case, Maker
from tests.faults.hostile_content import add_attributes, add_contents, add_modes, add_numbers
from tests.faults.hostile_names import add_links, add_names, add_names_of_one_file
from tests.faults.hostile_structure import add_blocks, add_disorder
from tests.unit.repository.conftest import KEY, Bench

pytestmark = pytest.mark.faults
GROUPS = (add_names, add_links, add_names_of_one_file, add_numbers, add_modes, add_attributes, add_contents, add_disorder, add_blocks)
DAMAGE = "because of damage in the repository"


class Answer(Struct, frozen=True):
    """What a user saw."""

    code: int
    text: str


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Where an ordinary user can go: the folders of pytest are for their owner alone."""
    with tempfile.TemporaryDirectory() as name:
        stage = Path(name)
        stage.chmod(0o755)
        (stage / "source").mkdir()
        made = Bench(stage / "source", stage / "repository")
        made.init()
        yield made


@pytest.fixture
def beside(bench: Bench) -> Path:
    """Files, links and folders next to the target."""
    folder = bench.place.parent / "user" / "beside"
    (folder / "sub").mkdir(parents=True)
    for path in (folder / "canary", folder / "sub" / "canary"):
        path.write_text("alive")
    (folder / "link").symlink_to("canary")
    os.link(folder / "canary", folder / "second")
    os.mkfifo(folder / "pipe")
    return folder


@pytest.mark.parametrize("user", ["root", "ordinary"])
@pytest.mark.parametrize("group", GROUPS, ids=lambda add: add.__name__.removeprefix("add_"))
def test_nothing_outside_changes_the_user_is_told_and_the_rest_arrives(
    bench: Bench, beside: Path, faults: Callable[[str, int], None], group: Callable[[Maker], None], user: str
) -> None:
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    if user == "root" and not is_root:
        pytest.skip("needs root")
    identity = (NOBODY, NOBODY) if is_root and user == "ordinary" else (os.getuid(), os.getgid())
    made = cases(bench, beside, group, identity)
    prepare(bench, beside, identity)
    before, wrong = everything_of(beside.parent), []
    for case, answer in zip(made, answers(bench, beside, made, identity), strict=True):
        out = beside.parent / f"out {case.snapshot}"
        problem = judged(case, answer, out, identity)
        if problem is not None:
            wrong.append(f"{case.about}: {problem}\n{answer.text}")
        remove(out)
    assert not wrong, "\n\n".join(wrong)
    assert everything_of(beside.parent) == before
    faults("malicious restores", len(made))


def cases(bench: Bench, beside: Path, group: Callable[[Maker], None], identity: tuple[int, int]) -> list[Case]:
    (bench.source / "content").write_bytes(GOOD)
    repository = bench.open()
    like = bench.take(repository, kind="full").root
    assert like is not None
    forger = Forger(repository, like.id, identity)
    make = Maker(forger, beside, forger.content(GOOD))
    group(make)
    return make.cases


def prepare(bench: Bench, beside: Path, identity: tuple[int, int]) -> None:
    """A folder, a key and a repository that this user may use."""
    key = beside.parent / "key"
    key.write_bytes(KEY)
    key.chmod(0o600)
    os.chown(key, *identity)
    os.chown(beside.parent, *identity)
    for path in (bench.place, *bench.place.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def answers(bench: Bench, beside: Path, made: list[Case], identity: tuple[int, int]) -> list[Answer]:
    """Of `reconcile restore`, case after case, in a process that belongs to this user."""
    here, there = get_context("fork").Pipe(duplex=False)
    process = get_context("fork").Process(target=restore_all, args=(bench.place, beside.parent, made, identity, there))
    process.start()
    there.close()
    try:
        return [here.recv() for _ in made]
    finally:
        process.join()


def restore_all(place: Path, folder: Path, made: list[Case], identity: tuple[int, int], told: Connection) -> None:
    os.chdir(folder)
    restored(place, made[0], "warm")  # what is imported late may lie where an ordinary user cannot read
    remove(Path("warm"))
    if identity[0] != os.getuid():
        os.setgroups([])
        os.setgid(identity[1])
        os.setuid(identity[0])
    os.umask(0)
    for case in made:
        told.send(restored(place, case, f"out {case.snapshot}"))


def restored(place: Path, case: Case, target: str) -> Answer:
    text = io.StringIO()
    with contextlib.redirect_stdout(text), contextlib.redirect_stderr(text):
        code = run(["restore", "--repository", str(place), "--key", "key", "--snapshot", case.snapshot, "--target", target])
    return Answer(code, text.getvalue())


def judged(case: Case, answer: Answer, out: Path, identity: tuple[int, int]) -> str | None:
    """What is wrong with it; None: nothing."""
    if "Traceback" in answer.text or "internal" in answer.text:
        return "a traceback"
    there, expected = paths_in(out), with_folders({*HONEST, *case.arrives})
    if not expected <= there <= expected | with_folders(case.may):
        return f"other entries arrived: {sorted(there ^ expected)}"
    for path, content in HONEST.items():
        file = Path(os.fsdecode(os.path.join(os.fsencode(out), path)))
        status = file.lstat()
        if (file.read_bytes(), stat.S_IMODE(status.st_mode), status.st_mtime_ns) != (content, 0o644, MTIME):
            return f"{path!r} is not as it was"
    lines = [line for line in answer.text.splitlines() if line.startswith("not restored")]
    for path, why in case.refused.items():
        if not any(readable(path) in line and why in line for line in lines):
            return f"{path[:99]!r} and {why!r} are not told"
    if case.refused and (DAMAGE in answer.text) != case.damage:
        return "who is to blame is told wrongly"
    return untrue(answer, lines) or privileged(case, out, identity)


def untrue(answer: Answer, lines: list[str]) -> str | None:
    """The exit code says what the text says."""
    lost = any(line.startswith("not set") for line in answer.text.splitlines())
    expected = ExitCode.DAMAGE if DAMAGE in answer.text else ExitCode.PARTIAL if lines or lost else ExitCode.DONE
    return None if answer.code == expected and len(lines) <= LINES_SHOWN else f"{answer.code} instead of {expected}, {len(lines)} lines"


def privileged(case: Case, out: Path, identity: tuple[int, int]) -> str | None:
    """Nobody gets a file with the privileges of somebody else; an ordinary user gets neither such files nor devices."""
    for place, folders, files in os.walk(os.fsencode(out)):
        for name in folders + files:
            status = os.lstat(os.path.join(place, name))
            mode = status.st_mode
            device = (stat.S_ISCHR(mode) or stat.S_ISBLK(mode)) and status.st_rdev != 0  # 0:0 is no device, anybody may make one
            special = mode & (stat.S_ISUID | stat.S_ISGID) or device
            if identity[0] != 0 and not stat.S_ISLNK(mode) and (special or status.st_uid != identity[0]):
                return f"{name!r} has privileges: {mode:o}"
            if special and stat.S_ISREG(mode) and case.about.startswith(("the owner", "the group")):
                return f"{name!r} has the privileges of root"
    return None


def readable(path: bytes) -> str:
    """A path as the screen shows it, without the first slash."""
    from reconciler.cli.render.page import escape

    return escape(os.fsdecode(path).lstrip("/"))


def with_folders(paths: set[bytes] | frozenset[bytes]) -> set[bytes]:
    found = set()
    for path in paths:
        while path:
            found.add(path)
            path = path.rpartition(b"/")[0]
    return found


def paths_in(out: Path) -> set[bytes]:
    root = os.fsencode(out)
    return {os.path.relpath(os.path.join(place, name), root) for place, folders, files in os.walk(root) for name in folders + files}


def everything_of(folder: Path) -> dict[str, Any]:
    """All that a system tells of the folder and what is in it; the change time and the number of names betray every touch."""
    seen: dict[str, Any] = {}
    for place, folders, files in os.walk(folder):
        for path in [place, *(os.path.join(place, name) for name in folders + files)]:
            status = os.lstat(path)
            facts = [status.st_mode, status.st_uid, status.st_gid, status.st_ino, status.st_nlink]
            inside = path != str(folder)  # the target is made and removed in that one
            times = [status.st_size, status.st_mtime_ns, status.st_ctime_ns] if inside else []
            content = (
                Path(path).read_bytes() if stat.S_ISREG(status.st_mode) else os.readlink(path) if stat.S_ISLNK(status.st_mode) else None
            )
            seen[path] = [*facts, *times, content, os.listxattr(path, follow_symlinks=False) if hasattr(os, "listxattr") else []]
    return seen
