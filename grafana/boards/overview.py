"""The overview: does every system have a recovery point as young as promised, and if not, where does one look next?

RPO panels compare timestamps with targets instead of reading the BackupFresh condition: they stay true when the loop stands still.
"""

from __future__ import annotations

from boards.frame import Section, board
from boards.panels import Json, bars, lines, queries, query, stat, table, timeline, value
from boards.terms import (
    AGE,
    BEST_RECOVERY_POINT,
    INSIDE_RPO,
    INTERVALS_LATE,
    LABELLED,
    LAST_PASS_AGE,
    OVERVIEW,
    RECOVERY_POINT,
    REPOSITORIES,
    RPO,
    SYSTEM,
    TO_SYSTEM,
    TO_SYSTEM_BY_NAME,
    condition,
    count,
    counted,
    each,
    repository_variable,
    select,
    system_variable,
    tier_variable,
)
from boards.values import (
    BAD,
    COUNT_IS_A_WARNING,
    COUNT_IS_BAD,
    GOOD,
    NONE,
    QUIET,
    SHARE_IS_GOOD,
    TRUTH,
    UP,
    USED,
    WARN,
    Column,
    colored,
    dashed,
    decimals,
    from_on,
    link,
    linked,
    mapped,
    steps,
    worded,
    words,
)

NEVER = 1e9
"""An age of thirty years is that of no snapshot; the share of the RPO that is used is then set to as much."""


_OF_CONDITION = ("kind", "name", "condition")
UNWELL = each("reconciler_condition_unwell_since_timestamp_seconds", *_OF_CONDITION)


def dashboard() -> Json:
    return board(
        OVERVIEW,
        "Overview",
        "Recovery points against their objectives, and where to look when one is missed.",
        [tier_variable(), system_variable(), repository_variable()],
        [
            Section("Now", [*_promises(), *_people_and_loop()]),
            Section("Systems", [_systems(), _unwell(), _used(), _share_by_tier(), *_judged()]),
            Section("Work", _work()),
        ],
    )


def _promises() -> list[Json]:
    return [
        stat(
            "Inside their RPO",
            "Share of the systems with a declared RPO whose newest recovery point is young enough. Never backed up counts as outside.",
            "percentunit",
            f"avg({INSIDE_RPO})",
            SHARE_IS_GOOD,
        ),
        stat(
            "RPO breached",
            "Systems whose newest recovery point is older than their RPO; those never backed up and suspended ones included.",
            "none",
            count(f"{AGE} > on (system) {RPO}"),
            COUNT_IS_BAD,
        ),
        stat(
            "RPO at risk",
            "Systems that will leave their RPO, because the next backup cannot end in time by what is planned and how long it takes.",
            "none",
            count(f"{each('reconciler_rpo_breach_predicted_timestamp_seconds', 'system')} > time()"),
            COUNT_IS_A_WARNING,
        ),
        stat(
            "Never backed up",
            "Systems without any good snapshot in any repository.",
            "none",
            count(f"{BEST_RECOVERY_POINT} == 0"),
            COUNT_IS_BAD,
        ),
        stat(
            "Not ready",
            "Systems with an objective that is not met: the condition Ready is False. `reconcile explain SYSTEM` says why.",
            "none",
            count(f"{condition('Ready')} == 0"),
            COUNT_IS_BAD,
        ),
        stat(
            "Unknown",
            "Systems about which something could not be seen: the condition Ready is Unknown, which is never good news.",
            "none",
            count(f"{condition('Ready')} == -1"),
            COUNT_IS_A_WARNING,
        ),
    ]


def _people_and_loop() -> list[Json]:
    return [
        stat(
            "Alerts",
            "Alerts of every severity that fire and that nobody has acknowledged: `reconcile alerts list`.",
            "none",
            f"sum({select('reconciler_alerts_firing')})",
            COUNT_IS_BAD,
        ),
        stat(
            "Held for a person",
            "Snapshots whose removal a guard holds back until a person decides: `reconcile --dry-run` shows each change.",
            "none",
            f"sum({each('reconciler_system_held_snapshots', 'system')})",
            COUNT_IS_A_WARNING,
        ),
        stat(
            "Suspended",
            "Systems for which a person suspended all actions. Their age keeps growing.",
            "none",
            f"sum({each('reconciler_system_suspended', 'system')})",
            COUNT_IS_A_WARNING,
        ),
        stat(
            "Unreachable",
            "Repositories that an agent could not list at its last attempt.",
            "none",
            count(f"min by (repository) ({select('reconciler_repository_up', 'repository')}) == 0"),
            COUNT_IS_BAD,
            links=[link("Repositories", REPOSITORIES, "repository", "$__all")],
        ),
        stat(
            "Specs",
            "Whether every agent read its specs without an error. Broken objects are kept at their last good version meanwhile.",
            "none",
            f"min({select('reconciler_spec_last_load_successful')})",
            steps(QUIET),
            mappings=words({1: ("valid", GOOD), 0: ("errors", BAD)}),
        ),
        stat(
            "Intervals since the last pass",
            "Time since the last complete pass of the slowest loop, in units of its declared interval. About 1 is right.",
            "none",
            f"max({INTERVALS_LATE})",
            steps(GOOD, (2, WARN), (3, BAD)),
            decimals=1,
        ),
    ]


def _systems() -> Json:
    def of_pair(metric: str) -> str:
        return each(metric, "system", "repository")

    best = f"(time() - ({BEST_RECOVERY_POINT} > 0)) / on (system) {RPO} or ({BEST_RECOVERY_POINT} == 0) + {NEVER:.0f}"
    used = f"0 * {RECOVERY_POINT} + on (system) group_left () ({best})"
    failures = colored(steps(NONE, (1, WARN), (3, BAD)))
    return table(
        "Systems in their repositories",
        "One line for each system in each of its repositories. RPO used is the age of its newest good snapshot, wherever that is, as a "
        "share of the RPO: a copy may be older. A click on a system shows all about it.",
        [
            Column("system", "System", properties=(linked("In detail", SYSTEM, "system"),)),
            Column("repository", "Repository", properties=(linked("Repository", REPOSITORIES, "repository"),)),
            Column("tier", "Tier"),
            Column("owner", "Owner"),
        ],
        [
            value(f"(time() - {RECOVERY_POINT}) * {LABELLED}", "Age", "s", mapped(from_on(NEVER, "never"))),
            value(f"0 * {RECOVERY_POINT} + on (system) group_left () {RPO}", "RPO", "s"),
            value(used, "RPO used", "percentunit", decimals(0), mapped(from_on(NEVER, "never", color=BAD)), *colored(USED)),
            value(of_pair("reconciler_snapshots"), "Snapshots"),
            value(of_pair("reconciler_backup_consecutive_failures"), "Failures", "none", *failures),
            value(of_pair("reconciler_backup_last_duration_seconds"), "Last took", "s"),
            value(of_pair("reconciler_backup_last_bytes"), "Size", "bytes"),
            value(of_pair("reconciler_backup_last_added_bytes"), "Last added", "bytes"),
        ],
        (24, 9),
        ("RPO used", True),
    )


def _unwell() -> Json:
    return table(
        "Not well, and since when",
        "Every condition that is False or Unknown, or Suspended, those that last longest first. `reconcile explain` gives the reasons.",
        [Column("kind", "Kind"), Column("name", "Name"), Column("condition", "Condition")],
        [
            value(f"time() - {UNWELL}", "For", "s"),
            value(
                f"{each('reconciler_condition', *_OF_CONDITION)} and on (kind, name, condition) {UNWELL}", "Status", "none", *worded(TRUTH)
            ),
        ],
        (24, 7),
        ("For", True),
    )


def _used() -> Json:
    return bars(
        "Nearest to their RPO",
        "The ten systems that have used most of their RPO: 100 % is a promise broken. A system that was never backed up is not among "
        "them, but in the table.",
        "percentunit",
        f"topk(10, (time() - ({BEST_RECOVERY_POINT} > 0)) / on (system) {RPO})",
        "{{system}}",
        USED,
        (12, 8),
        decimals=0,
        min=0,
        max=1,
        links=[TO_SYSTEM],
    )


def _share_by_tier() -> Json:
    return lines(
        "Inside their RPO, by tier",
        "Share of the systems of each tier whose newest recovery point is young enough. What is promised is 100 %.",
        "percentunit",
        [query(f"avg by (tier) (({INSIDE_RPO}) * {LABELLED})", "{{tier}}")],
        (12, 8),
        max=1,
    )


def _judged() -> list[Json]:
    return [
        timeline(
            "Ready",
            "The summary condition of each system over time. Unknown means that something could not be seen.",
            condition("Ready"),
            "{{name}}",
            TRUTH,
            (12, 10),
            [TO_SYSTEM_BY_NAME],
        ),
        timeline(
            "Backup fresh",
            "Whether the loop judged the newest good snapshot to be inside the RPO.",
            condition("BackupFresh"),
            "{{name}}",
            TRUTH,
            (12, 10),
            [TO_SYSTEM_BY_NAME],
        ),
    ]


def _work() -> list[Json]:
    return [
        lines(
            "Actions",
            "Actions that ended, and those of them that failed, by kind.",
            "none",
            queries(
                (counted("reconciler_actions_total", "action"), "{{action}}"),
                (counted("reconciler_actions_failed_total", "action"), "{{action}} failed"),
            ),
            (8, 8),
        ),
        lines(
            "Since the last pass",
            "Time since the last complete pass; dashed: the declared interval. A growing line is a loop that hangs or is gone.",
            "s",
            queries((LAST_PASS_AGE, "{{instance}}"), (select("reconciler_loop_interval_seconds"), "interval of {{instance}}")),
            (8, 8),
            [dashed("^interval of .*")],
        ),
        timeline(
            "Repositories",
            "Whether each agent could list the repository at its last attempt.",
            each("reconciler_repository_up", "repository", "instance"),
            "{{repository}} from {{instance}}",
            UP,
            (8, 8),
        ),
    ]
