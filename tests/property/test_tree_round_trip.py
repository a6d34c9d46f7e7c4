"""What was scanned and written into a target is scanned from there again as the same tree."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.tree.entry import MODE, NAME, Listing, Row, join, path_of, walk_key
from reconciler.tree.write import Target
from tests.fakes.trees import lasting, scan_of

names = st.binary(min_size=1, max_size=8).filter(lambda name: b"/" not in name and b"\0" not in name and name not in {b".", b".."})
times = st.integers(min_value=-(2**31) * 10**9, max_value=2**33 * 10**9)
leaves = st.one_of(
    st.tuples(st.just("file"), st.binary(max_size=20), st.sampled_from([0o600, 0o644, 0o755, 0o400]), times),
    st.tuples(st.just("link"), st.binary(min_size=1, max_size=12).filter(lambda text: b"\0" not in text), st.just(0), times),
    st.tuples(st.just("fifo"), st.just(b""), st.sampled_from([0o600, 0o666]), times),
)
trees = st.recursive(
    st.dictionaries(names, leaves, max_size=4), lambda below: st.dictionaries(names, leaves | below, max_size=4), max_leaves=15
)


@settings(max_examples=60)
@given(tree=trees)
def test_a_tree_returns_as_it_was(tree: dict[bytes, object]) -> None:
    with TemporaryDirectory() as place:
        source, out = os.path.join(place, "source"), os.path.join(place, "out")
        os.mkdir(source)
        grow(os.fsencode(source), tree)
        scan = scan_of(source)
        listings = [copy_of(listing) for listing in scan]
        with Target.open(out) as target:
            assert write(target, listings, path_of(source)) == []
            target.sync()
        restored = [copy_of(listing) for listing in scan_of(out)]
    assert scan.defects == []
    assert below(restored, path_of(out)) == below(listings, path_of(source))


@settings(max_examples=60)
@given(tree=trees)
def test_a_scan_goes_in_one_strict_order(tree: dict[bytes, object]) -> None:
    with TemporaryDirectory() as place:
        grow(os.fsencode(place), tree)
        listings = [copy_of(listing) for listing in scan_of(place)]
    keys = [walk_key(listing.path) for listing in listings]
    assert keys == sorted(set(keys))
    for listing in listings:
        found = [row[NAME] for row in listing.rows]
        assert found == sorted(set(found))


def grow(folder: bytes, tree: dict[bytes, object]) -> None:
    for name, leaf in tree.items():
        path = os.path.join(folder, name)
        if isinstance(leaf, dict):
            os.mkdir(path)
            grow(path, leaf)
            continue
        kind, content, mode, mtime_ns = leaf  # type: ignore[misc]
        if kind == "file":
            Path(os.fsdecode(path)).write_bytes(content)
        elif kind == "link":
            os.symlink(content, path)
        else:
            os.mkfifo(path)
        if kind != "link":
            os.chmod(path, mode)
        os.utime(path, ns=(mtime_ns, mtime_ns), follow_symlinks=False)


def copy_of(listing: Listing) -> Listing:
    return Listing(listing.path, listing.device, list(listing.rows), None, listing.absolute)


def below(listings: list[Listing], root: bytes) -> list[tuple[bytes, list[tuple[object, ...]]]]:
    """What is under ``root``, by paths counted from it."""
    return [
        (listing.path[len(root) :], [lasting(row) for row in listing.rows])
        for listing in listings
        if listing.path == root or listing.path.startswith(root + b"/")
    ]


def write(target: Target, listings: list[Listing], root: bytes) -> list[object]:
    """The smallest possible restore: files and links as they come, folders last and deepest first."""
    losses: list[object] = []
    folders: list[tuple[bytes, Row]] = []
    for listing in listings:
        if listing.path != root and not listing.path.startswith(root + b"/"):
            continue
        place = listing.path[len(root) :].strip(b"/")
        handle = target.folder(place)
        for row in listing.rows:
            source = os.path.join(listing.absolute, row[NAME])
            if stat.S_ISDIR(row[MODE]):
                folders.append((join(place, row[NAME]), row))
            elif stat.S_ISREG(row[MODE]):
                file = target.create(handle, row[NAME])
                os.write(file.fd, Path(os.fsdecode(source)).read_bytes())
                losses += target.apply(file.fd, None, row)
                target.finish(file)
            else:
                if stat.S_ISLNK(row[MODE]):
                    target.symlink(handle, row[NAME], os.readlink(source))
                else:
                    target.special(handle, row[NAME], row[MODE])
                losses += target.apply(handle, row[NAME], row)
    for path, row in reversed(folders):
        losses += target.apply(target.folder(path), None, row)
    return losses
