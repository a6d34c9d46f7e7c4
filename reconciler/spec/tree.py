"""Finds the files of a spec tree and reads each once.

Hidden files and folders and what ``.reconcilerignore`` names are skipped. Symbolic links are followed while they stay inside the tree:
Kubernetes mounts a ConfigMap as links into a hidden ``..data`` folder. Nothing outside is ever read.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from msgspec import Struct, field

from reconciler.base.files import read_regular
from reconciler.model.problem import Place, Problem, Severity
from reconciler.spec.errors import SpecTreeMissing, SpecTreeUnreadable
from reconciler.spec.patterns import compile_patterns
from reconciler.spec.source import visible

FILE_BYTES_MAX = 2**20
TREE_BYTES_MAX = 2**28
FILES_MAX = 50_000
OBJECTS_MAX = 50_000
"""Five times the systems that anybody has measured a loop with. To parse so many takes minutes, so they are counted before."""
DEPTH_MAX = 32
IGNORE_FILE = ".reconcilerignore"
_SUFFIXES = (".yaml", ".yml")

Ignored = Callable[[str], bool]


class SpecFile(Struct, frozen=True):
    """One file as it was read; ``name`` is its path relative to the tree, with ``/``."""

    name: str
    data: bytes
    digest: str


class Tree(Struct):
    """What was found."""

    root: Path
    files: list[SpecFile] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    digest: str = ""

    def report(self, code: str, name: str, message: str, hint: str = "") -> None:
        self.problems.append(Problem(Severity.ERROR, code, Place(visible(name), 1, 1), message, hint))


def read_tree(root: Path) -> Tree:
    """Every spec file below ``root``, sorted by name. Raises SpecTreeMissing, SpecTreeUnreadable; all else becomes a Problem."""
    root = Path(os.path.abspath(root))
    try:
        real_root = os.path.realpath(root, strict=True)
        os.listdir(real_root)
    except (FileNotFoundError, NotADirectoryError):
        raise SpecTreeMissing(f"the spec tree {root} is not there, or not a folder", specs=root) from None
    except OSError as error:
        raise SpecTreeUnreadable(f"the spec tree {root} cannot be read: {error.strerror}", specs=root) from error
    tree = Tree(root)
    total, objects, whole = 0, 0, hashlib.sha256()
    ignored = _ignored(tree, real_root)
    for name, path in sorted(_walk(tree, real_root, ignored)):
        if len(tree.files) >= FILES_MAX or total > TREE_BYTES_MAX:
            tree.report("tree-too-large", name, f"the tree holds more than {FILES_MAX} spec files or {TREE_BYTES_MAX} bytes")
            break
        data = _read(tree, name, path)
        whole.update(f"{len(os.fsencode(name))}:".encode() + os.fsencode(name))
        if data is None:
            whole.update(b"unreadable;")
            continue
        digest = hashlib.sha256(data).hexdigest()
        whole.update(digest.encode())
        total += len(data)
        objects += data.count(b"apiVersion")
        if objects > OBJECTS_MAX:
            tree.files.clear()
            hint = "Is this the right folder, and what writes it in order? More systems need several trees, each with a loop of its own."
            tree.report("tree-too-large", name, f"the tree holds more than {OBJECTS_MAX:,} objects; none of them is read", hint)
            break
        tree.files.append(SpecFile(name, data, digest))
    tree.digest = whole.hexdigest()
    return tree


def _walk(tree: Tree, real_root: str, ignored: Ignored) -> Iterator[tuple[str, str]]:
    """(relative name, real path) of each spec file."""
    waiting = [("", real_root)]
    visited: set[str] = set()
    while waiting:
        prefix, folder = waiting.pop()
        if folder in visited:
            continue
        visited.add(folder)
        if prefix.count("/") > DEPTH_MAX:
            tree.report("tree-too-large", prefix, f"folders are nested deeper than {DEPTH_MAX} levels")
            continue
        try:
            with os.scandir(folder) as rows:
                entries = sorted(rows, key=lambda entry: entry.name)
        except OSError as error:
            tree.report("file-unreadable", prefix or ".", f"the folder cannot be read: {error.strerror}", "May this user read it?")
            continue
        for entry in entries:
            if entry.name.startswith("."):
                continue
            name = prefix + entry.name
            inside = _resolve(tree, real_root, name, entry)
            if inside is None:
                continue
            if os.path.isdir(inside):
                if not ignored(name + "/"):
                    waiting.append((name + "/", inside))
            elif name.lower().endswith(_SUFFIXES) and not ignored(name):
                yield name, inside


def _resolve(tree: Tree, real_root: str, name: str, entry: os.DirEntry[str]) -> str | None:
    """Where the entry really is, or None when that is nothing to read."""
    if not entry.is_symlink():
        return entry.path
    target = os.path.realpath(entry.path)
    if target == real_root or target.startswith(real_root.rstrip(os.sep) + os.sep):
        return target
    if os.path.isdir(target) or name.lower().endswith(_SUFFIXES):
        tree.report("outside-tree", name, "the symbolic link leads out of the spec tree", "Copy the file into the tree.")
    return None


def _read(tree: Tree, name: str, path: str) -> bytes | None:
    if visible(name) != name:
        tree.report("file-name", name, "the file's name is not printable UTF-8", "Rename it.")
        return None
    try:
        return read_regular(path, limit=FILE_BYTES_MAX)
    except ValueError:
        tree.report("file-too-large", name, f"the file is larger than {FILE_BYTES_MAX} bytes", "Split it into several files.")
    except IsADirectoryError:
        tree.report("file-unreadable", name, "this is not a regular file")
    except OSError as error:
        tree.report("file-unreadable", name, f"the file cannot be read: {error.strerror}", "May this user read it?")
    return None


def _ignored(tree: Tree, real_root: str) -> Ignored:
    try:
        text = read_regular(os.path.join(real_root, IGNORE_FILE), limit=FILE_BYTES_MAX).decode()
    except FileNotFoundError:
        return lambda _name: False
    except (OSError, ValueError) as error:
        tree.report("file-unreadable", IGNORE_FILE, f"the file cannot be read: {error}")
        return lambda _name: False
    try:
        return compile_patterns(text.splitlines()).match_file
    except ValueError as error:
        tree.report("ignore-pattern", IGNORE_FILE, f"a line {error}")
        return lambda _name: False
