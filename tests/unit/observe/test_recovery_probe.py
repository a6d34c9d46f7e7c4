"""Whether something could be restored: over a real repository, whole, new, damaged, and with the wrong key."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from reconciler.base.clock import SystemClock
from reconciler.model.health import Probe
from reconciler.observe.recovery import probe
from tests.fakes.houses import WholeHouse, quick_folder

CLOCK = SystemClock()


@pytest.fixture
def house() -> Iterator[WholeHouse]:
    with quick_folder() as folder:
        yield WholeHouse(folder)


def probed(house: WholeHouse) -> Probe:
    with house.session(read_only=True) as session:
        (found,) = probe(session.load().desired.repositories, session.house.open_repository, CLOCK)
    return found


def test_the_newest_snapshot_is_read(house: WholeHouse) -> None:
    house.one_pass(init=True)
    found = probed(house)
    assert (found.repository, found.system, found.failure) == ("main", "orders", "")
    assert len(found.snapshot_id) == 32


def test_a_new_repository_has_nothing_to_read_and_is_well(house: WholeHouse) -> None:
    with house.session() as session:
        session.init_repository("main")
    assert (probed(house).snapshot_id, probed(house).failure) == ("", "")


def test_packs_that_are_gone_are_found_out(house: WholeHouse) -> None:
    house.one_pass(init=True)
    shutil.rmtree(house.repository / "packs")
    assert probed(house).failure


def test_a_flipped_byte_in_every_pack_is_found_out(house: WholeHouse) -> None:
    house.one_pass(init=True)
    for pack in (house.repository / "packs").rglob("*"):
        if pack.is_file():
            content = bytearray(pack.read_bytes())
            for place in range(len(content) // 4, len(content), 16):
                content[place] ^= 1
            pack.chmod(0o600)
            pack.write_bytes(content)
    assert probed(house).failure


def test_a_key_that_does_not_fit_is_found_out(house: WholeHouse) -> None:
    house.one_pass(init=True)
    key = house.folder / "keys" / "main.key"
    key.chmod(0o600)
    key.write_text("ab" * 32)
    assert "key" in probed(house).failure
