"""Five hundred generated trees, backed up and restored: names, content, modes, times, links, hard links and holes as they were."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.unit.repository.conftest import Bench

pytestmark = pytest.mark.slow
TREES = 500

names = st.binary(min_size=1, max_size=8).filter(lambda name: b"/" not in name and b"\0" not in name and name not in {b".", b".."})
times = st.integers(min_value=-(2**31) * 10**9, max_value=2**33 * 10**9)
modes = st.sampled_from([0o600, 0o644, 0o755, 0o400, 0o4711])
content = st.one_of(st.binary(max_size=40), st.integers(1, 300_000).map(lambda size: (b"%d," % size * size)[:size]))
leaves = st.one_of(
    st.tuples(st.just("file"), content, modes, times),
    st.tuples(st.just("hole"), st.integers(70_000, 3_000_000), modes, times),
    st.tuples(st.just("twin"), st.binary(max_size=9), modes, times),
    st.tuples(st.just("link"), st.binary(min_size=1, max_size=12).filter(lambda text: b"\0" not in text), st.just(0), times),
    st.tuples(st.just("fifo"), st.just(b""), st.sampled_from([0o600, 0o666]), times),
)
trees = st.recursive(
    st.dictionaries(names, leaves, max_size=4), lambda below: st.dictionaries(names, leaves | below, max_size=4), max_leaves=12
)


@settings(max_examples=TREES)
@given(tree=trees)
def test_a_generated_tree_comes_back_as_it_was(tree: dict[bytes, object]) -> None:
    memory = Path("/dev/shm")
    with TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as place:
        source = Path(place) / "source"
        source.mkdir()
        bench = Bench(source, Path(place) / "repository")
        grow(os.fsencode(source), tree)
        taken = bench.take(bench.init())
        assert taken.root is not None
        assert taken.defects == ()
        bench.restore(taken.root.id, Path(place) / "target")
        assert seen(os.fsencode(bench.inside(Path(place) / "target"))) == seen(os.fsencode(source))


def grow(folder: bytes, tree: dict[bytes, object]) -> None:
    for name, inner in tree.items():
        path = os.path.join(folder, name)
        if isinstance(inner, dict):
            os.mkdir(path)
            grow(path, inner)
            continue
        assert isinstance(inner, tuple)
        kind, what, mode, at = inner
        if kind == "link":
            os.symlink(what, path)
        elif kind == "fifo":
            os.mkfifo(path)
        else:
            with open(path, "wb") as file:
                if kind == "hole":
                    file.seek(what)
                    what = b"end"
                file.write(what)
            if kind == "twin" and len(name) < 200:
                os.link(path, path + b".twin")
        if kind != "link":
            os.chmod(path, mode)
        os.utime(path, ns=(at, at), follow_symlinks=False)


def seen(folder: bytes, prefix: bytes = b"") -> dict[bytes, tuple[object, ...]]:
    """By path: everything that a restore promises to bring back; names of one file share a number."""
    rows: dict[bytes, tuple[object, ...]] = {}
    inodes: dict[int, bytes] = {}
    for path in sorted(walked(folder)):
        info = os.lstat(path)
        name = os.path.relpath(path, folder)
        first = inodes.setdefault(info.st_ino, name)
        what: object = None
        if stat.S_ISLNK(info.st_mode):
            what = os.readlink(path)
        elif stat.S_ISREG(info.st_mode):
            with open(path, "rb") as file:
                what = file.read()
        rows[name] = (info.st_mode, info.st_uid, info.st_gid, info.st_mtime_ns, first, what, holes(info))
    return rows


def walked(folder: bytes) -> list[bytes]:
    paths = []
    with os.scandir(folder) as entries:
        for entry in entries:
            paths.append(entry.path)
            if entry.is_dir(follow_symlinks=False):
                paths += walked(entry.path)
    return paths


def holes(info: os.stat_result) -> bool:
    """Whether a large file takes clearly less space than its size says."""
    return stat.S_ISREG(info.st_mode) and info.st_size > 70_000 and info.st_blocks * 512 < info.st_size // 2
