"""What the agents have to do, what waits, what is under way, and how long it takes: panels of the internals."""

from __future__ import annotations

from boards.panels import Json, lines, queries, query, stat, table, value
from boards.terms import OLDEST_ALERT, QUEUE_WAIT, counted, each, select
from boards.values import COUNT_IS_A_WARNING, COUNT_IS_BAD, GOOD, QUIET, WARN, Column, decimals, steps

MINUTE = 60
DAY = 86400
BY_ACTION = "{{action}}"
BY_LANE = "{{lane}} from {{instance}}"


def now() -> list[Json]:
    return [
        stat(
            "Longest wait of an objective",
            "How long the backup has waited for a worker that waits longest. Objectives do not wait for upkeep: where they wait, "
            "`concurrency` is too small.",
            "s",
            f"max({QUEUE_WAIT}) or vector(0)",
            steps(GOOD, (15 * MINUTE, WARN), (60 * MINUTE, "red")),
        ),
        stat(
            "Actions waiting",
            "Actions that wait for a worker, in both lanes.",
            "none",
            f"sum({select('reconciler_queue_actions')})",
            steps(QUIET),
            plain=True,
        ),
        stat(
            "Overdue actions",
            "Actions that should have ended, were asked to, and have not: a disk, a mount or a program hangs.",
            "none",
            f"sum({select('reconciler_actions_overdue')})",
            COUNT_IS_BAD,
        ),
        stat(
            "Passes failed",
            "Passes that ended in an error in the time that is shown. The next one tries again.",
            "none",
            f"round({counted('reconciler_loop_passes_failed_total', during='$__range')}) or vector(0)",
            COUNT_IS_A_WARNING,
        ),
        stat(
            "A person is needed",
            "Objectives that are not met and that the loop cannot close: `reconcile --dry-run` says what to do for each.",
            "none",
            f"sum({select('reconciler_plan_gaps')})",
            COUNT_IS_A_WARNING,
        ),
        stat(
            "Oldest alert",
            "How long the alert has fired that nobody has acknowledged for longest, of every severity.",
            "s",
            f"max({OLDEST_ALERT}) or vector(0)",
            steps(GOOD, (1, WARN), (DAY, "red")),
        ),
    ]


def plan_and_queue() -> list[Json]:
    waits = each("reconciler_queue_oldest_timestamp_seconds", "instance", "lane")
    takes = each("reconciler_actions_under_way_oldest_timestamp_seconds", "instance", "lane")
    return [
        lines(
            "Planned",
            "What the newest plan wants to have done, by kind: under way, waiting for a worker, or resting after a failure.",
            "none",
            [query(f"sum by (action) ({select('reconciler_plan_actions')})", BY_ACTION)],
            (6, 8),
        ),
        lines(
            "Held and out of reach",
            "Removals that a guard holds back, by guard, and objectives that only a person can close.",
            "none",
            queries(
                (f"sum by (guard) ({select('reconciler_plan_held_changes')}) > 0", "held by {{guard}}"),
                (f"sum by (instance) ({select('reconciler_plan_gaps')})", "out of reach of {{instance}}"),
            ),
            (6, 8),
        ),
        lines(
            "Queue",
            "Actions that are being carried out, and those that wait for a worker, by lane.",
            "none",
            queries(
                (f"sum by (lane) ({select('reconciler_actions_under_way')})", "{{lane}} under way"),
                (f"sum by (lane) ({select('reconciler_queue_actions')})", "{{lane}} waiting"),
            ),
            (6, 8),
        ),
        lines(
            "Longest wait and longest action",
            "How long the action has waited that waits longest, and how long the one takes so far that began first; 0 where there is none.",
            "s",
            queries(
                (f"(time() - ({waits} > 0)) or {waits}", f"{BY_LANE}: waits"),
                (f"(time() - ({takes} > 0)) or {takes}", f"{BY_LANE}: takes"),
            ),
            (6, 8),
        ),
    ]


def durations() -> Json:
    grown = f"sum by (action) (increase({select('reconciler_action_duration_seconds_count')}[$__range]))"
    seconds = f"sum by (action) (increase({select('reconciler_action_duration_seconds_sum')}[$__range]))"
    buckets = f"sum by (action, le) (increase({select('reconciler_action_duration_seconds_bucket')}[$__range]))"
    return table(
        "How long actions take",
        "Of those that ended in the time that is shown, by kind. Shares are read from buckets between a second and twelve hours: they are "
        "rough.",
        [Column("action", "Action")],
        [
            value(f"{grown} > 0", "Ended", "none", decimals(0)),
            value(f"{seconds} / ({grown} > 0)", "On average", "s"),
            value(f"histogram_quantile(0.5, {buckets}) and on (action) {grown} > 0", "Half within", "s"),
            value(f"histogram_quantile(0.95, {buckets}) and on (action) {grown} > 0", "95 of 100 within", "s"),
            value(f"{seconds} > 0", "Together", "s"),
        ],
        (24, 7),
        ("Together", True),
    )


def log_lines() -> Json:
    return lines(
        "Log",
        "Warnings and errors that each agent has logged.",
        "none",
        [query(counted("reconciler_log_messages_total", "instance", "level", where='level=~"warning|error"'), "{{instance}}: {{level}}")],
        (12, 7),
    )


def starts() -> Json:
    return lines(
        "Since the start of the loop",
        "How long the process of each agent has run the loop. A saw with short teeth is a process that dies and is started again.",
        "s",
        [query(f"time() - ({each('reconciler_loop_start_timestamp_seconds', 'instance')} > 0)", "{{instance}}")],
        (12, 7),
    )
