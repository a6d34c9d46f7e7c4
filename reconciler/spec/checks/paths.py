"""Paths against each other: sources, repositories, keys and the spec tree. By their words alone: no link is followed."""

from __future__ import annotations

import os
from collections.abc import Iterator

from reconciler.model.declared.envelope import System
from reconciler.model.problem import Problem, Severity
from reconciler.spec.declare import Declared
from reconciler.spec.objects import Objects
from reconciler.spec.patterns import compile_patterns, is_plain
from reconciler.spec.resolve import absolute, folder_of

STREAMS = "/.streams"


def check(objects: Objects) -> Iterator[Problem]:
    """Problems of places on disk."""
    stores = [(declared, absolute(folder_of(objects.root, declared), document.spec.url)) for declared, document in objects.repositories()]
    yield from _repositories(objects, stores)
    readers: dict[tuple[str | None, str], str] = {}
    for declared, system in objects.systems():
        folder = folder_of(objects.root, declared)
        places = [absolute(folder, source.place) if source.place is not None else None for source in system.spec.sources]
        yield from _overlaps(declared, system, places)
        yield from _names(declared, system, places)
        yield from _patterns(declared, system)
        for index, path in enumerate(places):
            if path is None:
                continue
            yield from _against(declared, system, index, path, stores)
            other = readers.setdefault((system.spec.host, path), declared.key[1])
            if other != declared.key[1]:
                message = f"the System `{other}` reads {path}, too"
                yield declared.problem("shared-source", _at(system, index), message, severity=Severity.WARNING)


def inside(path: str, folder: str) -> bool:
    """Whether ``path`` is ``folder`` or below it."""
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _repositories(objects: Objects, stores: list[tuple[Declared, str]]) -> Iterator[Problem]:
    root = str(objects.root)
    ordered = sorted(stores, key=lambda store: store[1].rstrip(os.sep).split(os.sep))
    for index, (declared, path) in enumerate(ordered):
        if index and inside(path, ordered[index - 1][1]):
            outer, at = ordered[index - 1]
            same = "is the same folder as" if path == at else "lies inside"
            yield declared.problem("repository-overlap", ("spec", "url"), f"{path} {same} that of the Repository `{outer.key[1]}`")
        if inside(path, root):
            message = f"{path} lies inside the spec tree {root}"
            yield declared.problem(
                "repository-in-tree", ("spec", "url"), message, hint="Every backup would look like a change of the specs."
            )
    for declared, document in objects.repositories():
        file = document.spec.key.file
        if file is not None and inside(absolute(folder_of(objects.root, declared), file), root):
            message, hint = "the key file lies inside the spec tree", "Specs are shared and committed; a key is neither."
            yield declared.problem("key-in-tree", ("spec", "key", "file"), message, hint=hint, severity=Severity.WARNING)


def _at(system: System, index: int) -> tuple[str | int, ...]:
    source = system.spec.sources[index]
    return ("spec", "sources", index, "path" if source.path is not None else "sqlite" if source.sqlite is not None else "name")


def _overlaps(declared: Declared, system: System, places: list[str | None]) -> Iterator[Problem]:
    """A database inside a folder that is read as files is no overlap: it is stored once, frozen."""
    for index, path in enumerate(places):
        for other, earlier in enumerate(places[:index]):
            if path is None or earlier is None or not (inside(path, earlier) or inside(earlier, path)):
                continue
            if path != earlier and (system.spec.sources[index].sqlite or system.spec.sources[other].sqlite):
                continue
            relation = "is" if path == earlier else "lies inside" if inside(path, earlier) else "contains"
            message = f"{path} {relation} sources[{other}]" + ("" if path == earlier else f" ({earlier})")
            hint = "Name it once." if path == earlier else "Name the outer one only."
            yield declared.problem("overlapping-sources", _at(system, index), message, hint=hint)
            break


def _names(declared: Declared, system: System, places: list[str | None]) -> Iterator[Problem]:
    """The names under which outputs of commands stand in the snapshot."""
    names = [source.name for source in system.spec.sources]
    for index, name in enumerate(names):
        if name is not None and name in names[:index]:
            message = f"the output of sources[{names.index(name)}] is named `{name}`, too"
            yield declared.problem("overlapping-sources", _at(system, index), message, hint="Give each output a name of its own.")
    for index, path in enumerate(places):
        if path is not None and any(names) and inside(path, STREAMS):
            message = f"{path} lies where outputs of commands are stored in the snapshot ({STREAMS})"
            yield declared.problem("overlapping-sources", _at(system, index), message, hint="Read it in a System of its own.")


def _against(declared: Declared, system: System, index: int, path: str, stores: list[tuple[Declared, str]]) -> Iterator[Problem]:
    for store, url in stores:
        at, name = _at(system, index), store.key[1]
        if inside(path, url):
            yield declared.problem("source-repository", at, f"{path} lies inside the Repository `{name}` ({url})")
        elif inside(url, path) and not excluded(os.path.relpath(url, path), system.spec.sources[index].exclude):
            pattern = "/" + os.path.relpath(url, path) + "/"
            message = f"{path} contains the Repository `{name}` ({url})"
            yield declared.problem("source-repository", at, message, hint=f'Add "{pattern}" to its `exclude`.')


def excluded(relative: str, patterns: tuple[str, ...]) -> bool:
    """Whether ``patterns`` leave out a folder or one above it."""
    if not patterns:
        return False
    if f"/{relative}/" in patterns and not any(pattern.startswith("!") for pattern in patterns):
        return True  # as our own hint says it
    try:
        return compile_patterns(patterns).match_file(relative + "/")
    except ValueError:
        return False  # reported as exclude-pattern


def _patterns(declared: Declared, system: System) -> Iterator[Problem]:
    for index, source in enumerate(system.spec.sources):
        tolerate = source.tolerate
        lists = {("exclude",): source.exclude} | (
            {("tolerate", "changing"): tolerate.changing, ("tolerate", "unreadable"): tolerate.unreadable} if tolerate else {}
        )
        for where, patterns in lists.items():
            for number, pattern in enumerate(patterns):
                if (fault := _fault(pattern)) is not None:
                    yield declared.problem("exclude-pattern", ("spec", "sources", index, *where, number), fault)


def _fault(pattern: str) -> str | None:
    if "\n" in pattern:
        return "a pattern is one line"
    if is_plain(pattern):
        return None
    try:
        compile_patterns([pattern])
    except ValueError as error:
        return str(error)
    return None
