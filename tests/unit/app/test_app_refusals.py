"""What a plan and a restore say of a snapshot whose list is damaged or claims what cannot be."""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from reconciler.app.bare import BareRepository
from reconciler.app.errors import MirrorUnsafe
from reconciler.repository.entries import BlockRef, Cold
from reconciler.repository.root import to_micros
from tests.fakes.forged import Forger, row
from tests.fakes.houses import WholeHouse
from tests.fakes.restores import TREE, backed_up, planned, restored
from tests.fakes.trees import portrait

FORGED = "0" * 32
LOST = BlockRef(b"zzz", b"lost", b"\x13" * 32)


@pytest.fixture
def damaged(house: WholeHouse) -> WholeHouse:
    """The newest snapshot holds all that the one before does, one block that nobody has, and an entry that claims an exbibyte."""
    backed_up(house)
    with closing(BareRepository(str(house.repository), house.folder / "keys" / "main.key").open()) as repository:
        like = next(root for root in repository.listing().roots if root.system == "orders")
        forger = Forger(repository, like.id)
        record = forger.record()
        later = to_micros(like.as_of + timedelta(seconds=1))
        blocks = [*record.blocks, forger.block([(b"yyy", row(b"huge", size=2**60), Cold(b"\1" * 32))]), LOST]
        forger.publish(msgspec.structs.replace(record, id=FORGED, as_of=later, ended=later, blocks=blocks))
    return house


def test_a_damaged_list_ended_the_plan_and_a_huge_claim_asked_for_room(damaged: WholeHouse, tmp_path: Path) -> None:
    outlook = planned(damaged, tmp_path / "out", snapshot=FORGED).outlook
    assert outlook is not None
    assert [path for path, _ in outlook.unread] == ["zzz/lost", "yyy/huge"]
    assert all(room.fits for room in outlook.rooms)
    report = restored(damaged, tmp_path / "out", snapshot=FORGED)
    assert (report.damaged, len(report.failures)) == (2, 2)
    inside = tmp_path / "out" / str(damaged.source).lstrip("/")
    assert portrait(inside) == portrait(damaged.source)


def test_a_mirror_removes_nothing_by_a_list_that_is_not_whole(damaged: WholeHouse) -> None:
    (damaged.source / "new").write_text("not in the snapshot, or in the part that is lost")
    with pytest.raises(MirrorUnsafe, match="does not give all that it should hold: /zzz/lost: chunk 1313131313131313 is in no index"):
        planned(damaged, on_conflict="mirror", snapshot=FORGED)


def test_in_place_the_rest_comes_back_and_can_be_undone(damaged: WholeHouse) -> None:
    before = portrait(damaged.source)
    (damaged.source / "a" / "one").write_text("changed")
    changed = portrait(damaged.source)
    report = restored(damaged, on_conflict="overwrite", snapshot=FORGED)
    assert (report.damaged, [path for path, _ in report.failures]) == (2, ["zzz/lost", "yyy/huge"])
    assert (damaged.source / "a" / "one").read_text() == TREE["a/one"]
    assert portrait(damaged.source) == before
    with damaged.session() as session:
        undone = session.rollback(report.id)
    assert [path for path, _ in undone.failures] == ["zzz/lost"]
    assert portrait(damaged.source) == changed
