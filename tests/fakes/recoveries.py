"""Recovery plans over a whole house, and a person who stands by."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from reconciler.app.recovery.values import Answer, RecoveryReport, RecoveryRequest, Unattended
from reconciler.model.declared.recovery import Step
from reconciler.model.recovery import RecoveryRun, StepRecord, StepState
from tests.fakes.houses import BASE, WholeHouse

SECOND = """\
apiVersion: reconciler/v1
kind: Repository
metadata: {{name: second}}
spec: {{url: ../second, key: {{file: ../keys/second.key}}{more}}}
"""
PLAN = """\
apiVersion: reconciler/v1
kind: RecoveryPlan
metadata: {{name: shop}}
spec:
  scenarios: [{scenarios}]
  objectives: {{rto: 1h}}
{more}  steps:
{steps}
"""
RESTORE = "{name: data, restore: {system: orders}}"
CHECK = "{name: check, assert: {system: orders, assertions: [{path: ../orders/one.txt, contains: '^one$'}]}, dependsOn: [data]}"


def planned(house: WholeHouse, *steps: str, more: str = "", scenarios: str = "hardware_failure, human_error") -> None:
    house.write("plan.yaml", PLAN.format(more=more, scenarios=scenarios, steps="\n".join(f"    - {step}" for step in steps)))


def begun(house: WholeHouse, *, main: str = "", second: str = "", system: str = "") -> None:
    """Two repositories that hold the same snapshot. The words: what else is declared of each, and of the system."""
    house.write("base.yaml", BASE.replace("main.key}}", f"main.key}}, {main}}}") if main else BASE)
    house.write("second.yaml", SECOND.format(more=f", {second}" if second else ""))
    house.system("orders", extra=f"  repositories: [main, second]\n{system}")
    house.one_pass(init=True)
    with house.session() as session:
        session.copy(["orders"], "second")
    house.arrive()


@dataclass
class Person:
    """Says what the test says, and writes down what was asked and told."""

    answers: dict[str, Answer] = field(default_factory=dict)
    asked_for: list[str] = field(default_factory=list)
    heard: list[tuple[str, StepState]] = field(default_factory=list)

    def asked(self, step: Step, _instruction: str, _stop: threading.Event, /) -> tuple[Answer, str]:
        self.asked_for.append(step.name)
        return self.answers.get(step.name, Answer.DONE), "ada"

    def interrupted(self, step: Step, _record: StepRecord, _stop: threading.Event, /) -> Answer:
        self.asked_for.append(step.name)
        return self.answers.get(step.name, Answer.LATER)

    def told(self, _run: RecoveryRun, step: StepRecord, /) -> None:
        self.heard.append((step.name, step.state))


def run(house: WholeHouse, guide: Person | Unattended | None = None, **how: object) -> RecoveryReport:
    with house.session() as session:
        return session.run_recovery(RecoveryRequest("shop", **{"disaster": "hardware_failure", **how}), guide)  # type: ignore[arg-type]


def rehearsed(house: WholeHouse, **how: object) -> RecoveryReport:
    with house.session() as session:
        return session.test_recovery(RecoveryRequest("shop", **how))  # type: ignore[arg-type]


def states(report: RecoveryReport) -> dict[str, str]:
    return {step.name: step.state.value for step in report.run.steps}
