"""Recovery plans as they are wanted: every path absolute, and a digest of what they say."""

from __future__ import annotations

from pathlib import Path

from reconciler.model.declared.rare import RecoveryPlan
from reconciler.model.declared.recovery import Step
from reconciler.model.desired import DesiredRecoveryPlan
from reconciler.spec.declare import Declared
from reconciler.spec.digest import digest_of
from reconciler.spec.resolve import absolute, assertion, folder_of


def recovery_plan(root: Path, declared: Declared) -> DesiredRecoveryPlan:
    """One plan."""
    assert isinstance(declared.document, RecoveryPlan)
    folder, spec = folder_of(root, declared), declared.document.spec
    spec = spec.model_copy(update={"steps": tuple(_step(step, folder) for step in spec.steps)})
    return DesiredRecoveryPlan(declared.key[1], spec, declared.place, digest_of(spec), declared.last_good)


def _step(step: Step, folder: str) -> Step:
    if step.restore is not None and step.restore.to is not None:
        return step.model_copy(update={"restore": step.restore.model_copy(update={"to": absolute(folder, step.restore.to)})})
    if step.assert_ is not None:
        asked = tuple(assertion(each, folder) for each in step.assert_.assertions)
        return step.model_copy(update={"assert_": step.assert_.model_copy(update={"assertions": asked})})
    return step
