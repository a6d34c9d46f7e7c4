"""What an edit does to protection, told before it is merged."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.base.units import parse_duration as d
from reconciler.decide.blast import blast_radius
from reconciler.decide.guard import rule
from reconciler.decide.scene import Scene
from reconciler.model.blast import BlastRadius, Effect, SpecChange
from reconciler.model.declared.drill import Assertion, Drill
from reconciler.model.declared.objectives import Copies, Objectives, Verification
from reconciler.model.declared.policy import Compression, GuardLimits, Hook, Hooks, Retention, Trigger, Window
from reconciler.model.declared.repository import Contained, Credentials, Key, Limits, Maintenance, ObjectLock
from reconciler.model.declared.settings import SettingsSpec
from reconciler.model.declared.system import Impact, Source, Suspend, Tolerate
from reconciler.model.desired import Desired, DesiredRepository, DesiredSystem, Revision
from reconciler.model.observed import RepositoryState
from reconciler.model.snapshot import Mark, MarkKind
from tests.fakes.worlds import NOW, daily, desired, every, listed, observed, repository, schedule, system

AT = Revision("4f1c2ab9" * 5, dirty=False)
YEAR = Retention(daily=365)
MONTH = Retention(daily=30)


def radius(before: Desired, after: Desired, *states: RepositoryState, **seen: Any) -> BlastRadius:
    return blast_radius(before, after, observed(*(states or (listed(),)), **seen), NOW, AT)


def told(changes: Iterable[SpecChange]) -> set[tuple[str, str, str, Effect]]:
    return {(change.field, change.before, change.after, change.effect) for change in changes}


def edit(before: DesiredSystem, after: DesiredSystem) -> set[tuple[str, str, str, Effect]]:
    changes = radius(desired(before, repository()), desired(after, repository())).changes
    return told(change for change in changes if change.kind == "System")


def test_an_edit_without_a_meaning_has_no_radius() -> None:
    tree = desired(system(), repository())
    assert radius(tree, replace(tree, digest="other")).empty


def test_a_tighter_retention_names_the_snapshots_that_could_go() -> None:
    snapshots = daily(200)
    found = radius(
        desired(system(retention=YEAR), repository()), desired(system(retention=MONTH), repository()), listed(snapshots=snapshots)
    )
    (released,) = found.released
    assert released.snapshots == tuple(sorted(s.id for s in snapshots[30:]))
    assert (released.total, released.reach_before, released.reach_after) == (200, "199d", "29d")
    assert told(found.changes) == {("retention.daily", "365", "30", Effect.LOSS)}


def test_what_the_edit_releases_is_what_the_guard_holds_then() -> None:
    """The preview and the loop must not disagree: the same snapshots, held for the same reason."""
    after = desired(system(retention=MONTH), repository())
    world = observed(listed(snapshots=daily(200)), accepted_retention={"orders": YEAR})
    (released,) = blast_radius(desired(system(retention=YEAR), repository()), after, world, NOW, AT).released
    (held,) = rule(Scene.of(after, world, NOW), after.systems[0], "main").held
    assert released.held == len(released.snapshots)
    assert set(held.snapshots) == set(released.snapshots)


def test_a_longer_retention_releases_nothing() -> None:
    found = radius(
        desired(system(retention=MONTH), repository()), desired(system(retention=YEAR), repository()), listed(snapshots=daily(200))
    )
    assert found.released == ()
    assert told(found.changes) == {("retention.daily", "30", "365", Effect.GAIN)}


def test_what_was_free_to_go_before_is_no_consequence_of_the_edit() -> None:
    found = radius(
        desired(system(retention=MONTH), repository()),
        desired(system(retention=MONTH, rpo="2h"), repository()),
        listed(snapshots=daily(200)),
    )
    assert found.released == ()


def test_a_first_rule_releases_what_no_rule_kept() -> None:
    found = radius(
        desired(system(retention=Retention()), repository()), desired(system(retention=MONTH), repository()), listed(snapshots=daily(40))
    )
    assert len(found.released[0].snapshots) == 10
    assert told(found.changes) == {("retention", "everything", "daily 30", Effect.LOSS)}


def test_a_removed_system_loses_its_protection_and_its_snapshots_stay() -> None:
    found = radius(desired(system(), repository()), desired(repository()), listed(snapshots=daily(12)))
    assert found.unprotected == ("orders",)
    (change,) = found.losses
    assert (change.name, change.field, change.why) == ("orders", "", "no more backups; 12 snapshots stay as orphans")
    assert found.released == ()


def test_a_renamed_system_is_not_a_removed_one() -> None:
    found = radius(
        desired(system(retention=YEAR), repository()),
        desired(system("shop", previous_name="orders", sources=(Source(path="/srv/orders"),), retention=MONTH), repository()),
        listed(snapshots=daily(200)),
    )
    assert found.unprotected == ()
    assert ("metadata.name", "orders", "shop", Effect.OTHER) in told(found.changes)
    assert len(found.released[0].snapshots) == 170


def test_a_rename_is_offered_only_where_it_is_plain() -> None:
    """The same sources on the same host, and one that it can be."""
    source, other = (Source(path="/srv/a"),), (Source(path="/srv/b"),)
    before = desired(system("a", sources=source), repository())

    def offered(*after: DesiredSystem) -> bool:
        (gone,) = (change for change in radius(before, desired(*after, repository())).changes if change.name == "a")
        return "`previousName: a` in the metadata of b carries" in gone.why

    assert offered(system("b", sources=source))
    assert offered(system("b", sources=source), system("c", sources=other))
    assert not offered(system("b", sources=other))
    assert not offered(system("b", sources=source, host="elsewhere"))
    assert not offered(system("b", sources=source), system("c", sources=source))
    assert not offered()


def test_a_broken_tree_removes_nothing() -> None:
    before = desired(system("a"), system("b"), repository("main"), repository("other"))
    broken = replace(desired(system("a", retention=MONTH), repository("main")), clean=False)
    found = radius(before, broken)
    assert (found.unprotected, found.clean) == ((), False)
    assert {(change.name, change.field) for change in found.changes} == {("a", "retention")}


def test_a_suspended_system_loses_its_protection() -> None:
    asleep = system(suspend=Suspend(reason="moving house", until=NOW + timedelta(days=3)))
    found = radius(desired(system(), repository()), desired(asleep, repository()))
    assert found.unprotected == ("orders",)
    assert [change.effect for change in found.changes] == [Effect.LOSS]


def test_a_new_system_is_a_gain() -> None:
    found = radius(desired(repository()), desired(system(), repository()))
    assert [(c.name, c.effect) for c in found.changes] == [("orders", Effect.GAIN)]


def test_another_realm_disowns_every_snapshot() -> None:
    before = desired(system(), repository())
    after = replace(before, settings=SettingsSpec(realm="other-word-1"))
    (change,) = radius(before, after).losses
    assert (change.kind, change.field) == ("Settings", "realm")


def test_a_repository_that_was_never_seen_is_named_as_unknown() -> None:
    tree = desired(system(), repository(), repository("offsite"))
    assert radius(tree, tree, listed()).unseen == ("offsite",)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ({"rpo": "1h"}, {"rpo": "4h"}, ("objectives.rpo", "1h", "4h", Effect.LOSS)),
        ({"rpo": "1h"}, {"rpo": "15m"}, ("objectives.rpo", "1h", "15m", Effect.GAIN)),
        ({"rpo": "1h"}, {"rpo": None}, ("objectives.rpo", "1h", "", Effect.LOSS)),
        ({"rpo": None}, {"rpo": "1h"}, ("objectives.rpo", "", "1h", Effect.GAIN)),
        ({}, {"copies": Copies(count=2)}, ("copies.count", "", "2", Effect.GAIN)),
        ({"copies": Copies(count=3)}, {"copies": Copies(count=2)}, ("copies.count", "3", "2", Effect.LOSS)),
        ({"copies": Copies(lag=d("1d"))}, {"copies": Copies(lag=d("2d"))}, ("copies.lag", "1d", "2d", Effect.LOSS)),
        ({"verification": Verification(deep=d("30d"))}, {}, ("verification.deep", "30d", "", Effect.LOSS)),
        ({"drill": Drill(every=d("30d"))}, {"drill": Drill(every=d("90d"))}, ("drill.every", "30d", "90d", Effect.LOSS)),
        ({}, {"guard": GuardLimits(max_forget_percent=80)}, ("guard.maxForgetPercent", "30", "80", Effect.LOSS)),
        ({}, {"guard": GuardLimits(max_forget_count=5)}, ("guard.maxForgetCount", "50", "5", Effect.GAIN)),
        ({"checksums": ("sha256",)}, {"checksums": ()}, ("checksums", "sha256", "", Effect.LOSS)),
        ({"checksums": ("sha256",)}, {"checksums": ("sha256", "md5")}, ("checksums", "sha256", "sha256, md5", Effect.GAIN)),
        (
            {"schedule": schedule(full=every("7d"))},
            {"schedule": schedule(full=every("30d"))},
            ("schedule.full", "every 7d", "every 30d", Effect.LOSS),
        ),
        (
            {"schedule": schedule(full=every("7d"))},
            {"schedule": schedule(full=Trigger(cron="0 2 * * sun"))},
            ("schedule.full", "every 7d", "cron 0 2 * * sun", Effect.OTHER),
        ),
        ({}, {"repositories": ("main", "far")}, ("repositories", "main", "main, far", Effect.GAIN)),
        ({"repositories": ("main", "far")}, {}, ("repositories", "main, far", "main", Effect.LOSS)),
        ({"repositories": ("main", "far")}, {"repositories": ("far", "main")}, ("repositories", "main, far", "far, main", Effect.OTHER)),
        ({}, {"owner": "shop team"}, ("owner", "", "shop team", Effect.OTHER)),
    ],
)
def test_each_field_is_told_with_what_it_does(
    before: dict[str, Any], after: dict[str, Any], expected: tuple[str, str, str, Effect]
) -> None:
    assert edit(system(**before), system(**after)) == {expected}


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [
        (("*.tmp",), ("*.tmp", "*.db"), Effect.LOSS),
        (("*.tmp", "*.db"), ("*.tmp",), Effect.GAIN),
        (("*.tmp", "*.db"), ("*.db", "*.tmp"), Effect.OTHER),
        (("*.db",), ("*.db", "!keep.db"), Effect.OTHER),
        (("*.db", "!keep.db"), ("!keep.db", "*.db"), Effect.OTHER),
    ],
)
def test_more_patterns_read_less_unless_one_brings_something_back(before: tuple[str, ...], after: tuple[str, ...], effect: Effect) -> None:
    one, two = (system(sources=(Source(path="/srv/orders", exclude=patterns),)) for patterns in (before, after))
    assert {found[3] for found in edit(one, two)} == {effect}


def test_a_source_that_is_gone_is_named() -> None:
    both = (Source(path="/srv/orders"), Source(sqlite="/srv/orders.db"))
    found = edit(system(sources=both), system(sources=both[:1]))
    assert found == {("sources", "/srv/orders.db (SQLite)", "", Effect.LOSS)}


def test_a_source_that_tolerates_more_is_a_loss() -> None:
    lax = system(sources=(Source(path="/srv/orders", tolerate=Tolerate(changing=("*.log",))),))
    assert {found[3] for found in edit(system(), lax)} == {Effect.LOSS}
    assert {found[3] for found in edit(lax, system())} == {Effect.GAIN}


def test_a_repository_that_moves_is_a_loss() -> None:
    before, after = desired(repository()), desired(replace(repository(), url="/elsewhere"))
    (change,) = radius(before, after, listed(snapshots=daily(5))).losses
    assert (change.kind, change.field) == ("Repository", "url")
    assert "5 snapshots" in change.why


def test_more_hosts_that_can_delete_are_a_loss() -> None:
    closed, open_ = desired(repository(deletable_from=("nas",))), desired(repository(deletable_from=("nas", "shop1")))
    anybody = desired(repository(deletable_from=None))
    assert [c.effect for c in radius(closed, open_).changes] == [Effect.LOSS]
    assert [c.effect for c in radius(closed, anybody).changes] == [Effect.LOSS]
    assert [c.effect for c in radius(open_, closed).changes] == [Effect.GAIN]


def test_a_lock_that_is_looser_is_a_loss() -> None:
    month, week = ObjectLock(retain=timedelta(days=30)), ObjectLock(retain=timedelta(days=7))
    lifted = ObjectLock(mode="governance", retain=timedelta(days=90))
    for before, after in ((month, None), (month, week), (month, lifted)):
        changed = radius(desired(repository(object_lock=before)), desired(repository(object_lock=after))).changes
        assert [c.effect for c in changed] == [Effect.LOSS]
    (tighter,) = radius(desired(repository()), desired(repository(object_lock=month))).changes
    assert tighter.effect == Effect.GAIN


@pytest.mark.parametrize(
    ("before", "after", "field"),
    [
        ({"rpo": "1h"}, {"rpo": "4h"}, "objectives.rpo"),
        ({"objectives": Objectives(rto=d("1h"))}, {"objectives": Objectives(rto=d("2h"))}, "objectives.rto"),
        ({"objectives": Objectives(mtd=d("1h"))}, {"objectives": Objectives()}, "objectives.mtd"),
        ({"drill": Drill(every=d("30d"))}, {"drill": Drill(every=d("90d"))}, "drill.every"),
        ({"drill": Drill(every=d("30d"))}, {"drill": Drill()}, "drill.every"),
        ({"drill": Drill(valid_for=d("30d"))}, {"drill": Drill(valid_for=d("60d"))}, "drill.validFor"),
        ({"copies": Copies(count=2)}, {"copies": Copies(count=1)}, "copies.count"),
        ({"verification": Verification(deep=d("30d"))}, {}, "verification.deep"),
    ],
)
def test_a_loosened_promise_is_called_so(before: dict[str, Any], after: dict[str, Any], field: str) -> None:
    (change,) = radius(desired(system(**before)), desired(system(**after))).changes
    assert (change.field, change.effect, change.why) == (field, Effect.LOSS, "loosened promise")
    (tightened,) = radius(desired(system(**after)), desired(system(**before))).changes
    assert (tightened.effect, tightened.why) == (Effect.GAIN, "")


def test_a_promise_for_a_type_of_disaster_is_compared_by_what_holds_then() -> None:
    own = Objectives.model_validate({"rto": "1h", "disasters": {"cyber_attack": {"rto": "30m"}}})
    (change,) = radius(desired(system(objectives=own)), desired(system(objectives=Objectives(rto=d("1h"))))).changes
    assert (change.field, change.before, change.after) == ("objectives.disasters.cyber_attack.rto", "30m", "1h")
    assert (change.effect, change.why) == (Effect.LOSS, "loosened promise")


def test_an_assertion_that_is_asked_no_longer_is_a_loosened_promise() -> None:
    asked = Drill(every=d("7d"), assertions=(Assertion(path="/srv/a"), Assertion(path="/srv/b", min_files=3)))
    fewer = Drill(every=d("7d"), assertions=(Assertion(path="/srv/a"),))
    (gone,) = radius(desired(system(drill=asked)), desired(system(drill=fewer))).changes
    assert (gone.before, gone.after, gone.why) == ("path /srv/b minFiles 3", "", "loosened promise")
    weaker = Drill(every=d("7d"), assertions=(Assertion(path="/srv/a"), Assertion(path="/srv/b", min_files=1)))
    assert [c.effect for c in radius(desired(system(drill=asked)), desired(system(drill=weaker))).changes] == [Effect.LOSS, Effect.GAIN]
    slower = Drill(every=d("7d"), assertions=(Assertion(command=("/bin/true",), timeout=d("1h")),))
    quicker = Drill(every=d("7d"), assertions=(Assertion(command=("/bin/true",)),))
    assert [c.effect for c in radius(desired(system(drill=slower)), desired(system(drill=quicker))).changes] == [Effect.OTHER]


def test_a_base_with_errors_is_said() -> None:
    assert not radius(desired(repository(), clean=False), desired(repository())).base_clean


_OTHERWISE: dict[str, Any] = {
    "tier": "low",
    "policy": "other",
    "sources": (Source(path="/elsewhere"),),
    "repositories": ("far",),
    "objectives": Objectives(rto=timedelta(hours=1)),
    "copies": Copies(media=2),
    "verification": Verification(quick=timedelta(days=1)),
    "drill": Drill(valid_for=timedelta(days=1)),
    "schedule": schedule(differential=every("1d")),
    "retention": Retention(weekly=3),
    "compression": Compression(algorithm="gzip"),
    "checksums": ("md5",),
    "guard": GuardLimits(max_forget_percent=5),
    "owner": "somebody",
    "host": "shop9",
    "labels": {"team": "x"},
    "depends_on": ("identity",),
    "failure_domain": {"site": "x"},
    "impact": Impact(users=3),
    "suspend": Suspend(reason="x", until=NOW + timedelta(days=1)),
    "hooks": Hooks(before=(Hook(command=("/bin/true",)),)),
}


@pytest.mark.parametrize("name", [f for f in DesiredSystem.__struct_fields__ if f not in {"name", "place", "generation", "last_good"}])
def test_no_field_of_a_system_can_change_unseen(name: str) -> None:
    """A field that somebody adds to a system fails here until the comparison knows it."""
    if name == "previous_name":
        return  # carries history and is told as a change of the name
    assert edit(system(), replace(system(), **{name: _OTHERWISE[name]})), name


@pytest.mark.parametrize("name", [f for f in DesiredRepository.__struct_fields__ if f not in {"name", "place", "last_good"}])
def test_no_field_of_a_repository_can_change_unseen(name: str) -> None:
    otherwise = {
        "url": "/x",
        "key": Key(env="OTHER_KEY"),
        "endpoint": "http://127.0.0.1:9000",
        "region": "eu",
        "credentials": Credentials(access=Key(env="ACCESS"), secret=Key(env="SECRET")),
        "failure_domain": {"site": "x"},
        "media": "tape",
        "deletable_from": ("x",),
        "limits": Limits(concurrency=1),
        "object_lock": ObjectLock(retain=timedelta(days=30)),
        "format": "restic",
        "contains": (Contained(system="orders", tag="nightly"),),
        "maintenance": Maintenance(window=Window(begin="01:00", end="02:00")),
    }
    before = repository()
    assert radius(desired(before), desired(replace(before, **{name: otherwise[name]}))).changes, name


def test_a_held_snapshot_is_not_released() -> None:
    """The decoy among those that go."""
    snapshots = daily(60)
    snapshots[45] = replace(snapshots[45], marks=(Mark(MarkKind.HELD, NOW),))
    (released,) = radius(
        desired(system(retention=YEAR), repository()), desired(system(retention=MONTH), repository()), listed(snapshots=snapshots)
    ).released
    assert len(released.snapshots) == 29
    assert snapshots[45].id not in released.snapshots


def test_a_system_that_comes_back_judges_what_was_kept_as_orphans() -> None:
    """Of a system that is not declared nothing ever goes; declaring it, under its own or as its former name, is what lets snapshots go."""
    snapshots = daily(60)
    there = listed(snapshots=snapshots)
    expected = tuple(sorted(s.id for s in snapshots[30:]))
    for name, former in (("orders", None), ("shop", "orders")):
        back = system(name, retention=MONTH, previous_name=former)
        (released,) = radius(desired(repository()), desired(back, repository()), there).released
        assert (released.system, released.snapshots, released.total) == (name, expected, 60)
        assert (released.reach_before, released.reach_after) == ("59d", "29d")


def test_a_repository_that_is_taken_in_again_judges_what_lies_there() -> None:
    """Where a system had no business before, nothing was let go, however tight its retention."""
    main, old = repository("main"), repository("old")
    before = desired(system(retention=MONTH, repositories=("main",)), main, old)
    after = desired(system(retention=MONTH, repositories=("main", "old")), main, old)
    (released,) = radius(before, after, listed("main", daily(60)), listed("old", daily(60))).released
    assert (released.repository, len(released.snapshots)) == ("old", 30)
