"""Numbers, owners, modes, times, attributes, kinds, extents and contents that mean harm."""

from __future__ import annotations

import os
import stat

from reconciler.repository.entries import UNREAD, Cold
from reconciler.repository.format import Type
from tests.fakes.forged import FILE, FOLDER, row
from tests.faults.hostile import Maker, folder

NO_OWNERS = [-1, 2**32 - 1, 2**32, 2**63, 2**64 - 1]
ACL = bytes.fromhex("0200000001000700ffffffff02000700010000000400050000000000100007000000000020000500ffffffff")
"""Version 2: owner rwx, user 1 rwx, group 0 r-x, mask rwx, others r-x."""
ADD_UP = "do not add up"


def add_numbers(make: Maker) -> None:
    good = make.good
    for mode in (-1, 2**40 | FILE, 0o200000 | FILE, 2**64 - 1):
        make.add(f"the mode {mode}", [(b"", (b"a", mode, 4, *row(b"a")[3:]), good)], {b"a": "no file system has"})
    for size in (-1, -(2**63), 2**63, 2**64 - 1):
        make.add(f"the size {size}", [(b"", row(b"a", size=size), good)], {b"a": "no file system has"})
    for size in (0, 3, 5, 2**30, 2**50, 2**62, 2**63 - 1):
        make.add(f"the size {size} of four bytes", [(b"", row(b"a", size=size), good)], {b"a": "" if size == 3 else ADD_UP})
    for size in (1, 2**60):
        make.add(f"the size {size} of nothing", [(b"", row(b"a", size=size), Cold())], {b"a": ADD_UP})
    for rdev in (-1, 2**63 - 1, 2**64 - 1):
        device = (b"", row(b"a", stat.S_IFCHR | 0o666), Cold(rdev=rdev))
        make.add(f"the device {rdev}", [device], {b"a": "no file system has"} if rdev < 0 else {}, may=[b"a"])
    for mtime in (2**63 - 1, -(2**63), 2**64 - 1, 0):
        make.add(f"the time {mtime}", [make.file(b"a", mtime=mtime)], arrives=[b"a"])
    for owner in NO_OWNERS:
        make.add(f"the owner {owner} and setuid", [make.file(b"a", 0o104755, owner=(owner, 0))], arrives=[b"a"])
        make.add(f"the group {owner} and setgid", [make.file(b"a", 0o102755, owner=(os.getuid(), owner))], arrives=[b"a"])
        make.add(f"a folder of the owner {owner}", [folder(b"", b"a", 0o46777, owner=(owner, owner))], arrives=[b"a"])


def add_modes(make: Maker) -> None:
    for mode in (0o104755, 0o102755, 0o106777, 0o101777, 0o107777, 0o100000, 0o100666):
        make.add(f"a file with the mode {mode:o}", [make.file(b"a", mode)], arrives=[b"a"])
        make.add(f"a file of somebody else with the mode {mode:o}", [make.file(b"a", mode, owner=(1, 1))], arrives=[b"a"])
    for mode in (0o42777, 0o41777, 0o40000, 0o40444, 0o47777):
        entries = [folder(b"", b"a", mode), make.file(b"a/inside")]
        make.add(f"a folder with the mode {mode:o}", entries, arrives=[b"a", b"a/inside"])
    for mode in (stat.S_IFSOCK, 0, 0o030000, 0o150000, 0o170000, 0o110000):
        make.add(f"an entry of the kind {mode:o}", [(b"", row(b"a", mode | 0o644), Cold())], {b"a": "kind"})
    memory, disk = os.makedev(1, 1), os.makedev(8, 0)
    for kind, number in ((stat.S_IFCHR, memory), (stat.S_IFBLK, disk), (stat.S_IFCHR, 0), (stat.S_IFCHR, os.makedev(1, 3))):
        make.add(f"a device {kind:o} {number}", [(b"", row(b"a", kind | 0o6666), Cold(rdev=number))], may=[b"a"])
    make.add("a pipe", [(b"", row(b"a", stat.S_IFIFO | 0o6666), Cold())], arrives=[b"a"])
    make.add("a folder that is a pipe", [(b"", row(b"a", stat.S_IFIFO | 0o666), Cold()), make.file(b"a/x")], {b"a": "exists"},
             arrives=[b"a/x"], damage=False)  # fmt: skip


def add_attributes(make: Maker) -> None:
    named: list[tuple[str, dict[bytes, bytes]]] = [
        ("trusted.", {b"trusted.evil": b"x"}),
        ("a capability", {b"security.capability": bytes.fromhex("0100000202000000000000000000000000000000")}),
        ("a capability that is none", {b"security.capability": b"x"}),
        ("a label", {b"security.selinux": b"system_u:object_r:shadow_t:s0\0"}),
        ("security.", {b"security.evil": b"x"}),
        ("an ACL", {b"system.posix_acl_access": ACL}),
        ("an ACL that is none", {b"system.posix_acl_access": b"x" * 5}),
        ("an overlay", {b"trusted.overlay.redirect": b"../../beside"}),
        ("too long a value", {b"user.x": b"x" * (2**16 + 1)}),
        ("a value of a megabyte", {b"user.x": b"x" * 2**20}),
        ("too long a name", {b"user." + b"n" * 300: b"x"}),
        ("a name with a zero byte", {b"user.a\0b": b"x"}),
        ("no name", {b"": b"x"}),
        ("a name that is no name", {b"../../x": b"x"}),
        ("an unknown family", {b"evil.x": b"x"}),
        ("1,000 attributes", {b"user.%d" % number: b"x" * 100 for number in range(1000)}),
    ]  # fmt: skip
    for about, xattrs in named:
        make.add(f"attributes: {about}", [(b"", row(b"a"), Cold(make.good.chunks, xattrs=xattrs))], arrives=[b"a"])
    for about, xattrs in named[:3]:
        entry = (b"", row(b"a", FOLDER), Cold(xattrs=xattrs))
        make.add(f"attributes of a folder: {about}", [entry], arrives=[b"a"])
        entry = (b"", row(b"a", owner=(1, 1)), Cold(make.good.chunks, xattrs=xattrs))
        make.add(f"attributes of a file of somebody else: {about}", [entry], arrives=[b"a"])


def add_contents(make: Maker) -> None:
    def sparse(about: str, size: int, extents: list[tuple[int, int]], why: str | None, chunks: bytes = make.good.chunks) -> None:
        entry = (b"", row(b"a", size=size), Cold(chunks, extents=extents))
        make.add(f"extents: {about}", [entry], {b"a": why} if why is not None else {}, arrives=[] if why is not None else [b"a"])

    double = 2 * make.good.chunks
    sparse("overlapping", 2**20, [(0, 4), (2, 4)], "overlap", double)
    sparse("twice the same", 2**20, [(8, 4), (8, 4)], "overlap", double)
    sparse("backwards", 2**20, [(512, 4), (0, 4)], "backwards", double)
    sparse("before the beginning", 2**20, [(-4, 4)], "backwards")
    sparse("of less than nothing", 2**20, [(0, -4)], "backwards")
    sparse("beyond the end", 2**20, [(2**20 - 2, 4)], "outside")
    sparse("far beyond the end", 2**20, [(2**62, 4)], "outside")
    sparse("beyond all numbers", 2**20, [(2**63, 2**63)], "outside")
    sparse("of exbibytes", 2**62, [(0, 2**62)], ADD_UP)
    sparse("none, and content", 2**20, [], ADD_UP)
    sparse("too few", 2**20, [(0, 3)], "longer than its size")
    sparse("too many", 2**20, [(0, 4), (8, 4)], ADD_UP)
    sparse("a hundred thousand empty ones", 2**20, [(place, 0) for place in range(100_000)] + [(2**19, 4)], None)
    sparse("one at the end of a gibibyte", 2**30, [(2**30 - 4, 4)], None)
    exbibyte = (b"", row(b"a", size=2**62), Cold(extents=[]))
    make.add("an exbibyte of holes", [exbibyte], may=[b"a"], damage=False)
    wrong = [
        ("a chunk that nobody has", b"\x13" * 32, 4),
        ("half an id", make.good.chunks[:31], 4),
        ("an id and a half", make.good.chunks + b"\0", 4),
        ("a chunk of another type", make.forger.chunk(Type.ENTRIES, b"evil"), 4),
        ("a chunk too much", double, 4),
        ("a good chunk and one that nobody has", make.good.chunks + b"\x13" * 32, 8),
    ]
    for about, chunks, size in wrong:
        make.add(about, [(b"", row(b"a", size=size), Cold(chunks))], {b"a": ""})
    bomb = make.forger.content(bytes(16 * 2**20)).chunks
    make.add("a bomb that claims to be small", [(b"", row(b"a", size=4), Cold(bomb))], {b"a": ""})
    make.add("a bomb that claims to be larger than it is", [(b"", row(b"a", size=17 * 2**20), Cold(bomb))], {b"a": ADD_UP})
    make.add("a chunk ten thousand times", [(b"", row(b"a", size=40_000), Cold(make.good.chunks * 10_000))], arrives=[b"a"])
    make.add("a wrong digest", [(b"", row(b"a"), Cold(make.good.chunks, sha256=b"\1" * 32, md5=b"\1" * 16))], arrives=[b"a"])
    make.add("a digest of three bytes", [(b"", row(b"a"), Cold(make.good.chunks, sha256=b"\1\2\3"))], arrives=[b"a"])
    make.add("content that was not read", [(b"", row(b"a"), Cold(flags=UNREAD))], {b"a": "could not be read"}, damage=False)
    make.add("unknown flags", [(b"", row(b"a"), Cold(make.good.chunks, flags=2**40))], arrives=[b"a"])
    make.add("a folder with content", [(b"", row(b"a", FOLDER), Cold(make.good.chunks, link=b"x", rdev=5))], arrives=[b"a"])
