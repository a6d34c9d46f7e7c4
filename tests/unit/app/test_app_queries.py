"""Looking into snapshots: what one holds, what differs between two, the bytes of a file; and what may have been meant."""

from __future__ import annotations

import io
import os
from datetime import timedelta

import pytest

from reconciler.app.bare import BareRepository
from reconciler.app.choice import Wanted
from reconciler.app.errors import Ambiguous, NotAFile, NotFound, NothingToRestore
from reconciler.app.names import by_id
from reconciler.app.queries.queries import bare_queries, collected_diff, collected_files, written
from reconciler.app.queries.values import FileChange
from reconciler.base.errors import Usage
from reconciler.repository import Damaged, NoSuchPath, Unread
from tests.fakes.houses import WholeHouse
from tests.unit.app.test_app_copy import with_repositories

HOUR = timedelta(hours=1)
ORDERS = Wanted("orders")


def passed(house: WholeHouse, *, init: bool = False) -> str:
    """One pass two hours later; the id of what it took."""
    house.clock.advance(2 * HOUR)
    return house.one_pass(init=init).results[0].done.snapshot_id or ""


def path(house: WholeHouse, name: str) -> str:
    return str(house.source / name)


def dumped(house: WholeHouse, name: str, wanted: Wanted = ORDERS) -> bytes:
    to = io.BytesIO()
    with house.session(read_only=True) as session, session.queries() as queries:
        report = written(queries.dump(wanted, path(house, name)), to)
    assert report.bytes == len(to.getvalue())
    return to.getvalue()


def compared(house: WholeHouse, older: str, newer: str, system: str | None = None) -> dict[str, FileChange]:
    with house.session(read_only=True) as session, session.queries() as queries:
        report = collected_diff(queries.diff(queries.meant(older, system), queries.meant(newer, system)))
    return {os.path.relpath(change.path, house.source): change for change in report.changes}


def marked(house: WholeHouse, snapshot: str, kind: str) -> None:
    with house.session() as session:
        declared = session.load().desired.repository("main")
        assert declared is not None
        with session.house.open_repository(declared) as repository:
            repository.mark(snapshot, kind, house.clock.now())
    house.arrive()


def test_a_snapshot_is_listed_with_what_is_known_of_each_entry(house: WholeHouse) -> None:
    (house.source / "two.txt").symlink_to("one.txt")
    passed(house, init=True)
    with house.session(read_only=True) as session, session.queries() as queries:
        found = collected_files(queries.files(ORDERS, (str(house.source),)))
        named = collected_files(queries.files(ORDERS, ("one.txt", "*.txt")))
    assert [(entry.path, entry.type, entry.size, entry.link) for entry in found.files] == [
        (str(house.source), "folder", 0, None),
        (path(house, "one.txt"), "file", 3, None),
        (path(house, "two.txt"), "link", 0, "one.txt"),
    ]
    assert [entry.path for entry in named.files] == [path(house, "one.txt"), path(house, "two.txt")]
    (one, _) = named.files
    assert one.modified_at is not None
    assert one.modified_at.timestamp() == pytest.approx((house.source / "one.txt").stat().st_mtime, abs=1e-5)
    assert one.sha256 == "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    assert "the newest good one" in found.chosen.why


def test_looking_changes_nothing(house: WholeHouse) -> None:
    first = passed(house, init=True)
    before = house.traces()
    with house.session(read_only=True) as session, session.queries() as queries:
        collected_files(queries.files(ORDERS))
        collected_diff(queries.diff(Wanted(None, first), ORDERS))
        queries.find("one.txt")
        list(queries.dump(ORDERS, path(house, "one.txt")).pieces)
    assert house.traces() == before


def test_the_snapshot_is_chosen_as_a_restore_chooses_it(house: WholeHouse) -> None:
    passed(house, init=True)
    between = house.clock.now() + HOUR
    (house.source / "one.txt").write_text("two, longer")
    second = passed(house)
    assert dumped(house, "one.txt") == b"two, longer"
    assert dumped(house, "one.txt", Wanted("orders", at=between)) == b"one"
    marked(house, second, "suspect")
    with house.session(read_only=True) as session, session.queries() as queries:
        listing = queries.files(ORDERS)
        assert f"passed over: {second[:8]} (marked suspect)" in listing.chosen.why
        with pytest.raises(NothingToRestore, match="ever verified"):
            queries.files(Wanted("orders", verified=True))
        with pytest.raises(NothingToRestore, match="no snapshot is as old"):
            queries.files(Wanted("orders", at=between - 9 * HOUR))
        with pytest.raises(NotFound, match="no system 'order'"):
            queries.files(Wanted("order"))
        with pytest.raises(Usage, match="neither a system nor a snapshot"):
            queries.files(Wanted())
    assert dumped(house, "one.txt", Wanted("orders", second[:10])) == b"two, longer"


def test_a_difference_says_what_of_an_entry_changed(house: WholeHouse) -> None:
    for name in ("edited", "touched", "gone", "becomes"):
        (house.source / name).write_text("before")
    first = passed(house, init=True)
    (house.source / "edited").write_text("after, longer")
    (house.source / "touched").chmod(0o600)
    (house.source / "gone").unlink()
    (house.source / "becomes").unlink()
    (house.source / "becomes").mkdir()
    (house.source / "new").write_text("new")
    second = passed(house)
    found = compared(house, first[:12], second[:12])
    assert {name: change.change for name, change in found.items()} == {
        ".": "metadata",
        "becomes": "changed",
        "edited": "changed",
        "gone": "removed",
        "new": "added",
        "touched": "metadata",
    }
    assert found["edited"].what[0] == "content"
    assert found["touched"].what == ("mode",)
    assert found["becomes"].what == ("type",)
    assert compared(house, first, first) == {}
    assert compared(house, second, first)["new"].change == "removed"


def test_two_moments_of_a_system_are_compared(house: WholeHouse) -> None:
    passed(house, init=True)
    house.clock.advance(10 * HOUR)
    (house.source / "new").write_text("new")
    second = passed(house)
    assert set(compared(house, "3 hours ago", "latest", "orders")) == {".", "new"}
    assert set(compared(house, "3 hours ago", second[:9], "orders")) == {".", "new"}
    with pytest.raises(Usage, match="'whenever' is not a moment"):
        compared(house, "whenever", "latest", "orders")
    with pytest.raises(NotFound, match="no snapshot begins with 'whenever'"):
        compared(house, "whenever", second)


def test_snapshots_in_two_repositories_are_compared_by_their_checksums(house: WholeHouse) -> None:
    with_repositories(house, "offsite")
    first = passed(house, init=True)
    house.one_pass()
    (house.source / "new").write_text("new")
    second = passed(house)
    (house.repository / "snapshots" / first).unlink()
    assert set(compared(house, first, second)) == {".", "new"}


def test_a_file_comes_out_byte_by_byte_with_its_holes(house: WholeHouse) -> None:
    large = os.urandom(3 * 2**20)
    (house.source / "large").write_bytes(large)
    with (house.source / "sparse").open("wb") as file:
        file.seek(5 * 2**20)
        file.write(b"middle")
        file.truncate(8 * 2**20)
    (house.source / "[1]*").write_text("signs")
    (house.source / "1").write_text("not this")
    passed(house, init=True)
    assert dumped(house, "large") == large
    assert dumped(house, "sparse") == bytes(5 * 2**20) + b"middle" + bytes(3 * 2**20 - 6)
    assert dumped(house, "[1]*") == b"signs"
    assert dumped(house, "one.txt") == b"one"


def test_damage_in_the_middle_hands_out_nothing_wrong(house: WholeHouse) -> None:
    large = os.urandom(12 * 2**20)
    (house.source / "large").write_bytes(large)
    passed(house, init=True)
    pack = max((each for each in (house.repository / "packs").rglob("*") if each.is_file()), key=lambda each: each.stat().st_size)
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.chmod(0o600)
    pack.write_bytes(data)
    to = io.BytesIO()
    with house.session(read_only=True) as session, session.queries() as queries, pytest.raises(Damaged):
        written(queries.dump(ORDERS, path(house, "large")), to)
    assert 0 < len(to.getvalue()) < len(large)
    assert large.startswith(to.getvalue())


def test_what_has_no_content_is_named(house: WholeHouse) -> None:
    (house.source / "link").symlink_to("one.txt")
    os.mkfifo(house.source / "pipe")
    passed(house, init=True)
    with pytest.raises(NotAFile, match=r"is a link to one\.txt") as caught:
        dumped(house, "link")
    assert path(house, "one.txt") in caught.value.hint
    with pytest.raises(NotAFile, match="is a pipe"):
        dumped(house, "pipe")
    with pytest.raises(NotAFile, match="is a folder") as caught:
        dumped(house, "")
    assert "reconcile files orders" in caught.value.hint


def test_an_unknown_path_is_answered_with_what_may_have_been_meant(house: WholeHouse) -> None:
    (house.source / "deep").mkdir()
    (house.source / "deep" / "invoices.pdf").write_text("x")
    passed(house, init=True)
    for typed, meant in (("one.tx", "one.txt"), ("invoices.pdf", "deep/invoices.pdf"), ("other/invoice.pdf", "deep/invoices.pdf")):
        with pytest.raises(NoSuchPath) as caught:
            dumped(house, typed)
        assert caught.value.hint == f"Did you mean {path(house, meant)}?"
    with house.session(read_only=True) as session, session.queries() as queries:
        with pytest.raises(NoSuchPath, match=r"matches ~nothing\*"):
            queries.files(ORDERS, ("~nothing*",))
        with pytest.raises(NoSuchPath) as caught:
            queries.files(ORDERS, ("one.tx",))
    assert path(house, "one.txt") in caught.value.hint


def test_content_that_was_not_readable_is_no_empty_file(house: WholeHouse, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.open

    def locked(name: object, *rest: object, **more: object) -> int:
        if name == b"one.txt":
            raise PermissionError(13, "Permission denied")
        return real(name, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "open", locked)
    partial = passed(house, init=True)
    monkeypatch.undo()
    with pytest.raises(Unread):
        dumped(house, "one.txt", Wanted("orders", partial))


def test_with_nothing_but_the_repository_the_answers_are_the_same(house: WholeHouse) -> None:
    first = passed(house, init=True)
    (house.source / "one.txt").write_text("two")
    second = passed(house)
    where = BareRepository(str(house.repository), house.folder / "keys" / "main.key")
    with bare_queries(where, clock=house.clock) as queries:
        assert len(collected_files(queries.files(Wanted(), ("one.txt",))).files) == 1
        assert b"".join(queries.dump(Wanted("orders", first), path(house, "one.txt")).pieces) == b"one"
        report = collected_diff(queries.diff(queries.meant(first, None), queries.meant("latest", "orders")))
        assert report.tally.changed == 1
        (found,) = queries.find("one.txt").files
        assert found.versions[-1].restore[1:5] == ("--repository", where.url, "--key", str(where.key_file))
        assert [version.first.id for version in found.versions] == [first, second]
        with pytest.raises(NotFound, match="no snapshot of system 'ledger'"):
            queries.find("one.txt", "ledger")


def test_an_ambiguous_beginning_lists_the_candidates(house: WholeHouse) -> None:
    ids = [passed(house, init=True)]
    while len({each[0] for each in ids}) == len(ids):  # at most 17: two that begin with the same digit
        (house.source / "counter").write_text(str(len(ids)))
        ids.append(passed(house))
    last = ids[-1]
    other = next(each for each in ids if each[0] == last[0])
    for ask in (lambda queries: queries.files(Wanted("orders", last[0])), lambda queries: queries.meant(last[0], None)):
        with house.session(read_only=True) as session, session.queries() as queries, pytest.raises(Ambiguous) as caught:
            queries.diff(ask(queries), ORDERS)
        assert {last[:8], other[:8]} <= set(caught.value.context)
        assert all("orders, 20" in str(value) for value in caught.value.context.values())


def test_many_candidates_are_cut_short_and_their_ids_tell_them_apart(house: WholeHouse) -> None:
    passed(house, init=True)
    with house.session(read_only=True) as session:
        (known,) = session.snapshots().snapshots
    fields = {name: getattr(known, name) for name in type(known).__slots__}
    many = [type(known)(**{**fields, "id": f"ab{'0' * 20}{number:010x}"}) for number in range(15)]
    with pytest.raises(Ambiguous, match="'AB' is the beginning of 15 snapshots") as caught:
        by_id(many, "AB")
    assert len(caught.value.context) == 11
    assert caught.value.context["older"] == "5 more"


def test_a_repository_that_does_not_answer_is_told_and_another_copy_is_read(house: WholeHouse) -> None:
    with_repositories(house, "offsite")
    passed(house, init=True)
    house.one_pass()
    house.repository.rename(house.folder / "unplugged")
    with house.session(read_only=True) as session, session.queries() as queries:
        listing = queries.files(ORDERS, ("one.txt",))
        assert listing.chosen.snapshot.repository == "offsite"
        assert any(note.startswith("repository main: ") for note in listing.chosen.notes)
        assert len(list(listing.entries)) == 1


def test_a_broken_spec_stands_as_it_last_did(house: WholeHouse) -> None:
    passed(house, init=True)
    house.write("orders.yaml", "kind: [")
    house.write("base.yaml", "kind: [")
    with house.session(read_only=True) as session, session.queries() as queries:
        assert len(collected_files(queries.files(ORDERS, ("one.txt",))).files) == 1
