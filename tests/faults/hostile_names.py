"""Names, folders, links and names of one file (hard links) that mean harm."""

from __future__ import annotations

import os
import stat

from reconciler.repository.entries import Cold
from tests.fakes.forged import FILE, FOLDER, LINK, Placed, row
from tests.faults.hostile import Maker, folder, link

FIFO = stat.S_IFIFO | 0o644
NO_NAMES = [
    b"..", b".", b"", b"/", b"//", b"../escaped", b"../beside/canary", b"a/b", b"a/../../beside/canary", b"./x", b"x/",
    b"nul\0byte", b"..\0", b"n" * 256, b"../" * 20 + b"escaped", b"\0",
]  # fmt: skip
ODD_NAMES = [
    b"back\\slash", b"..\\..\\beside\\canary", b"C:", b"C:\\windows", b"CON", b"aux.txt", b"NUL", b"LPT1", b"file:stream",
    b"trailing.", b"trailing ", b"\xff\xfe", b"new\nline", b"\x1b[31mred", "\u202ertl".encode(), b"-rf", b"$HOME", b"*",
    b"n" * 255, b"...", b"..x", b"\x7f", b"`id`", b"%2e%2e",
]  # fmt: skip
NO_FOLDERS = [
    b"..", b"../beside", b"a/../../beside", b"a//b", b"a/", b"/", b"//", b".", b"./a", b"a/.", b"nul\0byte",
    b"n" * 256, b"home/..", b"home/../..",
]  # fmt: skip


def add_names(make: Maker) -> None:
    absolute = os.fsencode(make.beside / "canary")
    for name in [*NO_NAMES, absolute]:
        for mode, kind in ((FILE, "file"), (FOLDER, "folder"), (LINK, "link"), (FIFO, "pipe")):
            make.add(f"a {kind} named {name[:20]!r}", [make.named(name, mode=mode)], {name: "cannot be a file name"})
    for name in ODD_NAMES:
        make.add(f"a file named {name[:20]!r}, which is odd and no more", [make.named(name)], arrives=[name])
    for above in [*NO_FOLDERS, absolute, os.fsencode(make.beside)]:
        path = above + b"/file"
        make.add(f"a file in the folder {above[:20]!r}", [make.named(b"file", above)], {path: "cannot be a file name"})
    for name in (b"..", b"a/../../beside"):
        entries = [make.named(name, mode=FOLDER), make.named(b"canary", name)]
        make.add(f"a folder {name!r} and a file in it", entries, {name: "", name + b"/canary": "cannot be a file name"})
    deep = b"/".join([b"d"] * 100_000)
    make.add("100,000 folders", [make.named(b"file", deep)], {deep[:3000]: "below 100,000 folders"})
    make.add("a thousand files below 100,000 folders", [make.named(b"%04d" % n, deep) for n in range(1000)], {deep[:3000]: "999 more"})
    make.add("two names that differ in case", [make.file(b"Readme"), make.file(b"README")], arrives=[b"Readme"], may=[b"README"])


def add_links(make: Maker) -> None:
    out = os.fsencode(make.beside)
    for text in (out, b"../beside", b".", b"/"):
        inside = [link(b"way", text), make.file(b"way/canary")]
        make.add(
            f"a link to {text[-9:]!r} and a file through it", inside, {b"way": "exists already"}, arrives=[b"way/canary"], damage=False
        )
    make.add(
        "a link and a folder through it",
        [link(b"way", out), folder(b"way", b"sub"), make.file(b"way/sub/canary")],
        {b"way": "exists already"},
        arrives=[b"way/sub/canary"],
        damage=False,
    )
    below = [link(b"way", out), folder(b"way", b"sub", 0o40777)]
    make.add("a link and an empty folder through it", below, {b"way/sub": "not a folder"}, arrives=[b"way"], damage=False)
    deep = [folder(b"", b"in"), link(b"in/up", b"../../beside"), make.file(b"in/up/canary")]
    make.add("a link deep inside and a file through it", deep, {b"in/up": ""}, arrives=[b"in/up/canary"], damage=False)
    make.add("links in a circle", [link(b"a", b"b"), link(b"b", b"a")], arrives=[b"a", b"b"])
    make.add("a link to the canary", [link(b"a", out + b"/canary")], arrives=[b"a"])
    make.add(
        "a link to the canary with another mode", [(b"", row(b"a", stat.S_IFLNK | 0o6000), Cold(link=out + b"/canary"))], arrives=[b"a"]
    )
    attributes = {b"user.x": b"y", b"trusted.x": b"y"}
    make.add(
        "a link to the canary with attributes", [(b"", row(b"a", LINK), Cold(link=out + b"/canary", xattrs=attributes))], arrives=[b"a"]
    )
    make.add("a link to the canary with another owner and time", [link(b"a", out + b"/canary", owner=(1, 1), mtime=5)], arrives=[b"a"])
    make.add("a link to nothing", [link(b"a", b"")], {b"a": "link to nothing"})
    make.add("a link with a zero byte", [link(b"a", b"x\0y")], {b"a": "link to nothing"})
    make.add("a link of 5,000 bytes", [link(b"a", b"x" * 5000)], {b"a": "too long"}, damage=False)
    make.add("a link that is a file, too", [link(b"a", out + b"/canary"), make.file(b"a")], {b"a": "stands twice"}, arrives=[b"a"])
    make.add("a link that is a folder, too", [link(b"a", out), folder(b"", b"a"), make.file(b"a/x")], {b"a": ""}, arrives=[b"a/x"])


def add_names_of_one_file(make: Maker) -> None:
    def name(path: bytes, mode: int = FILE, **more: object) -> Placed:
        return make.file(path, mode, ino=7, names=3, **more)

    make.add("a second name of a file outside", [make.named(b"../beside/canary"), name(b"b")], {b"../beside/canary": ""}, arrives=[b"b"])
    outside = (b"", row(b"../beside/canary", ino=7, names=3), make.good)
    make.add("a name of one file, the first outside", [outside, name(b"b"), name(b"c")], {b"../beside/canary": ""}, arrives=[b"b", b"c"])
    make.add("a chain of names", [name(b"a"), name(b"b"), name(b"c")], arrives=[b"a", b"b", b"c"])
    make.add("a name of itself", [name(b"a"), name(b"a")], {b"a": "stands twice"}, arrives=[b"a"])
    make.add("a second name that is setuid", [name(b"a"), name(b"b", 0o104755)], arrives=[b"a", b"b"])
    make.add("a second name of another owner", [name(b"a"), name(b"b", owner=(1, 1))], arrives=[b"a", b"b"])
    make.add("a second name of another size", [name(b"a"), name(b"b", size=5)], {b"b": "do not add up"}, arrives=[b"a"])
    make.add("a name through a link", [link(b"way", os.fsencode(make.beside)), name(b"a"), name(b"way/canary")],
             {b"way": ""}, arrives=[b"a", b"way/canary"], damage=False)  # fmt: skip
    make.add("links that share an inode", [link(b"a", b"x", ino=7), link(b"b", b"x", ino=7)], arrives=[b"a", b"b"])
    make.add("a pipe that shares the inode of a file", [name(b"a"), (b"", row(b"b", FIFO, ino=7, names=3), Cold())], arrives=[b"a", b"b"])
    make.add("a folder with several names", [folder(b"", b"a", ino=7, names=3), folder(b"", b"b", ino=7, names=3)], arrives=[b"a", b"b"])
    make.add(
        "names with no content",
        [(b"", row(each, size=9, ino=7, names=3), Cold()) for each in (b"a", b"b")],
        {b"a": "add up", b"b": "add up"},
    )
