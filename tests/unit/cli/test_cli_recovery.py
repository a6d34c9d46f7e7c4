"""What people see of recovery plans, and how the commands end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from reconciler.app.recovery.run import RecoveryOutlook
from reconciler.app.recovery.values import ContinuityReport, PlanStatus, RecoveryReport, RecoveryStatus
from reconciler.cli.main import run
from reconciler.cli.render.page import Page
from reconciler.cli.render.recovery import continuity_page, outlook_page, report_page, run_page, runs_page, status_page, told_page
from reconciler.model.declared.recovery import RecoveryPlanSpec
from reconciler.model.desired import DesiredRecoveryPlan
from reconciler.model.problem import Place
from reconciler.model.recovery import (
    Forecast,
    PlanStanding,
    Readiness,
    ReadinessPart,
    RecoveryOutcome,
    RecoveryRun,
    RunMode,
    StepRecord,
    StepState,
    Timed,
)
from reconciler.model.steps import applying

Golden = Callable[[str, str], None]
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
STEPS = [
    {"name": "call", "manual": {"instruction": "Call the owner."}},
    {"name": "data", "restore": {"system": "orders"}, "dependsOn": ["call"]},
    {"name": "start", "command": ["/bin/start"], "dependsOn": ["data"]},
]
SPEC = RecoveryPlanSpec.model_validate({"scenarios": ["human_error", "cyber_attack"], "steps": STEPS}, by_alias=True)
PLAN = DesiredRecoveryPlan("shop", SPEC, Place("plan.yaml", 1), "g1")
TIMES = {
    "call": Timed(14400, "timeout", "never measured: its whole timeout"),
    "data": Timed(71.4, "predicted", "from 2 drills of this system"),
    "start": Timed(3.21, "measured", "median of 3 runs"),
}
AHEAD = Forecast(14474.61, ("call", "data", "start"), TIMES, {"call": 14400, "data": 14471.4, "start": 14474.61})


def done(outcome: RecoveryOutcome = RecoveryOutcome.FAILED, mode: RunMode = RunMode.RUN) -> RecoveryRun:
    def step(name: str, kind: str, state: StepState, seconds: float, message: str, **more: str) -> StepRecord:
        return StepRecord(name, kind, state, NOON, NOON + timedelta(seconds=seconds), 1, seconds, message, **more)

    steps = (
        step("call", "manual", StepState.DONE, 61, "done, says ada"),
        step("data", "restore", StepState.COMPENSATED, 75.2, "3 files, 2 KiB back", compensation="restore 1234abcd is rolled back"),
        step("start", "command", StepState.FAILED, 0.3, "the command '/bin/start' ended with 3"),
        StepRecord("tell", "manual"),
    )
    return RecoveryRun(
        "0123456789abcdef", "shop", mode, "human_error", "g1", NOON, "ada", steps, at=NOON - timedelta(days=1),
        ended_at=NOON + timedelta(seconds=140), outcome=outcome, rto_seconds=14400.0, predicted_seconds=14474.61,
        findings=("step start: the command '/bin/start' ended with 3",), resumed=1,
    )  # fmt: skip


def ready(*points: int) -> Readiness:
    names, most = ("drill", "plan", "copies", "verification", "rpo", "rto"), (20, 30, 15, 15, 10, 10)
    parts = tuple(ReadinessPart(n, p, m, f"what is known of {n}") for n, p, m in zip(names, points, most, strict=True))
    return Readiness("orders", parts, points == most, "shop")


def standing() -> RecoveryStatus:
    plain = PlanStanding("shop", NOON - timedelta(days=3), NOON + timedelta(days=87), True, 14400.0, 14474.61)
    reports = (
        PlanStatus(plain, ("orders",), {"human_error": AHEAD, "cyber_attack": AHEAD}, done()),
        PlanStatus(PlanStanding("wiki", None, None, None, None, None), ("wiki",), {"human_error": AHEAD}, None),
    )
    return RecoveryStatus(NOON, reports, (ready(20, 0, 15, 0, 10, 10), ready(20, 30, 15, 15, 10, 10)))


def pages() -> dict[str, Page]:
    tested = done(RecoveryOutcome.RECOVERED, RunMode.TEST)
    tests = (RecoveryReport(tested, AHEAD), RecoveryReport(done(mode=RunMode.TEST), AHEAD))
    continuity = ContinuityReport(tests, standing(), {"wiki": "the command '/bin/gone' cannot be looked at"})
    return {
        "outlook": outlook_page(RecoveryOutlook(PLAN, "human_error", applying(SPEC.steps, "human_error"), AHEAD, None)),
        "resumed": outlook_page(RecoveryOutlook(PLAN, "human_error", applying(SPEC.steps, "human_error"), AHEAD, done())),
        "report": report_page(RecoveryReport(done(), AHEAD)),
        "runs": runs_page((done(), tested)),
        "status": status_page(standing()),
        "continuity": continuity_page(continuity),
        "told": told_page(done().steps[1]),
    }


@pytest.mark.parametrize("name", list(pages()))
def test_what_is_shown(golden: Golden, name: str) -> None:
    golden(f"recovery-{name}.txt", pages()[name].render())


def test_who_has_left_a_run_is_told_how_to_go_on_with_it() -> None:
    call = StepRecord("call", "manual", StepState.WAITING, NOON, NOON, 1, 1.0, "waits for a person: Call.")
    kept = RecoveryRun("ab12cd34", "shop", RunMode.RUN, "", "g1", NOON, "ada", (call,), ended_at=NOON, outcome=RecoveryOutcome.WAITING)
    assert "`reconcile recovery run shop --resume` goes on; with --confirm call once that is done" in run_page(kept).render()
    stopped = replace(kept, steps=(), outcome=RecoveryOutcome.INTERRUPTED)
    assert "`reconcile recovery run shop --resume` goes on\n" in run_page(stopped).render()
    assert "--resume" not in run_page(replace(kept, outcome=RecoveryOutcome.RECOVERED)).render()


def test_names_from_elsewhere_cannot_command_the_terminal() -> None:
    hostile = StepRecord("data", "command", StepState.FAILED, NOON, NOON, 1, 1.0, "\x1b[2Jgone")
    assert "\x1b[2J" not in told_page(hostile).render(colour=True)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("recovery", "plan"), 64, "--disaster is missing"),
        (("recovery", "plan", "--disaster", "flood"), 64, "'flood' is neither a type of disaster nor a scenario"),
        (("recovery", "plan", "--disaster", "human_error", "nobody"), 64, "nobody"),
        (("recovery", "run", "shop"), 64, "nobody is there to be asked"),
        (("recovery", "run", "shop", "--yes"), 64, "no recovery plan 'shop' is declared"),
        (("recovery", "run", "shop", "--yes", "--resume", "--anew"), 64, "exclude each other"),
        (("recovery", "test"), 64, "a plan or --all must be named"),
        (("recovery", "test", "shop", "--all"), 64, "a plan or --all must be named"),
        (("recovery", "show", "abc"), 64, "no run of a recovery plan 'abc'"),
        (("bcp", "test", "--all"), 64, "no recovery plan is declared"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(
    words: tuple[str, ...], code: int, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs" / "settings.yaml").write_text(
        "apiVersion: reconciler/v1\nkind: Settings\nmetadata: {name: settings}\nspec: {realm: quiet-otter-41}\n"
    )
    assert run(["--specs", str(tmp_path / "specs"), "--state", str(tmp_path / "state"), *words]) == code
    assert said in capsys.readouterr().err
