"""What came of a whole tree in which nothing is wrong, kept between processes: a tree that nobody touched is not resolved again.

Of the newest such tree, in one file beside the parses. Everything that resolving and checking look at stands in its key: the names and
contents of all files, where the tree is, this program and the libraries that it asks, and the rules of the time zones that are named.
What else may differ is judged anew by whoever loads: what was removed since, and what may not vanish. A tree with a fault is never kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import TZPATH, ZoneInfo

import msgspec
import pydantic
from msgspec import Struct

import reconciler
from reconciler.base import kept
from reconciler.base.secret import REDACTED, redact
from reconciler.model.desired import Desired
from reconciler.model.problem import Problem
from reconciler.spec.declare import Declared, Key
from reconciler.spec.tree import Tree

_ROOMS = ("spec", "model", "base")
_LIBRARIES = ("cronsim", "pathspec", "ruamel.yaml")
"""What specs are judged by beside pydantic, which says its version by itself; none of them is loaded for that."""


class Whole(NamedTuple):
    """A tree in which nothing is wrong."""

    desired: Desired
    files: Mapping[Key, str]
    """By object that it declares: the name of the file."""


class _Kept(Struct, array_like=True):
    about: tuple[str, ...]
    zones: dict[str, str]
    """By name of a time zone that the tree names: the digest of its rules."""
    whole: bytes


class Resolved:
    """Of one state directory. Made when a process loads specs for the first time: its code is what is on disk then."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._program = _program()
        self._zones: dict[str, str] = {}

    def of(self, tree: Tree, place: Path) -> Whole | None:
        """What came of ``tree`` at ``place``, where it was kept."""
        body = kept.read(self._path) if self._program and not tree.problems else None
        if body is None:
            return None
        from reconciler.spec.columns import FOREIGN, unpack

        try:
            known = msgspec.msgpack.decode(body, type=_Kept)
            about = (self._program, str(place), tree.digest)
            if known.about != about or known.zones != {name: self._zone(name) for name in known.zones}:
                return None
            desired, files = unpack(msgspec.msgpack.decode(known.whole))
        except (msgspec.DecodeError, *FOREIGN):
            return None
        return Whole(desired, files) if not _tells(desired.problems) else None

    def keep(self, desired: Desired, declared: Mapping[Key, Declared]) -> None:
        """Write what came of a tree in which nothing is wrong. A disk that refuses costs only the time, and so does what has no such form.

        A line with something hidden in it is not kept: what is hidden differs between processes.
        """
        zones = {name: self._zone(name) for name in {"UTC", *_zones(each.value for each in declared.values())}}
        hides = any(REDACTED in problem.snippet for problem in desired.problems)
        if hides or not self._program or not all(zones.values()):
            return
        from reconciler.spec.columns import pack

        about = (self._program, desired.root, desired.digest)
        files = {key: each.place.file for key, each in declared.items()}
        with contextlib.suppress(OSError, AttributeError, OverflowError, TypeError, ValueError):
            whole = msgspec.msgpack.encode(pack([desired, files]))
            kept.write(self._path, [msgspec.msgpack.encode(_Kept(about, zones, whole))])

    def _zone(self, name: str) -> str:
        """Empty where there is nothing to look at. Also looked at once: a process goes on with the rules that it has read."""
        if name not in self._zones:
            rules = _rules(name)
            self._zones[name] = hashlib.sha256(rules).hexdigest() if rules else ""
        return self._zones[name]


def _tells(problems: Iterable[Problem]) -> bool:
    """Whether the lines that they show hold what this process knows to be secret."""
    shown = "\n".join(problem.snippet for problem in problems)
    return redact(shown) != shown


def _program() -> str:
    """Which code makes of specs what they mean; empty where that cannot be said. Names of files are what the interpreter takes them for."""
    version = f"{reconciler.__version__} {sys.version} {sys.getfilesystemencoding()} {pydantic.VERSION}"
    package = Path(reconciler.__file__).parent
    try:
        parts = [kept.program(package, version, *_ROOMS), *(kept.program(_folder(name), name, ".") for name in _LIBRARIES)]
    except LookupError:  # a library is not in files
        return ""
    return hashlib.sha256(" ".join(parts).encode()).hexdigest() if all(parts) else ""


def _folder(library: str) -> Path:
    """Where a library is. Raises LookupError where it is in no folder."""
    found = find_spec(library)
    if found is None or not found.submodule_search_locations:
        raise LookupError(library)
    return Path(found.submodule_search_locations[0])


def _zones(values: Iterable[Any]) -> Iterator[str]:
    """What documents name as a time zone, and is one."""
    for value in values:
        if isinstance(value, list):
            yield from _zones(value)
        elif isinstance(value, dict):
            name = value.get("timezone")
            if isinstance(name, str) and _is_zone(name):
                yield name
            yield from _zones(value.values())


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _rules(zone: str) -> bytes:
    """The file in which :class:`ZoneInfo` finds the rules of a zone; empty where there is none."""
    with contextlib.suppress(OSError, LookupError):
        found = next((path for folder in TZPATH if (path := Path(folder, zone)).is_file()), None)
        return (found if found is not None else _folder("tzdata") / "zoneinfo" / zone).read_bytes()
    return b""
