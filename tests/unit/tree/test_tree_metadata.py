"""Owner, mode, attributes and times of what was written; what cannot be set is said and nothing stops."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.tree.entry import Row
from reconciler.tree.write import Target
from tests.fakes.trees import NOBODY, as_nobody, open_to_all

needs_root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give files away")


def row(name: bytes, mode: int, *, mtime_ns: int = 1_700_000_000_123_456_789, uid: int | None = None, gid: int | None = None) -> Row:
    return (name, mode, 0, mtime_ns, 0, 0, os.geteuid() if uid is None else uid, os.getegid() if gid is None else gid, 1)


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Target]:
    with Target.open(str(tmp_path / "out")) as opened:
        yield opened


def restore(target: Target, entry: Row, **more: object) -> tuple[os.stat_result, list[str]]:
    """Write an empty file with the metadata of ``entry``; what it became, and what was lost."""
    file = target.create(target.folder(b""), entry[0])
    losses = target.apply(file.fd, None, entry, **more)  # type: ignore[arg-type]
    target.finish(file)
    return os.stat(os.path.join(os.fsencode(target.root), entry[0])), [loss.what for loss in losses]


@pytest.mark.parametrize("mtime_ns", [0, -1, -62_135_596_800 * 10**9 // 30, 1, 1_700_000_000_123_456_789, 4_000_000_000 * 10**9 + 7])
def test_times_return_to_the_nanosecond(target: Target, mtime_ns: int) -> None:
    status, losses = restore(target, row(b"file", stat.S_IFREG | 0o644, mtime_ns=mtime_ns))
    assert (status.st_mtime_ns, losses) == (mtime_ns, [])


def test_a_time_that_no_system_can_hold_is_a_loss(target: Target) -> None:
    status, losses = restore(target, row(b"file", stat.S_IFREG | 0o640, mtime_ns=2**200))
    assert losses == ["time"]
    assert stat.S_IMODE(status.st_mode) == 0o640


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o000, 0o444, 0o777])
def test_modes_return_whatever_the_umask(target: Target, mode: int) -> None:
    before = os.umask(0o077)
    try:
        status, losses = restore(target, row(b"file", stat.S_IFREG | mode))
    finally:
        os.umask(before)
    assert (stat.S_IMODE(status.st_mode), losses) == (mode, [])


@needs_root
def test_root_gives_files_back_with_their_setuid(target: Target) -> None:
    status, losses = restore(target, row(b"file", stat.S_IFREG | 0o4755, uid=NOBODY, gid=NOBODY))
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode), losses) == (NOBODY, NOBODY, 0o4755, [])


@needs_root
def test_a_file_of_root_does_not_become_a_setuid_file_of_whoever_restores_it(tmp_path: Path) -> None:
    open_to_all(tmp_path)
    with as_nobody(), Target.open(str(tmp_path / "mine")) as target:
        status, losses = restore(target, row(b"file", stat.S_IFREG | 0o6755, uid=0, gid=0))
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (NOBODY, 0o755)
    assert losses == ["owner", "setuid or setgid"]


def test_attributes_return_even_to_a_file_that_is_read_only(tmp_path: Path) -> None:
    open_to_all(tmp_path)
    _needs_attributes(tmp_path)
    with as_nobody(), Target.open(str(tmp_path / "mine")) as target:
        _, losses = restore(target, row(b"file", stat.S_IFREG | 0o400), xattrs=[(b"user.colour", b"blue\0\xff")])
        assert losses == []
        assert os.getxattr(tmp_path / "mine/file", b"user.colour") == b"blue\0\xff"


def test_an_attribute_that_may_not_be_set_is_a_loss_with_the_path(tmp_path: Path) -> None:
    open_to_all(tmp_path)
    _needs_attributes(tmp_path)
    with as_nobody(), Target.open(str(tmp_path / "mine")) as target:
        file = target.create(target.folder(b""), b"file")
        attributes = [(b"security.capability", b"\1"), (b"trusted.x", b"y"), (b"user.fine", b"z")]
        losses = target.apply(file.fd, None, row(b"file", stat.S_IFREG | 0o600), xattrs=attributes, path=b"full/file")
        target.finish(file)
    assert [(loss.path, loss.what) for loss in losses] == [
        (b"full/file", "attribute security.capability"),
        (b"full/file", "attribute trusted.x"),
    ]


def test_a_link_gets_its_time_and_what_it_points_to_is_left_alone(tmp_path: Path, target: Target) -> None:
    canary = tmp_path / "canary"
    canary.write_text("alive")
    before = canary.stat()
    handle = target.folder(b"")
    target.symlink(handle, b"link", os.fsencode(str(canary)))
    losses = target.apply(handle, b"link", row(b"link", stat.S_IFLNK | 0o777))
    assert losses == ()
    assert os.lstat(os.path.join(target.root, "link")).st_mtime_ns == 1_700_000_000_123_456_789
    assert (canary.stat().st_mtime_ns, canary.stat().st_mode, canary.stat().st_ctime_ns) == (
        before.st_mtime_ns,
        before.st_mode,
        before.st_ctime_ns,
    )


def test_a_pipe_gets_its_mode_and_a_link_in_its_place_does_not_pass_it_on(tmp_path: Path, target: Target) -> None:
    canary = tmp_path / "canary"
    canary.write_text("alive")
    canary.chmod(0o600)
    handle = target.folder(b"")
    assert target.special(handle, b"pipe", stat.S_IFIFO | 0o666) is None
    assert target.apply(handle, b"pipe", row(b"pipe", stat.S_IFIFO | 0o666)) == ()
    assert stat.S_IMODE(os.stat(os.path.join(target.root, "pipe")).st_mode) == 0o666
    os.unlink(os.path.join(target.root, "pipe"))
    os.symlink(canary, os.path.join(target.root, "pipe"))
    losses = target.apply(handle, b"pipe", row(b"pipe", stat.S_IFIFO | 0o666))
    assert [loss.what for loss in losses] == ["mode"]
    assert stat.S_IMODE(canary.stat().st_mode) == 0o600


def test_a_folder_gets_its_metadata_through_its_handle(target: Target) -> None:
    handle = target.folder(b"a/b")
    assert target.apply(handle, None, row(b"b", stat.S_IFDIR | 0o1755)) == ()
    status = os.stat(os.path.join(target.root, "a/b"))
    assert (stat.S_IMODE(status.st_mode), status.st_mtime_ns) == (0o1755, 1_700_000_000_123_456_789)


def _needs_attributes(folder: Path) -> None:
    if not hasattr(os, "setxattr"):
        pytest.skip("extended attributes are restored on Linux only")
    probe = folder / "probe"
    probe.touch()
    try:
        os.setxattr(probe, b"user.probe", b"1")
    except OSError as err:
        if err.errno in {errno.ENOTSUP, errno.EPERM}:
            pytest.skip("this file system keeps no user attributes")
        raise
    probe.unlink()
