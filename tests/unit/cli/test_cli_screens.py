"""Every screen against its golden file; the JSON forms are contracts with other people's scripts."""

from __future__ import annotations

import json
from collections.abc import Callable

import cli_samples as samples
from msgspec.structs import replace

from reconciler.app.drills import DrillList
from reconciler.base.errors import StateError
from reconciler.cli.render.drills import drill_page, drills_page
from reconciler.cli.render.error import error_json, error_page
from reconciler.cli.render.plan import plan_page
from reconciler.cli.render.plan_json import plan_json, plan_markdown
from reconciler.cli.render.problems import problems_json, problems_page
from reconciler.cli.render.snapshots import snapshot_page, snapshots_json, snapshots_page
from reconciler.cli.render.status import status_json, status_page
from reconciler.model.drill import Asserted, Control, DrillOutcome, DrillRecord
from reconciler.model.problem import Place, Problem, Severity
from reconciler.model.standing import breaches

Golden = Callable[[str, str], None]


def test_a_plan_says_what_why_and_what_a_person_must_do(golden: Golden) -> None:
    golden("plan.txt", plan_page(samples.busy_plan(), samples.desired()).render())


def test_a_plan_wraps_its_reasons_on_a_narrow_terminal(golden: Golden) -> None:
    text = plan_page(samples.busy_plan(), samples.desired()).render(width=80)
    golden("plan-narrow.txt", text)
    assert max(len(line) for line in text.splitlines() if "Signs" not in line) <= 80


def test_a_plan_with_nothing_to_do_says_so_and_when_the_next_is_due(golden: Golden) -> None:
    golden("plan-empty.txt", plan_page(samples.quiet_plan(), samples.desired()).render())


def test_a_plan_for_programs(golden: Golden) -> None:
    text = plan_json(samples.busy_plan(), samples.desired())
    golden("plan.json", text)
    assert json.loads(text)["summary"] == {
        "backup": 1,
        "copy": 0,
        "prune": 0,
        "verify": 1,
        "suspect": 0,
        "drill": 0,
        "test": 0,
        "mark": 1,
        "unmark": 0,
        "forget": 1,
        "snapshots_to_mark": 3,
        "snapshots_to_forget": 1,
        "snapshots_held": 120,
        "gaps": 5,
    }


def test_a_plan_for_a_pull_request(golden: Golden) -> None:
    golden("plan.md", plan_markdown(samples.busy_plan(), samples.desired()))


def test_a_plan_for_a_pull_request_says_where_the_errors_of_the_specs_are() -> None:
    errors = tuple(Problem(Severity.ERROR, "wrong-value", Place("shop.yaml", n, 7), f"`{n}` is *wrong*") for n in range(1, 13))
    warned = Problem(Severity.WARNING, "no-realm", Place(".", 1, 1), "no realm")
    lines = plan_markdown(samples.busy_plan(), replace(samples.desired(), problems=(warned, *errors))).splitlines()
    assert lines[:3] == ["### 12 errors in the specs", "", "* shop.yaml:1:7: \\`1\\` is \\*wrong\\*"]
    assert lines[11:14] == ["* shop.yaml:10:7: \\`10\\` is \\*wrong\\*", "* and 2 more, which `reconcile validate` shows", ""]


def test_a_name_cannot_break_out_of_its_markdown_cell() -> None:
    plan = samples.busy_plan()
    hostile = plan.actions[0].__class__(**{f: getattr(plan.actions[0], f) for f in plan.actions[0].__slots__} | {"why": "a | b\n# <img>"})
    text = plan_markdown(plan.__class__(**{f: getattr(plan, f) for f in plan.__slots__} | {"actions": (hostile,)}), samples.desired())
    assert "a \\| b\\\\n\\# \\<img\\>" in text


def test_status_shows_age_against_rpo_and_what_is_not_well(golden: Golden) -> None:
    golden("status.txt", status_page(samples.status()).render())


def test_status_of_named_systems_shows_every_promise_with_its_evidence(golden: Golden) -> None:
    golden("status-promises.txt", status_page(samples.status(), promises=True).render())


def test_status_for_programs(golden: Golden) -> None:
    golden("status.json", status_json(samples.status()))


def test_unknown_is_a_breach() -> None:
    assert {c.name for c in breaches(samples.status())} == {"identity", "orders"}


def test_copies_of_one_snapshot_are_one_line_and_the_newest_is_last(golden: Golden) -> None:
    golden("snapshots.txt", snapshots_page(samples.snapshots(), samples.NOW, realm="quiet-otter-41").render())


def test_snapshots_for_programs(golden: Golden) -> None:
    golden("snapshots.json", snapshots_json(samples.snapshots()[:2]))


def test_one_snapshot_in_full(golden: Golden) -> None:
    golden("snapshot.txt", snapshot_page(samples.snapshots()[:2], samples.NOW).render())


def test_no_snapshots_is_a_sentence() -> None:
    assert snapshots_page((), samples.NOW, realm="r").render() == "No snapshots.\n"


def test_problems_stand_with_place_line_and_hint(golden: Golden) -> None:
    golden("problems.txt", problems_page(samples.problems(), "/srv/specs", objects=31, files=14).render())


def test_problems_for_programs(golden: Golden) -> None:
    golden("problems.json", problems_json(samples.problems(), "/srv/specs", objects=31, files=14))


def test_an_error_is_a_sentence_its_context_and_a_hint(golden: Golden) -> None:
    error = StateError("the state directory '/var/lib/x\x1b[2J' cannot be written", path="/var/lib/x", user="backup")
    golden("error.txt", error_page(error).render())
    golden("error.json", error_json(error))


def test_an_error_never_shows_the_password_of_a_url() -> None:
    error = StateError("cannot reach https://backup:hunter2@nas/store", url="https://backup:hunter2@nas/store")
    assert "hunter2" not in error_page(error).render()


def _drills() -> DrillList:
    """Proven, failed, and under way."""
    plain = DrillRecord(
        id=samples.identity(3),
        system="orders",
        repository="main",
        snapshot_id=samples.identity(9),
        pick="newest",
        started_at=samples.NOW - 2 * samples.DAY,
        actor="loop",
        version="0.1.0",
        ended_at=samples.NOW - 2 * samples.DAY + samples.MINUTE,
        outcome=DrillOutcome.PROVEN,
        expires_at=samples.NOW + 12 * samples.DAY,
        files=1204,
        bytes=2**30,
        prepare_seconds=0.4,
        restore_seconds=48.2,
        assert_seconds=1.3,
        predicted_seconds=61.0,
        asserted=(
            Asserted("path /srv/orders/*.pdf minFiles 100", passed=True, why="1,204 files"),
            Asserted("command /usr/bin/true", passed=True, why="it ended with 0", toothless=True),
        ),
        controls=(Control("missing", rejected=True, path="/srv/orders/a.pdf"), Control("swapped", rejected=None)),
    )
    failed = replace(
        plain,
        id=samples.identity(4),
        started_at=samples.NOW - samples.HOUR,
        outcome=DrillOutcome.FAILED,
        expires_at=None,
        findings=("/srv/orders/\x1b[31mb.pdf is changed",),
        asserted=(Asserted("sqlite /srv/orders/shop.db", passed=False, why="a page is malformed", on_older=True),),
    )
    under_way = replace(
        plain, id=samples.identity(5), started_at=samples.NOW, ended_at=None, outcome=None, expires_at=None, files=0, bytes=0
    )
    return DrillList(samples.NOW, (under_way, failed, plain))


def test_drills_are_a_table_with_the_newest_last(golden: Golden) -> None:
    golden("drills.txt", drills_page(_drills()).render())


def test_one_drill_in_full(golden: Golden) -> None:
    _, failed, proven = _drills().drills
    golden("drill-proven.txt", drill_page(proven).render())
    golden("drill-failed.txt", drill_page(failed).render())
