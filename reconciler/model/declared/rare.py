"""Kinds with many words of their own, which most commands never meet: loaded when a document is of one of them."""

from __future__ import annotations

from typing import Literal

from reconciler.model.declared.alerts import AlertPolicySpec
from reconciler.model.declared.envelope import Envelope
from reconciler.model.declared.recovery import RecoveryPlanSpec


class RecoveryPlan(Envelope):
    """How to come back from a disaster."""

    kind: Literal["RecoveryPlan"]
    spec: RecoveryPlanSpec


class AlertPolicy(Envelope):
    """Who is told when something is wrong."""

    kind: Literal["AlertPolicy"]
    spec: AlertPolicySpec
