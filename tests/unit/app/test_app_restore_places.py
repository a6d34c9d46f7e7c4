"""Places that cannot be restored into, lists of checksums, and what damage costs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from types import SimpleNamespace

import pytest
from msgspec.structs import replace

from reconciler.app.bare import BareRepository, restore_bare
from reconciler.app.errors import (
    ChecksumsImpossible,
    DoesNotFit,
    OtherHost,
    TargetUnfit,
)
from reconciler.app.restoring.place import check_folder
from reconciler.base.errors import Usage
from reconciler.repository import NoSuchPath
from tests.fakes.houses import WholeHouse
from tests.fakes.restores import backed_up, planned, request, restored
from tests.fakes.trees import as_nobody, everything, open_to_all, plant


class TestBadPlaces:
    """One clear sentence each, and nothing written."""

    def test_the_target_is_a_file_or_below_one(self, house: WholeHouse) -> None:
        backed_up(house)
        (house.folder / "file").write_text("x")
        with pytest.raises(TargetUnfit, match="is a file, not a folder"):
            planned(house, house.folder / "file")
        with pytest.raises(TargetUnfit, match=r"cannot be created: .*/file is not a folder"):
            planned(house, house.folder / "file" / "below")

    @pytest.mark.parametrize("where", ["orders", "orders/deep/new"])
    def test_the_target_is_the_source(self, house: WholeHouse, where: str) -> None:
        backed_up(house)
        with pytest.raises(TargetUnfit, match="a source of system orders") as caught:
            restored(house, house.folder / where)
        assert "--in-place" in caught.value.hint

    def test_the_target_belongs_to_somebody_else(self, house: WholeHouse) -> None:
        target = house.folder / "out"
        target.mkdir()
        target.chmod(0o500)
        open_to_all(house.folder)
        with as_nobody(), pytest.raises(TargetUnfit, match="cannot be written by this user"):
            check_folder(str(target))

    def test_there_is_too_little_room_or_too_few_inodes(self, house: WholeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
        backed_up(house)
        small = SimpleNamespace(f_bfree=1, f_bavail=1, f_frsize=4096, f_files=100, f_ffree=100, f_favail=100)
        few = {"f_bfree": 99, "f_bavail": 99, "f_ffree": 2, "f_favail": 2}
        for changes, says in (({}, "4.0 KiB free, and this restore needs"), (few, "2 free inodes")):
            monkeypatch.setattr(os, "statvfs", lambda _, changes=changes: SimpleNamespace(**{**vars(small), **changes}))
            with pytest.raises(DoesNotFit, match=says):
                restored(house, house.folder / "out")
        assert not (house.folder / "out").exists()

    def test_a_pattern_that_matches_nothing(self, house: WholeHouse) -> None:
        backed_up(house)
        with pytest.raises(NoSuchPath, match="matches no-such-file"):
            planned(house, paths=("no-such-file",))

    def test_a_snapshot_of_another_host_does_not_go_in_place(self, house: WholeHouse) -> None:
        backed_up(house)
        with house.session() as session:
            session.house = replace(session.house, agent="shop2")
            with pytest.raises(OtherHost, match="was taken on host shop1, this is shop2"):
                session.plan_restore(request(house))
            assert session.plan_restore(request(house, house.folder / "out")).snapshot.host == "shop1"

    def test_without_specs_there_is_nothing_to_keep_a_journal_in(self, house: WholeHouse) -> None:
        backed_up(house)
        where = BareRepository(str(house.repository), house.folder / "keys" / "main.key")
        with pytest.raises(Usage, match="--in-place needs the specs"):
            restore_bare(where, request(house))


class TestChecksums:
    """A list that another program proves."""

    def test_the_list_holds_every_restored_file_and_is_proven_by_coreutils(self, house: WholeHouse) -> None:
        backed_up(house, **{"line\nbreak": "x", "back\\slash": "y"})
        file = house.folder / "list"
        report = restored(house, house.folder / "out", checksums=str(file))
        assert report.checksums == (str(file), 6)
        assert subprocess.run(["sha256sum", "--quiet", "-c", str(file)], check=False).returncode == 0
        (house.folder / "out" / str(house.source).lstrip("/") / "a/one").write_text("eno")
        assert subprocess.run(["sha256sum", "--status", "-c", str(file)], check=False, stderr=subprocess.DEVNULL).returncode == 1

    def test_what_was_kept_is_not_in_it(self, house: WholeHouse) -> None:
        backed_up(house)
        (house.source / "a/one").write_text("mine")
        restored(house, on_conflict="keep", checksums=str(house.folder / "list"))
        assert "a/one" not in (house.folder / "list").read_text()
        assert subprocess.run(["sha256sum", "--quiet", "-c", str(house.folder / "list")], check=False).returncode == 0

    def test_a_list_that_cannot_be_written_is_said_before_anything_is_restored(self, house: WholeHouse) -> None:
        backed_up(house)
        for file in (house.folder / "specs/base.yaml", house.folder / "nowhere/list"):
            with pytest.raises(ChecksumsImpossible):
                restored(house, house.folder / "out", checksums=str(file))
        assert not (house.folder / "out").exists()


def test_a_damaged_chunk_costs_its_files_and_no_other(house: WholeHouse) -> None:
    big = {f"big{number}": os.urandom(300_000) for number in range(12)}
    plant(house.source, big)  # type: ignore[arg-type]
    backed_up(house)
    pack = max((path for path in (house.repository / "packs").rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(data)
    report = restored(house, house.folder / "out")
    back = house.folder / "out" / str(house.source).lstrip("/")
    lost = {Path(path).name for path, _ in report.failures}
    assert 0 < len(lost) < 12
    assert report.damaged == len(report.failures)
    assert {name for name in big if not (back / name).exists()} == lost
    assert all((back / name).read_bytes() == content for name, content in big.items() if name not in lost)
    with house.session() as session:
        assert session.restores().restores[0].failures == len(lost)


def test_the_expected_time_comes_from_restores_that_were_measured(house: WholeHouse) -> None:
    plant(house.source, {f"file{number}": os.urandom(1000) for number in range(400)})  # type: ignore[arg-type]
    backed_up(house)
    for number in range(2):
        restored(house, house.folder / f"out{number}")
    outlook = planned(house, house.folder / "out").outlook
    assert outlook is not None
    if outlook.expected is not None:  # a very fast machine measures nothing worth a prediction
        assert "of this system" in outlook.expected_from
    assert everything(house.folder / "out0") != []
