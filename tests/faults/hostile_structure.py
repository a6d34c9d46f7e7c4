"""Manifests whose order, blocks and lists mean harm."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.repository.entries import BlockRef, Piece, encode_block, encode_colds
from reconciler.repository.format import Type
from reconciler.tree.entry import encode_rows
from tests.fakes.forged import Placed, in_order, pieces, row
from tests.faults.hostile import Case, Maker, folder, link

TWICE = "stands twice"
NOWHERE = BlockRef(b"m", b"lost", b"\x13" * 32)


def add_disorder(make: Maker) -> None:
    def first(hostile: Sequence[Placed]) -> list[Placed]:
        """The hostile ones before all others, whatever they claim."""
        known = {entry[:2] for entry in make.honest()}
        return [*(e for e in hostile if e[:2] not in known), *in_order(e for e in hostile if e[:2] in known)]

    def add(about: str, entries: list[Placed], refused: dict[bytes, str], arrives: Sequence[bytes] = ()) -> None:
        make.add(about, entries, refused, arrives=arrives, order=lambda every: first(list(every)))

    add("an entry that claims to come last of all, first", [make.file(b"zzz/zzz")], {b"zzz/zzz": "out of its order"})
    add("a name of high bytes, first", [make.file(b"\xff")], {b"\xff": "out of its order"})
    add("three of them", [make.file(b"zzz/%d" % n) for n in range(3)], {b"zzz/0": TWICE, b"zzz/1": TWICE, b"zzz/2": TWICE})
    add("names backwards", [make.file(b"c"), make.file(b"b"), make.file(b"a")], {b"c": TWICE, b"b": TWICE, b"a": TWICE})
    for about, one, other in (
        ("two files", make.file(b"a"), make.file(b"a", 0o100600)),
        ("a file and a folder", make.file(b"a"), folder(b"", b"a")),
        ("a file and a link", make.file(b"a"), link(b"a", b"/")),
        ("a link and a file", link(b"a", b"/"), make.file(b"a")),
        ("two links", link(b"a", b"/"), link(b"a", b"..")),
        ("a folder and a link", folder(b"", b"a"), link(b"a", b"..")),
        ("three files", make.file(b"a"), make.file(b"a")),
    ):
        more = [make.file(b"a")] if about == "three files" else []
        make.add(f"the same name: {about}", [one, other, *more], {b"a": TWICE}, arrives=[b"a"])
    make.add("a folder in two parts that hold the same name", [make.file(b"a/x"), make.file(b"b/x"), make.file(b"a/x")], {b"a/x": TWICE},
             arrives=[b"a/x", b"b/x"], order=lambda every: [*(entries := in_order(every)), entries[-2]])  # fmt: skip
    make.add("a file in a folder that is not listed", [make.file(b"a/b/x")], arrives=[b"a/b/x"])
    make.add("a file that holds files", [make.file(b"a"), make.file(b"a/x")], may=[b"a", b"a/x"], damage=False)


def add_blocks(make: Maker) -> None:
    forger, honest = make.forger, in_order(make.honest())
    good = forger.block(honest, (b"", b""))
    half = forger.block(honest[:2]), forger.block(honest[2:])
    other = forger.block([make.file(b"zz/other")])

    def add(
        about: str, blocks: Sequence[BlockRef], refused: dict[bytes, str], arrives: Sequence[bytes] = (), lists: Sequence[BlockRef] = ()
    ) -> None:
        make.cases.append(Case(about, forger.snapshot(blocks, lists), refused, frozenset(arrives)))

    def block(found: list[Piece], first: tuple[bytes, bytes] = (b"m", b"evil")) -> BlockRef:
        return BlockRef(*first, forger.chunk(Type.ENTRIES, encode_block(found)))

    add("a block that nobody has", [good, NOWHERE, other], {b"m/lost": "up to zz/other"}, [b"zz/other"])
    add("a block that nobody has, first and last", [NOWHERE, good, BlockRef(b"zzz", b"end", b"\x14" * 32)],
        {b"m/lost": "is not known", b"zzz/end": "to the end of the snapshot"})  # fmt: skip
    add("a block that is a file", [good, BlockRef(b"m", b"evil", make.good.chunks)], {b"m/evil": "is not what its id says"})
    add("a block of garbage", [good, BlockRef(b"m", b"evil", forger.chunk(Type.ENTRIES, b"\xc1garbage"))], {b"m/evil": "cannot be read"})
    add(
        "a block that is nested deeply",
        [good, BlockRef(b"m", b"evil", forger.chunk(Type.ENTRIES, b"\x91" * 100_000))],
        {b"m/evil": "cannot be read"},
    )
    add("a block twice", [good, good], {b"": "named twice"})
    add("a block a thousand times", [good, *[good] * 1000], {b"": "named twice"})
    add(
        "a block of 200,000 entries",
        [good, block(pieces([make.file(b"m/%06d" % n) for n in range(200_000)]))],
        {b"m/evil": "more entries than"},
    )
    add(
        "a piece with more rows than contents",
        [good, block([Piece(b"m", 0, encode_rows([row(b"x")]), encode_colds([]))])],
        {b"m": "not consistent"},
    )
    add("a piece of garbage beside a good one", [good, block([Piece(b"m", 0, b"\xc1", b"\xc1"), *pieces([make.file(b"zz/other")])])],
        {b"m": "cannot be read"}, [b"zz/other"])  # fmt: skip
    add(
        "a piece that claims four billion rows",
        [good, block([Piece(b"m", 0, b"\xdd\xff\xff\xff\xff", b"\x90")])],
        {b"m/evil": "more entries than"},
    )
    add("blocks in the wrong order", [half[1], half[0]], {})
    add("a block of another folder between", [half[0], other, half[1]], {}, [b"zz/other"])
    add("a block whose reference claims the end", [BlockRef(b"zzzz", b"end", half[0].id), half[1]], {})
    add("a block whose reference claims the beginning", [half[0], BlockRef(b"", b"", half[1].id)], {})
    add("empty folders without end", [good, block([Piece(b"m", 0, encode_rows([]), encode_colds([]))] * 10_000)], {})
    add("no block at all, but an empty list", [good], {}, lists=[BlockRef(b"z", b"", forger.chunk(Type.BLOCKS, b"\x90"))])
    listed = forger.lists([good])
    add("a list twice", [], {b"": "named twice"}, lists=[listed, listed])
    add("a list a hundred thousand times", [], {b"": "named twice"}, lists=[listed] * 100_000)
    add("a list that names itself in blocks", [], {b"z/": "named twice"}, lists=[listed, BlockRef(b"z", b"", good.id)])
    add("a list that is a block", [good], {b"z/": "is not what its id says"}, lists=[BlockRef(b"z", b"", other.id)])
    add("a list that nobody has", [good], {b"m/lost": "is not known"}, lists=[NOWHERE])
    many = [BlockRef(b"m", b"%06d" % n, n.to_bytes(32, "big")) for n in range(10_000)]
    add("a list of 10,000 blocks", [good], {b"m/000000": "more than 8,192"}, lists=[forger.lists(many)])
