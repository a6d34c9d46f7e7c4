"""What the lines of the audit log are evidence of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from reconciler.decide.compliance import Point
from reconciler.decide.evidence import Ledger, Promised, edits, suspensions, targets
from reconciler.decide.report import CONTROLS, Asked, Known, good_points, report
from reconciler.decide.scene import Scene
from reconciler.model.alerts import Alert, AlertSeverity, AlertState
from reconciler.model.recovery import RecoveryRun, RunMode, StepRecord, StepState
from reconciler.model.report import AuditEvidence, Recovery, Report, Target
from reconciler.model.snapshot import Mark, MarkKind, Snapshot
from reconciler.model.status import LoopStatus, SpecStatus, Status
from tests.fakes.worlds import AGENT, NOW, ago, desired, listed, observed, snapshot, system

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
PERIOD = (NOW - DAY, NOW)
QUARTER = {"rpo": 900.0, "rto": 3600.0, "mtd": None, "suspended_until": None, "generation": "g1"}


def heard(*lines: dict[str, Any]) -> Ledger:
    ledger = Ledger()
    for line in lines:
        ledger.hear(line)
    return ledger


def line(at: str, stage: str, verb: str, object_: str = "orders@main", **facts: Any) -> dict[str, Any]:
    return {"at": ago(at).isoformat(), "stage": stage, "verb": verb, "object": object_, **facts}


def backed_up(at: str, snapshot_id: str = "s1", outcome: str = "succeeded", **facts: Any) -> dict[str, Any]:
    begun = (ago(at) - timedelta(minutes=3)).isoformat()
    return line(at, "complete", "backup", outcome=outcome, snapshot=snapshot_id, **{"as_of": begun, **facts})


def specs(at: str, systems: dict[str, Any], removed: list[str] | None = None) -> dict[str, Any]:
    return line(at, "note", "specs", "d1", revision="c0ffee", systems=systems, removed=removed or [])


def points(ledger: Ledger, *snapshots: Snapshot) -> list[Point]:
    tree = desired(system())
    scene = Scene.of(tree, observed(listed("main", list(snapshots))), NOW)
    return good_points(scene, tree.systems[0], ledger)


def test_a_backup_and_a_confirmation_are_states_and_a_failed_or_partial_one_is_none() -> None:
    ledger = heard(
        backed_up("5h"),
        backed_up("4h", outcome="unchanged"),
        backed_up("3h", "s2", "partial"),
        backed_up("2h", "s3", "failed"),
        backed_up("1h", "s4", "cancelled"),
    )
    assert [(s.snapshot, s.point.known_at) for s in ledger.states] == [("s1", ago("5h")), ("s1", ago("4h"))]
    assert ledger.states[0].point.at == ago("5h") - timedelta(minutes=3)


def test_a_snapshot_that_retention_has_let_go_still_counts_and_one_that_is_there_counts_once() -> None:
    kept = snapshot(ago("2h"))
    taken = backed_up("2h", kept.id, as_of=kept.as_of.isoformat())
    assert len(points(heard(taken, backed_up("10h", "gone")), kept)) == 2


@pytest.mark.parametrize(
    "doubt",
    [
        line("1h", "complete", "suspect", outcome="succeeded", snapshots=["s1"]),
        line("1h", "complete", "drill", outcome="failed", code="act-drill-failed", snapshots=["s1", "older"]),
        line("1h", "complete", "verify", outcome="failed", code="act-damage-found", snapshots=["s1"], damaged=["s1"]),
    ],
)
def test_what_was_found_to_be_bad_was_never_good(doubt: dict[str, Any]) -> None:
    assert points(heard(backed_up("5h"), doubt)) == []
    older = heard(backed_up("6h", "older"), backed_up("5h"), doubt)
    assert len(points(older)) == 1, "the one beside it is not called bad, too"


def test_a_blocked_drill_says_nothing_about_its_snapshot() -> None:
    blocked = line("1h", "complete", "drill", outcome="failed", code="act-drill-blocked", snapshots=["s1"])
    assert len(points(heard(backed_up("5h"), blocked))) == 1


def test_an_accepted_snapshot_is_good_again() -> None:
    suspect = line("4h", "complete", "suspect", outcome="succeeded", snapshots=["s1"])
    accepted = line("3h", "complete", "accept", "main", outcome="succeeded", snapshots=["s1"])
    assert len(points(heard(backed_up("5h"), suspect, accepted))) == 1


def test_a_snapshot_marked_bad_in_the_repository_takes_its_confirmations_with_it() -> None:
    bad = snapshot(ago("5h"), marks=(Mark(MarkKind.DAMAGED, ago("1h")),))
    assert points(heard(backed_up("5h", bad.id), backed_up("4h", bad.id, "unchanged")), bad) == []


def test_lines_of_another_version_are_evidence_of_nothing() -> None:
    strange: list[dict[str, Any]] = [
        {},
        {"at": 5, "verb": "backup"},
        {"at": "2026-05-04T10:00:00", "stage": "complete", "verb": "backup"},
        backed_up("5h", as_of="yesterday"),
        backed_up("5h", snapshot_id=None),  # type: ignore[arg-type]
        specs("5h", []),  # type: ignore[arg-type]
        specs("5h", {"orders": 7}),
        line("1h", "note", "pause", "loop", until="soon"),
        line("1h", "complete", "suspect", outcome="succeeded", snapshots="s1"),
    ]
    ledger = heard(*strange)
    assert (ledger.states, ledger.pauses, ledger.doubted) == ([], [], set())


def test_targets_are_those_of_their_time() -> None:
    later = {**QUARTER, "rpo": 3600.0}
    ledger = heard(specs("20h", {"orders": QUARTER}), specs("15h", {"identity": QUARTER}), specs("10h", {"orders": later}))
    found = targets(ledger, "orders", Promised(rpo=2 * HOUR), PERIOD)
    assert found == [
        Target(NOW - DAY, ago("20h"), 2 * HOUR, recorded=False),
        Target(ago("20h"), ago("10h"), HOUR / 4, recorded=True),
        Target(ago("10h"), NOW, HOUR, recorded=True),
    ]


def test_a_system_has_no_target_before_it_was_declared_and_after_it_was_removed() -> None:
    ledger = heard(specs("30h", {"identity": QUARTER}), specs("20h", {"orders": QUARTER}), specs("5h", {}, ["orders"]))
    assert targets(ledger, "orders", Promised(rpo=HOUR), PERIOD) == [Target(ago("20h"), ago("5h"), HOUR / 4, recorded=True)]


def test_without_any_record_todays_target_stands_for_the_whole_period() -> None:
    assert targets(Ledger(), "orders", Promised(rpo=HOUR), PERIOD) == [Target(*PERIOD, HOUR, recorded=False)]


def test_a_suspension_ends_by_itself_or_when_it_is_taken_back() -> None:
    away = {**QUARTER, "suspended_until": ago("4h").isoformat()}
    ends_itself = heard(specs("10h", {"orders": away}))
    assert suspensions(ends_itself, "orders", NOW) == [(ago("10h"), ago("4h"))]
    taken_back = heard(specs("10h", {"orders": away}), specs("8h", {"orders": QUARTER}))
    assert suspensions(taken_back, "orders", NOW) == [(ago("10h"), ago("8h"))]


def test_a_pause_ends_by_itself_by_a_person_or_by_another_pause() -> None:
    ledger = heard(
        line("10h", "note", "pause", "loop", until=ago("8h").isoformat()),
        line("6h", "note", "pause", "loop", until=ago("1h").isoformat()),
        line("5h", "note", "resume", "loop", until=ago("1h").isoformat()),
    )
    assert ledger.pauses == [(ago("10h"), ago("8h")), (ago("6h"), ago("5h"))]


def test_edits_say_what_became_of_promises() -> None:
    later = {**QUARTER, "rpo": 3600.0, "rto": None}
    ledger = heard(
        specs("30h", {"orders": QUARTER, "wiki": QUARTER}),
        specs("10h", {"orders": later}),
        specs("9h", {"orders": {**later, "generation": "g2"}}),
        specs("8h", {}, ["wiki"]),
    )
    assert [(e.changed, e.removed) for e in edits(ledger, PERIOD, None)] == [
        (("orders: RPO 15m → 1h, RTO 1h → none",), ()),
        (("orders: declared otherwise, the same promises",), ()),
        ((), ("wiki",)),
    ]
    assert [e.at for e in edits(ledger, PERIOD, ["orders"])] == [ago("10h"), ago("9h")]


def test_decisions_of_people_are_told_with_reason_and_outcome() -> None:
    asked = {"run": "r1", "actor": "maria", "reason": "requested", "snapshots": ["s1"]}
    approved = {"run": "r2", "actor": "loop", "reason": "retention", "snapshots": ["a", "b"], "approvals": ["let-go"]}
    ledger = heard(
        line("5h", "intent", "forget", why="a password is in it", **asked),
        line("5h", "complete", "forget", outcome="succeeded", **asked),
        line("4h", "intent", "mark", why="beyond the window", **approved),
        line("4h", "complete", "mark", outcome="succeeded", **approved),
        line("3h", "complete", "forget", run="r3", actor="loop", reason="retention", snapshots=["c"], outcome="succeeded"),
        line("2h", "intent", "hold", "main", actor="maria", reason="a court asks", snapshots=["d"]),
        line("2h", "complete", "hold", "main", outcome="succeeded", snapshots=["d"]),
    )
    assert [(d.verb, d.reason, d.approvals, d.snapshots, d.outcome) for d in ledger.deeds] == [
        ("forget", "a password is in it", (), 1, "succeeded"),
        ("mark", "beyond the window", ("let-go",), 2, "succeeded"),
        ("hold", "a court asks", (), 1, "succeeded"),
    ]
    assert ledger.deeds[-1].actor == "maria", "who decided stands in the line of the intent alone"


def alert(name: str, began: str, ended: str | None, kind: str = "System") -> Alert:
    return Alert(
        id=name,
        object_kind=kind,
        object_name=name,
        condition="BackupFresh",
        severity=AlertSeverity.HIGH,
        state=AlertState.RESOLVED if ended else AlertState.FIRING,
        summary="too old",
        detail="",
        reason="Breached",
        started_at=ago(began),
        changed_at=NOW,
        resolved_at=ago(ended) if ended else None,
    )


def made(
    ledger: Ledger,
    *,
    alerts: tuple[Alert, ...] = (),
    systems: tuple[str, ...] = (),
    audit: AuditEvidence | None = None,
    recoveries: tuple[Recovery, ...] = (),
    runs: tuple[RecoveryRun, ...] = (),
) -> Report:
    from reconciler.decide.plan import plan
    from reconciler.decide.status import status

    tree = desired(system(), system("identity"), replace(system("away"), host="shop2"))
    seen = observed(listed("main", [snapshot(ago("30m"))]))
    spec = SpecStatus("d1", clean=True, errors=0, warnings=0, loaded_at=NOW, objects=3)
    stands: Status = status(tree, seen, plan(tree, seen, NOW), (), LoopStatus(), spec, NOW)
    known = Known(alerts, (), recoveries, runs, {"orders": Promised(rpo=HOUR)})
    intact = audit or AuditEvidence(intact=True, lines=9, head="0" * 64, fault="", since=ledger.since)
    return report(Asked(PERIOD, frozenset(systems), "0.1.0"), Scene.of(tree, seen, NOW), stands, ledger, intact, known)


def test_incidents_are_those_that_fired_at_some_moment_of_the_period() -> None:
    alerts = (
        alert("over-before", "3d", "2d"),
        alert("reaches-in", "3d", "20h"),
        alert("still-fires", "2h", None),
        alert("main", "1h", None, "Repository"),
    )
    found = made(Ledger(), alerts=alerts)
    assert [(i.object_name, i.ended_at) for i in found.incidents] == [("reaches-in", ago("20h")), ("still-fires", None), ("main", None)]
    assert [i.object_name for i in made(Ledger(), alerts=alerts, systems=("orders",)).incidents] == ["main"]
    elsewhere = alert("tape", "1h", None, "Repository")
    assert [i.object_name for i in made(Ledger(), alerts=(*alerts, elsewhere), systems=("orders",)).incidents] == ["main"]


def test_a_report_says_on_top_what_it_cannot_know() -> None:
    broken = AuditEvidence(intact=False, lines=9, head="0" * 64, fault="line 10: not JSON", since=ago("3h"))
    notes = made(heard(specs("3h", {"orders": QUARTER})), audit=broken).notes
    assert notes[0] == "The audit log is not as it was written (line 10: not JSON). Only its first 9 lines are taken as evidence here."
    assert "The audit log begins at 2026-05-04 09:00Z" in notes[1]
    assert "Backed up by other hosts: away." in " ".join(notes)
    assert "What was promised before 2026-05-04 09:00Z is not recorded" in " ".join(notes)
    assert any("No audit log was found" in note for note in made(Ledger()).notes)


def test_a_report_with_everything_on_record_has_nothing_to_excuse() -> None:
    ledger = heard(specs("3d", {"orders": QUARTER}), backed_up("2d"))
    assert made(ledger, systems=("orders",)).notes == ()


def test_only_the_named_systems_are_told() -> None:
    assert [s.name for s in made(Ledger(), systems=("orders",)).systems] == ["orders"]
    assert len(made(Ledger()).systems) == 3
    assert made(Ledger()).agent == AGENT


def test_of_one_system_only_what_it_has_to_do_with_is_told() -> None:
    """Runs of plans, decisions about repositories and about snapshots that name no system. What stops everything concerns everybody."""
    ledger = heard(
        backed_up("20h", "of-orders"),
        backed_up("20h", "of-identity", object_="identity@main"),
        *(
            each
            for name, verb, facts in (
                ("main", "hold", {"snapshots": ["of-orders"]}),
                ("main", "release", {"snapshots": ["of-identity"]}),
                ("main", "accept", {"snapshots": ["nobody-knows"]}),
                ("tape", "accept", {"snapshots": ["nobody-knows"]}),
                ("main", "repair", {}),
                ("tape", "key-add", {}),
            )
            for each in (line("3h", "intent", verb, name, **facts), line("3h", "complete", verb, name, outcome="succeeded", **facts))
        ),
        line("2h", "note", "pause", "loop", until=ago("1h").isoformat(), reason="a move", actor="maria"),
        line("2h", "complete", "mark", "identity@main", outcome="succeeded", approvals=["let-go"], snapshots=["of-identity"]),
    )
    restores = (restored("r-orders", "orders"), restored("r-identity", "identity"))
    runs = (ran("shop", "r-orders"), ran("login", "r-identity"), ran("forgotten"))
    everything = made(ledger, recoveries=restores, runs=runs)
    assert len(everything.deeds) == 8
    assert len(everything.plans) == 3
    found = made(ledger, recoveries=restores, runs=runs, systems=("orders",))
    assert [(d.verb, d.object) for d in found.deeds] == [("hold", "main"), ("accept", "main"), ("repair", "main"), ("pause", "loop")]
    assert [r.plan for r in found.plans] == ["shop", "forgotten"], "nobody knows what the one brought back that is not declared any more"
    assert [r.id for r in found.recoveries] == ["r-orders"]


def restored(name: str, of: str) -> Recovery:
    return Recovery(name, "restore", of, "s1", "/out", "maria", ago("2h"), ago("1h"), "succeeded", 1, 1)


def ran(plan: str, *restores: str) -> RecoveryRun:
    steps = tuple(StepRecord(each, "restore", StepState.DONE, restore=each) for each in restores)
    return RecoveryRun(plan, plan, RunMode.RUN, "hardware_failure", "g1", ago("2h"), "maria", steps)


def test_the_controls_are_named_as_their_publishers_do() -> None:
    named = {control for controls in CONTROLS.values() for control in controls}
    assert {"ISO/IEC 27001:2022 A.8.13", "ISO/IEC 27001:2022 A.5.30", "SOC 2 A1.2", "SOC 2 A1.3"} <= named
    assert {"NIST SP 800-53 CP-9", "NIST SP 800-53 CP-10"} <= named


def test_moments_without_an_offset_are_none() -> None:
    assert heard({"at": "2026-05-04T10:00:00", "verb": "specs"}).since is None
