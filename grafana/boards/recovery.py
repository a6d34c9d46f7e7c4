"""Recovery readiness: would the systems come back, in the time that is promised, and what proves it?

A time is measured by drills alone; a prediction follows the size of today. Where neither exists, nothing is claimed.
"""

from __future__ import annotations

from boards import disasters
from boards.frame import Section, board
from boards.panels import Json, bars, lines, query, stat, table, timeline, value
from boards.terms import (
    DRILL_RESULT,
    LABELLED,
    RECOVERY,
    RTO_PREDICTED,
    SYSTEM,
    TO_SYSTEM,
    TO_SYSTEM_BY_NAME,
    condition,
    condition_of_system,
    count,
    each,
    select,
    system_variable,
    tier_variable,
)
from boards.values import (
    BAD,
    COUNT_IS_A_WARNING,
    COUNT_IS_BAD,
    DRILL,
    GOOD,
    PLAN_TEST,
    SHARE_IS_GOOD,
    TRUTH,
    USED,
    WARN,
    Column,
    colored,
    decimals,
    linked,
    steps,
    worded,
)

DAY = 86400

PROOF_EXPIRES = each("reconciler_drill_proof_expiry_timestamp_seconds", "system")
MEASURED = each("reconciler_rto_measured_seconds", "system")
RTO = each("reconciler_rto_target_seconds", "system")
MTD = each("reconciler_mtd_target_seconds", "system")
COPIES = each("reconciler_copies_held", "system")
COPIES_DECLARED = each("reconciler_copies_target", "system")
OFFSITE = each("reconciler_copies_offsite_held", "system")
OFFSITE_DECLARED = each("reconciler_copies_offsite_target", "system")
VERIFIED = f"max by (system) ({select('reconciler_verified_timestamp_seconds', 'system')})"
VERIFIED_EVERY = each("reconciler_verification_interval_target_seconds", "system", where='depth="deep"')
RTO_USED = f"{RTO_PREDICTED} / on (system) {RTO}"
READINESS = each("reconciler_system_readiness_ratio", "system")
PLAN_RESULT = each("reconciler_recovery_plan_test_last_result", "plan")
PLAN_TESTED = each("reconciler_recovery_plan_test_timestamp_seconds", "plan")
PLAN_EXPIRES = each("reconciler_recovery_plan_test_expiry_timestamp_seconds", "plan")
PLAN_EVERY = each("reconciler_recovery_plan_test_interval_target_seconds", "plan")
PLAN_EXPECTED = each("reconciler_recovery_plan_expected_seconds", "plan")
KNOWN = each("reconciler_system_suspended", "system")
"""One series for each declared system."""


def dashboard() -> Json:
    return board(
        RECOVERY,
        "Recovery readiness",
        "Drills and their proofs, the time of a recovery against its objectives, copies and verification.",
        [tier_variable(), system_variable()],
        [
            Section("Now", [*_proofs_now(), *_objectives_now()]),
            Section("Systems", [_systems()]),
            Section("Drills and proofs", [_expiry(), _proven(), _results()]),
            Section("Recovery plans", [_ready(), _plans(), _plan_time()]),
            Section("Time of a recovery", [_rto_used(), _margin(), _measured()]),
            Section("Disasters", disasters.panels()),
            Section("Copies and verification", [_copies(), _verified(), _copies_satisfied()]),
        ],
    )


def _proofs_now() -> list[Json]:
    return [
        stat(
            "Recovery proven",
            "Share of the systems with declared drills whose recovery is proven by a drill that still counts.",
            "percentunit",
            f"avg({PROOF_EXPIRES} > bool time())",
            SHARE_IS_GOOD,
            noValue="no drills",
        ),
        stat(
            "Drill failed",
            "Systems whose newest drill failed: what it restored was not what was stored, or an assertion did not hold.",
            "none",
            count(f"{DRILL_RESULT} == 0"),
            COUNT_IS_BAD,
        ),
        stat(
            "Proof expired",
            "Systems that were proven once, so long ago that it counts no longer.",
            "none",
            count(f"({PROOF_EXPIRES} > 0) <= time()"),
            COUNT_IS_BAD,
        ),
        stat(
            "Never proven",
            "Systems with declared drills of which none has proven the recovery so far.",
            "none",
            count(f"{PROOF_EXPIRES} == 0"),
            COUNT_IS_BAD,
        ),
        stat(
            "Without drills",
            "Systems for which no drill is declared: of their recovery nothing is known.",
            "none",
            count(f"{KNOWN} unless on (system) {each('reconciler_drill_interval_target_seconds', 'system')}"),
            COUNT_IS_A_WARNING,
        ),
        stat(
            "Expire within a week",
            "Proofs that will end within seven days unless a drill renews them.",
            "none",
            count(f"({PROOF_EXPIRES} > time()) < time() + {7 * DAY}"),
            COUNT_IS_A_WARNING,
        ),
    ]


def _objectives_now() -> list[Json]:
    return [
        stat(
            "Longer than the RTO",
            "Systems whose recovery will take longer than promised, by the last drills.",
            "none",
            count(f"{RTO_PREDICTED} > on (system) {RTO}"),
            COUNT_IS_BAD,
        ),
        stat(
            "Longer than the MTD",
            "Systems whose recovery will take longer than the outage that can just be survived.",
            "none",
            count(f"{RTO_PREDICTED} > on (system) {MTD}"),
            COUNT_IS_BAD,
        ),
        stat(
            "Time unknown",
            "Systems with an RTO and no measurement, of their own or of others in the same repository.",
            "none",
            count(f"{RTO} unless on (system) {RTO_PREDICTED}"),
            COUNT_IS_A_WARNING,
        ),
        stat(
            "Too few copies",
            "Systems of which fewer repositories hold a recent state than declared.",
            "none",
            count(f"{COPIES} < on (system) {COPIES_DECLARED}"),
            COUNT_IS_BAD,
        ),
        stat(
            "Too few at another site",
            "Systems of which fewer repositories at another site hold a recent state than declared.",
            "none",
            count(f"{OFFSITE} < on (system) {OFFSITE_DECLARED}"),
            COUNT_IS_BAD,
        ),
        stat(
            "Never read whole",
            "Systems without a good snapshot of which every byte was read and found right.",
            "none",
            count(f"{VERIFIED} == 0"),
            COUNT_IS_A_WARNING,
        ),
    ]


def _systems() -> Json:
    proof_left = colored(steps(BAD, (1, WARN), (7 * DAY, GOOD)))
    enough = colored(steps(BAD, (0, GOOD)))
    return table(
        "Systems",
        "One line for each system. Spare: copies held beyond what is declared, below 0 some are missing. MTD margin: what is left of the "
        "outage that can be survived after the predicted recovery. Empty: not declared, or nothing measured.",
        [
            Column("system", "System", properties=(linked("In detail", SYSTEM, "system"),)),
            Column("tier", "Tier"),
            Column("owner", "Owner"),
        ],
        [
            value(
                f"{KNOWN} * 0 * {LABELLED} + on (system) group_left () {condition_of_system('Ready')}",
                "Ready",
                "none",
                *worded(TRUTH),
            ),
            value(DRILL_RESULT, "Newest drill", "none", *worded(DRILL)),
            value(f"clamp_min({PROOF_EXPIRES} - time(), 0)", "Proof for", "s", *proof_left),
            value(MEASURED, "Measured", "s"),
            value(RTO_PREDICTED, "Predicted", "s"),
            value(RTO, "RTO", "s"),
            value(RTO_USED, "RTO used", "percentunit", decimals(0), *colored(USED)),
            value(f"{MTD} - on (system) {RTO_PREDICTED}", "MTD margin", "s", *enough),
            value(COPIES, "Copies"),
            value(f"{COPIES} - on (system) {COPIES_DECLARED}", "Spare", "none", *enough),
            value(f"{OFFSITE} - on (system) {OFFSITE_DECLARED}", "Spare offsite", "none", *enough),
            value(f"time() - ({VERIFIED} > 0)", "Read ago", "s"),
        ],
        (24, 10),
        ("RTO used", True),
    )


def _expiry() -> Json:
    return bars(
        "Proofs count for",
        "Time until each proof expires; the ten that end first. Red: it has ended, or there is none.",
        "s",
        f"bottomk(10, clamp_min({PROOF_EXPIRES} - time(), 0))",
        "{{system}}",
        steps(BAD, (1, WARN), (7 * DAY, GOOD)),
        (8, 9),
        min=0,
        links=[TO_SYSTEM],
    )


def _proven() -> Json:
    return timeline(
        "Recovery proven",
        "Whether the loop judged the recovery of each system to be proven; systems without declared drills have no row.",
        condition("RecoveryProven"),
        "{{name}}",
        TRUTH,
        (8, 9),
        [TO_SYSTEM_BY_NAME],
    )


def _results() -> Json:
    return timeline(
        "Newest drill",
        "What the newest drill of each system found. Not proven: nothing that can fail was asserted, or there was none.",
        DRILL_RESULT,
        "{{system}}",
        DRILL,
        (8, 9),
        [TO_SYSTEM],
    )


def _ready() -> Json:
    return bars(
        "Least ready",
        "How ready each system is to be recovered, the ten least; `reconcile recovery status` says what is missing of 100 %.",
        "percentunit",
        f"bottomk(10, {READINESS})",
        "{{system}}",
        SHARE_IS_GOOD,
        (8, 9),
        min=0,
        max=1,
        links=[TO_SYSTEM],
    )


def _plans() -> Json:
    return table(
        "Recovery plans",
        "One line for each plan. Counts for: until the newest passed test expires; 0 where none counts, also because the plan has changed.",
        [Column("plan", "Plan")],
        [
            value(PLAN_RESULT, "Newest test", "none", *worded(PLAN_TEST)),
            value(f"time() - ({PLAN_TESTED} > 0)", "Passed ago", "s"),
            value(f"clamp_min({PLAN_EXPIRES} - time(), 0)", "Counts for", "s", *colored(steps(BAD, (1, WARN), (7 * DAY, GOOD)))),
            value(PLAN_EVERY, "Tested every", "s"),
            value(PLAN_EXPECTED, "Will take", "s"),
        ],
        (8, 9),
        ("Counts for", False),
    )


def _plan_time() -> Json:
    return lines(
        "Time of the plans",
        "How long each plan will take in the slowest of its scenarios; a step that was never measured counts with its whole timeout.",
        "s",
        [query(PLAN_EXPECTED, "{{plan}}")],
        (8, 9),
    )


def _rto_used() -> Json:
    return bars(
        "Nearest to their RTO",
        "The predicted time of a recovery as a share of the RTO, the ten highest; 100 % is all of it.",
        "percentunit",
        f"topk(10, {RTO_USED})",
        "{{system}}",
        USED,
        (8, 9),
        min=0,
        max=1,
        decimals=1,
        links=[TO_SYSTEM],
    )


def _margin() -> Json:
    return bars(
        "Smallest MTD margin",
        "What would be left of the outage that can be survived after the predicted recovery, the ten smallest. Time to notice the "
        "disaster and to decide comes out of it.",
        "s",
        f"bottomk(10, {MTD} - on (system) {RTO_PREDICTED})",
        "{{system}}",
        steps(BAD, (0, GOOD)),
        (8, 9),
        links=[TO_SYSTEM],
    )


def _measured() -> Json:
    return lines(
        "Measured by drills",
        "How long the newest drill of each system took that restored a whole snapshot. A step up is a recovery that has become slower.",
        "s",
        [query(MEASURED, "{{system}}")],
        (8, 9),
        links=[TO_SYSTEM],
    )


def _copies() -> Json:
    return bars(
        "Spare copies",
        "Copies held beyond what is declared, the ten worst: 0 is as promised, below that some are missing.",
        "none",
        f"bottomk(10, {COPIES} - on (system) {COPIES_DECLARED})",
        "{{system}}",
        steps(BAD, (0, GOOD)),
        (8, 9),
        min=-1,
        links=[TO_SYSTEM],
    )


def _verified() -> Json:
    return bars(
        "Verification used",
        "Age of the newest complete reading as a share of the time within which another is declared, the ten highest; 100 % is all of it.",
        "percentunit",
        f"topk(10, (time() - ({VERIFIED} > 0)) / on (system) {VERIFIED_EVERY})",
        "{{system}}",
        USED,
        (8, 9),
        min=0,
        max=1,
        decimals=1,
        links=[TO_SYSTEM],
    )


def _copies_satisfied() -> Json:
    return timeline(
        "Copies satisfied",
        "Whether number, media, sites and immutability of the copies are as declared; systems without such a declaration have no row.",
        condition("CopiesSatisfied"),
        "{{name}}",
        TRUTH,
        (8, 9),
        [TO_SYSTEM_BY_NAME],
    )
