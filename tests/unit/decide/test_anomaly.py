"""What is out of line, what is usual, and what the loop makes of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from reconciler.decide.anomaly import LEARNING, judge
from reconciler.decide.conditions import conditions
from reconciler.decide.plan import plan
from reconciler.decide.raising import of_status
from reconciler.decide.status import status as make_status
from reconciler.model.alerts import AlertSeverity
from reconciler.model.declared.objectives import Copies, Verification
from reconciler.model.declared.policy import GuardLimits, Retention
from reconciler.model.declared.system import Suspend
from reconciler.model.plan import ActionKind, Plan
from reconciler.model.snapshot import Grade, Mark, MarkKind, Snapshot
from reconciler.model.status import ConditionType, LoopStatus, SpecStatus, Truth
from reconciler.model.turnover import Turnover
from tests.fakes.worlds import NOW, ago, desired, listed, observed, snapshot, system

QUIET = Turnover(1000, changed=4, added=1, fresh_bytes=10_000, noise_bytes=100)
ENCRYPTED = replace(QUIET, changed=300, ruined_changed=296)


def history(*turnovers: Turnover, quiet: int = 30) -> list[Snapshot]:
    """Newest first: these, and before them quiet ones, an hour apart."""
    every = [*turnovers, *[QUIET] * quiet]
    return [
        snapshot(NOW - timedelta(hours=number, minutes=5), turnover=each, files=1000, bytes=1_000_000) for number, each in enumerate(every)
    ]


def signals(*turnovers: Turnover, quiet: int = 30) -> list[str]:
    newest, *earlier = history(*turnovers, quiet=quiet)
    return [signal.name for signal in judge(newest, earlier)]


@pytest.mark.parametrize(
    ("turnover", "expected"),
    [
        (QUIET, []),
        (replace(QUIET, changed=500), []),
        (replace(QUIET, changed=960), ["changed"]),
        (ENCRYPTED, ["ruined"]),
        (replace(QUIET, ruined_changed=29), []),
        (replace(QUIET, ruined_changed=31), ["ruined"]),
        (replace(QUIET, gone=200, added=200, ruined_added=200), ["ruined"]),
        (replace(QUIET, gone=200, added=200, moved=200), []),
        (replace(QUIET, gone=200, added=200, moved=200, renamed=200), ["renamed"]),
        (replace(QUIET, gone=200, added=200, moved=200, unnamed=150), []),
        (replace(QUIET, gone=200, added=200, moved=200, unnamed=190), ["unnamed"]),
        (replace(QUIET, gone=250), ["lost"]),
        (replace(QUIET, gone=250, added=240), []),
        (replace(QUIET, emptied=60), ["emptied"]),
        (replace(QUIET, canaries=1), ["canary"]),
        (replace(QUIET, fresh_bytes=300_000, noise_bytes=280_000), ["noise"]),
        (replace(QUIET, fresh_bytes=300_000, noise_bytes=100_000), []),
        (replace(QUIET, fresh_bytes=30_000, noise_bytes=30_000), []),
    ],
)
def test_what_is_out_of_line_after_a_quiet_month(turnover: Turnover, expected: list[str]) -> None:
    assert signals(turnover) == expected


def test_what_a_system_does_every_night_is_usual_for_it() -> None:
    nightly = replace(QUIET, changed=300, ruined_changed=200, emptied=80)
    assert signals(nightly, *[nightly] * 30, quiet=0) == []
    assert signals(replace(nightly, ruined_changed=500), *[nightly] * 30, quiet=0) == ["ruined"]


def test_what_a_person_accepted_may_happen_every_night_from_then_on() -> None:
    nightly = replace(QUIET, changed=300, ruined_changed=200, emptied=80)
    for nights in range(1, 30):
        newest, *earlier = history(*[nightly] * (nights + 1))
        assert judge(newest, earlier), "nobody has accepted anything"
        first = replace(earlier[nights - 1], marks=(Mark(MarkKind.ACCEPTED, ago("1m")),))
        assert judge(newest, [*earlier[: nights - 1], first, *earlier[nights:]]) == (), nights


def test_a_slow_attack_is_found_by_its_sum() -> None:
    drop = replace(QUIET, ruined_changed=10)
    assert signals(*[drop] * 3) == []
    assert signals(*[drop] * 6) == ["ruined"]


def test_slow_and_usual_is_no_attack() -> None:
    drop = replace(QUIET, ruined_changed=10)
    assert signals(*[drop] * 40, quiet=0) == []


def test_files_that_go_a_few_at_a_time_are_found_where_the_system_grew_as_fast() -> None:
    grew = [replace(QUIET, added=60)] * 20
    drop = replace(QUIET, added=0, gone=12)
    assert signals(*[drop] * 9, *grew) == []
    assert signals(*[drop] * 10, *grew) == ["draining"]
    assert signals(*[replace(drop, added=12, ruined_added=12)] * 10, *grew, quiet=10) == ["ruined", "draining"]
    assert signals(*[drop] * 5, QUIET, *[drop] * 5, *grew) == [], "a day of rest"
    rotated, renamed = replace(drop, added=12), replace(drop, added=12, moved=12)
    assert signals(*[rotated] * 10, *grew) == signals(*[renamed] * 10, *grew) == []
    assert signals(*[drop] * 10, *[drop, QUIET] * 15, quiet=0) == [], "half of the days were like that"


@pytest.mark.parametrize("quiet", range(LEARNING))
def test_with_little_history_only_what_is_plain_counts(quiet: int) -> None:
    assert signals(ENCRYPTED, quiet=quiet) == ["ruined"]
    assert signals(replace(QUIET, ruined_changed=100), quiet=quiet) == []
    assert signals(replace(QUIET, gone=900), quiet=quiet) == []


def test_the_one_file_that_always_changes_is_no_more_when_the_others_go() -> None:
    always = replace(QUIET, ruined_changed=1)
    small = replace(always, compared_files=30)
    packed = replace(always, gone=970, added=900)
    for days in range(1, 20):
        assert signals(*[small] * days, packed, *[always] * 30, quiet=0) == [], days
    assert signals(replace(small, ruined_changed=9), packed, *[always] * 30, quiet=0) == ["ruined"]


def test_a_few_files_are_never_chance_enough() -> None:
    small = Turnover(8, changed=1)
    newest, *earlier = [snapshot(ago(f"{n}h"), turnover=small, bytes=8000) for n in range(1, 20)]
    assert judge(replace(newest, turnover=Turnover(8, changed=4, ruined_changed=4)), earlier) == ()
    big = Turnover(8, changed=4, ruined_changed=4, fresh_bytes=4000, noise_bytes=4000)
    past = [replace(s, turnover=replace(small, fresh_bytes=900)) for s in earlier]
    assert [signal.name for signal in judge(replace(newest, turnover=big), past)] == ["noise"], "bytes speak where files are few"


def test_a_store_that_is_noise_by_nature_may_replace_its_packs() -> None:
    grown = Turnover(1000, added=20, ruined_added=20, fresh_bytes=50_000, noise_bytes=50_000)
    cleaned = replace(grown, gone=60)
    assert signals(cleaned, *[grown] * 30, quiet=0) == []
    assert signals(replace(grown, ruined_changed=200), *[grown] * 30, quiet=0) == ["ruined"]
    assert signals(replace(grown, gone=300, added=300, ruined_added=300), *[grown] * 30, quiet=0) == ["replaced"]


# --- what the loop makes of it

OF = system(schedule=system().schedule, rpo="2h")


def decided(*snapshots: Snapshot, of=OF, more=(), **seen) -> Plan:
    return plan(desired(of), observed(listed("main", snapshots), *more, **seen), NOW)


def suspected(found: Plan) -> list[tuple[str, tuple[str, ...]]]:
    return [(a.repository, a.snapshots) for a in found.actions if a.kind is ActionKind.SUSPECT]


def test_it_is_marked_with_the_sentence_that_says_why() -> None:
    attacked = history(ENCRYPTED)
    found = decided(*attacked)
    assert suspected(found) == [("main", (attacked[0].id,))]
    (action,) = [a for a in found.actions if a.kind is ActionKind.SUSPECT]
    assert action.why.startswith("296 of 1000 files turned into noise")
    assert action.reason == "anomaly"


def test_a_copy_is_marked_too_and_nothing_suspect_is_copied() -> None:
    of = replace(OF, repositories=("main", "far"), copies=Copies(count=2))
    attacked = history(ENCRYPTED)
    both = decided(*attacked, of=of, more=(listed("far", attacked),))
    assert suspected(both) == [("far", (attacked[0].id,)), ("main", (attacked[0].id,))]
    first = decided(*attacked, of=of, more=(listed("far", attacked[1:]),))
    assert not [a for a in first.actions if a.kind is ActionKind.COPY]


def test_a_marked_or_accepted_one_is_not_marked_again() -> None:
    newest, *earlier = history(ENCRYPTED)
    for kind in (MarkKind.SUSPECT, MarkKind.ACCEPTED):
        assert suspected(decided(replace(newest, marks=(Mark(kind, ago("1m")),)), *earlier)) == []


def test_nothing_older_goes_until_a_person_has_looked() -> None:
    of = replace(OF, retention=Retention(last=2))
    quiet, attacked = history(QUIET), history(ENCRYPTED)
    accepted = {"accepted_retention": {"orders": of.retention}}
    assert any(a.kind is ActionKind.MARK for a in decided(*quiet, of=of, **accepted).actions)
    found = decided(*attacked, of=of, **accepted)
    assert [h.guard for h in found.held] == ["suspect"]
    assert not any(a.kind in (ActionKind.MARK, ActionKind.FORGET) for a in found.actions)
    yes = replace(attacked[0], marks=(Mark(MarkKind.ACCEPTED, ago("1m")),))
    assert any(a.kind is ActionKind.MARK for a in decided(yes, *attacked[1:], of=of, **accepted).actions)


def test_the_next_backup_is_told_what_not_to_compare_with() -> None:
    attacked = [replace(s, as_of=s.as_of - timedelta(hours=2)) for s in history(ENCRYPTED)]
    attacked = [replace(s, ended_at=s.as_of, arrived_at=s.as_of) for s in attacked]
    backups = [a for a in decided(*attacked).actions if a.kind is ActionKind.BACKUP]
    assert backups
    assert {backup.suspects for backup in backups} == {(attacked[0].id,)}


def test_a_partial_snapshot_is_judged_too_for_the_next_is_compared_with_it() -> None:
    newest, *earlier = history(ENCRYPTED)
    assert suspected(decided(replace(newest, grade=Grade.PARTIAL), *earlier)) == [("main", (newest.id,))]


def test_the_one_after_is_not_measured_against_the_suspect_one() -> None:
    newest, *earlier = history(ENCRYPTED, ENCRYPTED)
    assert {ids for _, ids in suspected(decided(newest, *earlier))} == {(newest.id,), (earlier[0].id,)}


@pytest.mark.parametrize(
    "of",
    [
        replace(OF, guard=GuardLimits(anomalies=False)),
        replace(OF, suspend=Suspend(reason="moving", until=NOW + timedelta(days=1))),
        replace(OF, host="another"),
    ],
    ids=["switched off", "suspended", "of another host"],
)
def test_where_nothing_is_marked(of) -> None:
    assert suspected(decided(*history(ENCRYPTED), of=of)) == []


def test_the_proof_is_made_on_a_good_one() -> None:
    of = replace(OF, verification=Verification(deep=timedelta(days=1)))
    attacked = history(ENCRYPTED)
    (verify,) = [a for a in decided(*attacked, of=of).actions if a.kind is ActionKind.VERIFY]
    assert verify.snapshots == (attacked[1].id,)


def told(*snapshots: Snapshot, of=OF):
    """The condition about it, and the alert that it raises."""
    tree, seen = desired(of), observed(listed("main", snapshots))
    decided_on = plan(tree, seen, NOW)
    specs = SpecStatus("d1", clean=True, errors=0, warnings=0, loaded_at=NOW, objects=2)
    made = make_status(tree, seen, decided_on, conditions(tree, seen, decided_on, NOW), LoopStatus(), specs, NOW)
    raised = [one for one in of_status(tree, made, NOW).raised if one.key[2] == ConditionType.PLAUSIBLE]
    return made.systems[0].condition(ConditionType.PLAUSIBLE), raised


def test_it_is_said_and_raises_an_alert() -> None:
    condition, raised = told(*history(ENCRYPTED))
    assert (condition.status, condition.reason) == (Truth.FALSE, "Suspect")
    assert "296 of 1000 files turned into noise" in condition.message
    (alert,) = raised
    assert alert.severity is AlertSeverity.CRITICAL
    assert "reconcile accept orders" in alert.detail


def test_before_there_is_a_history_nobody_knows_and_nobody_is_alarmed() -> None:
    condition, raised = told(*history(QUIET, quiet=2))
    assert (condition.status, condition.reason, raised) == (Truth.UNKNOWN, "Learning", [])
    condition, raised = told(*history(QUIET))
    assert (condition.status, condition.reason, raised) == (Truth.TRUE, "InKeeping", [])
    assert told(snapshot(ago("1h"))) == (None, [])


def test_a_plan_looks_through_a_listing_once_and_not_once_per_system() -> None:
    """200,000 snapshots times 2,000 systems took half a minute."""
    systems = [system(f"s{number:03}") for number in range(300)]
    everything = [
        snapshot(NOW - timedelta(hours=hours, minutes=5), system=one.name, id=f"{one.name}-{hours}", turnover=QUIET)
        for one in systems
        for hours in range(20)
    ]
    looked = CountingSnapshots(sorted(everything, key=lambda s: s.as_of, reverse=True))
    state = replace(listed("main"), snapshots=looked)
    plan(desired(*systems), observed(state), NOW)
    assert looked.rounds < 20


class CountingSnapshots(tuple[Snapshot, ...]):  # noqa: SLOT001  # it counts
    """How often somebody went through all of them."""

    rounds = 0

    def __iter__(self):
        self.rounds += 1
        return super().__iter__()
