"""One system: what is promised for it, whether that holds, and what its backups, copies, proofs and drills have been."""

from __future__ import annotations

from boards.frame import Section, board
from boards.panels import Json, lines, queries, query, stat, table, timeline, value
from boards.terms import (
    AGE,
    BEST_RECOVERY_POINT,
    DRILL_RESULT,
    RECOVERY_POINT,
    REPOSITORIES,
    RPO,
    RTO_PREDICTED,
    SYSTEM,
    condition,
    each,
    one_system_variable,
    repository_of_system_variable,
)
from boards.values import (
    BAD,
    COUNT_IS_A_WARNING,
    DRILL,
    GOOD,
    NONE,
    QUIET,
    TRUTH,
    USED,
    WARN,
    Column,
    colored,
    dashed,
    from_on,
    linked,
    mapped,
    steps,
    worded,
)

CONDITIONS = 'kind="System", name=~"$system", condition!="Suspended"'
"""True is well for all of them; Suspended has a figure of its own."""

IN_REPOSITORY = "{{repository}}"
MOMENT = mapped([{"type": "value", "options": {"0": {"text": "never", "index": 0}}}])


def dashboard() -> Json:
    return board(
        SYSTEM,
        "System",
        "One system: its objectives, conditions, recovery points, backups, copies, verification and drills.",
        [one_system_variable(), repository_of_system_variable()],
        [
            Section("Promised and held", [*_promised(), _conditions_now(), _conditions_before()]),
            Section("Recovery points and backups", [_repositories(), _age(), _breach(), *_backups()]),
            Section("Copies and verification", [_copies(), _lag(), _due(), _verified()]),
            Section("Recovery", [*_recovery_now(), _recovery_before(), _drills()]),
        ],
    )


def _of_pair(metric: str) -> str:
    return each(metric, "system", "repository")


def _promised() -> list[Json]:
    return [
        stat(
            "Ready",
            "The summary of all conditions of the system: every objective that is declared for it is met.",
            "none",
            condition("Ready"),
            steps(QUIET),
            mappings=TRUTH,
        ),
        stat(
            "Recovery point",
            "How old the state is to which the system could be brought back now, from whichever repository.",
            "s",
            AGE,
            steps(QUIET),
            plain=True,
            mappings=from_on(1e9, "never"),
        ),
        stat("RPO", "How old that may become, as declared.", "s", RPO, steps(QUIET), plain=True, noValue="none declared"),
        stat(
            "RPO used",
            "The age of the recovery point as a share of the RPO: 100 % is a promise broken.",
            "percentunit",
            f"(time() - ({BEST_RECOVERY_POINT} > 0)) / on (system) {RPO}",
            USED,
            decimals=0,
            noValue="–",
        ),
        stat(
            "Held for a person",
            "Snapshots whose removal a guard holds back until a person decides: `reconcile --dry-run` shows the change.",
            "none",
            each("reconciler_system_held_snapshots", "system"),
            COUNT_IS_A_WARNING,
        ),
        stat(
            "Suspended",
            "Whether the declaration suspends all actions for the system. Its age keeps growing.",
            "none",
            each("reconciler_system_suspended", "system"),
            steps(QUIET),
            mappings=[{"type": "value", "options": {"0": _word("no", GOOD, 0), "1": _word("suspended", WARN, 1)}}],
        ),
    ]


def _word(text: str, color: str, index: int) -> Json:
    return {"text": text, "color": color, "index": index}


def _conditions_now() -> Json:
    return table(
        "Conditions",
        "Every condition of the system as judged in the last pass, and for how long it has not been well. `reconcile explain SYSTEM` gives "
        "the reasons.",
        [Column("condition", "Condition")],
        [
            value(
                each("reconciler_condition", "condition", where=CONDITIONS),
                "Status",
                "none",
                *worded(TRUTH),
            ),
            value(f"time() - {each('reconciler_condition_unwell_since_timestamp_seconds', 'condition', where=CONDITIONS)}", "For", "s"),
        ],
        (8, 11),
        ("Status", False),
    )


def _conditions_before() -> Json:
    return timeline(
        "Conditions over time",
        "True is well. Unknown means that something could not be seen.",
        each("reconciler_condition", "condition", where=CONDITIONS),
        "{{condition}}",
        TRUTH,
        (16, 11),
    )


def _repositories() -> Json:
    return table(
        "In its repositories",
        "One line for each repository: the newest good snapshot there, and how the backups into it went; a copy is no backup.",
        [Column("repository", "Repository", properties=(linked("Repository", REPOSITORIES, "repository"),))],
        [
            value(f"{RECOVERY_POINT} * 1000", "Recovery point", "dateTimeAsIso", MOMENT),
            value(_of_pair("reconciler_snapshots"), "Snapshots"),
            value(f"{_of_pair('reconciler_backup_last_attempt_timestamp_seconds')} * 1000", "Backup tried", "dateTimeAsIso", MOMENT),
            value(f"{_of_pair('reconciler_backup_last_success_timestamp_seconds')} * 1000", "Backup succeeded", "dateTimeAsIso", MOMENT),
            value(
                _of_pair("reconciler_backup_consecutive_failures"),
                "Failures",
                "none",
                *colored(steps(NONE, (1, WARN), (3, BAD))),
            ),
            value(f"{_of_pair('reconciler_verified_timestamp_seconds')} * 1000", "Read whole", "dateTimeAsIso", MOMENT),
            value(f"{_of_pair('reconciler_checked_timestamp_seconds')} * 1000", "Checked", "dateTimeAsIso", MOMENT),
        ],
        (24, 5),
        ("Repository", False),
    )


def _age() -> Json:
    return lines(
        "Age of the recovery points",
        "How old the state is to which the system could be brought back; dashed: its RPO. A healthy line is a saw below the dashes.",
        "s",
        queries((f"time() - ({RECOVERY_POINT} > 0)", IN_REPOSITORY), (RPO, "RPO")),
        (16, 9),
        [dashed("^RPO$")],
    )


def _breach() -> Json:
    breach = each("reconciler_rpo_breach_predicted_timestamp_seconds", "system")
    return lines(
        "Foreseen breach of the RPO",
        "Time until the recovery point will be older than the RPO because the next backup cannot end in time; below 0 it is broken; "
        "no line where nothing is foreseen.",
        "s",
        [query(f"({breach} > 0) - time()", "until the breach")],
        (8, 9),
        from_zero=False,
    )


def _backups() -> list[Json]:
    return [
        lines(
            "Duration",
            "How long the newest successful backup took.",
            "s",
            [query(_of_pair("reconciler_backup_last_duration_seconds"), IN_REPOSITORY)],
            (6, 8),
        ),
        lines(
            "Size",
            "Content of the newest backup that published a snapshot, before deduplication.",
            "bytes",
            [query(_of_pair("reconciler_backup_last_bytes"), IN_REPOSITORY)],
            (6, 8),
        ),
        lines(
            "Added",
            "What the newest published backup stored anew, compressed and encrypted. A jump is a change of the data or of its entropy.",
            "bytes",
            [query(_of_pair("reconciler_backup_last_added_bytes"), IN_REPOSITORY)],
            (6, 8),
        ),
        lines(
            "Snapshots",
            "Snapshots of the system, of every grade. It falls when the retention lets some go.",
            "none",
            [query(_of_pair("reconciler_snapshots"), IN_REPOSITORY)],
            (6, 8),
        ),
    ]


def _copies() -> Json:
    return lines(
        "Copies",
        "Repositories that hold a recent state, and how many of them are at another site; dashed: what is declared, where it is.",
        "none",
        queries(
            (each("reconciler_copies_held", "system"), "held"),
            (each("reconciler_copies_offsite_held", "system"), "held at another site"),
            (each("reconciler_copies_target", "system"), "declared"),
            (each("reconciler_copies_offsite_target", "system"), "declared at another site"),
        ),
        (6, 8),
        [dashed("^declared.*")],
        decimals=0,
    )


def _lag() -> Json:
    return lines(
        "Copies trail by",
        "How far the newest good state of each copy lies behind that of the primary repository; dashed: how far it may.",
        "s",
        queries(
            (_of_pair("reconciler_copy_lag_seconds"), IN_REPOSITORY), (each("reconciler_copy_lag_target_seconds", "system"), "may trail by")
        ),
        (6, 8),
        [dashed("^may trail by$")],
    )


def _due() -> Json:
    return lines(
        "Copies due in",
        "Time until each copy must hold something newer; below zero it is overdue. No line: it lacks nothing.",
        "s",
        [query(f"{_of_pair('reconciler_copy_due_timestamp_seconds')} - time()", IN_REPOSITORY)],
        (6, 8),
        from_zero=False,
    )


def _verified() -> Json:
    return lines(
        "Age of the verification",
        "Time since every byte of a still good snapshot was read and found right, and since at least its structure was; dashed: how old "
        "the proofs may become.",
        "s",
        queries(
            (f"time() - ({_of_pair('reconciler_verified_timestamp_seconds')} > 0)", "every byte in {{repository}}"),
            (f"time() - ({_of_pair('reconciler_checked_timestamp_seconds')} > 0)", "structure in {{repository}}"),
            (each("reconciler_verification_interval_target_seconds", "system", "depth"), "declared: {{depth}}"),
        ),
        (6, 8),
        [dashed("^declared: .*")],
    )


def _recovery_now() -> list[Json]:
    proof = each("reconciler_drill_proof_expiry_timestamp_seconds", "system")
    return [
        stat(
            "Newest drill",
            "What the newest drill found: proven, failed, or not proven, because nothing that can fail was asserted or there was none.",
            "none",
            DRILL_RESULT,
            steps(QUIET),
            mappings=DRILL,
            noValue="none declared",
        ),
        stat(
            "Proof counts for",
            "Time until the proof of the newest proven drill expires; 0: there is none that counts.",
            "s",
            f"clamp_min({proof} - time(), 0)",
            steps(BAD, (1, GOOD)),
            noValue="none declared",
        ),
        stat(
            "Recovery takes",
            "How long a recovery of the newest good snapshot will take, by the last drills.",
            "s",
            RTO_PREDICTED,
            steps(QUIET),
            plain=True,
            noValue="never measured",
        ),
        stat(
            "RTO",
            "How long it may take, as declared.",
            "s",
            each("reconciler_rto_target_seconds", "system"),
            steps(QUIET),
            plain=True,
            noValue="none declared",
        ),
        stat(
            "MTD",
            "The outage that can just be survived, as declared.",
            "s",
            each("reconciler_mtd_target_seconds", "system"),
            steps(QUIET),
            plain=True,
            noValue="none declared",
        ),
        stat(
            "Drills are due every",
            "How often a recovery has to be rehearsed, as declared.",
            "s",
            each("reconciler_drill_interval_target_seconds", "system"),
            steps(QUIET),
            plain=True,
            noValue="none declared",
        ),
    ]


def _recovery_before() -> Json:
    return lines(
        "Time of a recovery",
        "Measured by the newest drill, and predicted for the newest snapshot (borrowed: by drills of other systems); dashed: the RTO.",
        "s",
        queries(
            (each("reconciler_rto_measured_seconds", "system"), "measured"),
            (each("reconciler_rto_predicted_seconds", "system", "basis"), "predicted ({{basis}})"),
            (each("reconciler_rto_target_seconds", "system"), "RTO"),
        ),
        (12, 8),
        [dashed("^RTO$")],
    )


def _drills() -> Json:
    return lines(
        "Since the last drill",
        "Time since the newest drill began, and since the newest one that proved the recovery; dashed: how often one is due.",
        "s",
        queries(
            (f"time() - ({each('reconciler_drill_last_timestamp_seconds', 'system')} > 0)", "any drill"),
            (f"time() - ({each('reconciler_drill_last_proven_timestamp_seconds', 'system')} > 0)", "a proven one"),
            (each("reconciler_drill_interval_target_seconds", "system"), "due every"),
        ),
        (12, 8),
        [dashed("^due every$")],
    )
