"""The journal of a restore in place: what it is going to do, durable before it does anything, then what is done.

One file of JSON lines per restore, synced with every batch. It names the steps and what stood there when they were decided, so that a
killed restore can be continued, and any restore undone, without guessing. That a step is *not* in it as done proves nothing: what is
on the disk is looked at again. A last line that a crash tore is as if it had not been written.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import msgspec
from msgspec import Struct, field

from reconciler.app.errors import JournalDamaged
from reconciler.app.restoring.steps import Do, Names, Policy, Step, Steps
from reconciler.base.files import REAL_DISK, Disk, make_folders
from reconciler.tree.entry import Row

FOLDER = "restores"
_FORMAT = 1
_PER_LINE = 500


class Header(Struct, frozen=True):
    """What is known before the first step."""

    id: str
    kind: str
    system: str
    repository: str
    snapshot: str
    policy: str
    paths: tuple[str, ...]
    """As they were given, and so is the choice made again; empty: everything."""
    digest: str
    actor: str
    at: str
    covering: bool = True
    undoes: str | None = None
    checksums: str | None = None
    format: int = _FORMAT


class State(Struct):
    """A journal as it was read."""

    header: Header
    steps: Steps
    planned: bool = False
    """The steps are all there; without this nothing was done."""
    safety: str | None = None
    unsaved: list[bytes] = field(default_factory=list)
    begun: bool = False
    """The safety snapshot is held; from here on entries may have been changed."""
    prefixes: tuple[str, ...] = ()
    """With which the temporary names of its runs begin."""
    done: int = 0
    """Steps that were told as done."""
    outcome: str | None = None
    undone_by: str | None = None

    @property
    def ended(self) -> bool:
        return self.outcome is not None


class Journal:
    """Appends to one journal; every call is durable when it returns."""

    def __init__(self, path: Path, handle: int, disk: Disk) -> None:
        self.path = path
        self._handle = handle
        self._disk = disk
        self.has_begun = False

    @classmethod
    def create(cls, state: Path, header: Header, steps: Steps, *, disk: Disk = REAL_DISK) -> Self:
        """Everything that is planned, durable before the first side effect."""
        folder = state / FOLDER
        make_folders(folder)
        path = folder / f"{header.id}.jsonl"
        journal = cls(path, disk.create(str(path)), disk)
        try:
            beside = {"beside": [os.fsdecode(path) for path in steps.names]}
            journal._write([{"header": msgspec.to_builtins(header)}, *_planned(steps), beside, {"planned": True}])
            disk.sync_folder(str(folder))
        except BaseException:
            journal.close()
            with contextlib.suppress(OSError):
                disk.unlink(str(path))
            raise
        return journal

    @classmethod
    def again(cls, state: Path, restore: str, *, disk: Disk = REAL_DISK) -> Self:
        """Go on with one that exists: a torn last line is cut off first."""
        path = state / FOLDER / f"{restore}.jsonl"
        handle = os.open(path, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0))
        whole = _whole_length(handle)
        disk.truncate(handle, whole)
        os.lseek(handle, 0, os.SEEK_END)
        journal = cls(path, handle, disk)
        journal.has_begun = True
        return journal

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def safety(self, snapshot: str, unsaved: Sequence[bytes]) -> None:
        """The safety snapshot, and what it could not take: that must not be touched, by whoever goes on."""
        self._write([{"unsaved": [os.fsdecode(path) for path in unsaved]}, {"safety": snapshot}])

    def begun(self, prefix: bytes) -> None:
        """From here on entries are changed; temporary names begin with ``prefix``."""
        self.has_begun = True
        self._write([{"begun": os.fsdecode(prefix)}])

    def done(self, paths: Sequence[bytes]) -> None:
        self._write([{"done": [os.fsdecode(path) for path in paths]}])

    def ended(self, outcome: str) -> None:
        self._write([{"ended": outcome}])

    def undone(self, by: str) -> None:
        self._write([{"undone": by}])

    def _write(self, lines: Iterable[dict[str, Any]]) -> None:
        # ASCII, so that names which are no text survive as lone surrogates
        self._disk.write(self._handle, b"".join(json.dumps(line, separators=(",", ":")).encode() + b"\n" for line in lines))
        self._disk.sync(self._handle)


def read(state: Path, restore: str) -> State:
    """Raises JournalDamaged; FileNotFoundError when there is none."""
    path = state / FOLDER / f"{restore}.jsonl"
    with open(path, "rb") as file:
        lines = [raw for raw in file if raw.endswith(b"\n")]
    try:
        known = [json.loads(raw) for raw in lines]
        first = known[0]["header"]
        if first["format"] != _FORMAT:
            raise JournalDamaged(f"the journal {path} has format {first['format']}, this program knows {_FORMAT}")
        header = Header(**{**first, "paths": tuple(first["paths"])})
        return _read(State(header, Steps(Policy(header.policy), covering=header.covering)), known[1:])
    except (ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
        raise JournalDamaged(f"the journal {path} cannot be read: {type(error).__name__}") from error


def known(state: Path) -> tuple[str, ...]:
    """The ids of all journals."""
    folder = state / FOLDER
    return tuple(sorted(path.stem for path in folder.glob("*.jsonl"))) if folder.is_dir() else ()


def _planned(steps: Steps) -> Iterator[dict[str, Any]]:
    for key, group in (("remove", steps.removals), ("write", steps.writes)):
        rows: list[list[Any]] = []
        for path, step in group.items():
            rows.append([os.fsdecode(path), step.do.value, _stored(step.now), step.why, path in steps.created])
            if len(rows) == _PER_LINE:
                yield {key: rows}
                rows = []
        if rows:
            yield {key: rows}


def _read(state: State, lines: Sequence[dict[str, Any]]) -> State:
    for line in lines:
        ((key, value),) = line.items()
        match key:
            case "remove":
                state.steps.removals.update({os.fsencode(path): Step(Do(do), _row(now), why) for path, do, now, why, _ in value})
            case "write":
                for path, do, now, why, covers in value:
                    state.steps.put_write(os.fsencode(path), Step(Do(do), _row(now), why), folder=covers)
            case "beside":
                state.steps.names = Names(os.fsencode(path) for path in value)
            case "planned":
                state.planned = True
            case "unsaved":
                for path in value:
                    state.unsaved.append(os.fsencode(path))
            case "safety":
                state.safety = value
            case "begun":
                state.begun, state.prefixes, state.outcome = True, (*state.prefixes, value), None
            case "done":
                state.done += len(value)
            case "ended":
                state.outcome = value
            case "undone":
                state.undone_by = value
            case _:
                raise ValueError(f"an unknown line: {key}")
    return state


def _stored(row: Row | None) -> list[Any] | None:
    return [os.fsdecode(row[0]), *row[1:]] if row is not None else None


def _row(stored: list[Any] | None) -> Row | None:
    if stored is None:
        return None
    name, *rest = stored
    return (os.fsencode(name), *rest)  # eight whole numbers, as they were written


def _whole_length(handle: int) -> int:
    """Up to the end of the last line that is whole."""
    size = os.fstat(handle).st_size
    position = size
    while position:
        step = min(65536, position)
        piece = os.pread(handle, step, position - step)
        newline = piece.rfind(b"\n")
        if newline >= 0:
            return position - step + newline + 1
        position -= step
    return 0
