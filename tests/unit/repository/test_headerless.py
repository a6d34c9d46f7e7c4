"""A repository without its header: whoever brings back goes on, everybody else is told, and a repair writes it anew."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from reconciler.base.secret import Secret
from reconciler.repository import Damaged, HeaderLost, Keyring, NotInitialised, Repository, WrongKey
from reconciler.repository.inventory import Part
from tests.unit.repository.conftest import CREATED, KEY, Bench, described

WAYS = ["gone", "rotten", "of another"]


@pytest.fixture
def taken(bench: Bench) -> str:
    (bench.source / "file").write_bytes(os.urandom(20_000))
    root = bench.take(kind="full").root
    assert root is not None
    return root.id


def harm(bench: Bench, how: str, tmp_path: Path) -> None:
    header = bench.place / "header"
    header.chmod(0o600)
    if how == "gone":
        header.unlink()
    elif how == "rotten":
        header.write_bytes(header.read_bytes()[:-40])
    else:
        other = Bench(bench.source, tmp_path / "other")
        other.init()
        shutil.copy(other.place / "header", header)


def entered(bench: Bench, key: bytes = KEY) -> Repository:
    return Repository.open(str(bench.place), Secret(key), headerless=True)


@pytest.mark.parametrize("how", WAYS)
def test_everything_can_be_restored_without_it(bench: Bench, taken: str, tmp_path: Path, how: str) -> None:
    harm(bench, how, tmp_path)
    with entered(bench) as repository:
        assert [root.id for root in repository.listing().roots] == [taken]
        assert not bench.restored(repository, taken, tmp_path / "out").failures
    assert described(bench.inside(tmp_path / "out")) == described(bench.source)


@pytest.mark.parametrize("how", WAYS)
def test_a_repair_writes_it_anew_and_sets_the_damaged_one_aside(bench: Bench, taken: str, tmp_path: Path, how: str) -> None:
    before = bench.open().id
    harm(bench, how, tmp_path)
    spoilt = (bench.place / "header").read_bytes() if how != "gone" else None
    with entered(bench) as repository:
        assert [fault.part for fault in repository.check(deep=False).faults] == [Part.HEADER]
        plan = repository.plan_repair(deep=False)
        done = repository.repair(plan.digest, deep=False)
    aside = [(bench.place / name).read_bytes() for name in done.set_aside]
    assert aside == ([] if spoilt is None else [spoilt])
    with bench.open() as repository:
        assert repository.id == before
        assert repository.check(deep=True).intact
        assert repository.plan_repair(deep=True).steps == ()
        assert bench.take(repository, base=taken).unchanged
    assert json.loads((bench.place / "header").read_bytes())["id"] == before
    assert len(Keyring.open(str(bench.place), bench.key()).slots()) == 1


def test_who_would_write_is_told_what_to_do(bench: Bench, taken: str, tmp_path: Path) -> None:
    harm(bench, "gone", tmp_path)
    with pytest.raises(HeaderLost, match="missing") as told:
        bench.open()
    assert "repair" in str(told.value.hint)


def test_a_wrong_key_opens_nothing_and_says_so(bench: Bench, taken: str, tmp_path: Path) -> None:
    harm(bench, "gone", tmp_path)
    with pytest.raises(WrongKey):
        entered(bench, b"00" * 32)


def test_what_an_interrupted_init_left_is_no_repository(bench: Bench, tmp_path: Path) -> None:
    (bench.place / "header").unlink()
    with pytest.raises(NotInitialised):
        entered(bench)
    assert not Repository.init(str(bench.place), Secret(KEY), created_at=CREATED).listing().roots


def test_a_slot_of_another_repository_lends_its_name_to_nothing(bench: Bench, taken: str, tmp_path: Path) -> None:
    other = Bench(bench.source, tmp_path / "other")
    other.init()
    for slot in [*(bench.place / "keys").iterdir()]:
        slot.unlink()
    for slot in (other.place / "keys").iterdir():
        shutil.copy(slot, bench.place / "keys")
    (bench.place / "header").unlink()
    with pytest.raises(HeaderLost):
        entered(bench)


@pytest.mark.parametrize("how", ["gone", "rotten"])
def test_a_lost_configuration_is_written_anew_too(bench: Bench, taken: str, how: str) -> None:
    config = bench.place / "config" / "0"
    config.chmod(0o600)
    config.unlink() if how == "gone" else config.write_bytes(b"rubbish")
    with bench.open() as repository:
        plan = repository.plan_repair(deep=False)
        repository.repair(plan.digest, deep=False)
    (bench.source / "new").write_bytes(os.urandom(3000))
    with bench.open() as repository:
        assert bench.take(repository, base=taken).root is not None
        assert repository.check(deep=True).intact
        assert repository.plan_repair(deep=True).steps == ()


def test_without_a_slot_the_damage_itself_is_told(bench: Bench, taken: str, tmp_path: Path) -> None:
    harm(bench, "rotten", tmp_path)
    for slot in [*(bench.place / "keys").iterdir()]:
        slot.unlink()
    with pytest.raises(Damaged, match="header"):
        entered(bench)
