"""The overview: does every system have a recovery point as young as promised, and if not, where does one look next?

RPO panels compare timestamps with targets instead of reading the BackupFresh condition: they stay true when the loop stands still.
Several agents may export the same pair of system and repository, hence `max by` everywhere.
"""

from __future__ import annotations

from boards.panels import (
    BAD,
    GOOD,
    QUIET,
    WARN,
    Column,
    Json,
    board,
    colored,
    dashed,
    datasource_variable,
    lines,
    named_from,
    query,
    row,
    stat,
    steps,
    table,
    timeline,
    variable,
    words,
)

AGENT = 'instance=~"$instance"'
SYSTEM = f'system=~"$system", {AGENT}'
REPOSITORY = f'repository=~"$repository", {AGENT}'
PAIR = f'system=~"$system", {REPOSITORY}'

RECOVERY_POINT = f"max by (system, repository) (reconciler_recovery_point_timestamp_seconds{{{PAIR}}})"
BEST_RECOVERY_POINT = f"max by (system) (reconciler_recovery_point_timestamp_seconds{{{PAIR}}})"
RPO = f"max by (system) (reconciler_rpo_target_seconds{{{SYSTEM}}})"
LATE = f"time() - {BEST_RECOVERY_POINT}"

COUNT_IS_BAD = steps(GOOD, (1, BAD))
COUNT_IS_A_WARNING = steps(GOOD, (1, WARN))
TRUTH = words({1: ("True", GOOD), 0: ("False", BAD), -1: ("Unknown", WARN)})
UP = words({1: ("reachable", GOOD), 0: ("unreachable", BAD)})


def dashboard() -> Json:
    return board(
        "reconciler-overview",
        "Reconciler / Overview",
        "Recovery points against their objectives, backups, repositories and the loop itself.",
        [
            datasource_variable(),
            variable("instance", "Agent", "label_values(reconciler_build_info, instance)"),
            variable("system", "System", f"label_values(reconciler_system_info{{{AGENT}}}, system)"),
            variable("repository", "Repository", f"label_values(reconciler_repository_up{{{AGENT}}}, repository)"),
        ],
        [*_now(0), *_recovery_points(5), *_backups(26), *_repositories(35), *_loop(44)],
    )


def _condition(name: str) -> str:
    return f'max by (name) (reconciler_condition{{kind="System", condition="{name}", name=~"$system", {AGENT}}})'


def _now(y: int) -> list[Json]:
    top = y + 1
    return [
        row("Now", y),
        stat(
            "Inside their RPO",
            "Share of the systems with a declared RPO whose newest recovery point is young enough. Never backed up counts as outside.",
            "percentunit",
            f"avg(({LATE}) <= bool on (system) {RPO})",
            steps(BAD, (0.95, WARN), (1, GOOD)),
            (0, top, 3, 4),
        ),
        stat(
            "RPO breached",
            "Systems whose newest recovery point is older than their RPO; those never backed up and suspended ones included.",
            "none",
            f"count({LATE} > on (system) {RPO}) or vector(0)",
            COUNT_IS_BAD,
            (3, top, 3, 4),
        ),
        stat(
            "Never backed up",
            "Systems without any good snapshot in any repository.",
            "none",
            f"count({BEST_RECOVERY_POINT} == 0) or vector(0)",
            COUNT_IS_BAD,
            (6, top, 3, 4),
        ),
        stat(
            "Not ready",
            "Systems with an objective that is not met: the condition Ready is False. `reconcile explain SYSTEM` says why.",
            "none",
            f"count({_condition('Ready')} == 0) or vector(0)",
            COUNT_IS_BAD,
            (9, top, 3, 4),
        ),
        stat(
            "Unknown",
            "Systems about which something could not be seen: the condition Ready is Unknown, which is never good news.",
            "none",
            f"count({_condition('Ready')} == -1) or vector(0)",
            COUNT_IS_A_WARNING,
            (12, top, 3, 4),
        ),
        stat(
            "Suspended",
            "Systems for which a person suspended all actions. Their age keeps growing.",
            "none",
            f"sum(max by (system) (reconciler_system_suspended{{{SYSTEM}}}))",
            COUNT_IS_A_WARNING,
            (15, top, 3, 4),
        ),
        stat(
            "Specs",
            "Whether every agent read its specs without an error. Broken objects are kept at their last good version meanwhile.",
            "none",
            f"min(reconciler_spec_last_load_successful{{{AGENT}}})",
            steps(QUIET),
            (18, top, 3, 4),
            mappings=words({1: ("valid", GOOD), 0: ("errors", BAD)}),
        ),
        stat(
            "Intervals since the last pass",
            "Time since the last complete pass of the slowest loop, in units of its declared interval. About 1 is right.",
            "none",
            f"max((time() - reconciler_loop_last_success_timestamp_seconds{{{AGENT}}}) / reconciler_loop_interval_seconds{{{AGENT}}})",
            steps(GOOD, (2, WARN), (3, BAD)),
            (21, top, 3, 4),
            decimals=1,
        ),
    ]


def _recovery_points(y: int) -> list[Json]:
    labels = f"on (system) group_left (tier, owner) max by (system, tier, owner) (reconciler_system_info{{{SYSTEM}}})"
    age = f"time() - {RECOVERY_POINT}"
    known_age = f"time() - ({RECOVERY_POINT} > 0)"

    def of_pair(metric: str) -> str:
        return f"max by (system, repository) ({metric}{{{PAIR}}})"

    columns = {
        "A": (f"({age}) * {labels}", Column("Value #A", "Age", "s", named_from(1e9, "never"))),
        "B": (f"0 * {RECOVERY_POINT} + on (system) group_left () {RPO}", Column("Value #B", "RPO", "s")),
        "C": (
            f"({known_age}) / on (system) group_left () {RPO}",
            Column("Value #C", "RPO used", "percentunit", colored(steps(GOOD, (0.9, WARN), (1, BAD)))),
        ),
        "D": (of_pair("reconciler_snapshots"), Column("Value #D", "Snapshots")),
        "E": (
            of_pair("reconciler_backup_consecutive_failures"),
            Column("Value #E", "Failures in a row", "none", colored(steps("transparent", (1, WARN), (3, BAD)))),
        ),
        "F": (of_pair("reconciler_backup_last_duration_seconds"), Column("Value #F", "Last took", "s")),
        "G": (of_pair("reconciler_backup_last_bytes"), Column("Value #G", "Size", "bytes")),
        "H": (of_pair("reconciler_backup_last_added_bytes"), Column("Value #H", "Last added", "bytes")),
    }
    return [
        row("Recovery points", y),
        table(
            "Systems in their repositories",
            "One line for each system in each of its repositories. RPO used is the age of the newest good snapshot as a share of the RPO.",
            [query(expression, instant=True, table=True, name=name) for name, (expression, _) in columns.items()],
            [
                Column("system", "System"),
                Column("repository", "Repository"),
                Column("tier", "Tier"),
                Column("owner", "Owner"),
                *(column for _, column in columns.values()),
            ],
            (0, y + 1, 24, 9),
            "RPO used",
        ),
        lines(
            "Age of the recovery points",
            "How old the state is to which each system could be brought back; dashed: its RPO. A healthy line is a saw below the dashes.",
            "s",
            [
                query(known_age, "{{system}} in {{repository}}"),
                query(RPO, "RPO of {{system}}", name="B"),
            ],
            (0, y + 10, 12, 11),
            [dashed("^RPO of .*")],
        ),
        timeline(
            "Ready",
            "The summary condition of each system over time. Unknown means that something could not be seen.",
            _condition("Ready"),
            "{{name}}",
            TRUTH,
            (12, y + 10, 6, 11),
        ),
        timeline(
            "Backup fresh",
            "Whether the loop judged the newest good snapshot to be inside the RPO.",
            _condition("BackupFresh"),
            "{{name}}",
            TRUTH,
            (18, y + 10, 6, 11),
        ),
    ]


def _backups(y: int) -> list[Json]:
    legend = "{{system}} in {{repository}}"
    by_pair = "max by (system, repository)"
    return [
        row("Backups", y),
        lines(
            "Duration",
            "How long the newest successful backup took.",
            "s",
            [query(f"{by_pair} (reconciler_backup_last_duration_seconds{{{PAIR}}})", legend)],
            (0, y + 1, 8, 8),
        ),
        lines(
            "Added",
            "What the newest published backup stored anew, compressed and encrypted. A jump is a change of the data or of its entropy.",
            "bytes",
            [query(f"{by_pair} (reconciler_backup_last_added_bytes{{{PAIR}}})", legend)],
            (8, y + 1, 8, 8),
        ),
        lines(
            "Failures in a row",
            "Backups that failed since the newest success. From 3 on a person should look: `reconcile explain SYSTEM`.",
            "none",
            [query(f"{by_pair} (reconciler_backup_consecutive_failures{{{PAIR}}})", legend)],
            (16, y + 1, 8, 8),
        ),
    ]


def _repositories(y: int) -> list[Json]:
    return [
        row("Repositories", y),
        timeline(
            "Reachable",
            "Whether each agent could list the repository at its last attempt.",
            f"max by (repository, instance) (reconciler_repository_up{{{REPOSITORY}}})",
            "{{repository}} from {{instance}}",
            UP,
            (0, y + 1, 8, 8),
        ),
        lines(
            "Free space",
            "Space left where the repository is; no line where it is not known.",
            "bytes",
            [query(f"min by (repository) (reconciler_repository_free_bytes{{{REPOSITORY}}})", "{{repository}}")],
            (8, y + 1, 8, 8),
        ),
        lines(
            "Snapshots",
            "Snapshots of the declared systems, of every grade.",
            "none",
            [query(f"sum by (repository) (max by (system, repository) (reconciler_snapshots{{{PAIR}}}))", "{{repository}}")],
            (16, y + 1, 8, 8),
        ),
    ]


def _loop(y: int) -> list[Json]:
    return [
        row("Loop", y),
        lines(
            "Actions",
            "Actions that ended, and those of them that failed, by kind.",
            "none",
            [
                query(f"sum by (action) (increase(reconciler_actions_total{{{AGENT}}}[$__rate_interval]))", "{{action}}"),
                query(
                    f"sum by (action) (increase(reconciler_actions_failed_total{{{AGENT}}}[$__rate_interval]))",
                    "{{action}} failed",
                    name="B",
                ),
            ],
            (0, y + 1, 6, 8),
        ),
        lines(
            "Since the last pass",
            "Time since the last complete pass; dashed: the declared interval. A growing line is a loop that hangs or is gone.",
            "s",
            [
                query(f"time() - (reconciler_loop_last_success_timestamp_seconds{{{AGENT}}} > 0)", "{{instance}}"),
                query(f"reconciler_loop_interval_seconds{{{AGENT}}}", "interval of {{instance}}", name="B"),
            ],
            (6, y + 1, 6, 8),
            [dashed("^interval of .*")],
        ),
        lines(
            "Pause",
            "Time until the loop begins anything again, where a person has paused it; 0 where it runs.",
            "s",
            [
                query(
                    f"clamp_min(reconciler_loop_pause_end_timestamp_seconds{{{AGENT}}} - time(), 0) * reconciler_loop_paused{{{AGENT}}}",
                    "{{instance}}",
                )
            ],
            (12, y + 1, 6, 8),
        ),
        lines(
            "Memory",
            "Resident memory of each agent (Linux).",
            "bytes",
            [query(f"process_resident_memory_bytes{{{AGENT}}} and on (instance, job) reconciler_build_info{{{AGENT}}}", "{{instance}}")],
            (18, y + 1, 6, 8),
        ),
    ]
