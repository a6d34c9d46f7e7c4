"""Keys of a declared repository as a person handles them, and the kit that is enough on a bare machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.app.bare import BareRepository, restore_bare, snapshots_bare
from reconciler.app.errors import KeyExposed, KeyNotReplaceable, NotFound, ReadOnly
from reconciler.app.reports import RestoreRequest
from reconciler.repository import LastSlot, WrongKey
from tests.fakes.houses import BASE, WholeHouse, quick_folder


@pytest.fixture
def house() -> Iterator[WholeHouse]:
    with quick_folder() as folder:
        made = WholeHouse(folder)
        made.one_pass(init=True)
        yield made


def key_file(house: WholeHouse) -> Path:
    return house.folder / "keys" / "main.key"


def test_the_kit_and_the_repository_alone_bring_everything_back_on_a_bare_machine(house: WholeHouse) -> None:
    with house.session() as session:
        kit = session.recovery_kit("main")
    assert kit.systems == ("orders",)
    assert len(kit.words.split("-")) == 8
    house.repository.rename(house.folder / "elsewhere")
    for gone in ("specs", "keys", "state"):
        (house.folder / gone).rename(house.folder / f"burnt-{gone}")
    paper = house.folder / "kit.txt"
    paper.write_text(kit.words + "\n")
    paper.chmod(0o600)
    where = BareRepository(str(house.folder / "elsewhere"), paper, "passphrase")
    assert [snapshot.system for snapshot in snapshots_bare(where).snapshots] == ["orders"]
    report = restore_bare(where, RestoreRequest(str(house.folder / "back"), system="orders"))
    assert report.whole
    assert (house.folder / "back" / str(house.source).lstrip("/") / "one.txt").read_text() == "one"


def test_a_kit_that_is_lost_can_be_made_worthless(house: WholeHouse) -> None:
    with house.session() as session:
        kit = session.recovery_kit("main")
        session.remove_key("main", kit.slot[:8])
        assert [slot.used for slot in session.keys("main").slots] == [True]
    paper = house.folder / "kit.txt"
    paper.write_text(kit.words)
    paper.chmod(0o600)
    with pytest.raises(WrongKey):
        snapshots_bare(BareRepository(str(house.repository), paper, "passphrase"))


def test_a_rotated_key_opens_the_repository_and_the_old_one_does_no_more(house: WholeHouse) -> None:
    old = house.folder / "old.key"
    old.write_bytes(key_file(house).read_bytes())
    old.chmod(0o600)
    with house.session() as session:
        change = session.rotate_key("main")
    assert change.created_key
    assert (key_file(house).stat().st_mode & 0o777) == 0o600
    assert not key_file(house).with_name("main.key.new").exists()
    assert snapshots_bare(BareRepository(str(house.repository), key_file(house))).snapshots
    with pytest.raises(WrongKey):
        snapshots_bare(BareRepository(str(house.repository), old))
    assert house.one_pass().status.repositories[0].reachable


def test_a_rotation_that_keeps_the_old_key_lets_other_hosts_go_on(house: WholeHouse) -> None:
    old = house.folder / "old.key"
    old.write_bytes(key_file(house).read_bytes())
    old.chmod(0o600)
    with house.session() as session:
        assert session.rotate_key("main", keep=True).removed is None
        assert len(session.keys("main").slots) == 2
    assert snapshots_bare(BareRepository(str(house.repository), old)).snapshots


def test_a_rotation_that_is_killed_before_its_key_takes_the_place_continues_with_that_key(
    house: WholeHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with house.session() as session, monkeypatch.context() as power:
        power.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            session.rotate_key("main")
    assert house.one_pass().status.repositories[0].reachable
    with house.session() as session:
        assert not session.rotate_key("main").created_key
        assert len(session.keys("main").slots) == 1
    assert house.one_pass().status.repositories[0].reachable


def test_the_declared_key_keeps_its_slot(house: WholeHouse) -> None:
    with house.session() as session:
        slot = session.keys("main").slots[0].id
        with pytest.raises(LastSlot):
            session.remove_key("main", slot)
        with pytest.raises(NotFound, match="cellar"):
            session.remove_key("cellar", slot)


def test_a_further_key_is_made_or_read_and_never_one_that_others_can_read(house: WholeHouse) -> None:
    second, exposed = house.folder / "second.key", house.folder / "exposed.key"
    exposed.write_text("ab" * 32)
    exposed.chmod(0o644)
    with house.session() as session:
        assert session.add_key("main", second).created_key
        with pytest.raises(KeyExposed):
            session.add_key("main", exposed)
        assert len(session.keys("main").slots) == 2
    assert snapshots_bare(BareRepository(str(house.repository), second)).snapshots
    assert '"verb":"key-add"' in (house.state / "audit.jsonl").read_text().replace(": ", ":")
    assert second.read_text().strip() not in (house.state / "audit.jsonl").read_text()


def test_only_a_key_in_an_ordinary_file_is_rotated(house: WholeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOUSE_KEY", key_file(house).read_text().strip())
    house.write("base.yaml", BASE.replace("file: ../keys/main.key", "env: HOUSE_KEY"))
    with house.session() as session, pytest.raises(KeyNotReplaceable):
        session.rotate_key("main")


def test_looking_at_the_keys_changes_nothing_and_a_reading_session_adds_none(house: WholeHouse) -> None:
    before = house.traces()
    with house.session(read_only=True) as session:
        session.keys("main")
        with pytest.raises(ReadOnly):
            session.recovery_kit("main")
    assert house.traces() == before
