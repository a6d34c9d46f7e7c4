"""One flipped byte in each kind of object is an error that names the object; other snapshots stay whole."""

import os
import random
import shutil

import pytest

from reconciler.base.errors import ReconcilerError
from reconciler.base.secret import Secret
from reconciler.repository import Damaged, NewerFormat, NoSpace, NotInitialised, Repository, WrongKey
from reconciler.repository.store import LocalStore
from tests.unit.repository.conftest import CREATED, KEY, Bench


def filled(bench: Bench):
    rng = random.Random(11)
    for number in range(30):
        (bench.source / f"file{number}").write_bytes(rng.randbytes(rng.randrange(1, 90_000)))
    taken = bench.take(kind="full")
    bench.open().mark(taken.root.id, "verified", CREATED, "note")
    return taken.root


def flip(path, position):
    data = bytearray(path.read_bytes())
    data[position] ^= 0x10
    path.chmod(0o600)
    path.write_bytes(data)


def everything(bench, snapshot):
    """All ways of looking; the first error ends it."""
    repository = bench.open()
    listing = repository.listing()
    if listing.damaged:
        raise listing.damaged[0][1]
    found = repository.verify(snapshot)
    if found.damaged:
        raise found.damaged[0]
    for fault in repository.check(deep=False).faults:
        raise fault.error


@pytest.mark.parametrize("kind", ["header", "keys", "config", "packs", "index", "snapshots", "marks"])
def test_a_flipped_byte_anywhere_in_an_object_is_reported_with_its_name(bench, kind):
    root = filled(bench)
    everything(bench, root.id)
    objects = [path for path in bench.objects() if path.relative_to(bench.place).parts[0] == kind]
    assert objects
    rng = random.Random(kind)
    flips = 0
    for path in objects:
        good = path.read_bytes()
        positions = {0, 1, len(good) // 2, len(good) - 1, *(rng.randrange(len(good)) for _ in range(20))}
        for position in positions:
            flip(path, position)
            with pytest.raises((Damaged, NewerFormat)) as caught:
                everything(bench, root.id)
            assert str(path.relative_to(bench.place)) in str(caught.value)
            path.write_bytes(good)
            flips += 1
    assert flips >= 20


@pytest.mark.parametrize("kind", ["header", "keys", "config", "packs", "index", "snapshots"])
@pytest.mark.parametrize("how", ["empty", "short", "random", "gone"])
def test_an_object_that_is_cut_short_replaced_or_gone_is_an_error_and_never_wrong_data(bench, kind, how):
    root = filled(bench)
    path = next(path for path in bench.objects() if path.relative_to(bench.place).parts[0] == kind)
    data = path.read_bytes()
    if how == "gone":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "short": data[: len(data) // 2], "random": os.urandom(len(data))}[how])
    if kind == "index" and how == "gone":  # nothing names it any more; the directories of the packs say the same
        assert bench.open().verify(root.id).intact
        return
    with pytest.raises(ReconcilerError) as caught:
        everything(bench, root.id)
    assert type(caught.value).code != "internal"
    assert caught.value.hint


def test_a_damaged_index_object_is_replaced_by_the_directories_of_the_packs(bench, tmp_path):
    root = filled(bench)
    path = next((bench.place / "index").iterdir())
    flip(path, 100)
    assert bench.restore(root.id, tmp_path / "out").failures == ()
    taken = bench.take(base=root.id)
    assert taken.unchanged
    assert [type(error) for error in taken.damage] == [Damaged]


def test_a_damaged_pack_costs_only_the_files_in_it_and_they_are_named(bench, tmp_path):
    root = filled(bench)
    (bench.source / "later").write_bytes(os.urandom(50_000))
    before = set((bench.place / "packs").rglob("*"))
    second = bench.take(base=root.id).root
    pack = next(path for path in set((bench.place / "packs").rglob("*")) - before if path.is_file())
    flip(pack, pack.stat().st_size // 2)  # content, whichever segment was sealed first
    restored = bench.restore(root.id, tmp_path / "first")
    assert restored.failures == ()
    found = bench.open().verify(second.id)
    assert [os.path.basename(path) for path in found.affected] == [b"later"]
    assert bench.open().verify(root.id).intact


def test_a_full_backup_stores_anew_what_is_known_to_be_damaged_and_heals_older_snapshots(bench, tmp_path):
    root = filled(bench)
    pack = next(path for path in (bench.place / "packs").rglob("*") if path.is_file())
    flip(pack, 1000)
    repository = bench.open()
    found = repository.verify(root.id)
    assert found.bad_packs == (str(pack.relative_to(bench.place)),)
    repository.distrust(found.bad_packs, CREATED)
    repository.distrust(found.bad_packs, CREATED)
    assert len(list((bench.place / "marks" / pack.name).iterdir())) == 1
    full = bench.take(kind="full").root
    assert bench.restore(full.id, tmp_path / "new").failures == ()
    assert bench.restore(root.id, tmp_path / "old").failures == ()
    assert bench.open().verify(full.id).intact
    assert bench.open().verify(root.id).intact


def test_objects_of_another_repository_are_refused_everywhere(bench, tmp_path):
    root = filled(bench)
    other = Bench(bench.source, tmp_path / "other")
    other.init()
    foreign = other.take(kind="full").root
    shutil.copy(other.place / "snapshots" / foreign.id, bench.place / "snapshots" / root.id)
    name, error = bench.open().listing().damaged[0]
    assert (name, type(error)) == (f"snapshots/{root.id}", Damaged)
    shutil.copy(other.place / "header", bench.place / "header")
    with pytest.raises(WrongKey):
        bench.open()


def test_a_root_under_another_name_is_refused(bench):
    root = filled(bench)
    (bench.place / "snapshots" / root.id).rename(bench.place / "snapshots" / ("0" * 32))
    assert not bench.open().listing().complete


def test_a_folder_that_is_no_repository_says_so_and_is_left_alone(tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "one.jpg").write_bytes(b"x")
    with pytest.raises(NotInitialised):
        Repository.open(str(tmp_path / "photos"), Secret(KEY))
    with pytest.raises(ReconcilerError, match="not empty"):
        Repository.init(str(tmp_path / "photos"), Secret(KEY), created_at=CREATED)
    assert [path.name for path in (tmp_path / "photos").iterdir()] == ["one.jpg"]


def test_a_repository_whose_header_is_lost_is_not_written_over(bench):
    filled(bench)
    (bench.place / "header").unlink()
    before = bench.objects()
    with pytest.raises(ReconcilerError, match="header"):
        bench.init()
    assert bench.objects() == before


def test_a_full_disk_is_said_so_and_costs_nothing(bench, tmp_path):
    import errno

    from reconciler.base.files import Disk

    root = filled(bench)

    class Full(Disk):
        left = 60_000

        def write(self, handle, data):
            if self.left < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self.left -= len(data)
            super().write(handle, data)

    (bench.source / "new").write_bytes(os.urandom(3 * 2**20))
    store = LocalStore(str(bench.place), Full())
    with pytest.raises(NoSpace):
        bench.take(Repository.open(str(bench.place), bench.key(), store=store), base=root.id)
    assert list((bench.place / "tmp").iterdir()) == []
    assert bench.open().verify(root.id).intact
    assert not bench.take(base=root.id).unchanged
