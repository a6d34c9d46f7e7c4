"""Several keys to one repository: who is let in, who is kept out, and that nobody is locked out by accident."""

import pytest

from reconciler.base.secret import Secret
from reconciler.repository import Keyring, LastSlot, NoSuchSlot, Repository, WeakKey, WrongKey
from reconciler.repository.store import LocalStore
from tests.unit.repository.conftest import CREATED, KEY, Bench

OTHER = b"7b" * 32


def ring(bench: Bench, key: bytes = KEY, kind: str = "raw", store: LocalStore | None = None) -> Keyring:
    return Keyring.open(str(bench.place), Secret(key), kind=kind, store=store)


def test_a_second_key_opens_the_same_repository_until_it_is_removed(bench: Bench) -> None:
    slot = ring(bench).add(Secret(OTHER), "raw", CREATED)
    opened = Repository.open(str(bench.place), Secret(OTHER))
    assert opened.id == bench.open().id
    assert [(each.id == slot, each.used) for each in ring(bench, OTHER).slots() if each.id == slot] == [(True, True)]
    assert ring(bench).remove(slot[:8]) == slot
    with pytest.raises(WrongKey):
        Repository.open(str(bench.place), Secret(OTHER))
    bench.open()


def test_a_passphrase_beside_a_key_file_opens_it_too(bench: Bench) -> None:
    ring(bench).add(Secret(b"lusab babad\n"), "passphrase", CREATED)
    assert Repository.open(str(bench.place), Secret(b"lusab babad"), kind="passphrase").id == bench.open().id
    assert sorted(slot.kind for slot in ring(bench).slots()) == ["passphrase", "raw"]


def test_the_slot_in_use_stays_so_the_last_one_never_goes(bench: Bench) -> None:
    ours = ring(bench).slots()[0].id
    with pytest.raises(LastSlot, match=ours):
        ring(bench).remove(ours)
    bench.open()


def test_a_slot_that_is_not_there_or_not_alone_is_not_removed(bench: Bench) -> None:
    for _ in range(17):
        ring(bench).add(Secret(OTHER), "raw", CREATED)
    before = bench.objects()
    doubled = next(d for d in "0123456789abcdef" if sum(slot.id.startswith(d) for slot in ring(bench).slots()) > 1)
    for prefix in ("", "x", doubled):
        with pytest.raises(NoSuchSlot):
            ring(bench).remove(prefix)
    assert bench.objects() == before


def test_two_people_who_remove_each_others_slot_at_the_same_time_leave_one(bench: Bench) -> None:
    other = ring(bench).add(Secret(OTHER), "raw", CREATED)
    ours = next(slot.id for slot in ring(bench).slots() if slot.id != other)

    class Meanwhile(LocalStore):
        """Between the look and the deletion, the other one deletes, too."""

        def delete(self, name: str) -> None:
            LocalStore(str(bench.place)).delete(f"keys/{ours}")
            super().delete(name)

    ring(bench, store=Meanwhile(str(bench.place))).remove(other)
    assert bench.open().id


def test_more_than_32_slots_are_refused(bench: Bench) -> None:
    keyring = ring(bench)
    for _ in range(31):
        keyring.add(Secret(OTHER), "raw", CREATED)
    with pytest.raises(WeakKey, match="32"):
        keyring.add(Secret(OTHER), "raw", CREATED)


def test_a_damaged_slot_is_listed_as_such_and_hides_no_good_one(bench: Bench) -> None:
    slot = ring(bench).add(Secret(OTHER), "raw", CREATED)
    path = bench.place / "keys" / slot
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b"raw", b"row"))
    assert [each.problem != "" for each in ring(bench).slots() if each.id == slot] == [True]
    ring(bench).remove(slot)
    assert len(ring(bench).slots()) == 1


def test_a_downgraded_slot_beside_a_good_one_costs_the_good_one_nothing(bench: Bench) -> None:
    keyring = ring(bench)
    keyring.add(Secret(b"good words"), "passphrase", CREATED)
    slot = keyring.add(Secret(b"other words"), "passphrase", CREATED)
    (bench.place / "keys" / slot).rename(bench.place / "keys" / ("0" * 32))
    path = bench.place / "keys" / ("0" * 32)
    path.chmod(0o600)
    import json

    from reconciler.repository.keys import with_digest

    body = json.loads(path.read_bytes())
    del body["sha256"]
    body["argon2id"]["memory"] = 1024
    path.write_bytes(json.dumps(with_digest(body)).encode())
    assert Repository.open(str(bench.place), Secret(b"good words"), kind="passphrase").id == keyring.id
    with pytest.raises(WeakKey, match="too little"):
        Repository.open(str(bench.place), Secret(b"other words"), kind="passphrase")
