"""What a backup says about how much was changed, and how much of it looks ruined."""

from __future__ import annotations

import base64
import gzip
import os
import random
import shutil
import zlib
from pathlib import Path

import pytest

from reconciler.repository.noise import Noise
from reconciler.repository.renaming import Renaming, akin
from reconciler.repository.turning import relabelled
from reconciler.repository.turnover import Turnover
from tests.unit.repository.conftest import Bench

WORDS = b"the quick brown fox jumps over the lazy dog and says nothing about it afterwards\n"


def text(number: int, size: int = 3000) -> bytes:
    line = b"%d " % number + WORDS
    return (line * (size // len(line) + 1))[:size]


def noise(number: int, size: int = 3000) -> bytes:
    return random.Random(number).randbytes(size)


@pytest.fixture
def filled(bench: Bench) -> Bench:
    for number in range(20):
        (bench.source / f"{'ab'[number % 2]}").mkdir(exist_ok=True)
        (bench.source / "ab"[number % 2] / f"note-{number}.txt").write_bytes(text(number))
    return bench


def turned(bench: Bench, kind: str = "incremental", base: str | None = None, beside: str | None = None) -> Turnover:
    taken = bench.take(kind=kind, base=base, beside=beside)
    assert taken.root is not None
    assert taken.root.turnover is not None
    listed = next(root for root in bench.open().listing().roots if root.id == taken.root.id)
    assert listed.turnover == taken.root.turnover
    return taken.root.turnover


def first(bench: Bench) -> str:
    taken = bench.take(kind="full")
    assert taken.root is not None
    assert taken.root.turnover is None, "nothing is there to compare with"
    return taken.root.id


def test_edits_new_files_and_removed_ones_are_counted(filled: Bench) -> None:
    base = first(filled)
    (filled.source / "a" / "note-0.txt").write_bytes(text(100))
    (filled.source / "a" / "note-2.txt").unlink()
    (filled.source / "c").mkdir()
    (filled.source / "c" / "new.txt").write_bytes(text(101, 500))
    assert turned(filled, base=base) == Turnover(20, changed=1, added=1, gone=1, fresh_bytes=3500)


def test_encrypted_files_are_ruined_and_their_bytes_are_noise(filled: Bench) -> None:
    base = first(filled)
    for number, path in enumerate((filled.source / "a").iterdir()):
        path.write_bytes(noise(number))
    found = turned(filled, base=base)
    assert (found.changed, found.ruined_changed) == (10, 10)
    assert found.noise_bytes == found.fresh_bytes == 30_000


def test_what_is_ruined_stays_so_when_the_repository_knows_it_already(filled: Bench) -> None:
    """The snapshot before holds the encrypted state, too, but is not what this one is told against."""
    base = first(filled)
    for number, path in enumerate((filled.source / "a").iterdir()):
        path.write_bytes(noise(number))
    turned(filled, base=base)
    again = turned(filled, base=base)
    assert (again.changed, again.ruined_changed, again.fresh_bytes) == (10, 10, 0)
    full = turned(filled, "full", beside=base)
    assert (full.changed, full.ruined_changed, full.fresh_bytes) == (10, 10, 0)


def test_files_that_are_replaced_by_encrypted_ones_of_another_name(filled: Bench) -> None:
    base = first(filled)
    for number, path in enumerate((filled.source / "b").iterdir()):
        path.with_suffix(".txt.locked").write_bytes(noise(number))
        path.unlink()
    found = turned(filled, base=base)
    assert (found.added, found.gone, found.moved, found.ruined_added, found.renamed) == (10, 10, 0, 10, 10)


def test_a_rename_in_place_is_told_from_a_folder_that_was_moved(filled: Bench) -> None:
    base = first(filled)
    os.rename(filled.source / "a", filled.source / "moved")
    moved = turned(filled, base=base)
    assert (moved.gone, moved.added, moved.moved, moved.renamed) == (10, 10, 10, 0)
    os.rename(filled.source / "moved", filled.source / "a")
    for path in list((filled.source / "b").iterdir()):
        path.rename(path.with_suffix(".locked"))
    renamed = turned(filled, base=base)
    assert (renamed.gone, renamed.added, renamed.moved, renamed.renamed) == (10, 10, 10, 10)


def test_a_removed_folder_counts_with_its_files(filled: Bench) -> None:
    base = first(filled)
    shutil.rmtree(filled.source / "b")
    assert turned(filled, base=base) == Turnover(20, gone=10)


def test_what_is_emptied_or_overwritten_with_zeros_is_counted_apart(filled: Bench) -> None:
    base = first(filled)
    (filled.source / "a" / "note-0.txt").write_bytes(b"")
    (filled.source / "a" / "note-2.txt").write_bytes(bytes(3000))
    found = turned(filled, base=base)
    assert (found.changed, found.emptied, found.ruined_changed) == (2, 2, 0)


@pytest.mark.parametrize("kind", ["full", "differential"])
def test_a_full_and_a_differential_are_compared_with_the_newest_snapshot(filled: Bench, kind: str) -> None:
    full = first(filled)
    (filled.source / "a" / "note-0.txt").write_bytes(text(100))
    second = filled.take(base=full).root
    assert second is not None
    (filled.source / "b" / "note-1.txt").write_bytes(noise(3))
    found = turned(filled, kind, None if kind == "full" else full, beside=second.id)
    assert found == Turnover(20, changed=1, ruined_changed=1, fresh_bytes=3000, noise_bytes=3000)


def test_what_was_put_back_counts_although_the_full_has_it_so(filled: Bench) -> None:
    """A differential keeps the folder as in the full; the newest snapshot had it otherwise."""
    full = first(filled)
    changed = filled.source / "a" / "note-0.txt"
    info = changed.stat()
    changed.rename(changed.with_suffix(".aside"))
    second = filled.take(base=full).root
    assert second is not None
    changed.with_suffix(".aside").rename(changed)
    os.utime(changed, ns=(info.st_atime_ns, info.st_mtime_ns))
    (filled.source / "b" / "note-1.txt").write_bytes(text(7))
    found = turned(filled, "differential", full, beside=second.id)
    assert (found.changed, found.added, found.gone, found.renamed) == (1, 1, 1, 1)


PAGES = "Größe, prix à débattre, 価格 – ".encode() * 60
NAMES = b"\n".join(b"%s%s" % (first, second) for first in (b"Ada", b"Bob", b"Zoe") for second in (b"Quick", b"Young", b"Xu")) * 20


@pytest.mark.parametrize("name", [b"letter.txt", b"letter", b"letter.dat"])
def test_noise_that_passes_for_something_else_is_noise(name: bytes) -> None:
    assert judged(name, base64.b64encode(noise(1)))
    assert judged(name, base64.encodebytes(noise(1, 90)))
    assert judged(name, b"\x1f\x8b\x08" + noise(2)), "it says gzip"
    assert not judged(name, NAMES)
    assert not judged(name, noise(3).hex().encode())
    assert not judged(name, b"From: ada\n\n" + base64.encodebytes(noise(4)))
    assert not judged(name, b"q8Zr+/x" * 8), "too short to say"


def test_an_archive_is_believed_once_it_begins_to_unpack() -> None:
    for level in (0, 1, 9):
        packed = gzip.compress(noise(5, 20_000) + text(5), level)
        assert not judged(b"letter", packed)
        assert not judged(b"letter.gz", packed)
        assert not judged(b"letter.gz", packed[:300]), "an archive that is cut is another trouble"
    assert judged(b"letter.gz", b"\x1f\x8b\x08" + noise(6))


def test_a_few_wrong_bytes_in_a_text_are_told_from_another_alphabet() -> None:
    spotted = bytearray(text(1, 4000))
    for start in range(0, len(spotted), 1024):
        spotted[start : start + 16] = noise(start + 2, 16)
    assert judged(b"letter.txt", bytes(spotted))
    assert judged(b"1700.host:2,S", bytes(spotted)), "what nothing is known of may hold anything, but not so"
    numbered = b"".join(b"%c\x00\x00\x83" % (at % 7) + text(at, 120) for at in range(30))
    assert not judged(b"places", numbered), "texts between numbers, as databases keep them"
    assert not any(judged(b"letter.txt", PAGES[cut:]) for cut in range(4)), "samples begin and end inside of characters"
    assert not judged(b"letter.txt", PAGES.replace(b",", b"\x01", 2))
    assert not judged(b"letter.txt", "Größe, naïve façade\n".encode("latin-1") * 90)


def test_a_comparison_that_cannot_be_read_stops_no_backup(filled: Bench) -> None:
    first(filled)
    taken = filled.take(kind="full", beside="0" * 32)
    assert taken.root is not None
    assert taken.root.turnover is None


def test_large_files_are_judged_by_their_new_chunks(bench: Bench) -> None:
    big = bench.source / "table.data"
    rows = b"".join(b"%08d;%s\n" % (number, WORDS[:40]) for number in range(150_000))
    big.write_bytes(rows)
    base = first(bench)
    big.write_bytes(rows[:-1000] + text(4, 1000))
    edited = turned(bench, base=base)
    assert (edited.changed, edited.ruined_changed, edited.noise_bytes) == (1, 0, 0)
    assert 0 < edited.fresh_bytes < len(rows)
    big.write_bytes(noise(1, 2_000_000) + rows[2_000_000:])
    assert turned(bench, base=base).ruined_changed == 1


def test_canaries_that_are_changed_or_gone_are_counted(filled: Bench) -> None:
    base = first(filled)
    inside = str(filled.source).lstrip("/").encode()
    lures = (inside + b"/a/note-0.txt", inside + b"/b/note-1.txt", inside + b"/b/note-3.txt")
    (filled.source / "a" / "note-0.txt").write_bytes(text(100))
    shutil.rmtree(filled.source / "b")
    taken = filled.take(base=base, canaries=lures)
    assert taken.root is not None
    assert taken.root.turnover is not None
    assert taken.root.turnover.canaries == 3


@pytest.mark.parametrize(
    ("gone", "came", "count"),
    [
        ("a.txt b.txt", "a.txt.locked b.txt.locked", 2),
        ("IMG_1.jpg IMG_2.jpg", "sea.JPG beach.jpg", 0),
        ("a.txt b.txt c.md", "x.txt y.enc", 1),
        ("libx.so.1 liby.so.7", "libx.so.2 liby.so.8", 0),
        ("1.host:2,", "1.host:2,S", 0),
        ("a.txt", "", 0),
        ("a b", "c.locked d.locked", 2),
    ],
)
def test_another_name_is_told_from_another_ending(gone: str, came: str, count: int) -> None:
    assert relabelled(gone.encode().split(), came.encode().split()) == count


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("IMG_0042.jpg", "holiday-42.jpg", True),
        ("report.docx", "final report.docx", True),
        ("handlers.go", "event_handler.go", True),
        ("test_orders.py", "orders_test.py", True),
        ("1700.M1P2.host:2,", "1931.M7P2.host:2,S", True),
        ("7.html", "page-007.html", True),
        ("a.c", "a.cc", True),
        (".bashrc", "bashrc.old", True),
        ("dump.tar.gz", "9f31c07be2a86d54.tar.gz", False),
        ("report.docx", "9f31c07be2a86d54.docx", False),
        ("7.html", "af7c.html", False),
        ("IMG_0042.jpg", "0001.jpg", False),
        ("report.docx", "troper.docx", False),
        ("a.txt", "b.txt", False),
    ],
)
def test_a_new_name_has_something_of_the_old_one_or_nothing(old: str, new: str, same: bool) -> None:
    assert akin(old.encode(), new.encode()) is same


def test_files_under_names_that_say_nothing_are_told_from_moved_ones(filled: Bench) -> None:
    base = first(filled)
    for number, path in enumerate(sorted((filled.source / "a").iterdir())):
        path.rename(path.with_name(f"{number * 7919:08x}.txt") if number % 2 else path.with_name(f"old-{path.name}"))
    (filled.source / "b").rename(filled.source / "archive")
    found = turned(filled, base=base)
    assert (found.gone, found.moved, found.renamed, found.unnamed) == (20, 20, 0, 5)


def test_names_are_lost_in_other_folders_too_and_where_files_hold_nothing(bench: Bench) -> None:
    for folder in ("one", "two"):
        (bench.source / folder).mkdir()
        for number in range(6):
            (bench.source / folder / f"chapter {number}").write_bytes(text(number) if number < 4 else b"")
    base = first(bench)
    (bench.source / "zzz").mkdir()
    for number in range(6):
        (bench.source / "one" / f"chapter {number}").rename(bench.source / ("zzz" if number < 4 else "one") / "pqrstu"[number])
    found = turned(bench, base=base)
    assert (found.gone, found.added, found.unnamed) == (6, 6, 6)
    (bench.source / "two" / "chapter 1").unlink()
    (bench.source / "two" / "copy").write_bytes(text(0))
    assert turned(bench, base=base).unnamed == 6, "a copy of what is still there is no other name of what went"


def test_what_all_names_of_a_folder_have_is_no_name(bench: Bench) -> None:
    for number in range(20):
        (bench.source / f"17{number:02}.mail-host:2,S").write_bytes(text(number))
    base = first(bench)
    for number in range(10):
        (bench.source / f"17{number:02}.mail-host:2,S").rename(bench.source / f"{number * 7919:x}q.mail-host:2,S")
    for number in range(10, 20):
        (bench.source / f"17{number:02}.mail-host:2,S").rename(bench.source / f"17{number:02}.mail-host:2,RS")
    found = turned(bench, base=base)
    assert (found.gone, found.unnamed) == (20, 10)


def test_objects_of_git_that_are_packed_do_not_go(bench: Bench) -> None:
    """Beside them a folder that looks alike, and has no pack; and one whose pack is none."""
    for place in ("code/.git", "alike", "robbed"):
        for number in range(6):
            folder = bench.source / place / "objects" / f"{number:02x}"
            folder.mkdir(parents=True)
            (folder / f"{number:038x}").write_bytes(zlib.compress(text(number) + place.encode()))
        (bench.source / place / "objects" / "pack").mkdir()
    base = first(bench)
    for place in ("code/.git", "alike", "robbed"):
        for number in range(6):
            shutil.rmtree(bench.source / place / "objects" / f"{number:02x}")
    (bench.source / "code/.git/objects/pack/pack-1.pack").write_bytes(b"PACK\0\0\0\2" + noise(1))
    (bench.source / "robbed/objects/pack/pack-1.pack").write_bytes(noise(2))
    found = turned(bench, base=base)
    assert (found.added, found.gone, found.ruined_added) == (2, 12, 1)


def test_so_many_names_are_estimated_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.repository.renaming._NAMES_MAX", 500)
    seen = Renaming()
    for number in range(20_000):
        chunks = random.Random(number).randbytes(32)
        seen.went(b"a", b"photo-%05d.jpg" % number, chunks)
        seen.came(b"b", b"%x.jpg" % (number + 2**40) if number % 2 else b"picture-%05d.jpg" % number, chunks)
    assert max(len(seen._went), len(seen._came)) <= 500
    assert 8_500 < seen.unnamed() < 11_500


def judged(name: bytes, content: bytes) -> bool:
    seen = Noise()
    seen.wanted = True
    seen.begin(name)
    seen.see(b"i" * 32, memoryview(content), first=True, fresh=True)
    return seen.ruined


def compressed(size: int = 3000) -> bytes:
    return zlib.compress(b"".join(b"%d" % random.Random(1).getrandbits(64) for _ in range(size)))


JPEG = b"\xff\xd8\xff\xe0" + noise(5)
EVERY_OTHER_BLOCK = b"".join(text(1, 2048)[at : at + 16] + noise(at, 16) for at in range(0, 2048, 32))


@pytest.mark.parametrize(
    ("name", "content", "ruined"),
    [
        (b"letter.txt", text(1), False),
        (b"letter.txt", noise(1), True),
        (b"letter.txt", EVERY_OTHER_BLOCK, True),
        (b"letter.txt", "Größe und Maß, 数据库备份\n".encode() * 100, False),
        (b"letter.txt", b"\xff\xfe" + "two bytes for each\n".encode("utf-16-le") * 60, False),
        (b"letter.txt", b"short", False),
        (b"letter.txt", noise(2, 40), True),
        (b"picture.jpg", JPEG, False),
        (b"picture.jpg", noise(1), True),
        (b"picture.JPG", text(1), True),
        (b"program", noise(1), True),
        (b"program", b"\x7fELF" + noise(1), False),
        (b"archive.tar.gz", gzip.compress(noise(1)), False),
        (b"secret.gpg", noise(1), False),
        (b"base", b"".join(number.to_bytes(8, "little") for number in range(2000)), False),
        (b"base", b"".join(text(1, 1000) + noise(at, 500) for at in range(8)), True),
        (b"x", noise(1, 60), False),
        (b"Europe/Berlin", b"TZif2" + noise(1), False),
        (b"code.bc", b"BC\xc0\xde" + noise(1), False),
        (b"0f3c", zlib.compress(noise(1)), False),
        (b"0f3c", b"x\x9c" + noise(1), True),
        (b"16384", b"".join(noise(at, 256) + bytes(768) for at in range(16)), True),
        (b"16384", b"".join(number.to_bytes(4, "little") + bytes(12) for number in range(2000)), False),
    ],
)
def test_what_looks_ruined(name: bytes, content: bytes, ruined: bool) -> None:
    assert judged(name, content) is ruined


def test_noise_is_never_taken_for_anything_else() -> None:
    assert all(judged(b"file", noise(number, 100 + number)) for number in range(3000))


def test_what_programs_and_texts_of_this_machine_hold_is_no_noise() -> None:
    of_python = Path(os.__file__).parent
    found = [path for ending in ("py", "so", "pyc") for path in sorted(of_python.rglob(f"*.{ending}"))[:150]]
    content = [path.read_bytes() for path in found]
    wrong = [str(path) for path, data in zip(found, content, strict=True) if data and judged(path.name.encode(), data)]
    assert len(found) > 200
    assert len(wrong) <= len(found) // 100, wrong
