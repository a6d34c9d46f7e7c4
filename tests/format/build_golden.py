"""Writes the golden repositories: `python -m tests.format.build_golden`. What is committed is never written again.

`format-1` is an ordinary one, with everything that a repository of this format can hold. `format-1-hostile` is sealed with the right key,
by somebody who means harm: each of its snapshots has one entry that must not be restored, beside one that must.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import stat
import tempfile
from array import array
from datetime import UTC, datetime
from pathlib import Path
from unittest.mock import patch

import msgspec

from reconciler.base.secret import Secret
from reconciler.repository import Repository
from reconciler.repository.codec import Codec
from reconciler.repository.entries import BlockRef, Cold, Piece, encode_block, encode_colds
from reconciler.repository.format import Type
from reconciler.repository.index import write_index_objects
from reconciler.repository.keys import new_slot, open_slots
from reconciler.repository.pack import PackWriter
from reconciler.repository.root import RootRecord, seal_root, unseal_root
from reconciler.repository.seal import Seals, SegmentSealer, lengths_packed
from reconciler.repository.store import LocalStore
from reconciler.tree.entry import encode_rows
from tests.unit.repository.conftest import KEY, Bench

OUT = Path(__file__).parents[1] / "fixtures" / "repositories"
PASSPHRASE = "Straße der Wörter"
AT = datetime(2026, 3, 1, tzinfo=UTC)
FILE, LINK = 0o100644, 0o120777
Entries = list[tuple[bytes, tuple[object, ...], Cold]]


def described(root: Path) -> dict[str, list[object]]:
    """What a restore must bring back: kind and mode, time, content (links: their text); keys are the raw paths as hex."""
    found: dict[str, list[object]] = {}
    for folder, folders, files in os.walk(os.fsencode(root)):
        for name in folders + files:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            content = b""
            if stat.S_ISLNK(info.st_mode):
                content = os.readlink(path)
            elif stat.S_ISREG(info.st_mode):
                content = hashlib.sha256(Path(os.fsdecode(path)).read_bytes()).digest()
            names = info.st_nlink if stat.S_ISREG(info.st_mode) else 0  # for folders each file system counts in its own way
            found[os.path.relpath(path, os.fsencode(root)).hex()] = [info.st_mode, info.st_mtime_ns, names, content.hex()]
    return dict(sorted(found.items()))


def grow(source: Path) -> None:
    for folder in ("letters", "letters/2026", "letters.old", "empty"):
        (source / folder).mkdir()
    for number in range(30):
        (source / "letters" / "2026" / f"{number:02}.txt").write_bytes(b"Dear reader of number %d,\n" % number * (number + 1))
    (source / "letters" / "same.txt").write_bytes((source / "letters" / "2026" / "07.txt").read_bytes())
    (source / "ledger").write_bytes(b"".join(b"%d: paid %d\n" % (number, number * number % 977) for number in range(110_000)))
    (source / "nothing").touch()
    (source / os.fsdecode(b"raw \xff\xfe name")).write_bytes(b"no letters\n")
    with (source / "islands").open("wb") as file:
        file.write(b"first")
        file.seek(2**20)
        file.write(b"second")
        file.truncate(3 * 2**20)
    os.link(source / "ledger", source / "letters" / "the ledger, too")
    os.symlink("letters/2026/01.txt", source / "latest")
    os.mkfifo(source / "queue")
    os.chmod(source / "ledger", 0o440)
    os.chmod(source / "letters.old", 0o750)
    os.setxattr(source / "nothing", b"user.colour", b"green\0")
    for path in sorted(source.rglob("*"), reverse=True):
        os.utime(path, ns=(0, 1_000_000_000_000_000_000 + len(path.name)), follow_symlinks=False)


def ordinary(bench: Bench) -> dict[str, object]:
    """Four snapshots, one of them a copy; both kinds of slots; traces of a clean-up and a verification; block lists; a checkpoint."""
    store, expected = LocalStore(str(bench.place)), {}
    repository = bench.open()
    slots = {found.name: store.get(found.name, 2**14) for found in store.list("keys")}
    master = open_slots(slots, Secret(bytes.fromhex(KEY.decode())), "raw", repository.id)
    slot, text = new_slot(master, Secret(PASSPHRASE.encode()), "passphrase", repository.id, AT)
    store.put(f"keys/{slot}", text)
    grow(bench.source)
    first = bench.take(kind="full", checksums=("sha256", "md5")).root
    assert first is not None
    expected[first.id] = described(bench.source)
    clean_up(bench)
    (bench.source / "letters" / "new.txt").write_bytes(b"a new letter\n")
    os.chmod(bench.source / "letters.old", 0o700)
    second = bench.take(kind="differential", base=first.id, compression=("gzip", 9)).root
    assert second is not None
    expected[second.id] = described(bench.source)
    (bench.source / "latest").unlink()
    (bench.source / "letters" / "2026" / "05.txt").write_bytes(b"changed\n")
    with patch("reconciler.repository.builder.BLOCKS_PER_LIST", 2), patch("reconciler.repository.builder.BLOCK_ENTRIES_MAX", 5):
        third = bench.take(kind="full", base=second.id, compression=("none", None)).root
    assert third is not None
    expected[third.id] = described(bench.source)
    seals = Seals(master, repository.id)
    record = unseal_root(seals, f"snapshots/{third.id}", store.get(f"snapshots/{third.id}", 2**20))
    assert record.lists
    store.put(f"pending/{'c0' * 16}-1", seal_root(seals, msgspec.structs.replace(record, id="c0" * 16, checkpoint=1)))
    repository.mark(first.id, "verified", AT, "by the builder")
    repository.mark(second.id, "held", AT)
    repository.examine([first.id, third.id], deep=True, scope="the builder")
    pack = next(iter(store.list("packs"))).name.rpartition("/")[2]
    repository.distrust([f"packs/{pack[:2]}/{pack}"], AT)  # doubted without a reason: it is read last, but read
    store.put(f"holds/{pack}", b"")
    store.put(f"expired/{'e0' * 16}", b"")
    store.put(f"quarantine/index-{'0a' * 32}-{'0b' * 16}", b"set aside\n")
    copied, tree = copy_of_another(bench, repository)
    expected[copied] = tree
    next((bench.place / "index").iterdir()).unlink()  # the directories of the packs say the same
    return {"source": str(bench.source), "snapshots": expected, "passphrase": PASSPHRASE}


def clean_up(bench: Bench) -> None:
    """A snapshot comes, goes, and leaves a deletion record."""
    (bench.source / "draft").write_bytes(b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(2_000)))
    draft = bench.take(kind="full").root
    assert draft is not None
    repository = bench.open()
    repository.forget([draft.id])
    for path in (bench.place / "packs").rglob("*"):
        os.utime(path, (AT.timestamp(), AT.timestamp()))  # what is younger than an hour stays
    repository.clean_up(confirm=repository.plan_clean_up().digest)
    assert any((bench.place / "gc").iterdir())
    (bench.source / "draft").unlink()


def copy_of_another(bench: Bench, repository: Repository) -> tuple[str, dict[str, list[object]]]:
    """A snapshot of the same place that comes out of a repository with another master key."""
    other = Bench(bench.source, bench.place.parent / "other")
    other.init()
    (bench.source / "letters" / "from elsewhere.txt").write_bytes(b"travelled far\n")
    root = other.take(kind="full").root
    assert root is not None
    assert len(list(repository.copy_from(other.open(), [root.id]))) == 1
    return root.id, described(bench.source)


def row(name: bytes, mode: int = FILE, size: int = 4, *, inode: int = 1, uid: int = 0, links: int = 1) -> tuple[object, ...]:
    return (name, mode, size, 10**18, 10**18, inode, uid, 0, links)


def cases(good: bytes, block: bytes) -> dict[str, tuple[Entries, list[bytes]]]:
    """Name: entries (folder, row, cold), and the paths to refuse. ``good``: id of a chunk of 4 bytes; ``block``: of a block."""
    cold = Cold(good)

    def one(folder: bytes, row: tuple[object, ...], cold: Cold = cold) -> tuple[Entries, list[bytes]]:
        name = row[0]
        assert isinstance(name, bytes)
        return [(folder, row, cold)], [folder + b"/" + name if folder else name]

    made = {
        "a name of two dots": one(b"", row(b"..")),
        "a name of one dot": one(b"", row(b".")),
        "an empty name": one(b"", row(b"")),
        "a slash in a name": one(b"", row(b"../escaped")),
        "an inner slash in a name": one(b"", row(b"a/b")),
        "an absolute name": one(b"", row(b"/tmp/escaped")),
        "a zero byte in a name": one(b"", row(b"a\0b")),
        "a name of 256 bytes": one(b"", row(b"n" * 256)),
        "a folder above": one(b"..", row(b"escaped")),
        "a folder inside that leads above": one(b"a/../..", row(b"escaped")),
        "an absolute folder": one(b"/tmp", row(b"escaped")),
        "an empty part of a folder": one(b"a//b", row(b"file")),
        "a folder called two dots": one(b"", row(b"..", 0o040777, 0)),
        "a link without a text": one(b"", row(b"link", LINK, 0), Cold(link=b"")),
        "a link with a zero byte": one(b"", row(b"link", LINK, 0), Cold(link=b"a\0b")),
        "a socket": one(b"", row(b"socket", 0o140755, 0), Cold()),
        "a kind that does not exist": one(b"", row(b"odd", 0o030644, 0), Cold()),
        "more promised than there is": one(b"", row(b"file", size=5)),
        "less promised than there is": one(b"", row(b"file", size=3)),
        "a size below zero": one(b"", row(b"file", size=-4)),
        "1 EiB without a chunk": one(b"", row(b"file", size=2**60), Cold()),
        "an extent outside": one(b"", row(b"file", size=6), Cold(good, extents=[(4, 4)])),
        "an extent before the beginning": one(b"", row(b"file", size=8), Cold(good, extents=[(-2, 4)])),
        "an extent of less than nothing": one(b"", row(b"file", size=8), Cold(good, extents=[(0, 8), (4, -4)])),
        "a chunk that is not there": one(b"", row(b"file"), Cold(b"\xee" * 32)),
        "half a chunk id": one(b"", row(b"file"), Cold(good[:16])),
        "a block as content": one(b"", row(b"file", size=0), Cold(block)),
        "content that was not read": one(b"", row(b"file"), Cold(flags=1)),
        "one name twice": ([(b"", row(b"file"), cold), (b"", row(b"file"), cold)], [b"file"]),
        "a file below a link": ([(b"", row(b"link", LINK, 0), Cold(link=b"/tmp")), (b"link", row(b"escaped"), cold)], [b"link"]),
        "an owner that no system has": ([(b"", row(b"file", uid=2**40), cold)], []),
        "one inode with two contents": ([(b"", row(b"a", links=2), cold), (b"", row(b"b", size=0, links=2), Cold())], []),
    }
    return {name: ([(b"", row(b"!good", inode=77), cold), *entries], refused) for name, (entries, refused) in made.items()}


def hostile(bench: Bench) -> dict[str, object]:
    (bench.source / "!good").write_bytes(b"good")
    taken = bench.take(kind="full").root
    assert taken is not None
    repository, store = bench.open(), LocalStore(str(bench.place))
    seals = repository._seals
    record: RootRecord = unseal_root(seals, f"snapshots/{taken.id}", store.get(f"snapshots/{taken.id}", 2**20))
    packs, sealer = PackWriter(store, seals), SegmentSealer(seals, Codec("zstd"))
    good, expected = seals.chunk_id(Type.DATA, b"good"), {}
    for number, (about, (entries, refused)) in enumerate(cases(good, record.blocks[0].id).items(), 1):
        pieces = [Piece(folder, 0, encode_rows([row]), encode_colds([cold])) for folder, row, cold in entries]  # type: ignore[list-item]
        block = encode_block(pieces)
        chunk, lengths = seals.chunk_id(Type.ENTRIES, block), lengths_packed(array("I", [len(block)]))
        packed, sealed = sealer.seal(Type.ENTRIES, memoryview(block), chunk, lengths)
        packs.append(Type.ENTRIES, packed, len(block), chunk, lengths, sealed)
        snapshot = f"{number:032x}"
        root = msgspec.structs.replace(record, id=snapshot, blocks=[BlockRef(b"", b"", chunk)], lists=[])
        store.put(f"snapshots/{snapshot}", seal_root(seals, root))
        expected[snapshot] = {"about": about, "refused": [path.hex() for path in refused]}
    write_index_objects(store, seals, packs.flush())
    packs.close()
    repository.forget([taken.id])
    return {"snapshots": expected}


def main() -> None:
    for name, fill in (("format-1", ordinary), ("format-1-hostile", hostile)):
        home = OUT / name
        if home.exists():
            print(f"{home.name} is there already")
            continue
        with tempfile.TemporaryDirectory(prefix="golden-") as place:
            bench = Bench(Path(place) / "house", Path(place) / "repository")
            bench.source.mkdir()
            bench.init()
            expected = fill(bench)
            home.mkdir(parents=True)
            shutil.copytree(bench.place, home / "repository")
        for folder in sorted((home / "repository").rglob("*"), reverse=True):
            folder.chmod(0o755 if folder.is_dir() else 0o644)  # as git keeps them
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        (home / "key").write_bytes(KEY + b"\n")
        (home / "expected.json").write_text(json.dumps(expected, indent=1) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
