"""Metrics of recoveries: drills, times, plans, and what each disaster would leave."""

from __future__ import annotations

from reconciler.metrics.metric import Subject
from reconciler.metrics.metric import gauge as _gauge

_SYSTEM = ("system",)
_PLAN = ("plan",)
_NOT_DRILLED = "Absent until one was made on this host."
_NO_DRILLS = "Absent where no drill is declared and none was made."

RTO_PREDICTED = _gauge(
    "rto_predicted_seconds",
    Subject.RECOVERY,
    "How long a recovery of the newest good snapshot will take, by the last drills.",
    ("system", "basis"),
    "`basis` is own, or borrowed where only other systems in the same repository were drilled. Absent while nothing was measured.",
)
RTO_MEASURED = _gauge(
    "rto_measured_seconds", Subject.RECOVERY, "How long the newest drill took that restored a whole snapshot.", _SYSTEM, _NOT_DRILLED
)
DRILL_TARGET = _gauge(
    "drill_interval_target_seconds",
    Subject.RECOVERY,
    "How often a recovery has to be rehearsed, as declared.",
    _SYSTEM,
    "Absent where no drills are declared.",
)
DRILL_LAST = _gauge(
    "drill_last_timestamp_seconds",
    Subject.RECOVERY,
    "When the newest drill began that says something about a snapshot; 0 is never.",
    _SYSTEM,
    "One that was blocked says nothing. " + _NO_DRILLS,
)
DRILL_RESULT = _gauge(
    "drill_last_result",
    Subject.RECOVERY,
    "What that drill found: 1 proven, 0 failed, -1 neither, because there was none or nothing that can fail was asserted.",
    _SYSTEM,
    _NO_DRILLS,
)
DRILL_PROVEN = _gauge(
    "drill_last_proven_timestamp_seconds",
    Subject.RECOVERY,
    "When the newest drill began that proved the recovery; 0 is never.",
    _SYSTEM,
    "Its mark in a repository counts, so a lost catalog forgets none. " + _NO_DRILLS,
)
DRILL_EXPIRY = _gauge(
    "drill_proof_expiry_timestamp_seconds", Subject.RECOVERY, "Until when that proof counts; 0 is no proof.", _SYSTEM, _NO_DRILLS
)
READINESS = _gauge(
    "system_readiness_ratio",
    Subject.RECOVERY,
    "How ready the system is to be recovered, from 0 to 1.",
    _SYSTEM,
    "`reconcile recovery status` says what is missing. 1 is ready; what is untested or expired keeps it below.",
)
PLAN_TESTED = _gauge(
    "recovery_plan_test_timestamp_seconds", Subject.RECOVERY, "When the newest test of the plan began that passed; 0 is never.", _PLAN
)
PLAN_TEST_EXPIRY = _gauge(
    "recovery_plan_test_expiry_timestamp_seconds",
    Subject.RECOVERY,
    "Until when a passed test of the plan counts; 0 is no such test.",
    _PLAN,
    "A plan that has changed since its test has none.",
)
PLAN_TEST_INTERVAL = _gauge(
    "recovery_plan_test_interval_target_seconds",
    Subject.RECOVERY,
    "How often the loop has to test the plan, as declared.",
    _PLAN,
    "Absent where only people do.",
)
PLAN_RESULT = _gauge(
    "recovery_plan_test_last_result",
    Subject.RECOVERY,
    "How the newest test of the plan ended: 1 passed, 0 failed, -1 there was none.",
    _PLAN,
)
PLAN_EXPECTED = _gauge(
    "recovery_plan_expected_seconds",
    Subject.RECOVERY,
    "How long the plan is expected to take in the slowest of its scenarios: its critical path.",
    _PLAN,
    "A step that was never measured counts with its whole timeout.",
)

IMPACT = _gauge(
    "impact_systems",
    Subject.RECOVERY,
    "Systems by what a disaster would leave of them now: lost, breached, exposed, unknown, met or untouched.",
    ("scenario", "verdict"),
    "Each verdict of each scenario is there, zero included. Worked out from what the repositories held when they were last listed.",
)
IMPACT_VERDICT = _gauge(
    "impact_verdict",
    Subject.RECOVERY,
    "What a disaster would leave of a system now: 4 lost, 3 breached, 2 exposed, 1 unknown.",
    ("scenario", "system"),
    "Absent where every promise is kept, and where nothing of the system is taken. Of more than 5,000 the worst are there.",
)
IMPACT_LEFT_OUT = _gauge(
    "impact_left_out_verdicts",
    Subject.RECOVERY,
    "Verdicts that belong into reconciler_impact_verdict and are too many.",
    ("scenario",),
    "Where it is not 0, absent does not mean well; reconciler_impact_systems counts all of them.",
)
