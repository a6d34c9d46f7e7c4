"""The house's rules that a reader would otherwise have to take on trust: who imports whom, who reads a clock, how big things grow."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from statistics import median

import pytest
from msgspec import Struct

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "reconciler"

# The floors of docs/architecture.md: what each room may import. A new room must be placed here first.
_KNOW_A_SPEC = {"base", "model"}
_WORLD = {"base", "model", "tree", "sources", "repository", "restic", "catalog", "spec", "metrics"}
MAY_IMPORT: dict[str, set[str]] = {
    "base": set(),
    "tree": {"base"},
    "model": {"base"},
    "sources": {"base", "model", "tree"},
    "repository": {"base", "tree"},
    "restic": _KNOW_A_SPEC,
    "catalog": _KNOW_A_SPEC,
    "spec": _KNOW_A_SPEC,
    "metrics": _KNOW_A_SPEC,
    "decide": _KNOW_A_SPEC,
    "observe": _WORLD,
    "act": _WORLD,
    "notify": _KNOW_A_SPEC,
    "web": {"base", "model", "metrics"},
    "loop": {"base", "model", "catalog", "metrics", "decide", "observe", "act"},
    "simulate": {"base", "model", "catalog", "decide", "loop"},
    "app": _WORLD | {"decide", "notify", "observe", "act", "web", "loop", "simulate"},
    "cli": {"base", "model", "app"},
}

# What decide/ may import from the standard library and from base/: values and arithmetic, never the world.
_IMPURE = {
    "asyncio", "concurrent", "ctypes", "fcntl", "glob", "io", "logging", "multiprocessing", "os", "pathlib", "platform", "psutil", "random",
    "secrets", "select", "shutil", "signal", "socket", "sqlite3", "structlog", "subprocess", "sys", "tempfile", "threading", "time",
    "urllib", "uuid", "watchfiles",
}  # fmt: skip
_IMPURE_CALLS = {"open", "print", "input", "exec", "eval", "__import__"}
_PURE_BASE = {"reconciler.base.units", "reconciler.base.errors"}

_CLOCKS = {
    "time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns", "time.perf_counter", "time.perf_counter_ns", "time.process_time",
    "time.process_time_ns", "time.thread_time", "time.localtime", "time.gmtime", "time.ctime", "time.clock_gettime",
    "time.clock_gettime_ns", "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today",
}  # fmt: skip

FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70
MEDIAN_LINES_MAX = 150


class Module(Struct, frozen=True):
    """One parsed source file."""

    path: Path
    tree: ast.Module
    lines: int

    @property
    def name(self) -> str:
        parts = self.path.relative_to(ROOT).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    @property
    def room(self) -> str:
        parts = self.path.relative_to(PACKAGE).parts
        return parts[0] if len(parts) > 1 else ""


def _parse(path: Path) -> Module:
    text = path.read_text(encoding="utf-8")
    return Module(path, ast.parse(text), text.count("\n"))


MODULES = [_parse(path) for path in sorted(PACKAGE.rglob("*.py"))]
ROOMS = sorted({module.room for module in MODULES} - {""})


def _imports(module: Module) -> Iterator[tuple[str, int]]:
    """Every module of this package that ``module`` imports, also inside functions, by `import_module` and by a lazy table of names."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module.name}:{node.lineno} imports relatively"
            yield str(node.module), node.lineno
            if node.module == "reconciler":
                yield from ((f"reconciler.{alias.name}", node.lineno) for alias in node.names if alias.name != "__version__")
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(r"reconciler(\.[a-z_]+)+", node.value):
            yield node.value, node.lineno


def _names(module: Module) -> dict[str, str]:
    """Local name -> full name of what was imported, to see `from time import monotonic as m` for what it is."""
    known: dict[str, str] = {}
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                known[alias.asname or alias.name.split(".")[0]] = alias.name if alias.asname else alias.name.split(".")[0]
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                known[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return known


def _full_name(node: ast.expr, known: dict[str, str]) -> str:
    if isinstance(node, ast.Attribute):
        return f"{_full_name(node.value, known)}.{node.attr}"
    return known.get(node.id, node.id) if isinstance(node, ast.Name) else "?"


def _clock_reads(module: Module) -> list[str]:
    known = _names(module)
    return [
        f"{module.path.relative_to(ROOT)}:{node.lineno} reads {_full_name(node, known)}"
        for node in ast.walk(module.tree)
        if isinstance(node, (ast.Attribute, ast.Name)) and isinstance(node.ctx, ast.Load) and _full_name(node, known) in _CLOCKS
    ]


def test_every_room_has_a_floor() -> None:
    assert set(ROOMS) <= set(MAY_IMPORT), "place the new room in MAY_IMPORT and in docs/architecture.md"


@pytest.mark.parametrize("room", ROOMS)
def test_imports_go_downwards_only(room: str) -> None:
    wrong = [
        f"{module.path.relative_to(ROOT)}:{line} imports {target}"
        for module in MODULES
        if module.room == room
        for target, line in _imports(module)
        if target.startswith("reconciler.") and target.split(".")[1] not in MAY_IMPORT[room] | {room}
    ]
    assert wrong == []


def test_the_repository_is_entered_by_its_front_door() -> None:
    doors = {"reconciler.repository", "reconciler.repository.errors"}
    wrong = [
        f"{module.path.relative_to(ROOT)}:{line} imports {target}"
        for module in MODULES
        if module.room != "repository"
        for target, line in _imports(module)
        if target.startswith("reconciler.repository") and target not in doors
    ]
    assert wrong == []


def test_only_the_clock_module_reads_a_clock() -> None:
    reads = [line for module in MODULES if module.name != "reconciler.base.clock" for line in _clock_reads(module)]
    assert reads == []


def test_the_search_for_clocks_sees_through_aliases() -> None:
    imports = "import time as t\nfrom time import monotonic as m\nfrom datetime import datetime, date\n"
    disguised = Module(PACKAGE / "base" / "x.py", ast.parse(imports + "t.time(); m(); datetime.now(); date.today()\n"), 4)
    assert len(_clock_reads(disguised)) == 4


# Ways to change or read a disk. The repository reads its own place in store.py alone, and changes it through base/files.py alone.
_DISK_CALLS = {
    f"os.{name}"
    for name in (
        "open", "write", "writev", "pwrite", "rename", "renames", "replace", "link", "symlink", "unlink", "remove", "rmdir", "removedirs",
        "mkdir", "makedirs", "mkfifo", "mknod", "truncate", "ftruncate", "fsync", "fdatasync", "sync", "chmod", "chown", "utime",
        "scandir", "listdir", "walk", "stat", "lstat", "read", "pread", "statvfs", "access",
    )
}  # fmt: skip
_DISK_MODULES = {"shutil", "tempfile", "pathlib", "glob", "io", "mmap", "fcntl", "sqlite3", "subprocess"}
_DISK_METHODS = {"write_bytes", "write_text", "read_text", "touch", "iterdir", "rglob"}
_OTHER_PLACES = {
    "content": {"os.open", "os.pread"},  # reads the files of a source
    "read_helper": {"os.open"},  # reads files of a source and the folders that hold them
    "compare": {"os.stat", "os.lstat"},  # and looks at them
    "compare_target": {"os.read", "os.stat"},  # looks at what stands where a restore would write
    "restore_files": {"os.write", "os.pwrite", "os.ftruncate", "os.pread"},  # writes the target and reads it back
    "restore_large": {"os.pwrite"},  # the same, for the content of large files
    "near": {"os.scandir"},  # looks at what is kept on this machine
    "stamps": {"os.scandir", "os.stat", "open"},  # looks when folders changed, and reads the list of mounts
    "helper": {"subprocess"},  # starts processes that do a part of the work
    "store": {"os.listdir", "os.scandir", "os.lstat", "os.statvfs", "shutil"},  # the façade itself only reads on its own
}


def _disk_uses(module: Module) -> Iterator[tuple[str, int]]:
    known = _names(module)
    for node in ast.walk(module.tree):
        if isinstance(node, (ast.Attribute, ast.Name)) and isinstance(node.ctx, ast.Load):
            name = _full_name(node, known)
            if name in _DISK_CALLS or (isinstance(node, ast.Attribute) and node.attr in _DISK_METHODS):
                yield name, node.lineno
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open":
            yield "open", node.lineno
    yield from ((target, line) for target, line in _imports(module) if target.split(".")[0] in _DISK_MODULES)


def test_everything_that_the_repository_does_to_its_place_passes_one_facade() -> None:
    wrong = [
        f"{module.path.relative_to(ROOT)}:{line} uses {name}"
        for module in MODULES
        if module.room == "repository"
        for name, line in _disk_uses(module)
        if name not in _OTHER_PLACES.get(module.path.stem, set())
    ]
    assert wrong == []


def test_the_search_for_ways_around_the_facade_finds_them() -> None:
    text = "import os as o\nfrom os import rename as r\nimport shutil\no.unlink('a'); r('a', 'b'); open('c'); path.write_bytes(b'')\n"
    assert len(list(_disk_uses(Module(PACKAGE / "repository" / "x.py", ast.parse(text), 4)))) == 5


def test_decisions_are_pure() -> None:
    wrong = []
    for module in (module for module in MODULES if module.room == "decide"):
        where = module.path.relative_to(ROOT)
        for target, line in _imports(module):
            if target.split(".")[0] in _IMPURE or (target.startswith("reconciler.base") and target not in _PURE_BASE):
                wrong.append(f"{where}:{line} imports {target}")
        wrong += [
            f"{where}:{node.lineno} calls {node.func.id}"
            for node in ast.walk(module.tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _IMPURE_CALLS
        ]
    assert wrong == []


def test_there_is_one_kind_of_value() -> None:
    """Two kinds need two kinds of `replace`, and one of them is compiled anew at every start (docs/adr/0041): use msgspec.Struct."""
    assert [f"{module.name}:{line}" for module in MODULES for target, line in _imports(module) if target == "dataclasses"] == []


def test_every_module_says_what_it_is() -> None:
    silent = [str(module.path.relative_to(ROOT)) for module in MODULES if not ast.get_docstring(module.tree)]
    assert silent == []


def test_every_room_has_a_door() -> None:
    assert [room for room in ROOMS if not (PACKAGE / room / "__init__.py").is_file()] == []


def test_no_file_has_grown_a_second_idea() -> None:
    everything = [*MODULES, *(_parse(path) for path in sorted((ROOT / "tests").rglob("*.py")))]
    assert [f"{m.path.relative_to(ROOT)}: {m.lines} lines" for m in everything if m.lines > FILE_LINES_MAX] == []
    assert median(module.lines for module in MODULES) <= MEDIAN_LINES_MAX


def test_functions_fit_a_screen() -> None:
    long = [
        f"{module.path.relative_to(ROOT)}:{node.lineno} {node.name}: {node.end_lineno - node.lineno + 1} lines"
        for module in MODULES
        for node in ast.walk(module.tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.end_lineno is not None
        and node.end_lineno - node.lineno >= FUNCTION_LINES_MAX
    ]
    assert long == []
