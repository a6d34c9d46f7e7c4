"""The rule 3-2-1-1-0: what is counted, what is unknown, and why."""

from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from reconciler.decide.copies import Spread
from reconciler.decide.copy_rule import digits
from reconciler.decide.plan import plan
from reconciler.decide.scene import Scene
from reconciler.model.declared.objectives import Verification
from reconciler.model.declared.repository import ObjectLock
from reconciler.model.observed import SourceState
from reconciler.model.plan import ActionKind
from reconciler.model.snapshot import Mark, MarkKind
from reconciler.model.standing import rule_in_short
from reconciler.model.status import Digit, Truth
from tests.fakes.worlds import NOW, ago, desired, listed, observed, repository, snapshot, system, unreachable

OF = system(
    repositories=("main", "vault"), host="shop1", failure_domain={"site": "office"}, verification=Verification(deep=timedelta(days=30))
)
MAIN = repository("main", failure_domain={"site": "office"}, media="disk")
VAULT = repository("vault", failure_domain={"site": "cellar"}, media="object", deletable_from=("keeper",))
THERE = {"orders": (SourceState("/srv/orders", exists=True, readable=True, empty=False),)}
READ = snapshot(ago("10m"), verified=ago("1h"))


def counted(*states, of=OF, repositories=(MAIN, VAULT), sources=THERE) -> dict[str, Digit]:
    scene = Scene.of(desired(of, *repositories), observed(*states, sources=sources), NOW)
    return {digit.what: digit for digit in digits(scene, of, Spread.of(scene, of))}


def short(found: dict[str, Digit]) -> str:
    return rule_in_short(list(found.values()))


def test_all_five_numbers_are_kept_and_say_what_they_rest_on():
    found = counted(listed("main", [READ]), listed("vault", [READ]))
    assert list(found) == ["copies", "media", "offsite", "immutable", "errors"]
    assert short(found) == "3-2-1-1-0"
    assert {digit.met for digit in found.values()} == {Truth.TRUE}
    assert found["copies"].evidence[0] == "the data itself"
    assert found["media"].evidence == ("main: disk", "vault: object")
    assert found["offsite"].evidence == ("main is at the same site office", "vault is at site cellar")
    assert found["immutable"].evidence[1] == "vault cannot be deleted with what shop1 knows"
    assert found["errors"].evidence[0] == "main: every byte of a snapshot read at 2026-05-04 11:00Z"


def test_what_was_not_listed_is_neither_there_nor_missing():
    found = counted(listed("main", [READ]), unreachable("vault"))
    assert short(found) == "?-?-?-?-?"
    assert [(d.found, d.unknown) for d in found.values()] == [(2, 1), (1, 1), (0, 1), (0, 1), (0, 1)]
    assert "vault was not listed" in found["errors"].evidence


def test_a_copy_that_was_never_read_is_not_without_error():
    unread = counted(listed("main", [READ]), listed("vault", [replace(READ, marks=())]))
    assert short(unread) == "3-2-1-1-?"
    assert unread["errors"].evidence == ("main: every byte of a snapshot read at 2026-05-04 11:00Z", "vault was never verified")
    old = counted(listed("main", [READ]), listed("vault", [snapshot(ago("10m"), verified=ago("31d"))]))
    assert (old["errors"].met, old["errors"].evidence[1]) == (
        Truth.UNKNOWN,
        "vault: every byte of a snapshot read at 2026-04-03 12:00Z, every 30d is declared",
    )


def test_damage_is_an_error_until_a_later_proof():
    broken = snapshot(ago("3h"), marks=(Mark(MarkKind.DAMAGED, ago("2h")),))
    later = counted(listed("main", [READ]), listed("vault", [READ, broken]))
    assert later["errors"].found == 0, "read whole an hour ago, after the damage"
    before = counted(listed("main", [READ]), listed("vault", [snapshot(ago("10m"), verified=ago("5h")), broken]))
    assert (before["errors"].found, before["errors"].met) == (1, Truth.FALSE)
    assert before["errors"].evidence[1].startswith("vault: 1 snapshot damaged, found at ")


def test_what_nobody_declared_is_unknown_and_what_is_declared_wrongly_is_counted_as_it_is():
    silent = repository("vault")
    found = counted(listed("main", [READ]), listed("vault", [READ]), repositories=(MAIN, silent))
    assert short(found) == "3-?-?-0-0"
    assert (found["media"].evidence[1], found["offsite"].evidence[1]) == ("vault declares no media", "vault declares no site")
    near = replace(VAULT, failure_domain={"site": "office"}, media="disk", deletable_from=("shop1",))
    same = counted(listed("main", [READ]), listed("vault", [READ]), repositories=(MAIN, near))
    assert short(same) == "3-1-0-0-0"
    assert {same[name].met for name in ("media", "offsite", "immutable")} == {Truth.FALSE}


def test_a_locked_bucket_is_immutable_where_nobody_says_who_may_delete():
    states = (listed("main", [READ]), listed("vault", [READ]))
    locked = replace(VAULT, deletable_from=None, object_lock=ObjectLock(retain=timedelta(days=30)))
    found = counted(*states, repositories=(MAIN, locked))["immutable"]
    assert (found.found, found.evidence[-1]) == (1, "vault is locked: each snapshot for 30d")
    loose = replace(locked, object_lock=ObjectLock(mode="governance", retain=timedelta(days=30)))
    assert counted(*states, repositories=(MAIN, loose))["immutable"].found == 0
    assert counted(*states, repositories=(MAIN, replace(locked, deletable_from=("shop1",))))["immutable"].found == 0


def test_a_late_copy_does_not_count_in_any_number():
    late = counted(listed("main", [READ, snapshot(ago("2h"))]), listed("vault", [snapshot(ago("5h"), verified=ago("1h"))]))
    assert short(late) == "2-1-0-0-0"
    assert late["copies"].evidence[2] == "vault holds none that is recent enough: overdue since 11:03Z"


def test_the_data_itself_counts_only_where_it_is_seen():
    states = (listed("main", [READ]), listed("vault", [READ]))
    gone = {"orders": (SourceState("/srv/orders", exists=False, readable=False, empty=True),)}
    assert counted(*states, sources=gone)["copies"].found == 2
    elsewhere = counted(*states, of=replace(OF, host="shop2"))["copies"]
    assert (elsewhere.found, elsewhere.unknown, elsewhere.met) == (2, 1, Truth.UNKNOWN)
    assert elsewhere.evidence[0] == "the data itself is on shop2, which is not seen from here"


def test_each_copy_is_read_by_its_own_freshness():
    """The proof of the primary is an hour old; the same snapshot in the vault was never read, and is due there alone."""
    world = observed(listed("main", [READ]), listed("vault", [replace(READ, marks=())]), sources=THERE)
    due = [a for a in plan(desired(OF, MAIN, VAULT), world, NOW).actions if a.kind is ActionKind.VERIFY]
    assert [(a.repository, a.snapshots) for a in due] == [("vault", (READ.id,))]
