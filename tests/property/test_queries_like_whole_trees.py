"""Generated histories: what `diff` and `find` say, against an oracle that lists every snapshot whole and knows nothing of blocks."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.app.queries.versions import Span, in_order, spans
from reconciler.model.snapshot import BackupKind, Grade, Snapshot
from reconciler.repository import Entry, Pattern, Repository, Selection, alterations, differences, entries
from tests.unit.repository.conftest import Bench

HISTORIES = 150
FOLDERS = ("", "a", "a/b", "a-b", "c")
paths = st.tuples(st.sampled_from(FOLDERS), st.sampled_from(["one", "a", "x-1", "x-2", "one.txt", "[1]"])).map(
    lambda parts: "/".join(part for part in parts if part)
)
contents = st.integers(0, 3)
edits = st.lists(
    st.tuples(st.sampled_from(["write", "write", "write", "remove", "remove", "chmod", "link", "folder"]), paths, contents), max_size=12
)
histories = st.lists(edits, min_size=2, max_size=6)
grades = st.lists(st.sampled_from([Grade.COMPLETE, Grade.COMPLETE, Grade.PARTIAL]), min_size=6, max_size=6)
patterns = st.sampled_from(["**/one", "**/x-*", "**/*", "**/a", "/a/**", "**/one.t?t", "**/[x]-1", "/a*/one", "/nothing"]) | paths.map(
    "/{}".format
)


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of about two entries: a history has dozens of them."""
    monkeypatch.setattr(entries, "BLOCK_ENTRIES", 2)


@pytest.mark.slow
@settings(max_examples=HISTORIES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture])
@given(history=histories, grade=grades, pattern=patterns)
def test_diff_and_find_say_what_whole_trees_say(history: list[list[tuple[str, str, int]]], grade: list[Grade], pattern: str) -> None:
    with taken(history) as (repository, ids, source):
        pattern = pattern if pattern.startswith("*") else f"{source}{pattern}".lstrip("/")
        trees = [{entry.path: entry for entry in repository.entries(each)} for each in ids]
        browser = repository.browse()
        read = [browser.tree(each) for each in ids]
        for old in range(len(ids)):
            for new in range(len(ids)):
                found = {(change.new or change.old).path: change.what for change in differences(read[old], read[new])}  # type: ignore[union-attr]
                assert found == differing(trees[old], trees[new])
        chosen = Selection((pattern.encode(),))
        for tree, whole in zip(read, trees, strict=True):
            assert [entry.path for entry in browser.entries(tree, chosen)] == [path for path, entry in whole.items() if entry in chosen]
        for path in trees[-1] if trees else ():
            below = [each for each in trees[-1] if each == path or each.startswith(path + b"/")]
            assert [entry.path for entry in browser.entries(read[-1], Selection((path,), literal=True))] == below
        searched = browser.search(ids, Pattern(pattern.encode()))
        assert searched.problems == ()
        snapshots = [snapshot(identity, number, each) for number, (identity, each) in enumerate(zip(ids, grade, strict=False))]
        timeline = in_order(snapshots, {step.snapshot: step for step in searched.steps})
        found_spans = {path: [shown(span) for span in each] for path, each in spans(timeline).items()}
        matching = Selection((pattern.encode(),))
        matched = [{path: entry for path, entry in tree.items() if fits(matching, entry, pattern)} for tree in trees]
        assert found_spans == expected(matched, grade)


def shown(span: Span) -> tuple[int, int, str, tuple[int, ...]]:
    seen = tuple(number for number in range(span.begin, span.end) if span.last_of([number]) is not None)
    assert (span.last, span.count) == (seen[-1], len(seen))
    return span.begin, span.end, span.ended, seen


def fits(matching: Selection, entry: Entry, pattern: str) -> bool:
    """Whether the entry itself fits, not only a folder above it."""
    return matching._has(entry.path, is_folder=entry.row[1] & 0o170000 == 0o040000) and (
        "*" in pattern or "[" in pattern or entry.path == pattern.encode()
    )


def differing(old: dict[bytes, Entry], new: dict[bytes, Entry]) -> dict[bytes, tuple[str, ...]]:
    found = dict.fromkeys(old.keys() ^ new.keys(), ())
    both = {path: alterations(old[path], new[path], shared=True) for path in old.keys() & new.keys()}
    return found | {path: what for path, what in both.items() if what}


def expected(trees: list[dict[bytes, Entry]], grade: list[Grade]) -> dict[bytes, list[tuple[int, int, str, tuple[int, ...]]]]:
    """By walking over every path and every tree: (begin, end, why it ended, where it was seen)."""
    found: dict[bytes, list[tuple[int, int, str, tuple[int, ...]]]] = {}
    for path in {path for tree in trees for path in tree}:
        begin, seen, entry, doubtful = -1, [0][:0], None, False
        for number, tree in enumerate(trees):
            here = tree.get(path)
            if entry is not None and here is None and grade[number] is not Grade.COMPLETE:
                doubtful = True
                continue
            if entry is not None and (here is None or alterations(entry, here, shared=True)):
                found.setdefault(path, []).append((begin, number, "deleted" if here is None else "changed", tuple(seen)))
                entry = None
            if here is not None:
                if entry is None:
                    begin, seen, entry = number, [], here
                seen.append(number)
            doubtful = False
        if entry is not None:
            found.setdefault(path, []).append((begin, len(trees), "unknown" if doubtful else "", tuple(seen)))
    return found


def snapshot(identity: str, number: int, grade: Grade) -> Snapshot:
    at = datetime(2026, 3, 1, tzinfo=UTC) + timedelta(hours=number)
    return Snapshot(identity, "main", "realm", "system", "host", BackupKind.FULL, at, at, at, grade, 0, 0, 0)


@contextmanager
def taken(history: list[list[tuple[str, str, int]]]) -> Iterator[tuple[Repository, list[str], Path]]:
    """One snapshot after each batch of edits that changed anything."""
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as place:
        source = Path(place) / "source"
        source.mkdir()
        bench, ids = Bench(source, Path(place) / "repository"), []
        repository = bench.init()
        for number, batch in enumerate(history):
            for edit in batch:
                apply(source, *edit)
            done = bench.take(repository, base=ids[-1] if ids and number % 3 else None)
            if done.root is not None:
                ids.append(done.root.id)
        yield bench.open(), ids, source


def apply(source: Path, what: str, relative: str, number: int) -> None:
    there = sorted(source.rglob("*"))
    path = there[(number * 7 + len(relative)) % len(there)] if what == "remove" and there else source / relative
    for above in reversed(path.relative_to(source).parents):
        folder = source / above
        if folder.is_symlink() or folder.is_file():
            folder.unlink()
        folder.mkdir(exist_ok=True)
    if what == "chmod" and path.is_file():
        path.chmod(0o600 + number)
        return
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    elif path.is_symlink() or path.exists():
        path.unlink()
    if what == "write":
        path.write_bytes(b"%d" % number)
        os.utime(path, ns=(number * 10**9, number * 10**9))
    elif what == "link":
        path.symlink_to(f"to-{number}")
    elif what == "folder":
        path.mkdir()
