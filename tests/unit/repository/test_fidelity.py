"""Each detail of a tree that a backup must bring back, by a real backup and a real restore on a real disk."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fakes.trees import deep_chain, remove
from tests.unit.repository.conftest import Bench

NEEDS_ROOT = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may make it")
CAPABILITY = bytes.fromhex("0100000200040000000000000000000000000000")  # cap_net_bind_service=ep


def access_list(user: int) -> bytes:
    """An ACL as the kernel keeps it: one more user may read."""
    rows = [(0x01, 6, 2**32 - 1), (0x02, 4, user), (0x04, 4, 2**32 - 1), (0x10, 6, 2**32 - 1), (0x20, 4, 2**32 - 1)]
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *row) for row in rows)


def there_and_back(bench: Bench, target: Path, paths: tuple[bytes, ...] = (), checksums: tuple[str, ...] = ("sha256",)) -> Path:
    """Back everything up, restore it, and say where the source lies then. Nothing may be lost on the way, not even a time."""
    taken = bench.take(kind="full", checksums=checksums)
    assert taken.defects == ()
    restored = bench.restore(taken.root.id, target, paths)
    assert restored.failures == ()
    inside = os.fsencode(bench.source).lstrip(b"/")
    assert [loss for loss in restored.losses if loss.path.startswith(inside)] == []
    return bench.inside(target)


def given(path: Path, name: str, value: bytes) -> None:
    try:
        os.setxattr(path, name, value, follow_symlinks=False)
    except OSError as error:
        if error.errno in {errno.EOPNOTSUPP, errno.EPERM}:
            pytest.skip(f"this place keeps no {name}")
        raise


def holes_of(path: Path) -> list[tuple[int, int]]:
    """The stretches that hold data, as the file system says it."""
    found, position, size = [], 0, path.stat().st_size
    with path.open("rb") as file:
        while position < size:
            try:
                start = os.lseek(file.fileno(), position, os.SEEK_DATA)
            except OSError:
                break
            position = os.lseek(file.fileno(), start, os.SEEK_HOLE)
            found.append((start, position))
    return found


@pytest.mark.parametrize("mode", [0o000, 0o400, 0o644, 0o755, 0o1777, 0o2750, 0o4755, 0o6711])
@pytest.mark.parametrize("kind", ["file", "folder"])
def test_modes_come_back_with_setuid_setgid_and_sticky(bench: Bench, tmp_path: Path, mode: int, kind: str) -> None:
    path = bench.source / "it"
    path.mkdir() if kind == "folder" else path.write_bytes(b"x")
    path.chmod(mode)
    if os.geteuid() != 0 and (mode & 0o6000 or not mode & 0o400):
        pytest.skip("only root reads it and gives it back")
    assert stat.S_IMODE((there_and_back(bench, tmp_path / "out") / "it").stat().st_mode) == mode


@NEEDS_ROOT
@pytest.mark.parametrize("make", [Path.touch, Path.mkdir, lambda path: os.symlink("nowhere", path), os.mkfifo])
def test_owners_come_back_of_every_kind_of_entry(bench: Bench, tmp_path: Path, make: Callable[[Path], object]) -> None:
    path = bench.source / "it"
    make(path)
    os.chown(path, 12345, 54321, follow_symlinks=False)
    info = (there_and_back(bench, tmp_path / "out") / "it").lstat()
    assert (info.st_uid, info.st_gid) == (12345, 54321)


@pytest.mark.parametrize("seconds", [-2_147_483_648, -1, 0, 1, 2_147_483_647, 2_147_483_648, 4_294_967_296, 10_000_000_000])
@pytest.mark.parametrize("make", [Path.touch, Path.mkdir, lambda path: os.symlink("nowhere", path), os.mkfifo])
def test_times_come_back_to_the_nanosecond_before_1970_and_after_2038(
    bench: Bench, tmp_path: Path, seconds: int, make: Callable[[Path], object]
) -> None:
    path, moment = bench.source / "it", seconds * 10**9 + 123_456_789
    make(path)
    os.utime(path, ns=(moment, moment), follow_symlinks=False)
    if path.lstat().st_mtime_ns != moment:
        pytest.skip("this file system cannot hold the time")
    assert (there_and_back(bench, tmp_path / "out") / "it").lstat().st_mtime_ns == moment


def test_links_come_back_as_they_are_written_wherever_they_lead(bench: Bench, tmp_path: Path) -> None:
    links = {
        "dangling": b"nowhere/at all",
        "absolute": b"/etc/passwd",
        "up": b"../../../..",
        "itself": b"itself",
        "one": b"two",
        "two": b"one",
        "not utf-8": b"\xff\xfe/\x01",
        "long": b"x/" * 2000,
        "folder": b".",
    }
    for name, text in links.items():
        os.symlink(text, os.fsencode(bench.source / name))
    copy = there_and_back(bench, tmp_path / "out")
    assert {name: os.readlink(os.fsencode(copy / name)) for name in links} == links


def test_hard_links_come_back_as_one_file_also_across_folders(bench: Bench, tmp_path: Path) -> None:
    (bench.source / "b" / "c").mkdir(parents=True)
    (bench.source / "a").write_bytes(b"one file")
    (bench.source / "alike").write_bytes(b"one file")
    os.link(bench.source / "a", bench.source / "b" / "second")
    os.link(bench.source / "a", bench.source / "b" / "c" / "third")
    copy = there_and_back(bench, tmp_path / "out")
    inodes = {(copy / name).stat().st_ino for name in ("a", "b/second", "b/c/third")}
    assert len(inodes) == 1
    assert (copy / "alike").stat().st_ino not in inodes
    assert (copy / "a").stat().st_nlink == 3


def test_one_name_of_a_file_with_several_comes_back_alone(bench: Bench, tmp_path: Path) -> None:
    (bench.source / "z").mkdir()
    (bench.source / "a").write_bytes(b"one file")
    os.link(bench.source / "a", bench.source / "z" / "second")
    copy = there_and_back(bench, tmp_path / "out", paths=(os.fsencode(bench.source / "z"),))
    assert (copy / "z" / "second").read_bytes() == b"one file"
    assert not (copy / "a").exists()
    assert (copy / "z" / "second").stat().st_nlink == 1


@NEEDS_ROOT
def test_hard_links_of_pipes_links_and_devices_come_back_as_one(bench: Bench, tmp_path: Path) -> None:
    os.mkfifo(bench.source / "a pipe")
    os.symlink("nowhere", bench.source / "a link")
    for name in ("a pipe", "a link"):
        os.link(bench.source / name, bench.source / f"{name} too", follow_symlinks=False)
    copy = there_and_back(bench, tmp_path / "out")
    for name in ("a pipe", "a link"):
        assert (copy / name).lstat().st_ino == (copy / f"{name} too").lstat().st_ino


@pytest.mark.parametrize(
    ("size", "stretches"),
    [
        (200_000, [(65536, b"in a small file")]),
        (64 * 2**20, [(5 * 2**20, b"middle")]),
        (64 * 2**20, [(0, b"beginning"), (64 * 2**20 - 3, b"end")]),
        (8 * 2**20, []),
        (40 * 2**20, [(number * 2**20, b"%d" % number * 5000) for number in range(0, 40, 3)]),
        (5 * 2**30, [(0, b"first"), (4 * 2**30 + 4096, b"past four GiB")]),
    ],
)
def test_holes_stay_holes_and_data_stays_where_it_is(bench: Bench, tmp_path: Path, size: int, stretches: list[tuple[int, bytes]]) -> None:
    path = bench.source / "sparse"
    with path.open("wb") as file:
        for offset, data in stretches:
            file.seek(offset)
            file.write(data)
        file.truncate(size)
        os.fsync(file.fileno())
    copy = there_and_back(bench, tmp_path / "out", checksums=("sha256",) if size < 2**30 else ()) / "sparse"
    fd = os.open(copy, os.O_RDONLY)
    os.fsync(fd)
    os.close(fd)
    assert copy.stat().st_size == size
    assert copy.stat().st_blocks == path.stat().st_blocks
    assert holes_of(copy) == holes_of(path)
    with copy.open("rb") as file:
        for offset, data in stretches:
            file.seek(offset)
            assert file.read(len(data)) == data


def test_more_than_a_tebibyte_of_holes_takes_no_room_and_no_hour(bench: Bench, tmp_path: Path) -> None:
    path, size = bench.source / "disk image", 2**40 + 2**30 + 5
    try:
        with path.open("wb") as file:
            for offset in (0, 2**39, 2**40 + 7):
                file.seek(offset)
                file.write(b"data at %d" % offset)
            file.truncate(size)
    except OSError:
        pytest.skip("this file system takes no file of that size")
    taken = bench.take(kind="full", checksums=())
    assert taken.bytes == size
    assert taken.read_bytes < 2**20
    assert bench.restore(taken.root.id, tmp_path / "out").failures == ()
    copy = bench.inside(tmp_path / "out") / "disk image"
    assert copy.stat().st_size == size
    assert holes_of(copy) == holes_of(path)
    with copy.open("rb") as file:
        file.seek(2**40 + 7)
        assert file.read(21) == b"data at %d" % (2**40 + 7)


def test_the_checksum_of_a_sparse_file_is_that_of_all_its_bytes(bench: Bench) -> None:
    with (bench.source / "sparse").open("wb") as file:
        file.seek(3 * 2**20)
        file.write(b"x")
        file.truncate(9 * 2**20)
    taken = bench.take(kind="full")
    (entry,) = [each for each in bench.open().entries(taken.root.id) if each.row[0] == b"sparse"]
    assert entry.cold.sha256 == hashlib.sha256((bench.source / "sparse").read_bytes()).digest()


@pytest.mark.parametrize("kind", ["file", "empty file", "folder"])
def test_attributes_of_users_come_back(bench: Bench, tmp_path: Path, kind: str) -> None:
    path = bench.source / "it"
    path.mkdir() if kind == "folder" else path.write_bytes(b"" if kind == "empty file" else b"x")
    given(path, "user.empty", b"")
    given(path, "user.binary", bytes(range(256)))
    given(path, "user." + "n" * 250, b"longest name")
    copy = there_and_back(bench, tmp_path / "out") / "it"
    assert {name: os.getxattr(copy, name) for name in os.listxattr(copy)} == {
        "user.empty": b"",
        "user.binary": bytes(range(256)),
        "user." + "n" * 250: b"longest name",
    }


@NEEDS_ROOT
def test_attributes_of_links_and_capabilities_come_back_to_root(bench: Bench, tmp_path: Path) -> None:
    program = bench.source / "program"
    program.write_bytes(b"x")
    os.chown(program, 1234, 1234)
    given(program, "security.capability", CAPABILITY)
    os.symlink("program", bench.source / "link")
    given(bench.source / "link", "trusted.note", b"about the link itself")
    copy = there_and_back(bench, tmp_path / "out")
    assert os.getxattr(copy / "program", "security.capability") == CAPABILITY
    assert os.getxattr(copy / "link", "trusted.note", follow_symlinks=False) == b"about the link itself"
    assert "trusted.note" not in os.listxattr(copy / "program")


def test_access_lists_come_back_and_defaults_of_folders_do_not_leak_into_files(bench: Bench, tmp_path: Path) -> None:
    folder = bench.source / "folder"
    folder.mkdir()
    (folder / "without").write_bytes(b"x")
    (folder / "with").write_bytes(b"x")
    (folder / "without").chmod(0o640)
    given(folder, "system.posix_acl_default", access_list(1000))
    given(folder, "system.posix_acl_access", access_list(1001))
    given(folder / "with", "system.posix_acl_access", access_list(1002))
    copy = there_and_back(bench, tmp_path / "out") / "folder"
    assert os.getxattr(copy, "system.posix_acl_default") == access_list(1000)
    assert os.getxattr(copy, "system.posix_acl_access") == access_list(1001)
    assert os.getxattr(copy / "with", "system.posix_acl_access") == access_list(1002)
    assert "system.posix_acl_access" not in os.listxattr(copy / "without")
    assert stat.S_IMODE((copy / "without").stat().st_mode) == 0o640


@NEEDS_ROOT
def test_devices_and_pipes_come_back_as_entries_and_are_never_read(bench: Bench, tmp_path: Path) -> None:
    os.mkfifo(bench.source / "pipe", 0o622)
    try:
        os.mknod(bench.source / "zero", stat.S_IFCHR | 0o600, os.makedev(1, 5))
        os.mknod(bench.source / "loop", stat.S_IFBLK | 0o660, os.makedev(7, 300))
    except PermissionError:
        pytest.skip("devices may not be made here")
    copy = there_and_back(bench, tmp_path / "out")
    for name in ("pipe", "zero", "loop"):
        before, after = (bench.source / name).lstat(), (copy / name).lstat()
        assert (after.st_mode, after.st_rdev) == (before.st_mode, before.st_rdev)


def test_any_name_that_a_file_system_holds_comes_back(bench: Bench, tmp_path: Path) -> None:
    names = {
        b"\xff\xfe not text",
        b"new\nline",
        b"n" * 255,
        b"\xe4" * 255,
        b" ",
        b"-rf",
        b"\\",
        b"*",
        b"~",
        b"...",
        b"\x01\x7f",
        "é".encode(),
    }
    names |= {"é".encode(), b"con", b"a:b", b".part"}
    for name in names:
        Path(os.fsdecode(os.fsencode(bench.source) + b"/" + name)).write_bytes(name)
    copy = os.fsencode(there_and_back(bench, tmp_path / "out"))
    assert set(os.listdir(copy)) == names
    for name in names:
        assert Path(os.fsdecode(copy + b"/" + name)).read_bytes() == name


def test_paths_longer_than_the_system_accepts_come_back_with_content_and_attributes(bench: Bench, tmp_path: Path) -> None:
    deep_chain(bench.source, 2500)
    try:
        bottom = os.open(bench.source, os.O_RDONLY)
        for _ in range(2500):
            below = os.open(b"d", os.O_RDONLY, dir_fd=bottom)
            os.close(bottom)
            bottom = below
        file = os.open(b"bottom", os.O_WRONLY, dir_fd=bottom)
        os.write(file, b"content at the bottom")
        os.close(file)
        os.symlink("bottom", b"link", dir_fd=bottom)
        os.link(b"bottom", b"second", src_dir_fd=bottom, dst_dir_fd=bottom)
        os.close(bottom)
        copy = there_and_back(bench, tmp_path / "out")
        found = os.open(copy, os.O_RDONLY)
        for _ in range(2500):
            below = os.open(b"d", os.O_RDONLY, dir_fd=found)
            os.close(found)
            found = below
        assert set(os.listdir(found)) == {"bottom", "link", "second"}
        file = os.open(b"second", os.O_RDONLY, dir_fd=found)
        assert os.read(file, 100) == b"content at the bottom"
        assert os.fstat(file).st_nlink == 2
        os.close(file)
        os.close(found)
    finally:
        remove(bench.source)
        remove(tmp_path / "out")


def test_a_file_of_no_bytes_and_one_of_exactly_each_border_come_back(bench: Bench, tmp_path: Path) -> None:
    sizes = (0, 1, 65535, 65536, 2**19, 2**20 - 1, 2**20, 2**20 + 1, 16 * 2**20, 16 * 2**20 + 1)
    for size in sizes:
        (bench.source / f"{size}").write_bytes(hashlib.shake_128(b"%d" % size).digest(size))
    copy = there_and_back(bench, tmp_path / "out")
    for size in sizes:
        assert (copy / f"{size}").read_bytes() == hashlib.shake_128(b"%d" % size).digest(size)
